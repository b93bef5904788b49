"""The Hub for tests, as clients see it that no environment of the project has."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local_leaderboard import ROOT
from support.hub_process import hub_process

CLIENTS = ROOT / "tests" / "support" / "hub_clients"
FRONTEND_PYTHON = str(ROOT / ".venv" / "frontend" / "bin" / "python")
TESTS_OF_THE_HUB = [
    f"tests/shared/test_hub_{name}.py" for name in ("conformance", "faults", "protocol", "spaces")
]
ON_OUR_STORE = ["-o", "pythonpath=frontend tests", "tests/shared/test_store_contract.py"]
"""Our own store on the Hub keeps its promises with that client too."""


def run(*command: str, cwd: Path, **environment: str) -> None:
    """Run a command, and fail with all that it said if it fails."""
    ran = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ran.returncode:
        pytest.fail(f"`{' '.join(command)}` ended with {ran.returncode}:\n{ran.stdout}", pytrace=False)


@pytest.mark.slow
def test_the_next_python_client_passes_the_same_tests(tmp_path: Path) -> None:
    requirements = [str(ROOT / "tests" / "requirements.txt"), str(CLIENTS / "requirements.txt")]
    uv_first = f"{ROOT / '.venv' / 'uv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    script = str(ROOT / "scripts" / "make_environment.py")
    run(sys.executable, script, str(tmp_path / "client"), *requirements, cwd=ROOT, PATH=uv_first)
    python = str(tmp_path / "client" / "bin" / "python")
    options = ["-m", "not live", "-p", "no:cacheprovider", "-q"]
    run(python, "-m", "pytest", *options, *TESTS_OF_THE_HUB, *ON_OUR_STORE, cwd=ROOT)


@pytest.mark.slow
def test_the_javascript_client_agrees(tmp_path: Path) -> None:
    if not shutil.which("npm"):
        pytest.skip("npm is missing: install Node.js 18 or newer, with npm")
    shutil.copytree(CLIENTS, tmp_path, dirs_exist_ok=True)
    run("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", cwd=tmp_path)
    with hub_process(FRONTEND_PYTHON) as hub:
        run("node", "--test", "conformance.test.js", cwd=tmp_path, HUB_URL=hub.url, TMPDIR=str(tmp_path))
