"""The queue says where each request stands, since when and why."""

from datetime import UTC, datetime, timedelta

from src.queue.entries import Group, entries, grouped
from src.shared.data.request import Attempt, Lease, Status
from src.shared.data.signs import SILENCE, no_worker_since
from src.shared.times import to_text
from support.factories import make_request

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def lease(*, started: datetime = NOON, renewed: datetime = NOON) -> Lease:
    return Lease("here-0", "nonce", started, renewed, renewed + HOUR)


def attempt(*, ended: datetime = NOON, message: str = "") -> Attempt:
    return Attempt(1, "here-0", ended - HOUR, ended, "crashed", message)


def test_positions_are_given_by_time_of_submission() -> None:
    queue = entries(
        {
            "c.json": make_request(submitted_time=to_text(NOON + HOUR)),
            "b.json": make_request(submitted_time=to_text(NOON)),
            "a.json": make_request(submitted_time=to_text(NOON)),
            "d.json": make_request(submitted_time="who knows"),
            "running.json": make_request(status=Status.RUNNING, lease=lease()),
        }
    )
    assert [(entry.path, entry.position) for entry in queue] == [
        ("running.json", None),
        ("a.json", 1),
        ("b.json", 2),
        ("c.json", 3),
        ("d.json", 4),
    ]


def test_each_status_has_its_table() -> None:
    groups = grouped(entries({f"{status}.json": make_request(status=status) for status in Status}))
    assert {group: [entry.request.status for entry in found] for group, found in groups.items()} == {
        Group.WAITING: [Status.WAITING],
        Group.RUNNING: [Status.RUNNING],
        Group.PENDING: [Status.PENDING],
        Group.FINISHED: [Status.FINISHED],
        Group.FAILED: [Status.CANCELLED, Status.FAILED],
    }


def test_what_ended_last_comes_first() -> None:
    requests = {
        f"{hour}.json": make_request(status=Status.FINISHED, history=(attempt(ended=NOON + hour * HOUR),))
        for hour in (2, 3, 1)
    }
    assert [entry.path for entry in entries(requests)] == ["3.json", "2.json", "1.json"]


def test_a_running_request_has_the_times_of_its_lease() -> None:
    request = make_request(status=Status.RUNNING, lease=lease(renewed=NOON + HOUR), history=(attempt(),))
    [entry] = entries({"a.json": request})
    assert (entry.started, entry.renewed, entry.ended) == (NOON, NOON + HOUR, None)


def test_an_ended_request_has_the_times_of_its_last_attempt() -> None:
    [entry] = entries({"a.json": make_request(status=Status.FAILED, history=(attempt(),))})
    assert (entry.started, entry.renewed, entry.ended) == (NOON - HOUR, None, NOON)


def test_a_request_that_waits_again_has_no_times_of_an_attempt() -> None:
    [entry] = entries({"a.json": make_request(history=(attempt(),))})
    assert (entry.started, entry.ended) == (None, None)


def test_the_reason_is_the_message_else_that_of_the_last_attempt() -> None:
    [entry] = entries(
        {"a.json": make_request(status=Status.FAILED, history=(attempt(message="It crashed."),))}
    )
    assert entry.reason == "It crashed."
    [entry] = entries({"a.json": make_request(status=Status.FAILED, message="It is broken.")})
    assert entry.reason == "It is broken."


def test_nobody_is_missed_while_nothing_waits() -> None:
    old = make_request(status=Status.FINISHED, history=(attempt(),))
    assert no_worker_since([old], NOON + 100 * HOUR) is None


def test_a_worker_is_missed_when_a_request_has_waited_long_without_any_sign_of_one() -> None:
    queue = [make_request(submitted_time=to_text(NOON))]
    assert no_worker_since(queue, NOON + SILENCE) is None
    assert no_worker_since(queue, NOON + SILENCE + HOUR) == NOON


def test_a_lease_that_is_renewed_and_an_attempt_that_ended_are_signs_of_a_worker() -> None:
    waiting = make_request(submitted_time=to_text(NOON))
    running = make_request(status=Status.RUNNING, lease=lease(renewed=NOON + 2 * HOUR))
    released = make_request(submitted_time=to_text(NOON), history=(attempt(ended=NOON + HOUR),))
    later = NOON + 3.5 * HOUR
    assert no_worker_since([waiting, running], later) is None
    assert no_worker_since([waiting, released], later) == NOON + HOUR


def test_positions_follow_the_order_that_the_backend_names() -> None:
    requests = {f"{params}.json": make_request(params=params) for params in (9.0, 1.0, 5.0)}
    queue = entries(requests, ["small_first"])
    assert [(entry.path, entry.position) for entry in queue] == [
        ("1.0.json", 1),
        ("5.0.json", 2),
        ("9.0.json", 3),
    ]
