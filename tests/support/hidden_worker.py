"""A worker that hides itself and counts what a child of its warm parent holds.

Run as `python hidden_worker.py FOLDER`, with the backend and the tests on PYTHONPATH. The parent shares 200
MB with its one child. Prints the child's bytes of memory if they are above each of LIMITS, and null if not.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from src.running.child_environment import clean_environment
from src.running.job import Work
from src.running.memory import memory_above
from src.running.suite import Suite
from src.running.warm_launcher import WarmLauncher
from src.shared.process.hardening import forbid_inspection
from support.sources import ROOT
from support.waiting import wait_for

LIMITS = (50_000_000, 150_000_000)


def main(folder: Path) -> None:
    forbid_inspection()
    environment = clean_environment(folder) | {"PYTHONPATH": str(ROOT / "backend")}
    command = (sys.executable, str(Path(__file__).with_name("fast_warm_parent.py")))
    launcher = WarmLauncher(environment, Suite(tasks=(), tasks_dir=""), folder / "holding", command)
    job = folder / "alone"  # what another process shares until it has its program would count too
    job.mkdir()
    child = launcher.launch(Work.EVALUATE, job)
    group = wait_for(lambda: child.pid, what="the child")
    print(json.dumps([memory_above(limit, group) for limit in LIMITS]))
    launcher.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
