"""Intervals do not depend on the machine's clock, and a leap of that clock is noticed."""

import logging
from datetime import timedelta

import pytest

from src.shared.process import steady
from src.shared.process.steady import Leaps, on_the_wall, steady_now
from src.shared.stores.budgets import Pace, ReadBudget
from src.shared.stores.hub import Hub
from src.shared.stores.indexer import Indexer
from src.shared.times import utc_now
from support.leaping import Machine


def test_a_leap_of_the_clock_is_noticed_logged_and_told(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    leaps = Leaps(machine.wall, machine.steady)
    with caplog.at_level(logging.WARNING):
        leaps.check()
        machine.let_pass(minutes=5)
        leaps.check()
        assert leaps.last is None
        machine.leap(days=2)
        leaps.check()
    assert leaps.last == (
        "The machine's clock leapt ahead by 2 days, 0:00:00 (h:mm:ss), to 2026-02-02T12:05:00Z."
    )
    assert leaps.last in caplog.text


def test_two_days_ahead_for_twenty_seconds_and_then_right_again_are_two_leaps() -> None:
    machine = Machine()
    leaps = Leaps(machine.wall, machine.steady)
    told = []
    for leap in (timedelta(days=2), timedelta(days=-2)):
        machine.leap(seconds=leap.total_seconds())
        machine.let_pass(seconds=20)
        leaps.check()
        told.append(leaps.last)
    assert ["leapt ahead by 2 days" in str(told[0]), "leapt back by 2 days" in str(told[1])] == [True, True]


def test_several_leaps_are_each_told_once(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    leaps = Leaps(machine.wall, machine.steady)
    for days in (-1, 3, -1):
        machine.leap(days=days)
        for _ in range(3):
            machine.let_pass(seconds=30)
            leaps.check()
    assert len(caplog.records) == 3


def test_a_clock_that_is_put_right_by_less_than_a_minute_is_no_leap() -> None:
    machine = Machine()
    leaps = Leaps(machine.wall, machine.steady)
    for _ in range(10):
        machine.leap(seconds=50)
        leaps.check()
    assert leaps.last is None


def test_the_steady_clock_goes_on_evenly_while_the_machines_clock_leaps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = steady_now()
    due = before + timedelta(minutes=10)
    right = on_the_wall(due)
    monkeypatch.setattr(steady, "utc_now", lambda: utc_now() + timedelta(days=2))
    assert timedelta() <= steady_now() - before < timedelta(minutes=1)
    shift = on_the_wall(due) - right
    assert shift == timedelta(days=2)


@pytest.mark.parametrize("owner", [Pace, ReadBudget, Hub, Indexer])
def test_what_measures_intervals_measures_them_by_the_steady_clock(owner: type) -> None:
    defaults = [*(owner.__init__.__defaults__ or ()), *(owner.__init__.__kwdefaults__ or {}).values()]  # type: ignore[misc]
    assert steady_now in defaults
    assert utc_now not in defaults


def test_an_hours_commits_are_forgotten_after_an_hour_whatever_the_clock_does() -> None:
    machine = Machine()
    pace = Pace(clock=machine.steady)
    machine.leap(days=2)
    pace.note(5)
    machine.leap(days=-2)
    machine.let_pass(minutes=59)
    assert pace.used == 5
    machine.let_pass(minutes=1)
    assert pace.used == 0


def test_reads_are_allowed_again_after_five_minutes_whatever_the_clock_does() -> None:
    machine = Machine()
    budget = ReadBudget(10, machine.steady)
    machine.leap(days=2)
    assert budget.spend(10) is None
    machine.leap(days=-3)
    assert budget.spend(1)
    machine.let_pass(minutes=5)
    assert budget.spend(10) is None
