"""A worker in a simulated hour: `python hour_of_a_worker.py SECONDS`, which each evaluation takes.

Each line on standard input moves the clock; the answer is how many evaluations were begun.
"""

from __future__ import annotations

import sys

from src.queue.reconciler import Reconciler
from src.shared.environment import read_settings
from src.shared.settings import CommonSettings
from src.shared.wiring import open_stores
from support.executors import FunctionExecutor
from support.queues import POLICY, SUITE
from support.simulated_time import SimulatedClock, steps

TICK_SECONDS = 60


def main(evaluation_seconds: float) -> None:
    clock = SimulatedClock()
    stores = open_stores(read_settings(CommonSettings), clock=clock)
    executor = FunctionExecutor(wait=True)
    worker = Reconciler(
        worker="worker-1",
        requests=stores.requests,
        results=stores.results,
        models=stores.models,
        executor=executor,
        suite=SUITE,
        policy=POLICY,
        clock=clock,
        steady=clock,
    )
    began = 0.0
    for now in steps(clock, lambda: len(executor.started)):
        ends = bool(executor.running) and now - began >= evaluation_seconds
        if ends:
            executor.let_end()
        if ends or now % TICK_SECONDS == 0:
            count = len(executor.started)
            worker.tick()
            if len(executor.started) > count:
                began = now


if __name__ == "__main__":
    main(float(sys.argv[1]))
