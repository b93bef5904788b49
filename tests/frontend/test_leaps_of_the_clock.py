"""A frontend goes on when its machine's clock leaps; only what it writes into files has that clock's time."""

import pytest

from src.board.keeper import WRITING_CHECKED_AFTER, Keeper
from src.leaderboard.availability import CHECKED_AGAIN_AFTER, WRITTEN_EVERY, Inspector, read_verdicts
from src.shared.data.names import AVAILABILITY
from src.shared.errors import StoreError
from src.shared.models.model_source import Presence
from src.shared.process.steady import steady_now
from src.shared.stores.budgets import COMMITS, Pace
from src.submitting.desk import Desk
from src.submitting.group_commit import LONGEST_GATHERING, GroupCommit
from src.submitting.receipts import submissions
from src.submitting.recent_models import RecentModels
from support.boards import TASKS, Leaderboard
from support.leaping import Machine

LEAPS = [(2, -2), (-1,), (1, -3, 2)]


@pytest.mark.parametrize("leaps", LEAPS)
def test_writing_is_checked_again_after_its_time_whatever_the_clock_does(
    leaderboard: Leaderboard, monkeypatch: pytest.MonkeyPatch, leaps: tuple[int, ...]
) -> None:
    machine = Machine()
    keeper = Keeper(
        leaderboard.requests, leaderboard.results, TASKS, clock=machine.wall, steady=machine.steady
    )
    keeper.sync()

    def refuse() -> None:
        raise StoreError("The token can only read.")

    monkeypatch.setattr(leaderboard.requests, "check_writing", refuse)
    for days in leaps:
        machine.leap(days=days)
        keeper.sync()
    assert keeper.now.cannot_submit == ""
    machine.let_pass(seconds=WRITING_CHECKED_AFTER.total_seconds())
    keeper.sync()
    assert keeper.now.cannot_submit == "The token can only read."


@pytest.mark.parametrize("leaps", LEAPS)
def test_models_are_checked_again_and_written_down_after_their_times_whatever_the_clock_does(
    leaderboard: Leaderboard, leaps: tuple[int, ...]
) -> None:
    machine = Machine()
    asked: list[str] = []

    def ask(model: str) -> Presence:
        asked.append(model)
        return Presence(True)

    inspector = Inspector(
        leaderboard.results, ask, lambda: ["acme/one"], clock=machine.wall, steady=machine.steady
    )
    for days in leaps:
        machine.leap(days=days)
        inspector.inspect()
    assert asked == ["acme/one"]
    machine.let_pass(seconds=WRITTEN_EVERY.total_seconds())
    inspector.inspect()
    assert AVAILABILITY in leaderboard.results.snapshot().files
    machine.let_pass(seconds=CHECKED_AGAIN_AFTER.total_seconds())
    inspector.inspect()
    assert len(asked) == 2


def test_a_check_that_a_wrong_clock_wrote_down_is_made_again(leaderboard: Leaderboard) -> None:
    machine = Machine()
    leaderboard.write(
        "results", AVAILABILITY, b"model,checked,available\nacme/one,2026-02-02T12:00:00Z,false\n"
    )
    inspector = Inspector(
        leaderboard.results,
        lambda model: Presence(True),
        lambda: ["acme/one"],
        clock=machine.wall,
        steady=machine.steady,
    )
    inspector.inspect()
    assert inspector.presences == {"acme/one": Presence(True)}
    machine.let_pass(seconds=WRITTEN_EVERY.total_seconds())
    inspector.inspect()
    written = read_verdicts((leaderboard.folder / "results" / AVAILABILITY).read_bytes())
    assert written["acme/one"].presence.is_available


@pytest.mark.parametrize("leaps", LEAPS)
def test_submissions_are_gathered_no_longer_than_they_should_be_whatever_the_clock_does(
    leaderboard: Leaderboard, leaps: tuple[int, ...]
) -> None:
    machine = Machine()
    leaderboard.requests.pace = Pace(clock=machine.steady)
    leaderboard.requests.pace.note(int(COMMITS * 0.9))
    group = GroupCommit(
        leaderboard.requests, leaderboard.keeper.read_requests, submissions(), clock=machine.steady
    )
    group._last = machine.steady()
    for days in leaps:
        machine.leap(days=days)
        assert group.due() == machine.steady() + LONGEST_GATHERING
    machine.let_pass(seconds=LONGEST_GATHERING.total_seconds())
    assert group.due() is None
    group.close()


def test_a_frontend_measures_intervals_by_the_steady_clock() -> None:
    for owner in (Keeper, Inspector, GroupCommit, RecentModels, Desk):
        assert steady_now in (owner.__init__.__kwdefaults__ or {}).values()
