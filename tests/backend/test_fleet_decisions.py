"""What the fleet decides, by examples and by properties that hold for every queue."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.fleet.deciding import Decision, decide, kinds_of
from src.fleet.flavour import Costs, Flavour, bands
from src.fleet.member import Member, bills
from src.fleet.situation import (
    CLAIMS_FOR,
    CLAIMS_WITHIN,
    GIVES_UP_AFTER,
    STARTS_WITHIN,
    STOPS_WITHIN,
    Limits,
    Situation,
)
from src.fleet.starting import LONGEST_PAUSE
from src.queue.policy import Policy
from src.shared.data.dollars import cost, spent_today
from src.shared.data.precision import weights_in_gb
from src.shared.data.request import WAITS_FOR_MONEY, WITHDRAWN, Attempt, Lease, Request, Status
from src.shared.estimates.durations import Timed, learn
from src.shared.estimates.waiting import NO_ROOM, estimates
from src.shared.times import to_text
from support.factories import make_request
from support.year import LIMITS as YEARS
from support.year import OFFERS, Luck, Simulation, submissions

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SMALL, LARGE = Flavour("small", 24, 1.0), Flavour("large", 80, 3.0)
LIMITS = Limits(max_workers=4, dollars_a_day=100.0)


def waiting(params: float | None = 7.0, *, age: float = 1.0, **changes: Any) -> Request:
    """A request that was submitted so many hours ago."""
    submitted = to_text(NOW - age * HOUR)
    return make_request(params=params, precision="bfloat16", submitted_time=submitted, **changes)


def running(worker: str, params: float = 7.0, *, hours: float = 0.1) -> Request:
    """A request that a worker has evaluated for so many hours."""
    lease = Lease(worker, worker, NOW - hours * HOUR, NOW, NOW + HOUR)
    return waiting(params, status=Status.RUNNING, lease=lease, attempt=1, run="r")


def member(flavour: Flavour = SMALL, **changes: Any) -> Member:
    """A member that began to run ten minutes ago."""
    began = NOW - timedelta(minutes=10)
    made = Member(
        name=f"{flavour.name}-1",
        flavour=flavour.name,
        price=flavour.price,
        largest=flavour.room,
        ordered=began,
        started=began,
    )
    return replace(made, **changes)


def decided(*requests: Request, **changes: Any) -> Decision:
    paths = {f"r{number}": each for number, each in enumerate(requests)}
    given: Mapping[str, Any] = {"offers": (SMALL, LARGE), "limits": LIMITS} | changes
    return decide(Situation(requests=paths, now=NOW, **given))


def started(decision: Decision) -> list[str]:
    return [each.flavour.name for each in decision.start]


# One request, some members


def test_a_request_gets_the_cheapest_hardware_that_has_room_for_it() -> None:
    decision = decided(waiting(7.0))
    [start] = decision.start
    assert (start.name, start.flavour, start.smallest, start.largest) == ("small-1", SMALL, 0.0, 18.0)
    assert start.claims_for == CLAIMS_FOR
    assert decision.reasons == {"r0": "A worker on small starts for it."}
    [start] = decided(waiting(20.0)).start
    assert (start.name, start.smallest, start.largest) == ("large-1", 18.0, 60.0)


def test_a_member_for_large_models_takes_no_small_ones() -> None:
    decision = decided(waiting(20.0, age=2), waiting(1.0))
    assert [(each.flavour.name, each.smallest) for each in decision.start] == [
        ("large", 18.0),
        ("small", 0.0),
    ]


def test_hardware_that_is_so_fast_that_it_is_cheaper_takes_small_models_too() -> None:
    quick = [Timed(float(gb), 60.0 * gb, "large") for gb in range(1, 40)]
    slow = [Timed(float(gb), 1000.0 * gb, "small") for gb in range(1, 18)]
    found = bands((SMALL, LARGE), Costs(learn(quick + slow), timedelta(minutes=5)))
    assert found[-1].flavour is LARGE
    assert found[-1].smallest < 10


def test_the_edges_of_what_a_member_takes_can_be_said_in_its_command() -> None:
    quick = [Timed(float(gb), 60.0 * gb, "large") for gb in range(1, 40)]
    slow = [Timed(float(gb), 1000.0 * gb, "small") for gb in range(1, 18)]
    odd = Flavour("odd", 11.11177, 0.5)
    found = bands((SMALL, LARGE, odd), Costs(learn(quick + slow), timedelta(minutes=5)))
    assert len(found) > 1
    assert all(float(f"{each.largest:.3f}") == each.largest for each in found)


def test_an_unknown_size_goes_to_the_smallest_machine() -> None:
    assert started(decided(waiting(None))) == ["small"]
    assert member(smallest=0.0).takes(None)
    assert not member(smallest=18.0).takes(None)


def test_what_nothing_has_room_for_waits_with_the_reason() -> None:
    decision = decided(waiting(70.0))
    assert not decision.start
    assert decision.reasons["r0"] == (
        "Its weights have 140.0 GB, and no hardware that this leaderboard may start has room for them. Its "
        "owner has to allow larger hardware."
    )


@pytest.mark.parametrize(
    ("left", "reason"),
    [
        (waiting(12.0), "Its weights have 24 GB: it waits for a worker that has room for them."),
        (
            waiting(tasks=("gone",)),
            "It is to be evaluated on gone, which this worker does not run: it waits for a worker that runs "
            "them.",
        ),
    ],
)
def test_what_members_leave_starts_none_and_keeps_no_hardware_from_others(left: Request, reason: str) -> None:
    policy = Policy(largest=20.0, tasks=("arc",))
    assert decided(left, policy=policy) == Decision(reasons={"r0": reason})
    ended = NOW - timedelta(minutes=1)
    idle = [member(name=f"small-{n}", started=ended - HOUR / 6, ended=ended) for n in range(5)]
    assert started(decided(left, waiting(age=0.01), members=idle, policy=policy)) == ["small"]


def test_what_members_leave_does_not_take_the_place_of_a_member_that_waits_for_hardware() -> None:
    late = member(LARGE, smallest=18.0, started=None, ordered=NOW - STARTS_WITHIN)
    one: dict[str, Any] = {"members": [late], "limits": replace(LIMITS, max_workers=1)}
    left = waiting(1.0, tasks=("gone",))
    assert not decided(waiting(20.0), left, policy=Policy(tasks=("arc",)), **one).stop
    assert decided(waiting(20.0), left, policy=Policy(tasks=("gone",)), **one).stop


def test_only_hardware_that_the_owner_allows_is_started() -> None:
    processor = Flavour("cpu", 64, 0.05, accelerators=0)
    offers = (processor, SMALL, LARGE)
    assert started(decided(waiting(), offers=offers)) == ["small"]
    assert started(decided(waiting(), offers=offers, limits=replace(LIMITS, flavours=("cpu",)))) == ["cpu"]
    assert started(decided(waiting(), limits=replace(LIMITS, flavours=("large",)))) == ["large"]


def test_hardware_without_room_for_anything_is_not_started() -> None:
    assert not decided(waiting(None), offers=(Flavour("none", 0.001, 0.1),)).start


def test_weights_take_as_much_of_a_processors_memory_as_its_worker_allows() -> None:
    assert Flavour("cpu", 100, 0.05, accelerators=0).room == pytest.approx(72.0)
    assert Flavour("gpu", 100, 0.05).room == pytest.approx(75.0)


def test_a_request_waits_for_a_member_that_is_soon_free() -> None:
    soon = learn([Timed(14.0, 1000.0, "small")] * 30)
    decision = decided(running("small-1"), waiting(), members=[member()], durations=soon)
    assert not decision.start
    assert decision.reasons == {"r1": "It waits for the worker small-1, on small."}


def test_a_request_gets_its_own_member_if_all_are_busy_for_long() -> None:
    long = learn([Timed(14.0, 40_000.0, "small")] * 30)
    decision = decided(running("small-1"), waiting(), members=[member()], durations=long)
    assert [each.name for each in decision.start] == ["small-2"]


def test_a_member_that_starts_counts_for_what_it_will_take() -> None:
    pending = member(started=None, ordered=NOW - timedelta(minutes=1))
    assert not decided(waiting(), members=[pending]).start


def test_many_short_evaluations_share_members() -> None:
    short = learn([Timed(14.0, 250.0, "small")] * 30)
    queue = [waiting(age=1 + number / 100) for number in range(12)]
    assert len(decided(*queue, durations=short).start) == 2


def test_a_member_that_soon_claims_nothing_more_does_not_count() -> None:
    old = member(started=NOW - CLAIMS_FOR, ordered=NOW - CLAIMS_FOR)
    assert len(decided(running("small-1"), waiting(), members=[old]).start) == 1


def test_a_request_that_pauses_after_a_failure_starts_nothing() -> None:
    attempt = Attempt(1, "w", NOW - HOUR, NOW - timedelta(seconds=5), "crashed")
    assert decided(waiting(attempt=1, history=(attempt,))) == Decision()


# Limits


def test_no_more_members_than_allowed_are_started() -> None:
    queue = [waiting(age=5 - number) for number in range(4)]
    decision = decided(*queue, limits=replace(LIMITS, max_workers=2))
    assert len(decision.start) == 2
    assert decision.reasons["r2"] == "It waits for the worker small-1, on small."
    decision = decided(
        running("small-1"), waiting(20.0), members=[member()], limits=replace(LIMITS, max_workers=1)
    )
    assert decision.reasons["r1"] == (
        "It waits for a worker on large, which starts when one of the 1 that may run at once ends."
    )
    decision = decided(waiting(), limits=replace(LIMITS, max_workers=0))
    assert decision.reasons["r0"] == "It waits for a worker on small, but this leaderboard may start none."


def test_what_a_day_has_no_money_for_waits_and_so_does_what_comes_after() -> None:
    spent = member(started=NOW - 10 * HOUR, ended=NOW - HOUR, price=1.0)
    long = learn([Timed(40.0, 7200.0, "large"), Timed(2.0, 600.0, "small")] * 20)
    given: dict[str, Any] = {
        "members": [spent],
        "durations": long,
        "limits": replace(LIMITS, dollars_a_day=13.0),
    }
    decision = decided(waiting(20.0, age=2), waiting(1.0), **given)
    assert not decision.start
    assert decision.reasons == {"r0": WAITS_FOR_MONEY, "r1": WAITS_FOR_MONEY}
    assert started(decided(waiting(1.0), **given)) == ["small"]


def test_what_no_days_money_pays_for_waits_and_holds_up_nobody() -> None:
    long = learn([Timed(40.0, 80_000.0, "large"), Timed(2.0, 600.0, "small")] * 20)
    limits = replace(LIMITS, dollars_a_day=20.0)
    decision = decided(waiting(20.0, age=2), waiting(1.0), durations=long, limits=limits)
    assert started(decision) == ["small"]
    assert decision.reasons["r0"] == (
        "Its evaluation would cost more than the $20.00 that this leaderboard may spend in a day. Its owner "
        "has to allow more money a day."
    )


def test_when_the_money_is_spent_everything_stops() -> None:
    dear = member(started=NOW - 10 * HOUR, price=10.0)
    pending = member(name="small-2", started=None)
    decision = decided(running("small-1"), waiting(20.0), members=[dear, pending])
    assert [(each.member, each.why) for each in decision.stop] == [
        (dear, "the $100.00 of the day are spent"),
        (pending, "the $100.00 of the day are spent"),
    ]
    assert decision.reasons == {"r1": WAITS_FOR_MONEY}
    assert not decision.start


def test_everything_stops_in_time_for_the_next_look_at_the_money() -> None:
    dear = member(started=NOW - 9 * HOUR, price=10.0)
    given: dict[str, Any] = {"members": [dear]}
    assert not decided(running("small-1"), **given).stop
    rarely = replace(LIMITS, stops_within=HOUR)
    assert [each.member for each in decided(running("small-1"), limits=rarely, **given).stop] == [dear]


def test_what_was_spent_yesterday_does_not_count() -> None:
    yesterday = member(started=NOW - 40 * HOUR, ended=NOW - 12 * HOUR, price=100.0)
    assert started(decided(waiting(), members=[yesterday])) == ["small"]


@pytest.mark.parametrize(
    ("worker", "is_a_members"),
    [("small-1.77", True), ("small-1", False), ("gpu1.small-1.77", False), ("large-1.77", False)],
)
def test_what_a_member_cost_counts_though_its_cluster_has_forgotten_it(
    worker: str, is_a_members: bool
) -> None:
    attempt = Attempt(
        1,
        worker,
        NOW - 10 * HOUR,
        NOW - HOUR,
        "finished",
        hardware="small",
        price=11.1,
        own_machine=True,
    )
    done = waiting(status=Status.FINISHED, history=(attempt,))
    assert bool(started(decided(waiting(), done))) is not is_a_members
    listed = member(id="77", price=0.1, started=attempt.started, ended=attempt.ended)
    assert started(decided(waiting(), done, members=[listed]))


def test_after_an_owner_has_lowered_the_limit_those_stop_that_wait_for_hardware_the_last_first() -> None:
    there = [member(name=f"small-{number}") for number in (1, 2)]
    there += [
        member(name=f"small-{number}", started=None, ordered=NOW - number * HOUR / 60) for number in (3, 4)
    ]
    given: dict[str, Any] = {"members": there}
    for most, names in ((4, []), (3, ["small-3"]), (1, ["small-3", "small-4"])):
        decision = decided(waiting(20.0), limits=replace(LIMITS, max_workers=most), **given)
        assert [each.member.name for each in decision.stop] == names
        assert not decision.start
    assert decision.stop[0].why == "more are there than the 1 that are allowed"


def test_a_member_that_waits_for_hardware_that_is_allowed_no_more_is_stopped() -> None:
    limits = replace(LIMITS, flavours=("large",))
    decision = decided(members=[member(started=None)], limits=limits)
    assert [each.why for each in decision.stop] == ["its hardware is not allowed any more"]
    assert not decided(members=[member()], limits=limits).stop


# Hardware that does not come, members that do nothing


def test_hardware_that_is_sold_out_is_replaced_by_other_hardware() -> None:
    late = member(started=None, ordered=NOW - STARTS_WITHIN)
    decision = decided(waiting(), members=[late])
    assert [each.why for each in decision.stop] == [
        "its hardware was not there within 15 minutes, and other hardware fits"
    ]
    assert [(each.flavour, each.smallest) for each in decision.start] == [(LARGE, 0.0)]


def test_hardware_that_the_engine_refuses_is_replaced_by_other_hardware() -> None:
    assert started(decided(waiting(), refused=["small"])) == ["large"]
    decision = decided(waiting(20.0), refused=["large"])
    assert decision == Decision(reasons={"r0": "It waits for large, which is sold out at the moment."})


def test_hardware_is_asked_for_again_an_hour_after_it_was_sold_out() -> None:
    late = member(started=None, ordered=NOW - 2 * HOUR, ended=NOW - 0.9 * HOUR)
    assert started(decided(waiting(), members=[late])) == ["large"]
    late = replace(late, ended=NOW - 1.1 * HOUR)
    assert started(decided(waiting(), members=[late])) == ["small"]


def test_nobody_asks_twice_for_what_is_sold_out_and_has_no_substitute() -> None:
    late = member(LARGE, started=None, ordered=NOW - HOUR)
    decision = decided(waiting(20.0), members=[late])
    assert decision == Decision(reasons={"r0": "It waits for large, which is sold out at the moment."})


def test_hardware_that_is_sold_out_does_not_keep_the_only_place_from_others() -> None:
    late = member(LARGE, smallest=18.0, started=None, ordered=NOW - STARTS_WITHIN)
    one: dict[str, Any] = {"members": [late], "limits": replace(LIMITS, max_workers=1)}
    decision = decided(waiting(20.0, age=2), waiting(1.0), **one)
    assert [each.why for each in decision.stop] == [
        "its hardware was not there within 15 minutes, and others wait for its place"
    ]
    assert started(decision) == ["small"]
    assert decision.reasons["r0"] == "It waits for large, which is sold out at the moment."
    assert not decided(waiting(20.0), waiting(20.0), **one).stop
    assert not decided(waiting(20.0, age=2), waiting(1.0), members=[late]).stop


def test_a_member_whose_hardware_never_comes_is_ordered_anew_after_a_day() -> None:
    forgotten = member(LARGE, started=None, ordered=NOW - GIVES_UP_AFTER)
    decision = decided(waiting(20.0), members=[forgotten])
    assert [each.why for each in decision.stop] == ["its hardware was not there within 24 hours"]
    assert not decision.start
    assert started(decided(waiting(20.0), members=[replace(forgotten, ended=NOW - HOUR)])) == ["large"]


def test_far_dearer_hardware_is_no_substitute() -> None:
    dear = Flavour("dear", 80, 9.0)
    late = member(started=None, ordered=NOW - HOUR)
    decision = decided(waiting(), members=[late], offers=(SMALL, dear))
    assert not decision.stop
    assert decision.reasons["r0"] == "It waits for small, which is sold out at the moment."


def test_a_member_that_never_claims_anything_is_stopped() -> None:
    hangs = member(started=NOW - CLAIMS_WITHIN, ordered=NOW - CLAIMS_WITHIN)
    decision = decided(waiting(), members=[hangs])
    assert [each.why for each in decision.stop] == [
        "it has claimed nothing within 30 minutes (FLEET_START_MINUTES)"
    ]
    slow = replace(LIMITS, claims_within=HOUR)
    assert not decided(waiting(), members=[hangs], limits=slow).stop
    assert not decided(waiting(), members=[hangs], knows_all=False).stop
    attempt = Attempt(1, "small-1", NOW - HOUR, NOW - HOUR / 2, "finished")
    done = waiting(status=Status.FINISHED, history=(attempt,))
    assert not decided(waiting(), done, members=[hangs]).stop


def test_after_two_members_that_claimed_nothing_the_next_waits_ever_longer() -> None:
    def vain(minutes: float, number: int) -> list[Member]:
        ended = NOW - timedelta(minutes=minutes)
        return [member(name=f"small-{n}", started=ended - HOUR / 6, ended=ended) for n in range(number)]

    assert started(decided(waiting(), members=vain(1, 1))) == ["small"]
    decision = decided(waiting(), members=vain(1, 2))
    assert not decision.start
    assert decision.reasons["r0"] == (
        "It waits for small. The last 2 workers there ended without claiming anything: the owner finds the "
        "reason in their logs."
    )
    assert started(decided(waiting(), members=vain(6, 2))) == ["small"]
    assert not decided(waiting(), members=vain(19, 3)).start
    assert started(decided(waiting(), members=vain(21, 3))) == ["small"]
    assert started(decided(waiting(), members=vain(LONGEST_PAUSE / timedelta(minutes=1), 40))) == ["small"]


def test_what_was_cancelled_before_a_member_came_holds_up_nobody() -> None:
    ended = NOW - timedelta(minutes=1)
    idle = [member(name=f"small-{n}", started=ended - HOUR / 6, ended=ended) for n in range(5)]
    assert started(decided(waiting(age=0.01), members=idle)) == ["small"]
    assert not started(decided(waiting(age=0.02), members=idle))
    assert started(decided(waiting(age=0.01), waiting(20.0, age=2), members=idle)) == ["large", "small"]


def test_who_withdraws_all_the_time_has_no_workers_started_and_others_have() -> None:
    def withdrawn(hours: float) -> Request:
        when = NOW - hours * HOUR
        return waiting(status=Status.CANCELLED, history=(Attempt(0, "", when, when, WITHDRAWN, by="eve"),))

    often = [withdrawn(hours) for hours in (1, 2, 23)]
    decision = decided(waiting(submitted_by="eve"), *often)
    assert not decision.start
    assert decision.reasons["r0"] == (
        "It waits for a worker that starts for others: its submitter has withdrawn 3 requests within a day."
    )
    assert started(decided(waiting(submitted_by="eve"), *often[:2], withdrawn(25))) == ["small"]
    assert started(decided(waiting(submitted_by="bob"), *often)) == ["small"]
    assert not decided(waiting(submitted_by="eve"), *often, members=[member()]).start


def test_what_a_fleet_would_start_is_told_to_the_estimates() -> None:
    fleet = kinds_of(Situation(requests={}, now=NOW, offers=(SMALL, LARGE), limits=LIMITS))
    assert [(kind.hardware, kind.largest, kind.price) for kind in fleet.kinds] == [
        ("small", 18.0, 1.0),
        ("large", 60.0, 3.0),
    ]
    assert (fleet.most, fleet.dollars_a_day, fleet.spent_today) == (4, 100.0, 0.0)
    hour = learn([Timed(14.0, 3600.0, "small")])
    assert estimates({"r": waiting()}, hour, NOW, places=(), fleet=fleet)["r"].range


@pytest.mark.parametrize(("most", "kinds"), [(5.0, [5.0]), (18.0, [18.0]), (20.0, [18.0, 20.0])])
def test_for_models_larger_than_the_owner_allows_no_result_is_expected(
    most: float, kinds: list[float]
) -> None:
    given = Situation(requests={}, now=NOW, offers=(SMALL, LARGE), limits=LIMITS, policy=Policy(largest=most))
    fleet = kinds_of(given)
    assert [kind.largest for kind in fleet.kinds] == kinds
    hour = learn([Timed(14.0, 3600.0, "small")])
    large = estimates({"r": waiting(12.0)}, hour, NOW, places=(), fleet=fleet)["r"]
    assert large.why_not == NO_ROOM


# Properties

ages = st.floats(0, 100)
sizes = st.one_of(st.none(), st.floats(0.01, 200))
requests = st.one_of(
    st.builds(lambda params, age: waiting(params, age=age), sizes, ages),
    st.builds(
        lambda params, worker: running(worker, params),
        st.floats(0.1, 100),
        st.sampled_from(["t4-small-1", "x"]),
    ),
    st.builds(lambda params: waiting(params, status=Status.FINISHED), sizes),
)


@st.composite
def members(draw: st.DrawFn) -> Member:
    flavour = draw(st.sampled_from(OFFERS))
    ordered = NOW - draw(st.floats(0.01, 23)) * HOUR
    state = draw(st.sampled_from(["pending", "running", "ended", "never started"]))
    return Member(
        name=f"{flavour.name}-{draw(st.integers(1, 3))}",
        id=str(draw(st.integers(0, 99))),
        flavour=flavour.name,
        price=flavour.price,
        smallest=draw(st.sampled_from([0.0, 12.0, 18.0])),
        largest=flavour.room,
        ordered=ordered,
        started=None if state in ("pending", "never started") else ordered,
        ended=NOW if state in ("ended", "never started") else None,
    )


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    queue = draw(st.lists(requests, max_size=12))
    known = draw(
        st.lists(
            st.builds(Timed, sizes, st.floats(10, 1e5), st.sampled_from(["t4-small", "h200"])), max_size=9
        )
    )
    return Situation(
        requests={f"r{number}": each for number, each in enumerate(queue)},
        now=NOW,
        offers=draw(st.lists(st.sampled_from(OFFERS), unique=True)),
        members=draw(st.lists(members(), max_size=6)),
        limits=Limits(
            max_workers=draw(st.integers(0, 5)),
            dollars_a_day=draw(st.one_of(st.none(), st.floats(0.01, 500))),
            flavours=draw(st.sampled_from([(), ("l4x1",), ("t4-small", "a100-large")])),
            stops_within=draw(st.sampled_from([STOPS_WITHIN, 2 * HOUR])),
        ),
        durations=learn(known),
    )


def there_after(situation: Situation, decision: Decision) -> int:
    there = sum(each.ended is None for each in situation.members)
    return there - len(decision.stop) + len(decision.start)


@given(situations())
def test_no_decision_goes_over_a_limit(situation: Situation) -> None:
    decision, limits = decide(situation), situation.limits
    running = sum(each.is_running for each in situation.members)
    assert there_after(situation, decision) <= max(limits.max_workers, running)
    assert not decision.start or there_after(situation, decision) <= limits.max_workers
    stopped = [each.member for each in decision.stop]
    assert all(each in situation.members and each.ended is None for each in stopped)
    assert all(limits.allows(each.flavour) for each in decision.start)
    if limits.dollars_a_day is not None and decision.start:
        spent = spent_today(bills(situation.members, NOW), NOW)
        staying = [each for each in situation.members if each.ended is None and each not in stopped]
        prices = [*(each.price for each in staying), *(each.flavour.price for each in decision.start)]
        assert spent + cost(sum(prices), limits.stops_within) <= limits.dollars_a_day


@given(situations())
def test_no_hardware_is_started_that_is_too_small_or_that_nobody_waits_for(situation: Situation) -> None:
    queue = [each for each in situation.requests.values() if each.status is Status.PENDING]
    gb = [weights_in_gb(each.params, each.precision) for each in queue]
    decision = decide(situation)
    assert len(decision.start) <= len(queue)
    for start in decision.start:
        assert start.flavour in situation.offers
        assert start.smallest < start.largest <= start.flavour.room
        assert any(
            start.smallest == 0 if size is None else start.smallest < size <= start.largest for size in gb
        )


@given(situations())
def test_nothing_is_started_for_what_is_claimed(situation: Situation) -> None:
    claimed = {
        path: each if each.status is not Status.PENDING else running(f"w{path}", each.params or 1.0)
        for path, each in situation.requests.items()
    }
    decision = decide(replace(situation, requests=claimed))
    assert not decision.start
    assert not decision.reasons


@given(situations())
def test_every_request_that_can_be_claimed_has_a_reason_or_a_member(situation: Situation) -> None:
    decision = decide(situation)
    assert set(decision.reasons) == {
        p for p, each in situation.requests.items() if each.status is Status.PENDING
    }
    assert all(reason.endswith(".") for reason in decision.reasons.values())


@given(situations())
def test_two_fleets_with_the_same_view_decide_the_same_and_use_no_name_twice(situation: Situation) -> None:
    one, other = decide(situation), decide(situation)
    assert one == other
    names = [each.name for each in one.start]
    staying = {m.name for m in situation.members if m.ended is None} - {each.member.name for each in one.stop}
    assert len({*names, *staying}) == len(names) + len(staying)


BAD = Luck(hours_between_deaths=2.0, never_starts=0.2, never_claims=0.1, shortages=300.0)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.sampled_from([80.0, 400.0, None]), st.integers(1, 2))
def test_everything_runs_in_the_end_within_the_limits_whatever_breaks(
    seed: int, workers: int, dollars: float | None, fleets: int
) -> None:
    submitted, limits = submissions(seed, 25, days=2.0), Limits(workers, dollars)
    year = Simulation(submitted, seed, limits=limits, luck=BAD, others=[limits] * (fleets - 1)).run()
    assert sorted(year.waited) == list(range(25))
    assert year.most_at_once <= workers * fleets
    if dollars is not None and fleets == 1:
        assert max(year.by_day.values()) <= dollars


def test_two_fleets_at_once_cost_little_more_than_one() -> None:
    submitted = submissions(3, 60, days=3.0)
    one, two = (Simulation(submitted, 3, others=others).run() for others in ((), [YEARS]))
    assert sorted(two.waited) == sorted(one.waited) == list(range(60))
    assert two.dollars < 1.5 * one.dollars


def test_a_fleet_with_a_lower_limit_beside_another_has_nothing_paid_for_twice() -> None:
    submitted, most = submissions(4, 60, days=3.0), Limits(8)
    one, two = (Simulation(submitted, 4, limits=most, others=others).run() for others in ((), [Limits(2)]))
    assert sorted(two.waited) == list(range(60))
    assert two.dollars < 1.05 * one.dollars
