"""Two workers whose clocks differ by up to ten minutes: each request is finished once."""

from datetime import timedelta
from random import Random

import pytest

from src.shared.data.request import Status
from support.executors import FunctionExecutor
from support.queues import Clock, Queue

AHEAD, BEHIND = timedelta(minutes=5), timedelta(minutes=-5)


@pytest.mark.parametrize("seed", range(5))
def test_two_workers_whose_clocks_differ_finish_nothing_twice(queue: Queue, seed: int) -> None:
    chance = Random(seed)
    paths = [queue.submit(f"acme/model-{number}") for number in range(10)]
    clocks = [Clock(queue.clock.now + shift) for shift in (AHEAD, BEHIND)]
    executors = [FunctionExecutor(wait=True) for _ in clocks]
    workers = [
        queue.worker(f"worker-{number}", executor=executor, clock=clock, slots=2)
        for number, (executor, clock) in enumerate(zip(executors, clocks, strict=True))
    ]
    for _ in range(1000):
        if all(queue.read(path).status is Status.FINISHED for path in paths):
            break
        for clock in clocks:
            clock.move(minutes=1)
        for worker, executor in zip(workers, executors, strict=True):
            if chance.random() < 0.02:  # evaluations of an hour and more
                executor.let_end()
            worker.tick()
    requests = [queue.read(path) for path in paths]
    assert {request.status for request in requests} == {Status.FINISHED}
    assert [[each.end for each in request.history] for request in requests] == [["finished"]] * 10
    assert sum(len(executor.started) for executor in executors) == 10
    assert len(queue.result_paths()) == 10
