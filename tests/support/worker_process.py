"""A worker as a process of its own, that can be told to die by SIGKILL right after one of its effects.

Run as `python worker_process.py DATA WORKER [--child] [--die-after EFFECT] [--with NUMBER]`, with the backend
and the tests on PYTHONPATH. It evaluates with a function or, with `--child`, in child processes that only
pretend, and ends when the queue is empty. Each evaluation adds a line to DATA/evaluations.txt. `--with 2`
begins when two workers are ready.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from src.queue.reconciler import Reconciler
from src.running.child_environment import clean_environment
from src.running.executor import Executor, ProcessExecutor
from src.running.job import Ending, Job
from src.running.launchers import ProgramLauncher
from src.running.watch import ChildLimits
from src.shared.times import utc_now
from support.executors import FunctionExecutor, good
from support.queues import POLICY, SUITE, AnyModel, Queue
from support.waiting import wait_for

EFFECTS = ["claimed", "child started", "result published", "status written"]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Dying:
    """Passes everything on, and dies right after the nth call of one method."""

    def __init__(self, inner: object, method: str, *, after: int = 1) -> None:
        self._inner, self._method, self._left = inner, method, after

    def __getattr__(self, name: str) -> object:
        real = getattr(self._inner, name)
        if name != self._method:
            return real

        def call(*args: object, **kwargs: object) -> object:
            value = real(*args, **kwargs)
            self._left -= 1
            if not self._left:
                die()
            return value

        return call


def make_executor(data: Path, *, child: bool) -> Executor:
    if child:
        command = (sys.executable, str(Path(__file__).with_name("fast_child.py")))
        work = Path(tempfile.mkdtemp(dir=data))
        launcher = ProgramLauncher(clean_environment(work), command)
        return ProcessExecutor(work, limits=ChildLimits(timedelta(minutes=5)), launcher=launcher)

    def evaluate(job: Job) -> Ending:
        with (data / "evaluations.txt").open("a") as file:
            file.write(f"{job.model} {os.getpid()}\n")
        return good(job)

    return FunctionExecutor(evaluate)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("worker")
    parser.add_argument("--child", action="store_true")
    parser.add_argument("--die-after", choices=EFFECTS)
    parser.add_argument("--with", dest="number", type=int, default=1)
    options = parser.parse_args()

    def dying(inner: Any, method: str, *, on: str, after: int = 1) -> Any:
        return Dying(inner, method, after=after) if options.die_after == on else inner

    queue = Queue(options.data)
    executor = make_executor(options.data, child=options.child)
    requests = dying(queue.requests, "commit", on="claimed")
    reconciler = Reconciler(
        worker=options.worker,
        requests=dying(requests, "commit", on="status written", after=2),
        results=dying(queue.results, "commit", on="result published"),
        models=AnyModel(),
        executor=dying(executor, "start", on="child started"),
        suite=replace(SUITE, tasks_dir=str(options.data)),
        policy=POLICY,
        clock=utc_now,
    )
    (options.data / f"{options.worker}.ready").touch()
    wait_for(lambda: len(list(options.data.glob("*.ready"))) >= options.number, what="the other workers")
    while True:
        reconciler.tick()
        if reconciler.is_idle():
            return
        time.sleep(0.01)


if __name__ == "__main__":
    main()
