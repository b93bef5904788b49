"""How much memory there is, and how much a group of processes holds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from src.running import memory
from src.running.memory import available_memory, kills_for_memory, memory_above
from support.fast_child import HUNGRY
from support.sources import ROOT
from support.unprivileged import unprivileged
from support.waiting import wait_for


def test_the_processes_of_a_group_are_counted_together() -> None:
    command = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {HUNGRY!r}]).wait()"
    with subprocess.Popen([sys.executable, "-c", command], start_new_session=True) as process:
        try:
            wait_for(lambda: memory_above(200_000_000, process.pid), what="200 MB")
        finally:
            os.killpg(process.pid, 9)
    wait_for(lambda: memory_above(-1, process.pid) == 0, what="nothing")


def in_a_child(command: str, folder: Path, limit: int) -> int | None:
    """What a child is found to hold above a limit once it has run a command, in which FILE is a file of
    300 MB.
    """
    file = folder / "weights"
    file.write_bytes(bytes(300_000_000))
    held = folder / "held"
    held.unlink(missing_ok=True)
    command = (
        f"import mmap, os, time\nFILE = {str(file)!r}\n{command}\nopen({str(held)!r}, 'w')\ntime.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", command], start_new_session=True) as process:
        try:
            wait_for(held.exists, what="that it holds it")
            return memory_above(limit, process.pid)
        finally:
            os.killpg(process.pid, 9)


def test_the_pages_of_a_file_are_not_counted(tmp_path: Path) -> None:
    command = "held = mmap.mmap(os.open(FILE, os.O_RDONLY), 0, prot=mmap.PROT_READ)\nsum(held[::4096])"
    assert in_a_child(command, tmp_path, 100_000_000) is None


FORKED = """
held = bytearray(200_000_000)
held[::4096] = b"x" * len(held[::4096])
for _ in range(3):
    if os.fork() == 0:
        time.sleep(600)
"""


def test_what_forks_share_is_counted_once(tmp_path: Path) -> None:
    assert in_a_child(FORKED, tmp_path, 400_000_000) is None
    held = in_a_child(FORKED, tmp_path, 150_000_000)
    assert held
    assert 200_000_000 < held < 300_000_000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux hides processes: run it there")
def test_a_worker_that_hides_itself_still_counts_exactly_what_its_evaluations_hold(tmp_path: Path) -> None:
    path = os.pathsep.join(str(ROOT / each) for each in ("backend", "tests"))
    script = str(ROOT / "tests" / "support" / "hidden_worker.py")
    output = subprocess.run(
        unprivileged(sys.executable, script, str(tmp_path)),
        env={**os.environ, "PYTHONPATH": path},
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    held, above = json.loads(output)
    assert 100_000_000 < held < 150_000_000  # half of what it shares with the parent, and its own
    assert above is None


def test_where_linux_does_not_distinguish_pages_all_that_is_resident_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "PROC", tmp_path)
    stops = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"  # one that runs may still grow
    with subprocess.Popen([sys.executable, "-c", stops], start_new_session=True) as process:
        try:
            itself = psutil.Process(process.pid)
            wait_for(lambda: itself.status() == psutil.STATUS_STOPPED, what="that it stops")
            assert memory_above(0, process.pid) == itself.memory_info().rss > 0
            (tmp_path / str(process.pid)).mkdir()
            status = "Name:\tx\nRssAnon:\t 8 kB\nRssShmem:\t 2 kB\n"
            (tmp_path / str(process.pid) / "status").write_text(status)
            assert memory_above(0, process.pid) == 10_240
        finally:
            process.kill()


def test_a_container_has_its_limit_and_else_the_machine_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    total = psutil.virtual_memory().total
    assert (available_memory(), kills_for_memory()) == (total, 0)
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory() == total
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.events").write_text("low 0\noom 2\noom_kill 3\n")
    assert (available_memory(), kills_for_memory()) == (1_000_000, 3)
