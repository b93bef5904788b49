"""Work that is done every so often, in a thread of its own."""

from datetime import datetime, timedelta, tzinfo
from threading import Event

import pytest

from src.shared.process.loop import Loop
from support.waiting import PATIENCE, wait_for

NEVER = timedelta(days=1)


def test_it_works_at_once_and_again_until_it_is_stopped() -> None:
    times: list[None] = []
    loop = Loop(lambda: times.append(None), timedelta(milliseconds=10))
    loop.start()
    wait_for(lambda: len(times) >= 3, what="three times")
    loop.stop()
    before = len(times)
    loop.wake()
    assert len(times) == before


def test_work_that_fails_is_done_again(caplog: pytest.LogCaptureFixture) -> None:
    times: list[None] = []

    def work() -> None:
        times.append(None)
        raise ValueError("a bug")

    loop = Loop(work, NEVER)
    loop.start()
    wait_for(lambda: len(times) == 1, what="the first time")
    loop.wake()
    wait_for(lambda: len(times) == 2, what="the second time")
    loop.stop()
    assert "a bug" in caplog.text


def test_a_stop_waits_for_the_work_that_is_under_way_if_it_should() -> None:
    begun, go_on, done = Event(), Event(), Event()

    def work() -> None:
        begun.set()
        go_on.wait(PATIENCE)
        done.set()

    loop = Loop(work, NEVER)
    loop.start()
    begun.wait(PATIENCE)
    loop.stop(wait=False)
    assert not done.is_set()
    go_on.set()
    loop.stop()
    assert done.is_set()
    begun.clear()
    loop.stop()
    assert not begun.is_set()


@pytest.mark.parametrize("leaps", [[2, -2], [-1], [1, -3, 2]])
def test_a_clock_that_leaps_and_comes_back_keeps_no_work_waiting(
    leaps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = timedelta()

    class LeapingClock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + ahead

    monkeypatch.setattr("apscheduler.schedulers.base.datetime", LeapingClock)
    monkeypatch.setattr("src.shared.process.loop.datetime", LeapingClock)
    monkeypatch.setattr("src.shared.process.loop.LONGEST_WAIT_SECONDS", 0.02)
    times: list[None] = []
    loop = Loop(lambda: times.append(None), timedelta(seconds=0.05))
    loop.start()
    wait_for(lambda: len(times) >= 2, what="some work")
    for days in leaps:
        ahead += timedelta(days=days)
        before = len(times)
        wait_for(lambda: len(times) >= before + 3, what="work after a leap")  # noqa: B023
    loop.stop()
