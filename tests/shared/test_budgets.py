"""No more files are read than the Hub delivers, and it is said when there may be more."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from src.shared.stores.budgets import READS_WINDOW, ReadBudget

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def test_what_is_too_much_is_refused_whole_until_enough_is_five_minutes_old() -> None:
    clock = Clock()
    budget = ReadBudget(10, clock)
    assert budget.spend(4) is None
    clock.now += timedelta(seconds=60)
    assert budget.spend(4) is None
    assert budget.spend(3) == START + READS_WINDOW
    assert budget.spend(7) == START + timedelta(seconds=60) + READS_WINDOW
    assert budget.spend(2) is None
    assert budget.spend(1) == START + READS_WINDOW
    clock.now = START + READS_WINDOW
    assert budget.spend(4) is None
    assert budget.spend(1) == START + timedelta(seconds=60) + READS_WINDOW


def test_more_than_the_limit_at_once_is_allowed_after_five_quiet_minutes() -> None:
    clock = Clock()
    budget = ReadBudget(10, clock)
    assert budget.spend(1) is None
    assert budget.spend(11) == START + READS_WINDOW
    clock.now += READS_WINDOW
    assert budget.spend(11) is None


def test_several_threads_together_get_no_more_than_the_limit() -> None:
    budget = ReadBudget(100, lambda: START)
    with ThreadPoolExecutor(8) as readers:
        refused = [*readers.map(lambda _: budget.spend(1), range(200))]
    assert refused.count(None) == 100
