"""A worker as a process of its own, with its data on a Hub and a function in the place of lm_eval.

Run as `python hub_worker.py WORKER NOTES`, with HF_ENDPOINT, HF_TOKEN and OWNER set and the backend and the
tests on PYTHONPATH. Each evaluation adds a line to the file NOTES. It ends on SIGTERM.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

from src.queue.reconciler import Reconciler
from src.queue.ticker import Ticker
from src.running.job import Ending, Job
from src.shared.environment import read_settings
from src.shared.process.stop_signal import StopSignal
from src.shared.settings import CommonSettings
from src.shared.wiring import open_stores
from support.executors import FunctionExecutor, good
from support.queues import POLICY, SUITE


def main(worker: str, notes: Path) -> None:
    """Tick until asked to end."""

    def evaluate(job: Job) -> Ending:
        with notes.open("a") as file:
            file.write(f"{job.model} {worker}\n")
        return good(job)

    stores = open_stores(read_settings(CommonSettings))
    ticker = Ticker(timedelta(seconds=0.2))
    reconciler = Reconciler(
        worker=worker,
        requests=stores.requests,
        results=stores.results,
        models=stores.models,
        executor=FunctionExecutor(evaluate),
        suite=SUITE,
        policy=POLICY,
        slots=4,
    )
    stop = StopSignal()
    ticker.start(reconciler.tick)
    stop.wait()
    ticker.stop()


if __name__ == "__main__":
    assert os.environ["HF_ENDPOINT"]
    main(sys.argv[1], Path(sys.argv[2]))
