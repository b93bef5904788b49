"""Each Space runs in an environment that has its own requirements and nothing else, as on the Hub."""

import subprocess
import sys
from pathlib import Path

import pytest

from local_leaderboard import ROOT, running


@pytest.mark.slow
@pytest.mark.parametrize("name", ["frontend", "backend"])
def test_a_space_opens_with_only_its_own_requirements(tmp_path: Path, name: str) -> None:
    script, requirements = ROOT / "scripts" / "make_environment.py", ROOT / name / "requirements.txt"
    subprocess.run([sys.executable, str(script), str(tmp_path / name), str(requirements)], check=True)
    python = tmp_path / name / "bin" / "python"
    assert subprocess.run([python, "-c", "import pytest"], capture_output=True, check=False).returncode
    with running(tmp_path / "data", (name,), environments=tmp_path):
        pass  # its page has answered
    if name == "frontend":
        for package in ("torch", "transformers", "lm_eval"):
            has = subprocess.run([python, "-c", f"import {package}"], capture_output=True, check=False)
            assert has.returncode, f"the frontend has {package}"
