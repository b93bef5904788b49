"""Going back: after the command the old template's backend reads every request that waits or runs."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import timedelta

import pytest

from src.for_old_template import IN_ONE_COMMIT, StillRunning, for_the_old_template
from src.shared.data.names import BACKEND_DESCRIPTION
from src.shared.data.old_template import is_of_the_old_template
from src.shared.data.request import Lease, Status
from support.old_template import EvalRequest, read_as_the_old_backend
from support.queues import COMMIT, START, Queue


def lease(minutes: float) -> Lease:
    return Lease("worker-1", "n", START, START, START + timedelta(minutes=minutes))


def give_back(queue: Queue, **options: bool) -> str:
    return for_the_old_template(queue.requests, queue.results, clock=queue.clock, **options)  # type: ignore[arg-type]


def test_the_old_backend_cannot_read_our_requests_before(queue: Queue) -> None:
    queue.submit()
    with pytest.raises(TypeError):
        read_as_the_old_backend(queue.folder / "requests")


def test_the_old_backend_reads_every_open_request_after_the_command(queue: Queue) -> None:
    queue.submit("acme/waits", params=None, likes=None, submitted_by="alice", extra={"job_id": "-1"})
    queue.submit("acme/again", message="It broke off.", attempt=2, run="2026-01-31T12-00-00.000000")
    queue.submit("acme/was-left", status=Status.RUNNING, lease=lease(-30))
    finished = queue.submit("acme/done", status=Status.FINISHED)
    before = queue.read(finished)
    summary = give_back(queue)
    found = read_as_the_old_backend(queue.folder / "requests")
    assert [each.model for each in found] == ["acme/again", "acme/waits", "acme/was-left"]
    assert {each.status for each in found} == {"PENDING"}
    assert {each.revision for each in found} == {COMMIT}
    assert {each.params for each in found} == {0}
    assert queue.read(finished) == before
    assert summary.startswith("3 open requests in ")


def test_every_key_that_is_left_is_one_of_the_twelve(queue: Queue) -> None:
    path = queue.submit()
    give_back(queue)
    left = json.loads((queue.folder / "requests" / path).read_text()).keys()
    assert left == {each.name for each in fields(EvalRequest)} - {"json_filepath"}


def test_a_dry_run_writes_nothing(queue: Queue) -> None:
    path = queue.submit()
    before = queue.read(path)
    assert "1 open requests in " in give_back(queue, dry_run=True)
    assert queue.read(path) == before


def test_nothing_is_taken_from_a_worker_that_holds_it_unless_it_is_asked_to(queue: Queue) -> None:
    path = queue.submit(status=Status.RUNNING, lease=lease(60))
    with pytest.raises(StillRunning, match=r"acme/model is being evaluated by worker-1\. Stop that worker"):
        give_back(queue)
    assert queue.read(path).lease
    give_back(queue, even_running=True)
    assert [each.status for each in read_as_the_old_backend(queue.folder / "requests")] == ["PENDING"]


def test_a_request_with_a_chat_template_is_not_evaluated_without_it(queue: Queue) -> None:
    path = queue.submit(use_chat_template=True)
    assert "1 ask for a chat template" in give_back(queue)
    assert read_as_the_old_backend(queue.folder / "requests") == []
    assert queue.read(path).status is Status.CANCELLED
    assert queue.read(path).message.startswith("The old backend does not support chat templates")


def test_our_frontend_hears_that_no_backend_of_ours_runs(queue: Queue) -> None:
    file = queue.folder / "results" / BACKEND_DESCRIPTION
    file.parent.mkdir(parents=True)
    file.write_text("tasks: []")
    give_back(queue)
    assert not file.exists()


def test_many_requests_are_few_commits_and_a_second_run_has_nothing_to_do(queue: Queue) -> None:
    for number in range(IN_ONE_COMMIT + 1):
        queue.submit(f"acme/model-{number}")
    assert give_back(queue).startswith(f"{IN_ONE_COMMIT + 1} open requests")
    assert len(read_as_the_old_backend(queue.folder / "requests")) == IN_ONE_COMMIT + 1
    assert give_back(queue).startswith("0 open requests")


def test_what_was_given_back_is_of_the_old_template_again(queue: Queue) -> None:
    path = queue.submit(attempt=1, run="2026-01-31T12-00-00.000000")
    assert not is_of_the_old_template(queue.read(path))
    give_back(queue)
    assert is_of_the_old_template(queue.read(path))
