"""Estimates of how long evaluations and the queue take."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.shared.data.request import (
    RERUN,
    WAITS_FOR_ITS_TASKS,
    WAITS_FOR_ROOM,
    Attempt,
    Lease,
    Request,
    Status,
)
from src.shared.estimates.durations import LATEST, Timed, learn, left, timed
from src.shared.estimates.waiting import MOST_PLACES, Fleet, Kind, Place, estimates, places_in_sight
from src.shared.estimates.words import Range, in_words
from src.shared.times import to_text
from support.factories import make_request
from support.processor_time import processor_seconds

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
FLEET = Fleet(2, (Kind("small", 18.0, 1.0), Kind("large", 60.0, 3.0)), starts_in=5 * MINUTE)


def finished(*, seconds: float = 600.0, hardware: str | None = None, **changes: object) -> Request:
    """A request whose only attempt took so long."""
    attempt = Attempt(1, "w", NOW - timedelta(seconds=seconds), NOW, "finished", hardware=hardware)
    given = {"status": Status.FINISHED, "history": (attempt,), "precision": "bfloat16", "params": 7.0}
    return make_request(**(given | changes))


def waiting(number: int = 0, **changes: object) -> Request:
    submitted = to_text(NOW - HOUR + number * timedelta(seconds=1))
    return make_request(**({"submitted_time": submitted, "precision": "bfloat16", "params": 7.0} | changes))


def running(worker: str = "w", *, elapsed: timedelta = timedelta(), **changes: object) -> Request:
    lease = Lease(worker, "n", NOW - elapsed, NOW, NOW + HOUR)
    return waiting(status=Status.RUNNING, lease=lease, attempt=1, **changes)


def made_up(number: int, *, spread: float = 0.3, seed: int = 1) -> list[Timed]:
    """Evaluations on three kinds of hardware that follow a power of the size."""
    chance = np.random.default_rng(seed)
    slow = {"l4": 1.0, "a100": 0.3, "t4": 2.0}
    kinds = [list(slow)[each] for each in chance.integers(3, size=number)]
    sizes = np.exp(chance.normal(2, 1.2, number)).tolist()
    noise = np.exp(chance.normal(0, spread, number)).tolist()
    return [
        Timed(gb, 300 * gb**0.9 * slow[kind] * own, kind)
        for gb, kind, own in zip(sizes, kinds, noise, strict=True)
    ]


# Durations


def test_durations_come_from_evaluations_that_finished_at_the_first_attempt() -> None:
    assert timed([finished(hardware="l4x1")]) == [Timed(14.0, 600.0, "l4x1")]
    assert timed([finished(params=None)]) == [Timed(None, 600.0, None)]
    first = Attempt(1, "w", NOW - HOUR, NOW - HOUR / 2, "stopped")
    last = Attempt(2, "w", NOW - HOUR / 2, NOW, "finished")
    assert timed([finished(history=(first, last))]) == []
    assert timed([finished(tasks=("one",)), waiting(), finished(status=Status.CANCELLED)]) == []


def test_an_evaluation_that_a_maintainer_wanted_again_counts_by_itself() -> None:
    old = Attempt(1, "w", NOW - 2 * HOUR, NOW - HOUR, "finished")
    again = Attempt(1, "", None, NOW - HOUR, RERUN, by="alice")
    new = Attempt(1, "w", NOW - HOUR / 2, NOW, "finished")
    assert timed([finished(history=(old, again, new))]) == [Timed(14.0, 1800.0, None)]


@pytest.mark.parametrize("seconds", [0.0, -5.0, 400 * 86_400.0])
def test_a_time_that_nobody_believes_does_not_count(seconds: float) -> None:
    assert timed([finished(seconds=seconds)]) == []


def test_only_the_latest_evaluations_count() -> None:
    requests = []
    for number in range(LATEST + 10):
        ended = NOW - number * HOUR
        attempt = Attempt(1, "w", ended - timedelta(seconds=number + 1), ended, "finished")
        requests.append(finished(history=(attempt,)))
    found = timed(requests)
    assert [each.seconds for each in found] == [float(number) for number in range(LATEST, 0, -1)]


def test_without_evaluations_nothing_is_known() -> None:
    assert learn([]) is None


def test_larger_models_take_longer_and_faster_hardware_shorter() -> None:
    known = learn(made_up(200))
    assert known
    assert known.of(2.0, "l4").median == pytest.approx(300 * 2**0.9, rel=0.2)
    assert known.of(40.0, "l4").median == pytest.approx(300 * 40**0.9, rel=0.2)
    assert known.of(40.0, "a100").median == pytest.approx(300 * 40**0.9 * 0.3, rel=0.2)


def test_few_evaluations_make_wide_ranges_and_many_narrow_ones() -> None:
    widths = []
    for number in (1, 5, 20, 200):
        known = learn(made_up(number))
        assert known
        seconds = known.of(10.0, "l4").seconds
        widths.append(np.quantile(seconds, 0.9) / np.quantile(seconds, 0.1))
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 5
    assert widths[-1] < 3


def test_hardware_that_nobody_has_used_makes_a_wide_range() -> None:
    known = learn(made_up(200))
    assert known
    old, new = (known.of(10.0, kind).seconds for kind in ("l4", "never seen"))
    assert new[-5] / new[5] > 2 * old[-5] / old[5]


def test_an_unknown_size_makes_a_wide_range() -> None:
    known = learn(made_up(200))
    assert known
    old, new = (known.of(gb, "l4").seconds for gb in (10.0, None))
    assert new[-5] / new[5] > 2 * old[-5] / old[5]


@pytest.mark.parametrize("spread", [0.1, 0.3, 0.8])
def test_four_of_five_durations_are_between_the_outer_tenths(spread: float) -> None:
    held = []
    for seed in range(20):
        every = made_up(160, spread=spread, seed=seed)
        known = learn(every[:60])
        assert known
        for each in every[60:]:
            low, high = np.quantile(known.of(each.gb, each.hardware).seconds, (0.1, 0.9))
            held.append(low <= each.seconds <= high)
    assert 0.75 <= np.mean(held) <= 0.88


def test_one_evaluation_that_hung_for_days_changes_little() -> None:
    usual = made_up(60)
    before, after = learn(usual), learn([*usual, Timed(10.0, 4e5, "l4")])
    assert before and after
    assert after.of(10.0, "l4").median == pytest.approx(before.of(10.0, "l4").median, rel=0.1)


def test_what_runs_has_less_left_but_never_nothing() -> None:
    known = learn(made_up(100))
    assert known
    whole = known.of(10.0, "l4").seconds
    assert np.median(left(whole, 1000.0)) < np.median(whole)
    assert left(whole, 1e7).min() > 0


@given(
    st.lists(
        st.builds(
            Timed,
            st.one_of(st.none(), st.floats(0, 1e9)),
            st.floats(1, 1e7),
            st.sampled_from([None, "a", "b"]),
        ),
        min_size=1,
        max_size=8,
    ),
    st.one_of(st.none(), st.floats(0, 1e9)),
)
def test_whatever_was_timed_durations_are_positive_and_finite(
    evaluations: list[Timed], gb: float | None
) -> None:
    known = learn(evaluations)
    assert known
    for hardware in (None, "a", "c"):
        seconds = known.of(gb, hardware).seconds
        assert np.isfinite(seconds).all() and (seconds > 0).all() and (np.diff(seconds) >= 0).all()
    drawn = known.draw([gb], ["a"], number=5, chance=np.random.default_rng(1))
    assert np.isfinite(drawn).all() and (drawn > 0).all()


# The queue


def hours(range: Range | None) -> tuple[float, float]:
    assert range
    return range.low / HOUR, range.high / HOUR


def of_an_hour(spread: float = 0.05) -> list[Timed]:
    noise = np.exp(np.random.default_rng(1).normal(0, spread, 60)).tolist()
    return [Timed(14.0, 3600.0 * each, kind) for each in noise for kind in (None, "small")]


def test_requests_wait_for_those_before_them() -> None:
    requests = {f"r{number}": waiting(number) for number in range(4)}
    found = estimates(requests, learn(of_an_hour()), NOW, places=[Place(), Place()])
    for path, least in (("r0", 1), ("r1", 1), ("r2", 2), ("r3", 2)):
        low, high = hours(found[path].range)
        assert least - 0.4 < low < least < high < least + 0.4


def test_what_runs_is_estimated_too_by_what_is_left() -> None:
    requests = {"r": running(elapsed=HOUR / 2)}
    found = estimates(requests, learn(of_an_hour()), NOW, places=places_in_sight(requests, NOW))
    low, high = hours(found["r"].range)
    assert 0.3 < low < 0.5 < high < 0.8


def test_the_queues_order_counts() -> None:
    requests = {"old": waiting(0), "small": waiting(1, params=6.9)}
    found = estimates(requests, learn(of_an_hour()), NOW, places=[Place()], order=("small_first",))
    assert hours(found["small"].range)[1] < hours(found["old"].range)[0]


def test_a_fleet_starts_workers_for_those_who_wait() -> None:
    requests = {f"r{number}": waiting(number) for number in range(3)}
    found = estimates(requests, learn(of_an_hour()), NOW, places=[], fleet=FLEET)
    low, high = hours(found["r0"].range)
    assert 0.9 < low < 1 + 5 / 60 < high < 1.4
    assert hours(found["r1"].range) == pytest.approx((low, high), rel=0.2)
    assert hours(found["r2"].range)[0] > 1.5


def test_a_worker_that_starts_is_waited_for() -> None:
    found = estimates(
        {"r": waiting()}, learn(of_an_hour()), NOW, places=[Place("small", ready_in=HOUR / 4)], fleet=FLEET
    )
    assert hours(found["r"].range)[1] > 1.1


def test_what_the_money_of_a_day_does_not_pay_for_comes_on_another_day() -> None:
    requests = {f"r{number}": waiting(number) for number in range(4)}
    fleet = replace(FLEET, dollars_a_day=2.0, spent_today=0.5)
    found = estimates(requests, learn(of_an_hour()), NOW, places=[], fleet=fleet)
    assert hours(found["r0"].range)[1] < 2
    assert 12 < hours(found["r3"].range)[0] < hours(found["r3"].range)[1] < 24


def test_workers_are_known_from_their_leases_and_from_what_they_did_lately() -> None:
    ended = Attempt(1, "idle", NOW - 2 * HOUR, NOW - HOUR, "finished", hardware="l4x1")
    long_ago = replace(ended, worker="gone", ended=NOW - 9 * HOUR)
    requests = {
        "runs": running("busy"),
        "ended": waiting(history=(ended,)),
        "old": waiting(history=(long_ago,)),
        "withdrawn": waiting(history=(replace(ended, worker="x", end="withdrawn"),)),
    }
    assert places_in_sight(requests, NOW) == (Place(None, "runs"), Place("l4x1"))


def test_thousands_of_workers_in_the_files_do_not_cost_minutes() -> None:
    """Each member of a fleet has a name of its own, and a dataset may name more than there ever were."""
    requests = {f"p{number}": waiting(number) for number in range(3_000)}
    requests |= {f"r{number}": running(f"w{number}") for number in range(3_000)}
    known, places = learn(of_an_hour()), places_in_sight(requests, NOW)
    assert len(places) == MOST_PLACES
    assert processor_seconds(lambda: estimates(requests, known, NOW, places=places)) < 2.5


def test_a_worker_whose_lease_has_run_out_is_not_there() -> None:
    lost = running()
    assert lost.lease
    lost = replace(lost, lease=replace(lost.lease, until=NOW - HOUR))
    assert places_in_sight({"r": lost}, NOW) == ()


def test_where_nothing_can_be_said_the_reason_is_said() -> None:
    known, requests = learn(of_an_hour()), {"r": waiting()}
    found = estimates(requests, None, NOW, places=[Place()])
    assert found["r"].words == ("We cannot say yet when: no evaluation has finished on this leaderboard yet.")
    found = estimates(requests, known, NOW, places=[])
    assert found["r"].words == "We cannot say yet when: no worker has run lately."
    large = {"r": waiting(params=500.0)}
    found = estimates(large, known, NOW, places=[], fleet=FLEET)
    assert found["r"].words == "We cannot say yet when: no hardware of this leaderboard has room for it."
    left_over = {"r": waiting(message=f"Its weights have 140 GB: {WAITS_FOR_ROOM}.")}
    found = estimates(left_over, known, NOW, places=[Place()])
    assert found["r"].words == "We cannot say yet when: it waits for a worker that has room for them."


def test_what_no_member_of_a_fleet_takes_has_no_estimate() -> None:
    left = {"r": waiting(message=f"It is to be evaluated on gone: {WAITS_FOR_ITS_TASKS}.")}
    found = estimates(left, learn(of_an_hour()), NOW, places=[], fleet=FLEET)
    assert found["r"].words == "We cannot say yet when: it waits for a worker that runs them."


def test_the_same_board_has_the_same_estimates() -> None:
    requests = {f"r{number}": waiting(number) for number in range(9)}
    known = learn(made_up(50))
    one, other = (estimates(requests, known, NOW, places=[Place()]) for _ in range(2))
    assert one == other


@pytest.mark.slow
def test_five_thousand_requests_are_estimated_within_a_moment() -> None:
    requests = {f"r{number}": waiting(number, params=1 + number % 9) for number in range(5_000)}
    known = learn(made_up(500))
    took = []
    for fleet in (None, replace(FLEET, most=10)):
        took.append(
            processor_seconds(lambda: estimates(requests, known, NOW, places=[Place()] * 4, fleet=fleet))  # noqa: B023
        )
    assert max(took) < 0.5  # a tenth of this, on a machine that does nothing else


def test_workers_of_many_names_are_counted_once_not_for_each_request() -> None:
    places = [Place(f"machine-{number}") for number in range(2_000)]
    requests = {f"r{number}": waiting(number) for number in range(500)}
    known = learn(of_an_hour())
    assert processor_seconds(lambda: estimates(requests, known, NOW, places=places)) < 5


# Words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0, 7, "within 10 minutes"),
        (2, 9, "within 10 minutes"),
        (2, 55, "within 1 hour"),
        (6, 18, "in 5 to 20 minutes"),
        (41, 115, "in 40 minutes to 2 hours"),
        (62, 84, "in 1 to 1.5 hours"),
        (125, 290, "in 2 to 5 hours"),
        (60, 60, "in about 1 hour"),
        (13 * 60, 30 * 60, "in 12 hours to 1.5 days"),
        (50 * 60, 118 * 60, "in 2 to 5 days"),
        (50 * 24 * 60, 400 * 24 * 60, "in 45 days or more"),
        (1, 100 * 24 * 60, "in a few minutes or more"),
        (100 * 24 * 60, 400 * 24 * 60, "in more than 90 days"),
    ],
)
def test_ranges_are_said_as_people_say_them(low: float, high: float, words: str) -> None:
    assert in_words(Range(low * MINUTE, high * MINUTE)) == words
