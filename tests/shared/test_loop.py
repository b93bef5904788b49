"""Work that is done every so often, in a thread of its own."""

from datetime import timedelta
from threading import Event

import pytest

from src.shared.loop import Loop
from support.waiting import wait_for

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
        go_on.wait(30)
        done.set()

    loop = Loop(work, NEVER)
    loop.start()
    begun.wait(30)
    loop.stop(wait=False)
    assert not done.is_set()
    go_on.set()
    loop.stop()
    assert done.is_set()
    begun.clear()
    loop.stop()
    assert not begun.is_set()
