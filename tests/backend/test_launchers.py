"""How children of a warm parent begin and end; here they only pretend to evaluate."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from src.running.child_environment import clean_environment
from src.running.job import LOG_FILE, Work
from src.running.launchers import Child, ProgramLauncher
from src.running.suite import Suite
from src.running.warm_launcher import WarmLauncher
from support.processes import commands, is_alive, killed_worker
from support.sources import ROOT
from support.waiting import PATIENCE, wait_for

SCRIPT = Path(__file__).parents[1] / "support" / "fast_warm_parent.py"
SUITE = Suite(tasks=("tiny",), tasks_dir="tasks")

Launch = Callable[[str], tuple[Child, Path]]


def make_launcher(folder: Path, **seconds: float) -> WarmLauncher:
    environment = clean_environment(folder) | {"PYTHONPATH": str(ROOT / "backend")}
    return WarmLauncher(environment, SUITE, folder, command=(sys.executable, str(SCRIPT)), **seconds)


def order(launcher: WarmLauncher, folder: Path) -> Child:
    """A child whose name, which says what it does, is its folder's."""
    folder.mkdir(exist_ok=True)
    return launcher.launch(Work.EVALUATE, folder)


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[WarmLauncher]:
    launcher = make_launcher(tmp_path / "worker")
    yield launcher
    launcher.close()


@pytest.fixture
def launch(launcher: WarmLauncher, tmp_path: Path) -> Launch:
    def launch(name: str) -> tuple[Child, Path]:
        folder = tmp_path / name
        return order(launcher, folder), folder

    return launch


def pid_of(child: Child) -> int:
    return wait_for(lambda: child.pid, what="the child's begin")


def test_children_are_forks_of_one_parent_with_logs_of_their_own(launch: Launch) -> None:
    started = [launch(name) for name in ("good", "seven")]
    assert [child.wait(PATIENCE) for child, _ in started] == [0, 7]
    logs = [(folder / LOG_FILE).read_text() for _, folder in started]
    assert [log.splitlines()[0].split()[1] for log in logs] == ["good", "seven"]
    assert all("from a library" in log for log in logs)
    assert len({log.split()[4] for log in logs}) == 1
    assert len({pid_of(child) for child, _ in started}) == 2


@pytest.mark.parametrize(
    ("name", "status", "output"), [("error", 1, "nobody foresaw this"), ("exits", 3, "in exits")]
)
def test_how_a_child_breaks_off_is_its_own_affair(
    launch: Launch, name: str, status: int, output: str
) -> None:
    child, folder = launch(name)
    assert child.wait(PATIENCE) == status
    assert output in (folder / LOG_FILE).read_text()
    assert launch("good")[0].wait(PATIENCE) == 0


def test_a_child_has_no_standard_input(launch: Launch) -> None:
    child, folder = launch("input")
    assert child.wait(PATIENCE) == 0
    assert "input: \n" in (folder / LOG_FILE).read_text()


def test_a_child_is_killed_with_all_that_it_started(launch: Launch) -> None:
    child, _ = launch("endless")
    pid = pid_of(child)
    others = wait_for(lambda: Path(f"/proc/{pid}/task/{pid}/children").read_text().split(), what="another")
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.01)
    child.kill()
    assert child.wait(PATIENCE) == -signal.SIGKILL
    for process in [pid, *map(int, others)]:
        wait_for(lambda process=process: not is_alive(process), what="its end")
    child.kill()  # nobody else is hit


def test_what_a_child_leaves_behind_does_not_outlive_it(launch: Launch) -> None:
    child, folder = launch("leaves-another")
    assert child.wait(PATIENCE) == 0
    wait_for(lambda: not is_alive(int((folder / "other.txt").read_text())), what="the end of the other one")


def test_a_child_that_is_killed_before_it_begins_never_runs_on(launch: Launch) -> None:
    child, _ = launch("endless")
    child.kill()
    assert child.wait(PATIENCE) == -signal.SIGKILL


def test_when_the_parent_is_killed_its_children_end_and_the_next_has_a_new_parent(launch: Launch) -> None:
    child, folder = launch("endless")
    pid = pid_of(child)
    os.kill(parent_of(folder), signal.SIGKILL)
    assert child.wait(PATIENCE) == -signal.SIGKILL
    assert child.fault
    assert "has ended (exit status -9)" in child.fault
    wait_for(lambda: not is_alive(pid), what="the child's end")
    good, _ = launch("good")
    assert good.wait(PATIENCE) == 0
    assert good.fault is None


