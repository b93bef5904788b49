"""What maintainers do at the moment when a worker claims, runs or finishes the same request: one wins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src.shared.data.request import Request, Status
from src.shared.errors import NotPossible
from src.shared.moderation.steps import again, approved, cancelled, rejected
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.store import Snapshot
from support.executors import FunctionExecutor
from support.queues import START, Queue, drain


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path)


class Beaten(FolderStore):
    """A store to which somebody else commits just before the first commit of its user."""

    def __init__(self, folder: Path, first: Callable[[], None]) -> None:
        super().__init__(folder)
        self._first: list[Callable[[], None]] = [first]

    def commit(self, *, parent: Snapshot, **options: Any) -> None:
        while self._first:
            self._first.pop()()
        super().commit(parent=parent, **options)


def step(queue: Queue, path: str, change: Callable[[Request], Request]) -> None:
    """Take a maintainer's step with the request as it is now."""
    queue.edit(path, change(queue.read(path)))


def test_no_worker_claims_what_waits_for_approval(queue: Queue) -> None:
    path = queue.submit(status=Status.WAITING)
    worker = queue.worker()
    worker.tick()
    assert queue.read(path).status is Status.WAITING
    assert worker.is_idle(), "a worker with --drain ends"
    step(queue, path, lambda request: approved(request, by="alice", now=START))
    drain(worker)
    request = queue.read(path)
    assert request.status is Status.FINISHED
    assert [each.end for each in request.history] == ["approved", "finished"]


@pytest.mark.parametrize("do", [cancelled, rejected])
def test_a_request_that_is_taken_out_just_before_the_claim_is_not_claimed(
    queue: Queue, do: Callable[..., Request]
) -> None:
    path = queue.submit()

    def first() -> None:
        step(queue, path, lambda request: do(request, by="alice", reason="No.", now=START))

    executor = FunctionExecutor()
    worker = queue.worker(executor=executor, requests=Beaten(queue.folder / "requests", first))
    worker.tick()
    request = queue.read(path)
    assert (request.status, request.lease) == (Status.CANCELLED, None)
    assert executor.progress() == {}
    assert worker.is_idle()


def test_who_wants_to_reject_what_was_claimed_just_before_is_told_which_worker_has_it(queue: Queue) -> None:
    path = queue.submit()
    queue.worker("box-7", executor=FunctionExecutor(wait=True)).tick()
    with pytest.raises(NotPossible, match=r"it is RUNNING, .* The worker box-7 has taken it"):
        rejected(queue.read(path), by="alice", reason="No.", now=START)


def test_a_cancelled_evaluation_is_stopped_and_publishes_nothing(queue: Queue) -> None:
    path = queue.submit()
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor)
    worker.tick()
    step(queue, path, lambda request: cancelled(request, by="alice", reason="It is a copy.", now=START))
    executor.let_end()
    worker.tick()
    request = queue.read(path)
    assert (request.status, request.message) == (
        Status.CANCELLED,
        "It was cancelled by alice: It is a copy.",
    )
    assert [(each.end, each.by, each.worker) for each in request.history] == [
        ("cancelled", "alice", "worker-1")
    ]
    assert queue.result_paths() == []


def test_what_is_tried_again_has_all_its_attempts_again_and_a_run_of_its_own(queue: Queue) -> None:
    path = queue.submit(status=Status.FAILED, attempt=3, run="2026-01-30T12-00-00.000000")
    step(queue, path, lambda request: again(request, by="alice", now=START))
    drain(queue.worker())
    request = queue.read(path)
    assert (request.status, request.attempt) == (Status.FINISHED, 1)
    assert request.run != "2026-01-30T12-00-00.000000"
    assert [each.end for each in request.history] == ["retried", "finished"]
