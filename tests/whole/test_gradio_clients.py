"""The clients of Gradio that no environment of the project has go through the doors too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_leaderboard import ROOT, running
from support.hub_process import RemoteHub, hub_process
from support.leaderboard import FRONTEND_PYTHON, on_the_hub, with_a_login

CLIENTS = ROOT / "tests" / "support" / "gradio_clients"
PINNED_PYTHON = str(ROOT / ".venv" / "dev" / "bin" / "python")
ENDPOINTS = {"/leaderboard", "/queue", "/reproduce", "/submit", "/withdraw", "/maintain"}


@dataclass(frozen=True)
class Place:
    """A frontend on a Hub, and the token of alice, whose request waits."""

    hub: RemoteHub
    frontend: str
    token: str
    request: str

    def answers(self, *command: str, cwd: Path) -> Any:
        """Run a client, and check what it was answered."""
        variables = {"FRONTEND": self.frontend, "TOKEN": self.token, "REQUEST": self.request}
        self.hub.do("reset_calls")
        ran = run(*command, cwd=cwd, HF_HUB_DISABLE_IMPLICIT_TOKEN="1", **variables)
        answers = json.loads(ran.splitlines()[-1])
        assert set(answers["endpoints"]) == ENDPOINTS
        assert answers["leaderboard"]["headers"][0] == "Rank"
        assert [each["request"] for each in answers["queue"]] == [self.request]
        assert answers["reproduce"] == []
        assert "There is no model alice/nothing on the Hub" in answers["submit"]["message"]
        assert answers["withdraw"]["ok"]
        assert answers["after a cancelled call"][0]["status"] == "CANCELLED"
        asked = [call["route"] for call in self.hub.do("calls") if call["user"] == "alice"]
        assert asked == ["whoami", "whoami"]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with hub_process(FRONTEND_PYTHON) as hub:
        owner = hub.do("add_user", name="owner", organizations={"acme": "admin"})
        hub.do("add_user", name="alice")
        token = hub.do("add_token", user="alice", role="fineGrained")
        path = "acme/model_eval_request_False_float16_Original.json"
        content = {
            "model": "acme/model",
            "commit": "0" * 40,
            "precision": "float16",
            "weight_type": "Original",
            "status": "PENDING",
        }
        request = json.dumps(content | {"submitted_by": "alice", "submitted_time": "2026-01-31T12:00:00Z"})
        hub.do("add_repository", type="dataset", id="acme/requests", files={path: request})
        hub.do("add_repository", type="dataset", id="acme/results", files={"README.md": "# A dataset"})
        settings = on_the_hub(hub, owner) | with_a_login(hub)
        with running(tmp_path / "data", ("frontend",), **settings) as spaces:
            yield Place(hub, spaces["frontend"].url, token, path)


def run(*command: str, cwd: Path, **environment: str) -> str:
    """What a command prints. It fails with all that the command said if that fails."""
    ran = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if ran.returncode:
        pytest.fail(
            f"`{' '.join(command)}` ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}", pytrace=False
        )
    return ran.stdout


def test_the_python_client_that_gradio_brings(place: Place) -> None:
    place.answers(PINNED_PYTHON, "call.py", cwd=CLIENTS)


@pytest.mark.slow
def test_the_newest_python_client(place: Place, tmp_path: Path) -> None:
    uv_first = f"{ROOT / '.venv' / 'uv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    script, requirements = str(ROOT / "scripts" / "make_environment.py"), str(CLIENTS / "requirements.txt")
    run(sys.executable, script, str(tmp_path / "client"), requirements, cwd=ROOT, PATH=uv_first)
    place.answers(str(tmp_path / "client" / "bin" / "python"), "call.py", cwd=CLIENTS)


@pytest.mark.slow
def test_the_newest_javascript_client(place: Place, tmp_path: Path) -> None:
    if not shutil.which("npm"):
        pytest.skip("npm is missing: install Node.js 18 or newer, with npm")
    folder = shutil.copytree(CLIENTS, tmp_path / "client")
    run("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder)
    place.answers("node", "call.js", cwd=folder)
