"""The steps that maintainers take: each is in the history with who took it, and fits one state only."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from src.shared.data.queue_order import in_order
from src.shared.data.request import (
    APPROVED,
    CANCELLED,
    REJECTED,
    RERUN,
    RESUBMITTED,
    RETRIED,
    WAITS_FOR_A_WORKER,
    Attempt,
    Lease,
    Request,
    Status,
    read_request,
    write_request,
)
from src.shared.errors import NotPossible
from src.shared.moderation.steps import again, approved, cancelled, rejected
from support.factories import make_request

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
LEASE = Lease("box-0", "n0nce", started=NOW, renewed=NOW, until=NOW + timedelta(hours=1))
RUNNING = make_request(status=Status.RUNNING, run="2026-02-01T12-00-00.000000", attempt=2, lease=LEASE)


def of_status(status: Status) -> Request:
    return RUNNING if status is Status.RUNNING else make_request(status=status)


def last(request: Request) -> Attempt:
    """The last entry of the history, as a reader of the file sees it."""
    return read_request(write_request(request)).history[-1]


def test_an_approved_request_waits_for_a_worker() -> None:
    request = approved(of_status(Status.WAITING), by="alice", now=NOW)
    assert (request.status, request.message) == (Status.PENDING, WAITS_FOR_A_WORKER)
    assert (last(request).end, last(request).by, last(request).ended) == (APPROVED, "alice", NOW)


def test_a_rejected_request_tells_its_submitter_why() -> None:
    request = rejected(of_status(Status.WAITING), by="alice", reason="It has no card.", now=NOW)
    assert request.status is Status.CANCELLED
    assert request.message == "It was rejected by alice: It has no card."
    assert (last(request).end, last(request).by) == (REJECTED, "alice")


def test_a_request_that_is_cancelled_while_it_runs_keeps_its_attempt_and_frees_its_worker() -> None:
    request = cancelled(RUNNING, by="alice", now=NOW)
    assert (request.status, request.lease, request.progress) == (Status.CANCELLED, None, None)
    entry = last(request)
    assert (entry.end, entry.by, entry.worker, entry.attempt) == (CANCELLED, "alice", "box-0", 2)


def test_a_cancelled_request_of_a_dead_worker_was_lost_before() -> None:
    later = NOW + timedelta(days=1)
    ends = [(each.end, each.by) for each in cancelled(RUNNING, by="alice", now=later).history]
    assert ends == [("lost", None), (CANCELLED, "alice")]


@pytest.mark.parametrize(
    ("status", "end"),
    [(Status.FINISHED, RERUN), (Status.FAILED, RETRIED), (Status.CANCELLED, RETRIED)],
)
def test_a_request_that_is_evaluated_again_starts_anew_at_the_same_commit(status: Status, end: str) -> None:
    ended = make_request(status=status, run="2026-02-01T12-00-00.000000", attempt=3, result="a/results.json")
    request = again(ended, by="alice", now=NOW)
    assert (request.status, request.commit) == (Status.PENDING, ended.commit)
    assert (request.run, request.attempt, request.result, request.tasks) == (None, 0, None, None)
    assert (last(request).end, last(request).by) == (end, "alice")


def test_only_some_tasks_may_be_computed_again_and_a_retry_keeps_them() -> None:
    partly = again(of_status(Status.FINISHED), by="alice", now=NOW, tasks=["new"])
    assert partly.tasks == read_request(write_request(partly)).tasks == ("new",)
    failed = replace(partly, status=Status.FAILED)
    assert again(failed, by="bob", now=NOW).tasks == ("new",)
    assert again(replace(partly, status=Status.FINISHED), by="bob", now=NOW).tasks is None


@pytest.mark.parametrize("status", Status)
def test_each_step_fits_certain_states_only(status: Status) -> None:
    request = of_status(status)
    fits = {
        "approve": {Status.WAITING},
        "reject": {Status.WAITING, Status.PENDING},
        "cancel": {Status.WAITING, Status.PENDING, Status.RUNNING},
        "again": {Status.FINISHED, Status.FAILED, Status.CANCELLED},
    }
    steps = {
        "approve": lambda: approved(request, by="alice", now=NOW),
        "reject": lambda: rejected(request, by="alice", reason="", now=NOW),
        "cancel": lambda: cancelled(request, by="alice", now=NOW),
        "again": lambda: again(request, by="alice", now=NOW),
    }
    for name, step in steps.items():
        if status in fits[name]:
            step()
        else:
            with pytest.raises(NotPossible, match=f"acme/tiny cannot be .*: it is {status}"):
                step()


def test_who_comes_second_is_told_who_was_first() -> None:
    done = approved(of_status(Status.WAITING), by="alice", now=NOW)
    with pytest.raises(NotPossible, match=r"alice was first: It was approved by alice\.$"):
        approved(done, by="bob", now=NOW)


def test_who_submitted_it_before_is_not_said_to_have_submitted_it_again() -> None:
    entry = Attempt(1, "", NOW, NOW, RESUBMITTED, "It was submitted again by bob.", by="alice")
    with pytest.raises(NotPossible, match=r"can be\. It was submitted again by bob\.$"):
        again(make_request(submitted_by="bob", history=(entry,)), by="carol", now=NOW)


def test_models_with_a_result_wait_behind_all_others() -> None:
    old, new = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    requests = {
        "rerun": again(make_request(status=Status.FINISHED, submitted_time=old), by="alice", now=NOW),
        "retried": again(make_request(status=Status.FAILED, submitted_time=old), by="alice", now=NOW),
        "new": make_request(submitted_time=new),
    }
    assert in_order(requests) == ["retried", "new", "rerun"]
    assert in_order(requests, ["small_first", "fair"]) == ["retried", "new", "rerun"]


def test_a_request_that_is_submitted_again_is_no_rerun_any_more() -> None:
    request = again(make_request(status=Status.FINISHED), by="alice", now=NOW)
    entry = Attempt(0, "", NOW, NOW, RESUBMITTED)
    assert not replace(request, history=(*request.history, entry)).is_rerun
