"""The environments: what the requirement files pin, and how `make` makes an environment of them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.sources import ROOT, SPACES

OF_THE_TESTS = ["tests/requirements.txt", "tests/whole/requirements.txt"]
OF_LIGHTEVAL = "backend/requirements-lighteval"
FILES = [*(f"{space}/requirements.txt" for space in SPACES), f"{OF_LIGHTEVAL}.txt", *OF_THE_TESTS]
OF_CLIENTS = [f"tests/support/{each}_clients/requirements.txt" for each in ("gradio", "hub")]
LISTS = [*(f"{space}/requirements.in" for space in SPACES), f"{OF_LIGHTEVAL}.in"]
TREES = [*(f"{space}/requirements" for space in SPACES), OF_LIGHTEVAL]

EXACT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==(\d[a-z0-9.]*)(?: ; [a-z0-9_'.<>= ()!-]+)?", re.I)
"""Name and version, perhaps with extras and a marker: no address, path or option, no build of its own."""


def requirements(file: str) -> list[str]:
    """The lines of a requirement file, comments aside."""
    lines = [line.split("#")[0].strip() for line in (ROOT / file).read_text().splitlines()]
    return [line for line in lines if line]


def pins(file: str) -> dict[str, str]:
    """The versions in a requirement file, by package as the index writes it."""
    found = [each for line in requirements(file) if (each := EXACT.fullmatch(line))]
    return {each[1].lower().replace("_", "-"): each[2] for each in found}


@pytest.mark.parametrize("file", [*FILES, *OF_CLIENTS, *LISTS])
def test_every_requirement_has_an_exact_version_and_no_address(file: str) -> None:
    assert [line for line in requirements(file) if not EXACT.fullmatch(line)] == []
    assert len(pins(file)) == len(requirements(file)), "a package is named twice"


@pytest.mark.parametrize(
    "line",
    [
        "six",
        "six>=1.17.0",
        "six==1.*",
        "six @ https://example.org/six.whl",
        "torch==2.13.0+cpu",
        "-c constraints.txt",
        "--index-url https://example.org",
        "./six.whl",
        "six==1.17.0 \\",
        "six==1.17.0 --hash=sha256:0",
    ],
)
def test_what_is_not_exact_is_seen(line: str) -> None:
    assert not EXACT.fullmatch(line)


@pytest.mark.parametrize("tree", TREES)
def test_a_tree_has_what_the_list_names_in_the_same_version(tree: str) -> None:
    assert pins(f"{tree}.in").items() <= pins(f"{tree}.txt").items()


@pytest.mark.parametrize("tree", TREES)
def test_no_part_of_cuda_is_locked_since_torch_pins_its_own(tree: str) -> None:
    names = pins(f"{tree}.txt")
    assert not {name for name in names if name.startswith(("nvidia", "cuda")) or "triton" in name}
    assert not {line for line in requirements(f"{tree}.txt") if "nvidia" in line}


@pytest.mark.parametrize("file", [*OF_THE_TESTS, *OF_CLIENTS])
def test_the_test_tools_bring_no_other_version_of_what_a_space_runs_with(file: str) -> None:
    locked = pins("backend/requirements.txt") | pins("frontend/requirements.txt")
    other = {name for name, version in pins(file).items() if locked.get(name, version) != version}
    assert other <= ({"gradio-client", "huggingface-hub"} if file in OF_CLIENTS else set())


def test_both_spaces_run_the_same_versions_of_what_both_use() -> None:
    frontend, backend = (pins(f"{space}/requirements.txt") for space in SPACES)
    assert {name: frontend[name] for name in frontend.keys() & backend.keys()} == {
        name: backend[name] for name in frontend.keys() & backend.keys()
    }


def test_lighteval_brings_no_lm_eval_and_no_other_version_of_what_we_import() -> None:
    lighteval, backend = pins(f"{OF_LIGHTEVAL}.in"), pins("backend/requirements.in")
    assert lighteval.keys() ^ backend.keys() == {"lighteval", "xxhash", "lm-eval", "peft"}
    assert {
        name: backend.get(name) for name in lighteval.keys() & backend.keys()
    }.items() <= lighteval.items()
    assert "lm-eval" not in pins(f"{OF_LIGHTEVAL}.txt")


def test_make_envs_does_not_make_what_few_need(project: Path) -> None:
    add_command(project, "python3.11", f'exec "{sys.executable}" "$@"')
    add_command(project, "uv", UV_THAT_WORKS)
    assert make(project, "envs").returncode == 0
    assert not (project / ".venv/lighteval").exists()
    assert make(project, ".venv/lighteval/.ready").returncode == 0
    assert f"{OF_LIGHTEVAL}.txt -r tests/requirements.txt" in (project / "uv.log").read_text()


@pytest.mark.parametrize("space", SPACES)
def test_a_space_runs_on_the_hub_with_the_gradio_that_it_was_tested_with(space: str) -> None:
    front_matter = (ROOT / space / "README.md").read_text(encoding="utf-8").split("---")[1]
    assert re.search(
        rf"^sdk_version: \"?{pins(f'{space}/requirements.txt')['gradio']}\"?$", front_matter, re.M
    )


@pytest.mark.parametrize("package", ["torch", "transformers", "lm_eval"])
def test_the_frontend_is_installed_without(package: str) -> None:
    python = ROOT / ".venv/frontend/bin/python"
    command = [str(python), "-c", f"import importlib.util; print(importlib.util.find_spec('{package}'))"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "None\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of which only environments can be made, and a folder `bin` that is all there is on PATH."""
    for file in ["Makefile", "scripts/make_environment.py", *FILES]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    (tmp_path / "bin").mkdir()
    return tmp_path


