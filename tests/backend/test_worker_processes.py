"""Workers as real processes: killed at the worst moments, and several on one queue."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from src.shared.data.request import Status
from support.queues import Queue
from support.waiting import PATIENCE
from support.worker_process import EFFECTS

SCRIPT = Path(__file__).parents[1] / "support" / "worker_process.py"


def start_worker(queue: Queue, name: str, *options: str) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(Path.cwd() / "backend"), str(SCRIPT.parents[1])])
    command = [sys.executable, str(SCRIPT), str(queue.folder), name, *options]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path})


def evaluations(queue: Queue) -> list[str]:
    return [line.split()[0] for line in (queue.folder / "evaluations.txt").read_text().splitlines()]


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_worker_killed_after_any_effect_completes_its_work_at_the_next_start(
    queue: Queue, effect: str
) -> None:
    path = queue.submit("acme/model")
    assert start_worker(queue, "worker-1", "--child", "--die-after", effect).wait(PATIENCE) == -signal.SIGKILL
    assert start_worker(queue, "worker-1", "--child").wait(PATIENCE) == 0
    assert queue.read(path).status is Status.FINISHED
    assert queue.result_paths() == [queue.read(path).result]
    # What was published before the kill is adopted, not computed again.
    if effect in ("result published", "status written"):
        assert evaluations(queue) == ["acme/model"]


def test_two_workers_evaluate_fifty_requests_each_once(queue: Queue) -> None:
    paths = [queue.submit(f"acme/model-{number}") for number in range(50)]
    workers = [start_worker(queue, name, "--with", "2") for name in ("worker-1", "worker-2")]
    assert [worker.wait(PATIENCE) for worker in workers] == [0, 0]
    assert Counter(evaluations(queue)) == {f"acme/model-{number}": 1 for number in range(50)}
    assert {queue.read(path).status for path in paths} == {Status.FINISHED}
    assert len(queue.result_paths()) == 50
    assert {queue.read(path).history[-1].worker for path in paths} == {"worker-1", "worker-2"}
