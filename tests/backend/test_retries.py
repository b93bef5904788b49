"""Which attempts are followed by another, and after what pause."""

from datetime import timedelta
from itertools import pairwise

import pytest

from src.queue.retries import RetryTerms, ends_of_the_run
from src.running.job import End
from src.shared.data.request import Attempt
from support.factories import make_request
from support.queues import START

TERMS = RetryTerms(attempts=3, outages=5)


@pytest.mark.parametrize(
    ("end", "attempts"),
    [
        (End.REFUSED, 1),
        (End.INVALID, 1),
        (End.OVER_TIME, 1),
        (End.OUT_OF_MEMORY, 2),
        (End.STUCK, 2),
        (End.CRASHED, 3),
        (End.UNREACHABLE, 5),
        (End.DISK_FULL, 5),
        (End.LOST, 5),
    ],
)
def test_each_kind_of_end_has_its_number_of_attempts(end: End, attempts: int) -> None:
    ends = [end.value] * attempts
    assert [TERMS.has_another(ends[:count]) for count in range(1, attempts + 1)] == [
        *[True] * (attempts - 1),
        False,
    ]


def test_what_people_stopped_counts_for_nothing() -> None:
    assert TERMS.has_another([End.STOPPED] * 100)
    assert TERMS.pause([End.STOPPED] * 100) == timedelta(0)


def test_a_model_is_not_blamed_for_lost_workers() -> None:
    assert TERMS.has_another([End.LOST] * 3 + [End.CRASHED])
    assert not TERMS.has_another([End.CRASHED, End.LOST, End.OUT_OF_MEMORY, End.CRASHED])


def test_pauses_grow_to_the_longest() -> None:
    pauses = [TERMS.pause([End.CRASHED] * count) for count in range(1, 2000)]
    assert pauses[:4] == [timedelta(minutes=minutes) for minutes in (1, 4, 16, 60)]
    assert all(before <= after for before, after in pairwise(pauses))
    assert pauses[-1] == TERMS.longest_pause


def test_after_the_first_worker_that_went_away_there_is_no_pause() -> None:
    assert TERMS.pause([End.LOST]) == timedelta(0)
    assert TERMS.pause([End.LOST, End.LOST]) == timedelta(minutes=1)


def test_only_attempts_since_the_last_submission_count() -> None:
    history = tuple(Attempt(1, "w", START, START, end, "") for end in (End.REFUSED, End.CRASHED, End.LOST))
    assert ends_of_the_run(make_request(history=history, attempt=2)) == [End.CRASHED, End.LOST]
    assert ends_of_the_run(make_request(history=history, attempt=0)) == []


def test_a_request_is_due_when_its_pause_is_over() -> None:
    attempt = Attempt(1, "w", START, START, End.CRASHED, "")
    request = make_request(history=(attempt,), attempt=1)
    assert not TERMS.is_due(request, START + timedelta(seconds=59))
    assert TERMS.is_due(request, START + timedelta(minutes=1))
    assert TERMS.is_due(make_request(), START)


def test_an_attempt_that_somebody_removed_from_the_history_counts_as_crashed() -> None:
    assert ends_of_the_run(make_request(attempt=3)) == [End.CRASHED] * 3
    assert len(ends_of_the_run(make_request(attempt=10**6))) == 1000
