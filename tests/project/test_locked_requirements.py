"""Each requirements.txt is the whole tree of its requirements.in, and stays so."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.small_index import SmallIndex
from support.sources import ROOT, SPACES

SCRIPTS = ["lock_requirements.py", "make_environment.py"]
LIGHTEVAL = "backend/requirements-lighteval"


@dataclass(frozen=True)
class Project:
    """The two Spaces' requirements, on a machine whose index is `index`."""

    root: Path
    index: SmallIndex
    cache: Path

    def lock(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the script. Its uv is the one of this project."""
        environment = {
            "PATH": f"{ROOT / '.venv' / 'uv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.root),
            "UV_CACHE_DIR": str(self.cache),
            "UV_DEFAULT_INDEX": self.index.address,
            "UV_HTTP_RETRIES": "0",
            **variables,
        }
        command = [sys.executable, str(self.root / "scripts" / "lock_requirements.py"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def locked(self, space: str) -> list[str]:
        """The lines of a requirements.txt, comments aside."""
        lines = [line.partition("#")[0].strip() for line in self.tree(space).read_text().splitlines()]
        return [line for line in lines if line]

    def tree(self, space: str) -> Path:
        return self.root / space / "requirements.txt"

    def write_list(self, space: str, *lines: str) -> None:
        self.write(f"{space}/requirements.in", *lines)

    def write(self, file: str, *lines: str) -> None:
        (self.root / file).write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def locked_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The frontend shows a table, the backend evaluates; both use a web server."""
    folder = tmp_path_factory.mktemp("locked")
    project = project_in(folder)
    index = project.index
    index.release("server", "1.0", "sockets>=1")
    index.release("sockets", "1.1")
    index.release("table", "2.0", "server")
    index.release("torch", "2.13.0", "sums", *CUDA)
    index.release("sums", "3.0")
    index.release("nvidia-cublas", "13.1", "cuda-pathfinder")
    index.release("cuda-pathfinder", "1.9", "only-for-cuda")
    index.release("only-for-cuda", "1.0", "sockets")
    index.release("triton", "3.7")
    for script in SCRIPTS:
        (project.root / "scripts").mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "scripts" / script, project.root / "scripts")
    for space in SPACES:
        (project.root / space).mkdir()
    project.write_list("frontend", "# the page", "table==2.0  # shows the rows")
    project.write_list("backend", "server==1.0", "torch==2.13.0")
    project.write(f"{LIGHTEVAL}.in", "torch==2.13.0")
    locked = project.lock()
    assert locked.returncode == 0, locked.stderr
    return folder


@pytest.fixture
def project(locked_project: Path, tmp_path: Path) -> Project:
    """A copy for one test."""
    shutil.copytree(locked_project, tmp_path, dirs_exist_ok=True, symlinks=True)
    return project_in(tmp_path)


def project_in(folder: Path) -> Project:
    return Project(folder / "project", SmallIndex(folder / "index"), folder / "cache")


CUDA = ["nvidia-cublas==13.1; sys_platform == 'linux'", "triton==3.7; sys_platform == 'linux'"]


def test_the_whole_tree_is_locked_with_who_needs_what(project: Project) -> None:
    assert project.locked("frontend") == ["server==1.0", "sockets==1.1", "table==2.0"]
    text = project.tree("frontend").read_text()
    assert "\nsockets==1.1  # via server\n" in text
    assert "\ntable==2.0  # via requirements.in\n" in text


def test_what_torch_pins_itself_is_left_out_and_what_only_that_needs(project: Project) -> None:
    assert project.locked("backend") == ["server==1.0", "sockets==1.1", "sums==3.0", "torch==2.13.0"]


def test_untouched_files_pass_and_nothing_is_written(project: Project) -> None:
    before = [project.tree(space).stat().st_mtime_ns for space in SPACES]
    check = project.lock("--check")
    assert (check.returncode, check.stdout) == (0, "")
    assert project.lock().returncode == 0
    assert [project.tree(space).stat().st_mtime_ns for space in SPACES] == before


