"""How much memory there is, and how much a group of processes holds."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from src import memory
from src.memory import available_memory, kills_for_memory, resident_size
from support.fast_child import HUNGRY
from support.waiting import wait_for


def test_the_processes_of_a_group_are_counted_together() -> None:
    command = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {HUNGRY!r}]).wait()"
    with subprocess.Popen([sys.executable, "-c", command], start_new_session=True) as process:
        try:
            wait_for(lambda: resident_size(process.pid) > 200_000_000, what="200 MB")
        finally:
            os.killpg(process.pid, 9)
    assert resident_size(process.pid) == 0


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
