"""Deploying a clone to the Hub for tests: in this process, or as the program that `make deploy` starts."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from support.sources import ROOT, SPACES

SCRIPTS = ROOT / "scripts"
FRONTEND_PYTHON = str(ROOT / ".venv" / "frontend" / "bin" / "python")
CACHES = shutil.ignore_patterns("__pycache__", ".*_cache", ".gradio")
AT_THE_HUB_OF_THE_TESTS = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}


class Ran(NamedTuple):
    """How a deployment ended, and what it said."""

    status: int
    output: str


def make_clone(folder: Path) -> Path:
    """A copy of what a deployment needs of this project, with the environments that are there."""
    for part in (*SPACES, "scripts/deploy"):
        shutil.copytree(ROOT / part, folder / part, ignore=CACHES)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def deploy(
    hub_url: str, *arguments: str, clone: Path = ROOT, secrets: Mapping[str, str] | None = None
) -> Ran:
    """Deploy in this process. Secrets are lines on standard input; without any, nobody answers a question."""
    if str(SCRIPTS) not in sys.path:
        sys.path.append(str(SCRIPTS))
    from deploy.__main__ import main

    lines = "".join(f"{name}={value}\n" for name, value in (secrets or {}).items())
    said: list[str] = []
    status = main(
        [*arguments, *(["--stdin"] if secrets else [])],
        root=clone,
        endpoint=hub_url,
        stdin=io.StringIO(lines),
        say=said.append,
        sleep=lambda seconds: time.sleep(0.01),
    )
    return Ran(status, "\n".join(said))


def start_deployment(
    hub_url: str,
    *arguments: str,
    clone: Path = ROOT,
    home: Path,
    login: str | None = None,
    python: str = FRONTEND_PYTHON,
    **options: Any,
) -> subprocess.Popen[str]:
    """Start the program, with a login of its own or none."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment = {
        **kept,
        **AT_THE_HUB_OF_THE_TESTS,
        "PYTHONPATH": f"{clone / 'scripts'}{os.pathsep}{clone / 'frontend'}",
        "HF_ENDPOINT": hub_url,
        "HF_HOME": str(home),
        "HOME": str(home),
        **({"HF_TOKEN": login} if login else {}),
    }
    defaults: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "text": True,
    }
    return subprocess.Popen([python, "-m", "deploy", *arguments], env=environment, **defaults | options)
