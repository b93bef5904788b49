"""Each Space is installed from its requirements.txt alone, as on the Hub, and runs."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from local_leaderboard import ROOT, running
from support.waiting import wait_for

SPACES = ["frontend", "backend"]
LIGHTEVAL = "backend/requirements-lighteval.txt"
LISTS = [*(f"{space}/requirements.txt" for space in SPACES), LIGHTEVAL]
GRADIO = "gradio[oauth,mcp]==5.50.0"
ADDED_BY_THE_HUB = [GRADIO, "uvicorn>=0.14.0", "websockets>=10.4", "spaces"]
"""What the Hub's builder installs together with a Space's requirements.txt."""

PIP = "pip==26.3"  # older ones download every wheel to say what they would install
OF_TORCH = re.compile(r"(nvidia|cuda)-.+|triton")

PLATFORMS = {
    "3.11 on a Mac": ("3.11", "aarch64-apple-darwin"),
    "3.12 on Linux on ARM": ("3.12", "aarch64-manylinux_2_28"),
    "3.13 on Windows": ("3.13", "x86_64-pc-windows-msvc"),
    "3.13 on Linux": ("3.13", "x86_64-manylinux_2_28"),
}
ONLY_AS_SOURCES = ["rouge-score", "sqlitedict", "word2number"]

UV = f"{ROOT / '.venv' / 'uv' / 'bin'}{os.pathsep}{os.environ['PATH']}"


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command and return what it printed; fail with all that it said."""
    ran = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        pytest.fail(
            f"`{command[:4]}` ended with {ran.returncode}:\n{ran.stdout}\n{ran.stderr}", pytrace=False
        )
    return ran.stdout


