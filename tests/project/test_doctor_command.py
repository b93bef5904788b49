"""`make doctor` checks both Spaces and tells CI by its exit status."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from support.sources import ROOT


def doctor(data: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT / "scripts"), str(ROOT / "frontend")])
    fixed = {"LEADERBOARD_DATA_DIR": str(data), "FREE_DISK_GB": "0", "PYTHONPATH": path}
    environment = {**os.environ, **fixed, **variables}
    command = [str(ROOT / ".venv" / "frontend" / "bin" / "python"), "-m", "doctor", *options]
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


def test_what_is_checked_is_said_first(data: Path) -> None:
    assert doctor(data).stdout.startswith("Checking the leaderboard that this machine")


def test_an_owners_name_that_cannot_be_is_refused(data: Path) -> None:
    done = doctor(data, "no/such owner")
    assert done.returncode == 1
    assert "write the name of your organisation" in done.stderr


def test_a_board_on_the_hub_is_checked_by_its_names_and_not_by_this_machine(data: Path) -> None:
    """The Hub is away, so that every check of a dataset fails with its name."""
    variables = {"HF_ENDPOINT": "http://127.0.0.1:9", "LEADERBOARD_DATA_DIR": "", "DEVICE": "cuda"}
    done = doctor(data, "acme", "--board", "math", **variables)
    assert done.stdout.startswith(
        "Checking acme/math-leaderboard and acme/math-backend and acme/math-requests and acme/math-results."
    )
    assert "GPU" not in done.stdout


def test_the_targets_quote_what_they_pass_on() -> None:
    def told(*arguments: str) -> str:
        command = ["make", "--no-print-directory", "--dry-run", "--old-file=.venv", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert '-m src.try_task "arc_challenge|25"' in told("try-task", "TASK=arc_challenge|25")
    assert '-m doctor "acme" --board "math"' in told("doctor", "ORG=acme", "BOARD=math")