def test_a_newer_release_makes_no_difference_until_it_is_asked_for(project: Project) -> None:
    project.index.release("sockets", "1.2")
    project.index.release("sums", "3.1")
    on_another_machine = str(project.cache / "another")
    assert project.lock("--check", UV_CACHE_DIR=on_another_machine).returncode == 0
    assert project.lock(UV_CACHE_DIR=on_another_machine).returncode == 0
    assert "sockets==1.1" in project.locked("frontend")
    assert project.lock("--upgrade-package", "sockets").returncode == 0
    assert "sockets==1.2" in project.locked("frontend")
    assert {"sockets==1.2", "sums==3.0"} <= {*project.locked("backend")}
    assert project.lock("--upgrade").returncode == 0
    assert "sums==3.1" in project.locked("backend")
    assert project.lock("--check").returncode == 0


def test_both_spaces_take_the_same_version_of_what_only_one_of_them_pins(project: Project) -> None:
    project.index.release("sockets", "1.0")
    project.write_list("frontend", "table==2.0", "sockets==1.0")
    assert project.lock().returncode == 0
    assert "sockets==1.0" in project.locked("frontend")
    assert "sockets==1.0" in project.locked("backend")
    project.write_list("backend", "server==1.0", "sums==3.0")
    project.index.release("table", "2.1", "sums")
    project.index.release("sums", "3.1")
    project.write_list("frontend", "table==2.1")
    assert project.lock().returncode == 0
    assert "sums==3.0" in project.locked("frontend")


LISTS = {
    "another version": ["server==1.0", "torch==2.13.0", "sums==2.9"],
    "a line more": ["server==1.0", "torch==2.13.0", "table==2.0"],
    "a line less": ["torch==2.13.0"],
}


@pytest.mark.parametrize("lines", LISTS.values(), ids=LISTS)
def test_a_list_that_was_edited_alone_is_noticed(project: Project, lines: list[str]) -> None:
    project.write_list("backend", *lines)
    check = project.lock("--check")
    assert check.returncode == 1
    assert "backend/requirements.txt was not made from this requirements.in" in check.stdout
    assert "frontend/requirements.txt" not in check.stdout
    assert "make lock" in check.stdout


TREES = {
    "another version that fits": ("sockets==1.1 ", "sockets==1.2 "),
    "a version that does not fit": ("server==1.0 ", "server==0.9 "),
    "a line less": ("sockets==1.1  # via server\n", ""),
    "a line more": ("sums==3.0 ", "somebody==1.0\nsums==3.0 "),
    "a marker": ("sums==3.0 ", "sums==3.0 ; sys_platform == 'win32' "),
}


@pytest.mark.parametrize("change", TREES.values(), ids=TREES)
def test_a_tree_that_was_edited_alone_is_noticed(project: Project, change: tuple[str, str]) -> None:
    project.index.release("sockets", "1.2")
    text = project.tree("backend").read_text()
    assert change[0] in text
    project.tree("backend").write_text(text.replace(*change))
    check = project.lock("--check")
    assert check.returncode == 1
    assert "backend/requirements.txt" in check.stdout
    assert "make lock" in check.stdout


def test_a_missing_tree_is_noticed_and_made(project: Project) -> None:
    project.tree("frontend").unlink()
    assert project.lock("--check").returncode == 1
    assert project.lock().returncode == 0
    assert project.lock("--check").returncode == 0


def test_a_comment_in_a_list_changes_nothing(project: Project) -> None:
    project.write_list("frontend", "", "table==2.0  # we like it")
    assert project.lock("--check").returncode == 0


def test_a_tree_with_a_stamp_that_somebody_computed_is_compared_all_the_same(project: Project) -> None:
    tree = project.tree("frontend")
    shorter = tree.read_text().replace("sockets==1.1  # via server\n", "")
    program = f"import lock_requirements as it; print(it.stamp('frontend/requirements', {shorter!r}))"
    environment = {**os.environ, "PYTHONPATH": str(project.root / "scripts")}
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    tree.write_text(re.sub("# Stamp: .*", f"# Stamp: {ran.stdout.strip()}", shorter))
    check = project.lock("--check")
    assert check.returncode == 1
    assert "frontend/requirements.txt is not what frontend/requirements.in compiles to" in check.stdout