def add_command(project: Path, name: str, text: str) -> None:
    """A shell script on PATH."""
    (project / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
    (project / "bin" / name).chmod(0o755)


def make(project: Path, target: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = shutil.which("make")
    assert command, "make is missing: install it"
    environment = {"PATH": str(project / "bin"), **variables}
    return subprocess.run(
        [command, target], cwd=project, env=environment, capture_output=True, text=True, check=False
    )


UV_THAT_WORKS = """
case "$1" in
    --version) echo "uv 0.13.9" ;;
    venv) for folder; do :; done; /bin/mkdir -p "$folder" ;;
    *) echo "$UV_FIND_LINKS: $*" >> uv.log ;;
esac
"""


def test_an_environment_is_made_once(project: Path) -> None:
    add_command(project, "python3.11", f'exec "{sys.executable}" "$@"')
    add_command(project, "uv", UV_THAT_WORKS)
    first, second = make(project, ".venv/dev/.ready"), make(project, ".venv/dev/.ready")
    assert first.returncode == 0, first.stderr
    assert ".venv/dev: ready in" in first.stdout
    assert "up to date" in second.stdout
    assert (project / "uv.log").read_text().count("\n") == 1


def test_a_changed_requirement_makes_the_environment_anew(project: Path) -> None:
    add_command(project, "python3.11", f'exec "{sys.executable}" "$@"')
    add_command(project, "uv", UV_THAT_WORKS)
    make(project, ".venv/dev/.ready")
    ready = (project / ".venv/dev/.ready").stat()
    os.utime(project / "tests/requirements.txt", (ready.st_mtime + 1, ready.st_mtime + 1))
    assert ".venv/dev: ready in" in make(project, ".venv/dev/.ready").stdout


def test_a_failed_install_is_not_taken_for_an_environment(project: Path) -> None:
    add_command(project, "python3.11", f'exec "{sys.executable}" "$@"')
    add_command(project, "uv", '[ "$1" = --version ] && echo "uv 0.13.9" || exit 2')
    made = make(project, ".venv/dev/.ready")
    assert made.returncode != 0
    assert "Cannot make .venv/dev" in made.stderr
    assert not (project / ".venv/dev/.ready").exists()


def test_wheels_that_pip_would_find_are_found_and_pytorchs_index_is_not_asked(project: Path) -> None:
    add_command(project, "python3.11", f'exec "{sys.executable}" "$@"')
    add_command(project, "uv", UV_THAT_WORKS)
    (project / "wheels").mkdir()
    (project / "wheels/torch-2.13.0-cp311-cp311-linux_x86_64.whl").touch()
    made = make(project, ".venv/backend/.ready", PIP_FIND_LINKS=str(project / "wheels"))
    assert made.returncode == 0, made.stderr
    log = (project / "uv.log").read_text()
    assert log.startswith(f"{project / 'wheels'}: pip install")
    assert "--torch-backend" not in log


def test_a_python_that_does_not_run_is_passed_over(project: Path) -> None:
    add_command(project, "python3.11", "echo 'pyenv: python3.11: command not found'; exit 127")
    add_command(project, "python3.12", f'exec "{sys.executable}" "$@"')
    add_command(project, "uv", UV_THAT_WORKS)
    assert make(project, ".venv/dev/.ready").returncode == 0


def test_without_a_fitting_python_make_says_which_one_is_needed(project: Path) -> None:
    made = make(project, ".venv/dev/.ready")
    assert made.returncode != 0
    assert "No Python 3.11, 3.12 or 3.13 runs here" in made.stderr
