"""A worker as a process of its own, with real child processes that only pretend to evaluate.

Run as `python chaos_worker.py WORKER NOTES ATTEMPTS`, with the variables set that say where the data lies,
and the backend and the tests on PYTHONPATH. Each evaluation adds a line to NOTES/evaluations.txt. It ends on
SIGTERM.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from src.queue.lifecycle import LeaseTerms
from src.queue.policy import Policy
from src.queue.reconciler import Reconciler
from src.queue.retries import RetryTerms
from src.queue.ticker import Ticker
from src.running.child_environment import clean_environment
from src.running.executor import ProcessExecutor
from src.running.launchers import ProgramLauncher
from src.running.watch import ChildLimits
from src.shared.environment import read_settings
from src.shared.process.stop_signal import StopSignal
from src.shared.settings import CommonSettings
from src.shared.wiring import open_stores
from support.queues import SUITE, AnyModel

TICK = timedelta(seconds=0.25)
LEASE = LeaseTerms(duration=timedelta(seconds=6), skew=timedelta(seconds=1))
UNCAPPED = 1_000_000


def main(worker: str, notes: Path, attempts: int) -> None:
    """Tick until asked to end."""
    stores = open_stores(read_settings(CommonSettings))
    ticker = Ticker(TICK)
    command = (sys.executable, str(Path(__file__).with_name("fast_child.py")))
    folder = Path(tempfile.mkdtemp(dir=notes))
    executor = ProcessExecutor(
        folder,
        limits=ChildLimits(timedelta(minutes=5)),
        launcher=ProgramLauncher(clean_environment(folder), command),
        on_end=ticker.wake,
    )
    short = timedelta(milliseconds=10)
    reconciler = Reconciler(
        worker=worker,
        requests=stores.requests,
        results=stores.results,
        models=AnyModel(),
        executor=executor,
        suite=replace(SUITE, tasks_dir=str(notes)),
        policy=Policy(LEASE, RetryTerms(attempts, UNCAPPED, first_pause=short, longest_pause=short)),
        slots=2,
    )
    stop = StopSignal()
    ticker.start(reconciler.tick)
    stop.wait()
    ticker.stop()
    reconciler.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
