"""What ties a process to the worker that started it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from src.running.job import write_json
from support.jobs import make_job
from support.queues import SUITE

PATIENCE = 600

WAITS = """
import os, sys, threading, time
from src.evaluation.lifeline import ending_with
with ending_with(0):
    print("inside", flush=True)
    if sys.argv[1] == "stays":
        time.sleep(600)
print(threading.active_count(), os.read(0, 100), flush=True)
"""


@contextmanager
def started(arguments: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A program that leads a session, as the worker starts it."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd="backend",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": "."},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_process_ends_at_once_when_nobody_holds_the_other_end_whatever_is_unread() -> None:
    with started(["-c", WAITS, "stays"]) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == b"inside\n"
        process.stdin.write(b"an order\n")
        process.stdin.close()
        assert process.wait(PATIENCE) == -signal.SIGKILL


def test_after_the_block_no_thread_is_left_and_nothing_was_read() -> None:
    with started(["-c", WAITS, "goes on"]) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"an order\n")
        process.stdin.flush()
        assert process.stdout.readlines() == [b"inside\n", b"1 b'an order\\n'\n"]
        assert process.wait(PATIENCE) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="children are forked on Linux only")
def test_a_warm_parent_whose_worker_is_killed_while_it_imports_ends_at_once(tmp_path: Path) -> None:
    suite = tmp_path / "suite.json"
    suite.write_text(json.dumps(vars(SUITE)))
    with started(["-m", "src.evaluation", "warm", str(suite)]) as process:
        assert process.stdin
        process.stdin.write(b'{"work": "describe", "folder": "somewhere"}\n')
        process.stdin.close()
        assert process.wait(PATIENCE) == -signal.SIGKILL


@pytest.mark.parametrize("work", ["evaluate", "describe", "try"])
def test_a_child_whose_worker_is_killed_while_it_imports_ends_at_once(work: str, tmp_path: Path) -> None:
    write_json(tmp_path / "job.json", make_job(tmp_path / "weights"))
    with started(["-m", "src.evaluation", work, str(tmp_path)]) as process:
        assert process.stdin
        process.stdin.close()
        assert process.wait(PATIENCE) == -signal.SIGKILL
