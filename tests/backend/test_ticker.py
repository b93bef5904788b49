"""When the worker ticks, and what becomes of a tick that fails."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Event

import pytest

from src.queue.ticker import Ticker
from src.shared.errors import StoreError
from support.waiting import PATIENCE, wait_for

NEVER = timedelta(hours=1)


@pytest.fixture
def start() -> Iterator[Callable[..., Ticker]]:
    """Start tickers that are stopped at the end."""
    tickers: list[Ticker] = []

    def start(tick: Callable[[], None], every: timedelta = NEVER) -> Ticker:
        ticker = Ticker(every)
        tickers.append(ticker)
        ticker.start(tick)
        return ticker

    yield start
    for ticker in tickers:
        ticker.stop()


def test_the_worker_ticks_whether_or_not_anyone_looks(start: Callable[..., Ticker]) -> None:
    """Defect 9: the worker ran only while a browser tab was open, and once per open tab."""
    ticks: list[None] = []
    start(lambda: ticks.append(None), timedelta(milliseconds=20))
    wait_for(lambda: len(ticks) >= 5, what="five ticks")


def test_it_ticks_at_once_and_again_when_it_is_woken(start: Callable[..., Ticker]) -> None:
    ticks: list[None] = []
    ticker = start(lambda: ticks.append(None))
    wait_for(lambda: len(ticks) == 1, what="the first tick")
    ticker.wake()
    wait_for(lambda: len(ticks) >= 2, what="the second tick")


def test_news_during_a_tick_is_not_lost_and_ticks_never_overlap(start: Callable[..., Ticker]) -> None:
    begun, go_on = Event(), Event()
    ticks: list[None] = []
    at_once: list[None] = []

    def tick() -> None:
        assert not at_once
        at_once.append(None)
        begun.set()
        go_on.wait(PATIENCE)
        ticks.append(at_once.pop())

    ticker = start(tick)
    begun.wait(PATIENCE)
    ticker.wake()
    go_on.set()
    wait_for(lambda: len(ticks) >= 2, what="the second tick")


def test_a_failing_tick_is_reported_and_retried(start: Callable[..., Ticker]) -> None:
    errors = [StoreError("The dataset acme/requests cannot be reached."), ValueError("a bug")]

    def tick() -> None:
        if errors:
            raise errors.pop(0)

    ticker = start(tick)
    wait_for(lambda: ticker.problem == "The dataset acme/requests cannot be reached.", what="the sentence")
    ticker.wake()
    wait_for(lambda: "unexpected error (ValueError)" in ticker.problem, what="the second sentence")
    ticker.wake()
    wait_for(lambda: ticker.problem == "", what="the good tick")


def test_a_wake_that_comes_as_a_tick_ends_is_not_lost(start: Callable[..., Ticker]) -> None:
    """The thread that ticks is done with its last look at the news, but not yet out."""
    ticks: list[None] = []
    ticker = start(lambda: ticks.append(None))
    wait_for(lambda: len(ticks) == 1, what="the first tick")
    for number in range(200):
        ticker.wake()
        wait_for(lambda number=number: len(ticks) > number + 1, what=f"tick {number}")
