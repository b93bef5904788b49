"""The worker's container, as far as it can be tried without Docker: its files, its user, its command."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from src.shared.data.request import Status
from src.withdrawn_secrets import is_secret
from support.queues import Queue
from support.unprivileged import unprivileged
from support.waiting import PATIENCE

BACKEND = Path("backend").resolve()
FOLDER = Path("/home/worker/backend")


class Instruction(NamedTuple):
    """A line of the Dockerfile."""

    name: str
    text: str


def instructions() -> Iterator[Instruction]:
    text = (BACKEND / "Dockerfile").read_text(encoding="utf-8")
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            yield Instruction(name, rest.strip())


def texts(name: str) -> list[str]:
    return [each.text for each in instructions() if each.name == name]


def is_sent(path: str) -> bool:
    """Whether the builder sees a file, by the last line of .dockerignore that fits it or a folder of it."""
    parts = path.split("/")
    places = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    sent = True
    for line in (BACKEND / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = re.escape(line.removeprefix("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if line and not line.startswith("#") and any(re.fullmatch(pattern, place) for place in places):
            sent = line.startswith("!")
    return sent


def copied(image: Path) -> Path:
    """Copy what the Dockerfile copies, as the builder does, and return the worker's folder."""
    folder = image / "backend"
    for sources in texts("COPY"):
        *names, target = sources.split()
        for name in names:
            source = BACKEND / name
            assert source.exists(), f"COPY {name}: there is no such file"
            files = [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file()]
            for file in files:
                path = file.relative_to(BACKEND)
                if is_sent(path.as_posix()):
                    place = folder / target / (path.name if source.is_file() else file.relative_to(source))
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(file, place)
    return folder


def test_it_runs_the_worker_as_a_user_without_rights() -> None:
    order = [each.name for each in instructions()]
    assert order[0] == "FROM" and order[-1] == "CMD"
    assert texts("USER") == ["worker"]
    assert order.index("USER") > max(place for place, name in enumerate(order) if name in ("RUN", "COPY"))
    assert json.loads(texts("CMD")[0]) == ["python", "-m", "src.worker"]
    assert texts("WORKDIR") == [str(FOLDER)]
    assert "EXPOSE" not in order and "ADD" not in order


def test_it_installs_the_locked_packages_with_a_python_that_they_are_locked_for() -> None:
    assert re.fullmatch(r"python:3\.11-slim-\w+", texts("FROM")[0])
    assert "REQUIREMENTS=requirements.txt" in texts("ARG")
    [install] = [text for text in texts("RUN") if text.startswith("pip install")]
    assert install == "pip install --no-cache-dir --requirement ${REQUIREMENTS}"
    for file in ("requirements.txt", "requirements-lighteval.txt"):
        assert file in texts("COPY")[0] and is_sent(file)


def test_no_secret_gets_into_a_layer() -> None:
    names = [name for text in [*texts("ENV"), *texts("ARG")] for name in re.findall(r"(\w+)=", text)]
    assert set(names) == {"PYTHONUNBUFFERED", "TMPDIR", "REQUIREMENTS", "PIP_EXTRA_INDEX_URL"}
    assert not [name for name in names if is_secret(name)]
    assert [text for text in texts("COPY") if text.split()[0] in (".", "*")] == []
    for path in (
        ".env",
        "src/.env",
        "tasks/.env.local",
        ".git/config",
        "data/requests/x.json",
        "token",
        "app.py",
    ):
        assert not is_sent(path), path
    for path in (
        "src/__pycache__/worker.pyc",
        "src/queue/__pycache__/x.pyc",
        "tasks/server.key",
        "src/a/b.pem",
    ):
        assert not is_sent(path), path
    for path in ("src/worker.py", "src/shared/data/names.py", "tasks/tiny_copy.yaml"):
        assert is_sent(path), path


def test_every_file_of_the_worker_and_of_its_tasks_is_copied(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    for name in ("src", "tasks"):
        here = {path.relative_to(BACKEND) for path in (BACKEND / name).rglob("*") if path.is_file()}
        there = {path.relative_to(folder) for path in (folder / name).rglob("*") if path.is_file()}
        assert there == {path for path in here if "__pycache__" not in path.parts}


@pytest.mark.slow
def test_its_command_works_on_what_is_copied(queue: Queue, tmp_path: Path) -> None:
    """In this environment, which `make` installs from the same locked list."""
    path = queue.submit("nobody/there")
    program, *command = json.loads(texts("CMD")[0])
    assert program == "python"
    (tmp_path / "models").mkdir()
    variables = dict(re.findall(r"(\w+)=(\S+)", " ".join(texts("ENV"))))
    assert variables.pop("TMPDIR") == "/models"
    variables |= {"TMPDIR": str(tmp_path / "models"), "LEADERBOARD_DATA_DIR": str(queue.folder)}
    variables |= {
        "REFRESH_RATE": "0.2",
        "HF_HUB_OFFLINE": "1",
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
    }
    ran = subprocess.run(
        unprivileged(sys.executable, *command, "--drain"),
        cwd=copied(tmp_path / "image"),
        env=variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert queue.read(path).status is Status.FAILED
    assert "There is no model nobody/there" in (queue.read(path).message or "")
