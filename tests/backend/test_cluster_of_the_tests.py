"""The cluster that tests start (`support/slurm.py`): it ends with the test, however that ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from support.slurm import running_cluster
from support.sources import ROOT
from support.waiting import wait_for

pytestmark = pytest.mark.slow

PROGRAM = """\
import signal
from pathlib import Path
from support.slurm import running_cluster
from support.waiting import wait_for

with running_cluster() as cluster:
    script = cluster.folder / "job.sh"
    script.write_text("#!/bin/sh\\nsleep 600 & exec sleep 600\\n")
    job = cluster.run("sbatch", "--parsable", "--output=/dev/null", "--mem=100", str(script)).strip()
    wait_for(lambda: len(cluster.processes_of(job)) == 2)
    print(cluster.folder, *(each.pid for each in cluster.processes_of(job)), flush=True)
    signal.pause()
"""


def test_nothing_is_left_of_a_cluster_whose_test_was_killed() -> None:
    path = os.pathsep.join([str(ROOT / "backend"), str(ROOT / "tests")])
    command = [sys.executable, "-c", PROGRAM]
    with (
        running_cluster(),  # skips where it cannot run, and is not touched by the end of the other one
        subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE, text=True
        ) as test,
    ):
        assert test.stdout
        folder, *job = test.stdout.readline().split()
        keeper = next(each for each in psutil.Process(test.pid).children() if folder in each.cmdline())
        everything = [*keeper.children(recursive=True), keeper, *(psutil.Process(int(pid)) for pid in job)]
        test.kill()
        wait_for(lambda: not any(each.is_running() for each in everything), what="the end of all processes")
        wait_for(lambda: not Path(folder).exists(), what="the folder's end")
