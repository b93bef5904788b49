"""The commands of docs/recipes.md, run as far as that is possible without an account, a GPU and Docker."""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from src.settings import Settings
from src.shared.data.request import Status
from src.shared.environment import read_settings
from support.queues import Queue
from support.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
TOKEN = "hf_secret"
DEPLOY = ROOT / "scripts" / "deploy" / "__main__.py"


def recipe(title: str) -> str:
    """The text of a recipe."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
    assert found, title
    return found[1]


def commands(title: str, language: str = "sh") -> list[str]:
    """The blocks of commands of a recipe."""
    return re.findall(rf"^```{language}\n(.*?)^```", recipe(title), re.M | re.S)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home: a clone of this project, and what `python -m venv` and `pip install` leave."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "leaderboard").symlink_to(ROOT)
    (home / "worker" / "bin").mkdir(parents=True)
    (home / "worker" / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (home / "worker" / "bin" / "python").chmod(0o755)
    return home


def run(script: str, home: Path, queue: Queue, shell: str = "bash") -> str:
    """Run commands in the clone with the data in a folder, and a token pasted where they wait for it."""
    variables = {"HOME": str(home), "PATH": os.environ["PATH"], "TMPDIR": str(home), "HF_HUB_OFFLINE": "1"}
    variables |= {"LEADERBOARD_DATA_DIR": str(queue.folder), "REFRESH_RATE": "0.2"}
    ran = subprocess.run(
        [shell, "-e", "-c", script],
        cwd=home / "leaderboard",
        env=variables,
        input=f"{TOKEN}\n",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert TOKEN not in ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def drained(script: str) -> str:
    """The same commands with workers that end when the queue is empty."""
    assert "-m src.worker" in script
    return script.replace("-m src.worker", "-m src.worker --drain")


def test_no_token_is_typed_into_a_command() -> None:
    assert "hf_" not in re.sub(r"hf_hub", "", TEXT)
    for title in re.findall(r"^## (.+)$", TEXT, re.M):
        for script in commands(title):
            assert not re.search(r"(TOKEN|KEY)=(?!\$)", script), title


@pytest.mark.slow
def test_a_machine_of_ones_own_evaluates(home: Path, queue: Queue) -> None:
    path = queue.submit("nobody/there")
    [script] = commands("The worker on a machine of your own")
    make, install, *rest = script.splitlines()
    assert make == "python3.11 -m venv ~/worker"
    assert install == "~/worker/bin/pip install -r backend/requirements.txt"
    run(drained("\n".join(rest)), home, queue)
    assert queue.read(path).status is Status.FAILED


@pytest.mark.slow
def test_several_workers_share_a_queue(home: Path, queue: Queue) -> None:
    paths = [queue.submit(f"nobody/model-{number}") for number in range(4)]
    [script] = commands("Several workers")
    assert script.count("DEVICE=cuda:") == 2
    output = run(drained(re.sub(r"DEVICE=cuda:\d", "DEVICE=cpu", script)), home, queue)
    assert len(set(re.findall(r"worker (\S+-\d+) starts", output))) == 2
    assert {queue.read(path).status for path in paths} == {Status.FAILED}


@pytest.mark.slow
def test_a_worker_on_a_schedule_keeps_its_token_in_a_file_of_its_own(home: Path, queue: Queue) -> None:
    path = queue.submit("nobody/there")
    [script] = commands("A worker on a schedule")
    run(script, home, queue)
    file = home / ".leaderboard-worker"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == f"HF_TOKEN={TOKEN} OWNER=acme\n"
    [line] = commands("A worker on a schedule", "crontab")
    when, command = re.fullmatch(r"((?:\S+ ){5})(.*)\n", line).groups()  # type: ignore[union-attr]
    assert when == "0 2 * * * "
    assert "%" not in command, "cron would end the command there"
    run(command, home, queue, shell="sh")
    assert queue.read(path).status is Status.FAILED
    log = (home / "worker.log").read_text()
    assert "starts" in log and TOKEN not in log


def test_the_container_is_built_and_run_with_what_the_dockerfile_has(home: Path, queue: Queue) -> None:
    (home / "bin").mkdir()
    log = home / "docker.log"
    (home / "bin" / "docker").write_text(f'#!/bin/sh\necho "$@" "${{HF_TOKEN:+has-a-token}}" >> {log}\n')
    (home / "bin" / "docker").chmod(0o755)
    [script] = commands("The worker in a container")
    run(f'PATH="{home}/bin:$PATH"\n{script}', home, queue)
    build, start, logs = log.read_text().splitlines()
    dockerfile = (ROOT / "backend" / "Dockerfile").read_text(encoding="utf-8")
    assert build.split() == ["build", "--tag", "leaderboard-worker", "backend"]
    assert start.endswith("leaderboard-worker has-a-token")
    assert "--env HF_TOKEN " in start and "--init" in start
    assert "TMPDIR=/models\n" in dockerfile and ":/models " in start
    assert logs.split()[:3] == ["logs", "--follow", "worker"]
    assert "ARG PIP_EXTRA_INDEX_URL=" in dockerfile


def test_a_second_boards_worker_finds_its_datasets() -> None:
    _, script = commands("A second board in the same organisation")
    variables = dict(re.findall(r"(\w+)=(\S+)", script))
    settings = read_settings(Settings, None, variables | {"HF_TOKEN": TOKEN})
    names = (settings.queue_repo, settings.results_repo)
    assert names == ("acme/math-requests", "acme/math-results")
    assert all(f"`{name}`" in recipe("A second board in the same organisation") for name in names)


def test_every_make_command_names_a_target_and_its_options() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    scripts = {"upgrade": ROOT / "scripts" / "upgrade.py"} | ({"deploy": DEPLOY} if DEPLOY.exists() else {})
    assert scripts.keys() <= targets
    for command in re.findall(r"^make .*$", TEXT, re.M):
        _, target, *variables = shlex.split(command)
        if target not in scripts:
            assert target == "deploy"  # where the command is not there yet
            continue
        arguments = dict(each.split("=", 1) for each in variables).get("ARGS", "")
        options = re.findall(r"--[a-z-]+", arguments)
        known = scripts[target].read_text(encoding="utf-8")
        assert [option for option in options if f'"{option}"' not in known] == [], command


def test_what_deploy_is_told_to_set_are_settings() -> None:
    for name, value in re.findall(r"--set backend:(\w+)=(\w+)", TEXT):
        assert read_settings(Settings, None, {name: value}).devices in [("cpu",), ("cuda",)]


def test_an_old_clone_is_upgraded_by_the_script_of_the_newest() -> None:
    *_, script = commands("A newer version of the template")
    clone, upgrade = map(shlex.split, script.splitlines())
    assert clone[:2] == ["git", "clone"] and upgrade[1] == f"{clone[-1]}/scripts/upgrade.py"
    assert (ROOT / "scripts" / "upgrade.py").exists()
    usage = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "upgrade.py"), "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert all(option in usage for option in (upgrade[2], "--dry-run"))