def parent_of(folder: Path) -> int:
    """The parent of the child of this folder, which says so in its log."""
    log = folder / LOG_FILE
    return int(wait_for(lambda: log.exists() and log.read_text().split(), what="a line")[4])


def end_of(child: Child) -> int:
    """Its exit status, asked for again and again, as the watch does."""

    def ended() -> bool:
        with suppress(subprocess.TimeoutExpired):
            child.wait(0.05)
            return True
        return False

    wait_for(ended, what="the child's end")
    return child.wait(0)


def test_a_child_that_cannot_be_forked_is_reported_and_ends_nobody_else(tmp_path: Path) -> None:
    launcher = make_launcher(tmp_path / "forkless")
    assert [order(launcher, tmp_path / name).wait(PATIENCE) for name in ("good", "seven")] == [1, 1]
    parent = launcher._parent
    assert parent
    assert not parent.is_gone
    launcher.close()


def test_a_child_that_is_killed_while_its_parent_hangs_has_ended_at_once(tmp_path: Path) -> None:
    """A worker that is stopped in its first minute returns its leases without waiting for a fork."""
    launcher = make_launcher(tmp_path / "hanging", ends_within=0.1)
    child = order(launcher, tmp_path / "good")
    child.kill()
    assert child.wait(0) == -signal.SIGKILL
    assert not child.fault
    launcher.close()


def test_a_parent_that_hangs_while_it_begins_is_given_up(tmp_path: Path) -> None:
    launcher = make_launcher(tmp_path / "hanging", begins_within=0.1)
    for _ in range(2):  # each time there is a new one
        child = order(launcher, tmp_path / "good")
        assert end_of(child) == -signal.SIGKILL
        assert child.fault
    launcher.close()


def test_a_parent_that_hangs_later_is_given_up_with_its_children(tmp_path: Path) -> None:
    launcher = make_launcher(tmp_path / "worker", begins_within=PATIENCE)
    first = order(launcher, tmp_path / "endless")
    os.kill(parent_of(tmp_path / "endless"), signal.SIGSTOP)
    launcher._begins_within = 0.1
    second = order(launcher, tmp_path / "good")
    assert [end_of(child) for child in (second, first)] == [-signal.SIGKILL, -signal.SIGKILL]
    assert first.fault
    assert second.fault
    wait_for(lambda: not is_alive(pid_of(first)), what="the child's end")
    launcher._begins_within = PATIENCE
    assert order(launcher, tmp_path / "good").wait(PATIENCE) == 0
    launcher.close()


def test_a_launcher_is_closed_although_its_parent_hangs(tmp_path: Path) -> None:
    launcher = make_launcher(tmp_path / "hanging", ends_within=0.1)
    child = order(launcher, tmp_path / "good")
    launcher.close()
    assert child.wait(PATIENCE) == -signal.SIGKILL


def test_the_log_of_a_program_is_appended_to(tmp_path: Path) -> None:
    """So that it can be made shorter while it is written."""
    launcher = ProgramLauncher(
        clean_environment(tmp_path), ("/bin/sh", "-c", "echo one; read line; echo two")
    )
    child = launcher.launch(Work.EVALUATE, tmp_path)
    log = tmp_path / LOG_FILE
    wait_for(lambda: log.read_text() == "one\n", what="a line")
    os.truncate(log, 0)
    child.close()
    assert log.read_text() == "two\n"


def test_children_and_parent_end_with_the_worker(tmp_path: Path) -> None:
    folder = tmp_path / "endless"
    killed_worker("warm", tmp_path)
    parent = int((folder / LOG_FILE).read_text().split()[4])
    wait_for(lambda: not is_alive(parent), what="the parent's end")
    wait_for(lambda: not [each for each in commands() if str(tmp_path) in each], what="the children's end")


def test_a_launcher_that_is_closed_ends_its_children(tmp_path: Path) -> None:
    launcher = make_launcher(tmp_path / "worker")
    folder = tmp_path / "endless"
    folder.mkdir()
    child = launcher.launch(Work.EVALUATE, folder)
    pid = pid_of(child)
    launcher.close()
    assert child.wait(PATIENCE) == -signal.SIGKILL
    assert not is_alive(pid)


def test_a_parent_that_cannot_begin_is_reported_as_the_childs_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    launcher = make_launcher(tmp_path / "broken")
    folder = tmp_path / "good"
    folder.mkdir()
    for _ in range(2):
        try:
            child = launcher.launch(Work.EVALUATE, folder)
            assert child.wait(PATIENCE) == 1
            assert child.fault
        except OSError:  # it was gone before it could be told
            continue
    launcher.close()
    assert "cannot import torch" in caplog.text
