"""Whoever waits for the Hub keeps nobody waiting, and those who compute do it one after the other."""

import asyncio
import threading

from src.submitting.threads import OneAtATime, Threads
from support.waiting import wait_for


def test_more_than_there_are_threads_wait_and_are_all_answered() -> None:
    now, most = 0, 0
    lock, may_end = threading.Lock(), threading.Event()

    def work(number: int) -> int:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        may_end.wait(60)
        with lock:
            now -= 1
        return number

    async def all_of_them() -> list[int]:
        threads = Threads(3)
        waiting = asyncio.gather(*(threads.run(work, number) for number in range(10)))
        while now < 3:
            await asyncio.sleep(0.001)
        may_end.set()
        return await waiting

    assert asyncio.run(all_of_them()) == [*range(10)]
    assert most == 3


def test_one_is_inside_at_a_time_and_others_come_in_while_it_is_outside() -> None:
    block, steps = OneAtATime(), []
    is_outside, may_return = threading.Event(), threading.Event()

    def asks() -> None:
        with block.inside():
            steps.append("asks")
            with block.outside():
                is_outside.set()
                may_return.wait(60)
            steps.append("was answered")

    def computes() -> None:
        is_outside.wait(60)
        with block.inside():
            may_return.set()
            steps.append("computes")

    both = [threading.Thread(target=asks), threading.Thread(target=computes)]
    for each in both:
        each.start()
    for each in both:
        each.join(60)
    assert steps == ["asks", "computes", "was answered"]


def test_one_that_is_not_inside_lets_nobody_in() -> None:
    block, is_inside, may_leave = OneAtATime(), threading.Event(), threading.Event()

    def stays() -> None:
        with block.inside():
            is_inside.set()
            may_leave.wait(60)

    staying = threading.Thread(target=stays)
    staying.start()
    is_inside.wait(60)
    with block.outside():
        pass
    entered = []
    other = threading.Thread(target=lambda: entered.append(block.inside().__enter__()))
    other.start()
    assert not entered
    may_leave.set()
    wait_for(lambda: entered, what="the next to be inside")
    staying.join(60)
    other.join(60)
