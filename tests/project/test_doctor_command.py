"""`make doctor` checks both Spaces and tells CI by its exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.sources import ROOT


def doctor(data: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LEADERBOARD_DATA_DIR": str(data), "FREE_DISK_GB": "0", **variables}
    command = [sys.executable, "scripts/doctor.py", *options]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("requests", "results"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_both_lists_are_printed_and_a_board_without_results_is_not_wrong(data: Path) -> None:
    done = doctor(data)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.index("\nfrontend\n") < done.stdout.index("\nbackend\n")
    assert " wrong\n" in done.stdout
    assert not [path for path in data.rglob("*") if path.is_file()]


@pytest.mark.parametrize("variables", [{"MAX_PENDING": "many"}, {"MAX_HOURS": "many"}])
def test_something_wrong_in_either_space_fails(data: Path, variables: dict[str, str]) -> None:
    done = doctor(data, "--json", **variables)
    assert done.returncode == 1
    lists = json.loads(done.stdout)
    assert list(lists) == ["frontend", "backend"]
    wrong = [each for found in lists.values() for each in found if each["level"] == "wrong"]
    assert [each["checked"] for each in wrong] == ["settings"]


def test_warnings_fail_only_if_that_is_asked_for(data: Path) -> None:
    assert doctor(data, "--strict").returncode == 1