def name_of(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def versions(lines: str) -> dict[str, str]:
    """The pins in a requirement file, or in what `pip freeze` prints, by package."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;+]+)", lines, re.MULTILINE)
    return {name_of(name): version for name, version in found}


def locked(space: str) -> dict[str, str]:
    return locked_in(f"{space}/requirements.txt")


def locked_in(file: str) -> dict[str, str]:
    return versions((ROOT / file).read_text())


def only_its_requirements(space: str, folder: Path) -> Path:
    """A folder that holds one file, and a virtual environment beside it that has pip and nothing else."""
    (folder / "space").mkdir()
    shutil.copy(ROOT / space / "requirements.txt", folder / "space")
    run(sys.executable, "-m", "venv", folder / space, cwd=folder)
    pip(folder / space, "install", PIP, cwd=folder)
    return folder / "space"


def pip(environment: Path, *arguments: str, cwd: Path) -> str:
    command = [environment / "bin" / "python", "-m", "pip", "--disable-pip-version-check", *arguments]
    return run(*command, cwd=cwd)


@pytest.mark.slow
@pytest.mark.parametrize("name", SPACES)
def test_a_space_opens_with_only_its_own_requirements(tmp_path: Path, name: str) -> None:
    script, requirements = ROOT / "scripts" / "make_environment.py", ROOT / name / "requirements.txt"
    run(sys.executable, script, tmp_path / name, requirements, cwd=tmp_path, PATH=UV)
    python = tmp_path / name / "bin" / "python"
    assert subprocess.run([python, "-c", "import pytest"], capture_output=True, check=False).returncode
    installed = versions(run("uv", "pip", "freeze", "--python", python, cwd=tmp_path, PATH=UV))
    assert {name: version for name, version in installed.items() if not OF_TORCH.fullmatch(name)}.items() <= (
        locked(name).items()
    )
    with running(tmp_path / "data", (name,), environments=tmp_path):
        pass  # its page has answered
    if name == "frontend":
        for package in ("torch", "transformers", "lm_eval"):
            has = subprocess.run([python, "-c", f"import {package}"], capture_output=True, check=False)
            assert has.returncode, f"the frontend has {package}"


@pytest.mark.slow
def test_a_backend_with_only_the_requirements_of_lighteval_finds_its_suite_right(tmp_path: Path) -> None:
    """The trial asks the shipped tasks of a stand-in, so all that an evaluation needs is imported."""
    script, data = ROOT / "scripts" / "make_environment.py", tmp_path / "data"
    run(sys.executable, script, tmp_path / "backend", ROOT / LIGHTEVAL, cwd=tmp_path, PATH=UV)
    python = tmp_path / "backend" / "bin" / "python"
    installed = versions(run("uv", "pip", "freeze", "--python", python, cwd=tmp_path, PATH=UV))
    assert {"lm-eval", "pytest"}.isdisjoint(installed)
    described = data / "results" / ".leaderboard" / "backend.yaml"
    with running(data, ("backend",), environments=tmp_path, ENGINE="lighteval"):
        wait_for(described.exists, seconds=180, what="a description of the suite")
        backend = yaml.safe_load(described.read_text())
    assert (backend["engine"], backend["problems"]) == ("lighteval", [])
    assert backend["tried"]


@pytest.mark.slow
def test_the_frontend_opens_as_the_hub_installs_it_and_an_owners_line_adds_one_package(
    tmp_path: Path,
) -> None:
    folder = only_its_requirements("frontend", tmp_path)
    environment = tmp_path / "frontend"
    pip(environment, "install", "-r", "requirements.txt", *ADDED_BY_THE_HUB, cwd=folder)
    installed = versions(pip(environment, "freeze", cwd=folder))
    assert installed.items() <= locked("frontend").items()
    pip(environment, "check", cwd=folder)
    with running(tmp_path / "data", ("frontend",), environments=tmp_path):
        pass  # its page has answered
    with (folder / "requirements.txt").open("a") as file:
        file.write("cloudpickle==3.1.3\n")
    pip(environment, "install", "-r", "requirements.txt", *ADDED_BY_THE_HUB, cwd=folder)
    assert versions(pip(environment, "freeze", cwd=folder)) == installed | {"cloudpickle": "3.1.3"}


@pytest.mark.slow
def test_the_hub_installs_what_is_locked_for_the_backend_also_with_an_owners_extra(tmp_path: Path) -> None:
    folder = only_its_requirements("backend", tmp_path)
    with (folder / "requirements.txt").open("a") as file:
        file.write("lm_eval[ifeval,math]==0.4.13\n")
    command = ["install", "--dry-run", "--quiet", "--report", "report.json", "-r", "requirements.txt"]
    pip(tmp_path / "backend", *command, *ADDED_BY_THE_HUB, cwd=folder)
    report = json.loads((folder / "report.json").read_text())["install"]
    found = {name_of(each["metadata"]["name"]): each["metadata"]["version"] for each in report}
    assert found.pop("torch").split("+")[0] == locked("backend")["torch"]
    added = {name for name in found if found[name] != locked("backend").get(name)}
    of_the_extras = {
        "antlr4-python3-runtime",
        "immutabledict",
        "langdetect",
        "latex2sympy2-extended",
        "math-verify",
    }
    assert {name for name in added if not OF_TORCH.fullmatch(name)} == of_the_extras


@pytest.mark.slow
@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)
@pytest.mark.parametrize("file", LISTS)
def test_one_file_fits_every_python_and_platform(
    file: str, platform: tuple[str, str], tmp_path: Path
) -> None:
    python, system = platform
    command = ["uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--only-binary", ":all:"]
    command += ["--python-version", python, "--python-platform", system, ROOT / file]
    command += [option for package in ONLY_AS_SOURCES for option in ("--no-binary", package)]
    found = versions(run(*command, cwd=tmp_path, PATH=UV, MACOSX_DEPLOYMENT_TARGET="14.0"))
    assert len(found) > 70
    unlocked = found.items() - locked_in(file).items()
    assert {name for name, _ in unlocked if not OF_TORCH.fullmatch(name)} == set()
