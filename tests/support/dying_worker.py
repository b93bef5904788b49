"""A worker that is killed while an evaluation of its runs: `python dying_worker.py warm|program FOLDER`.

Run it with the backend and the tests on PYTHONPATH. The evaluation only pretends, and does not end by itself.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from src.running.child_environment import clean_environment
from src.running.executor import ProcessExecutor
from src.running.job import LOG_FILE, Job, Work
from src.running.launchers import ProgramLauncher
from src.running.suite import Suite
from src.running.warm_launcher import WarmLauncher
from src.running.watch import ChildLimits
from support.sources import ROOT
from support.waiting import wait_for

HERE = Path(__file__).parent


def start_warm(folder: Path) -> Path:
    """Have a warm parent fork a child, and return the file that it writes into."""
    environment = clean_environment(folder) | {"PYTHONPATH": str(ROOT / "backend")}
    command = (sys.executable, str(HERE / "fast_warm_parent.py"))
    launcher = WarmLauncher(environment, Suite(tasks=(), tasks_dir=""), folder / "worker", command)
    (folder / "endless").mkdir()
    launcher.launch(Work.EVALUATE, folder / "endless")
    return folder / "endless" / LOG_FILE


def start_program(folder: Path) -> Path:
    """Have the executor start a child as a program, and return the file that it writes into."""
    command = (sys.executable, str(HERE / "fast_child.py"))
    launcher = ProgramLauncher(clean_environment(folder / "worker"), command)
    executor = ProcessExecutor(folder / "worker", limits=ChildLimits(timedelta(minutes=1)), launcher=launcher)
    slow = Job(
        model="acme/slow",
        weights="models",
        commit=None,
        precision="float32",
        tasks=("tiny",),
        tasks_dir=str(folder),
    )
    executor.start("nonce", slow)
    return folder / "evaluations.txt"


def main(kind: str, folder: Path) -> None:
    written = {"warm": start_warm, "program": start_program}[kind](folder)
    wait_for(lambda: written.exists() and "\n" in written.read_text(), what="the child's first line")
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