NO_INDEX = {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "UV_NO_CACHE": "1"}


def test_without_an_index_untouched_files_pass_and_it_is_said_why(project: Project) -> None:
    check = project.lock("--check", **NO_INDEX)
    assert check.returncode == 0, check.stdout
    assert "frontend/requirements.txt: the stamp is right. Not compiled again" in check.stdout
    assert project.lock(**NO_INDEX).returncode == 1


def test_without_an_index_an_edit_is_noticed_all_the_same(project: Project) -> None:
    project.write_list("frontend", "table==2.0", "sums==3.0")
    tree = project.tree("backend")
    tree.write_text(tree.read_text().replace("sums==3.0", "sums==3.1"))
    check = project.lock("--check", **NO_INDEX)
    assert check.returncode == 1
    for space in SPACES:
        assert f"{space}/requirements.txt was not made from this requirements.in" in check.stdout


def test_a_release_that_was_deleted_is_noticed(project: Project) -> None:
    project.index.release("sockets", "1.2")
    project.index.withdraw("sockets", "1.1")
    check = project.lock("--check", UV_CACHE_DIR=str(project.cache / "another"))
    assert check.returncode == 1
    assert "backend/requirements.txt is not what backend/requirements.in compiles to" in check.stdout


def test_lists_that_contradict_each_other_are_not_compiled(project: Project) -> None:
    project.index.release("server", "2.0", "sockets")
    project.write_list("frontend", "table==2.0", "server==2.0")
    before = project.tree("backend").read_text()
    locked = project.lock()
    assert locked.returncode == 1
    assert "server==2.0" in locked.stderr
    assert project.tree("backend").read_text() == before


def test_a_build_of_torch_for_this_machine_is_not_locked(project: Project, tmp_path: Path) -> None:
    SmallIndex(tmp_path / "wheels").release("torch", "2.13.0+cpu", "sums")
    wheels = str(tmp_path / "wheels" / "torch")
    assert project.lock(UV_FIND_LINKS=wheels, UV_TORCH_BACKEND="cpu").returncode == 0
    assert "torch==2.13.0" in project.locked("backend")
    assert project.lock("--check", UV_FIND_LINKS=wheels, UV_TORCH_BACKEND="cpu").returncode == 0


def test_no_line_names_this_machine_or_an_index(project: Project) -> None:
    for space in SPACES:
        text = project.tree(space).read_text()
        assert "://" not in text
        assert str(project.root) not in text
        assert "-c " not in text


def test_an_engine_has_a_list_and_a_tree_of_its_own(project: Project) -> None:
    tree = project.root / f"{LIGHTEVAL}.txt"
    assert "# The whole tree of requirements-lighteval.in" in tree.read_text()
    assert "torch==2.13.0  # via requirements-lighteval.in" in tree.read_text()
    assert "server" not in tree.read_text()
    project.write(f"{LIGHTEVAL}.in", "torch==2.13.0", "table==2.0")
    check = project.lock("--check")
    assert check.returncode == 1
    assert f"{LIGHTEVAL}.txt was not made from this requirements-lighteval.in" in check.stdout
    assert project.lock().returncode == 0
    assert "table==2.0" in tree.read_text()


def test_an_engine_takes_the_versions_that_the_backend_pins(project: Project) -> None:
    project.write(f"{LIGHTEVAL}.in", "server==2.0")
    project.index.release("server", "2.0", "sockets")
    assert project.lock().returncode == 1
    project.write(f"{LIGHTEVAL}.in", "table==2.0")
    assert project.lock().returncode == 0
    assert "server==1.0" in (project.root / f"{LIGHTEVAL}.txt").read_text()
