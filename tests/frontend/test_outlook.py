"""The outlook tells when results are expected: of the queue, of one more request, and on which hardware."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from src.board.board import Board
from src.board.keeper import ESTIMATES_LAST, Keeper
from src.page import api, notices, request_card
from src.page.queue_tables import queue_table
from src.queue.entries import Group, entries, grouped
from src.queue.outlook import Outlook, fleet_from
from src.shared.data.backend_description import FleetDescription, HardwareDescription
from src.shared.data.request import Attempt, Lease, Request, Status
from src.shared.times import from_text, to_text
from src.submitting.limits import Terms
from src.submitting.submitter import ANONYMOUS
from support.boards import NO_LINKS, NOW, TASKS, Leaderboard
from support.factories import make_backend, make_request
from support.processor_time import processor_seconds

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
FLEET = FleetDescription(
    max_workers=2,
    dollars_a_day=20.0,
    hardware=(
        HardwareDescription(name="l4x1", largest_gb=18.0, price=0.8),
        HardwareDescription(name="big", largest_gb=60.0),
    ),
)
IN_A_FLEET = make_backend(fleet=FLEET)
NOTHING_FINISHED = "We cannot say yet when: no evaluation has finished on this leaderboard yet."


def finished(number: int, *, ended: datetime = NOW - HOUR, **changes: Any) -> Request:
    """One that took an hour."""
    attempt = Attempt(1, "here-0", ended - HOUR, ended, "finished", **changes)
    return make_request(model=f"acme/f{number}", status=Status.FINISHED, history=(attempt,))


def waiting(number: int, **changes: Any) -> Request:
    given = {"model": f"acme/w{number}", "submitted_time": to_text(NOW - HOUR + number * MINUTE)}
    return make_request(**{**given, **changes})


def running(*, started: datetime = NOW - 30 * MINUTE) -> Request:
    lease = Lease("here-0", "nonce", started, NOW, NOW + HOUR)
    return make_request(model="acme/r", status=Status.RUNNING, lease=lease, attempt=1)


def queue(*requests: Request) -> dict[str, Request]:
    return {f"{each.model}.json": each for each in requests}


KNOWN = [finished(number) for number in range(8)]


def outlook(*requests: Request, backend: Any = None, now: datetime = NOW) -> Outlook:
    return Outlook(queue(*KNOWN, *requests), now, backend)


def middle(found: Any) -> timedelta:
    assert found.range is not None
    return (found.range.low + found.range.high) / 2


def test_results_are_expected_in_the_order_of_the_queue() -> None:
    ours = outlook(running(), waiting(1), waiting(2))
    ends = [middle(ours.of(f"acme/{each}.json")) for each in ("r", "w1", "w2")]
    assert ends == sorted(ends)
    assert ends[0] < ends[1] < 3 * HOUR
    assert ours.of("acme/f0.json") is None
    assert ours.of("nothing.json") is None


def test_one_more_request_comes_after_those_that_wait() -> None:
    alone = outlook().of_one_more(waiting(9))
    third = outlook(waiting(1), waiting(2)).of_one_more(waiting(9))
    assert middle(alone) < 2 * HOUR < middle(third)


def test_one_more_request_goes_before_those_that_the_backends_order_puts_behind_it() -> None:
    small_first = make_backend(queue_order=("small_first",))
    large = [waiting(number, params=70.0) for number in (1, 2)]
    small = waiting(9, params=0.1)
    assert middle(outlook(*large, backend=small_first).of_one_more(small)) < middle(
        outlook(*large).of_one_more(small)
    )


def test_what_waits_for_approval_is_told_as_if_it_were_approved_now() -> None:
    first, second = (waiting(number, status=Status.WAITING) for number in (1, 2))
    ours = outlook(first, second)
    assert middle(ours.of("acme/w1.json")) < middle(ours.of("acme/w2.json"))
    assert middle(ours.of_one_more(replace(waiting(9), status=Status.WAITING))) > middle(
        ours.of_one_more(waiting(9))
    )


def test_before_anything_has_finished_nobody_can_say() -> None:
    ours = Outlook(queue(waiting(1)), NOW)
    assert (ours.of("acme/w1.json") or pytest.fail()).words == NOTHING_FINISHED
    assert ours.of_one_more(waiting(2)).words == NOTHING_FINISHED


def test_a_worker_that_had_nothing_to_do_for_a_day_still_counts_until_it_is_missed() -> None:
    a_day_later = NOW + timedelta(days=1)
    fresh = waiting(1, submitted_time=to_text(a_day_later))
    ours = outlook(fresh, now=a_day_later)
    assert middle(ours.of("acme/w1.json")) < 2 * HOUR
    missed = outlook(waiting(1), now=a_day_later).of("acme/w1.json")
    assert missed is not None
    assert missed.words == "We cannot say yet when: no worker has run lately."


def test_a_fleet_starts_several_workers_and_the_hardware_is_told() -> None:
    many = [waiting(number) for number in range(8)]
    last = "acme/w7.json"
    assert middle(outlook(*many, backend=IN_A_FLEET).of(last)) < middle(outlook(*many).of(last))
    ours = outlook(*many, backend=IN_A_FLEET)
    assert [
        kind and kind.hardware
        for kind in (
            ours.hardware_of(waiting(0, params=params, precision="bfloat16")) for params in (7, 20, 70)
        )
    ] == ["l4x1", "big", None]
    assert outlook().hardware_of(many[0]) is None


def test_a_model_that_no_hardware_has_room_for_is_told_so() -> None:
    told = outlook(backend=IN_A_FLEET).of_one_more(waiting(1, params=70.0, precision="bfloat16"))
    assert told.words == "We cannot say yet when: no hardware of this leaderboard has room for it."


def test_what_a_fleet_has_spent_since_midnight_counts() -> None:
    noon = datetime(2026, 2, 1, 12, tzinfo=UTC)
    requests = [
        finished(1, ended=noon, price=2.0),
        finished(2, ended=noon - timedelta(days=1), price=2.0),
        finished(3, ended=noon),
        replace(running(), lease=replace(running().lease, started=noon - 2 * HOUR, price=0.5)),  # type: ignore[type-var]
    ]
    assert fleet_from(FLEET, requests, noon).spent_today == pytest.approx(3.0)


def test_five_thousand_requests_are_told_within_a_few_seconds() -> None:
    many = [waiting(number) for number in range(5_000)]

    def all_of_them() -> None:
        ours = outlook(*many, backend=IN_A_FLEET)
        assert ours.of("acme/w4999.json")
        assert ours.of_one_more(waiting(5_001))

    assert processor_seconds(all_of_them) < 5


# Where it is shown


def board(*requests: Request, backend: Any = None) -> Board:
    return Board(queue=entries(queue(*KNOWN, *requests)), backend=backend, as_of=NOW)


def table(group: Group, *requests: Request, backend: Any = None) -> str:
    shown = board(*requests, backend=backend)
    return str(queue_table(group, grouped(shown.queue)[group], NO_LINKS, shown.outlook))


def card(request: Request, *others: Request, backend: Any = None) -> str:
    shown = board(request, *others, backend=backend)
    entry = shown.entries[f"{request.model}.json"]
    return str(request_card.card(entry, NO_LINKS, ANONYMOUS, shown.outlook))


def test_the_tables_have_a_column_of_when_results_are_expected() -> None:
    assert "<td>in 40 minutes to 1.5 hours</td>" in table(Group.PENDING, waiting(1))
    assert "Result expected" in table(Group.RUNNING, running())
    assert "Result expected" not in table(Group.FINISHED)


def test_a_table_without_an_outlook_leaves_the_column_out() -> None:
    shown = board(waiting(1))
    assert "expected" not in str(queue_table(Group.PENDING, grouped(shown.queue)[Group.PENDING], NO_LINKS))


def test_what_nobody_can_say_is_told_in_words_and_never_as_zero() -> None:
    shown = Board(queue=entries(queue(waiting(1))), as_of=NOW)
    entry = shown.entries["acme/w1.json"]
    assert "<td>not known yet</td>" in queue_table(Group.PENDING, [entry], NO_LINKS, shown.outlook)
    assert NOTHING_FINISHED in request_card.card(entry, NO_LINKS, ANONYMOUS, shown.outlook)


def test_a_card_says_when_and_on_which_hardware() -> None:
    assert "The result is expected in 40 minutes to 1.5 hours.</p>" in card(waiting(1))
    in_a_fleet = card(waiting(1), backend=IN_A_FLEET)
    assert "The result is expected in " in in_a_fleet
    assert "Models of its size run on l4x1, $0.80 an hour." in in_a_fleet
    large = card(waiting(1, params=20.0, precision="bfloat16"), backend=IN_A_FLEET)
    assert "Models of its size run on big.</p>" in large
    assert "The result is expected in " in card(running(), backend=IN_A_FLEET)
    assert "Models of its size" not in card(running(), backend=IN_A_FLEET)
    assert "Once it is approved, the result is expected in" in card(waiting(1, status=Status.WAITING))
    assert "expected" not in card(finished(9))


def test_names_of_hardware_stay_text() -> None:
    hardware = (HardwareDescription(name="<script>l4", largest_gb=18.0),)
    shown = card(waiting(1), backend=make_backend(fleet=FleetDescription(max_workers=1, hardware=hardware)))
    assert "&lt;script&gt;l4" in shown
    assert "<script>" not in shown


def test_the_form_says_when_before_one_submits() -> None:
    ours = outlook()
    assert "If you submit it now, the result is expected in 40 minutes to 1.5 hours." in notices.expected(
        waiting(1), ours
    )
    by_hand = notices.expected(waiting(1, status=Status.WAITING), ours)
    assert "A maintainer has to approve it. From then on, the result is expected in" in by_hand
    assert notices.expected(None, ours) == ""
    assert (
        "We cannot say yet when its result would be there: no evaluation has finished on this"
        in notices.expected(waiting(1), Outlook({}, NOW))
    )


def test_the_queue_has_the_times_and_the_words() -> None:
    first, second, ended = api.queue(board(running(), waiting(1)))[:3]
    begin, end = (from_text(str(second[each])) for each in ("expected_from", "expected_to"))
    assert begin is not None and end is not None
    assert NOW < begin < end < NOW + 5 * HOUR
    assert str(second["expected"]).startswith("in ")
    assert str(first["expected_to"]) < str(second["expected_to"])
    assert [ended[each] for each in ("expected", "expected_from", "expected_to")] == [None] * 3


def test_the_queue_tells_in_words_what_nobody_can_say() -> None:
    [entry] = api.queue(Board(queue=entries(queue(waiting(1)))))
    assert (entry["expected"], entry["expected_from"], entry["expected_to"]) == (NOTHING_FINISHED, None, None)


def test_no_history_puts_a_result_behind_the_end_of_the_calendar() -> None:
    slow = [
        replace(each, history=(replace(each.history[0], started=NOW - timedelta(days=365)),))
        for each in KNOWN
    ]
    many = [waiting(number) for number in range(4_000)] + [waiting(4_000, params=1e5)]
    last = api.queue(Board(queue=entries(queue(*slow, *many)), as_of=NOW))[4_000]
    assert last["expected"] == "in more than 90 days"
    assert str(last["expected_to"]).startswith("2036-")


def test_a_finding_without_problems_has_the_request_that_it_would_become(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    found = leaderboard.desk.look_up(leaderboard.form()).request
    assert found is not None
    assert (found.model, found.precision, found.status) == ("acme/tiny", "float32", Status.PENDING)
    by_hand = leaderboard.make_desk(leaderboard.requests, terms=Terms(by_hand=True))
    assert (by_hand.look_up(leaderboard.form()).request or pytest.fail()).status is Status.WAITING
    assert leaderboard.desk.look_up(leaderboard.form(precision="int1")).request is None
    asyncio.run(api.submit(leaderboard.desk, leaderboard.form()))
    assert leaderboard.desk.look_up(leaderboard.form()).request is None


def test_estimates_are_made_anew_after_five_minutes_and_pages_see_it(leaderboard: Leaderboard) -> None:
    leaderboard.add_request()
    time = [NOW]
    keeper = Keeper(leaderboard.requests, leaderboard.results, TASKS, clock=lambda: time[0])
    keeper.sync()
    before = keeper.now
    time[0] += ESTIMATES_LAST - MINUTE
    keeper.sync()
    assert (keeper.now.board, keeper.now.version) == (before.board, before.version)
    assert keeper.now.board.as_of == NOW
    time[0] += MINUTE
    keeper.sync()
    assert keeper.now.board.as_of == time[0]
    assert keeper.now.version == before.version + 1


def test_where_nothing_waits_or_runs_the_board_stays_as_it_is(leaderboard: Leaderboard) -> None:
    leaderboard.add_request(status=Status.FINISHED)
    time = [NOW]
    keeper = Keeper(leaderboard.requests, leaderboard.results, TASKS, clock=lambda: time[0])
    keeper.sync()
    before = keeper.now
    time[0] += timedelta(days=1)
    keeper.sync()
    assert keeper.now.board is before.board
    assert keeper.now.version == before.version


def test_a_sync_estimates_nothing(leaderboard: Leaderboard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Outlook, "_played", lambda *_: pytest.fail("it was played"))
    leaderboard.add_request()
    leaderboard.keeper.sync()
    assert leaderboard.keeper.now.board.queue
