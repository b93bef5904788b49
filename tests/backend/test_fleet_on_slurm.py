"""Workers as jobs of a real cluster of one node, which the tests start: started, found, ended and seen."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest

from src.shared.data.request import Status
from support.boards_on_own_machines import LARGE, SMALL, OwnBoard, kill
from support.slurm import Cluster, host, running_cluster
from support.waiting import wait_for


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def board(cluster: Cluster, tmp_path: Path) -> Iterator[OwnBoard]:
    yield OwnBoard(tmp_path, cluster)
    for job in cluster.jobs():
        cluster.run("scancel", job)
    wait_for(lambda: not going(cluster), what="no job that runs")


def going(cluster: Cluster) -> dict[str, str]:
    """The jobs that wait or run."""
    return {
        id: state for id, state in cluster.jobs().items() if state in ("PENDING", "RUNNING", "COMPLETING")
    }


def test_members_of_two_sizes_are_started_and_evaluate_what_fits(board: OwnBoard, cluster: Cluster) -> None:
    small, large = board.submit(1), board.submit(2, LARGE)
    told = board.dispatch()
    assert told.returncode == 0, told.stdout
    assert len(going(cluster)) == 2
    board.wait_for_the_end()
    wait_for(lambda: not going(cluster), what="members that have drained the queue")

    assert board.is_finished_once()
    assert board.read(small).history[-1].worker.startswith("small-1.")
    assert board.read(small).history[-1].hardware == "small"
    assert board.read(small).history[-1].price is None
    assert board.read(large).history[-1].hardware == "big"


@pytest.mark.slow
def test_a_member_is_stopped_found_and_followed_by_another(board: OwnBoard, cluster: Cluster) -> None:
    """Cancelled while it evaluates, as a person or the scheduler does; its dispatcher is killed before."""
    path = board.submit(1)
    with board.dispatching(LIMIT="100") as first:
        worker = board.wait_for_work()
        kill([psutil.Process(first.pid)])
        first.wait()
        assert board.read(path).status is Status.RUNNING
    with board.dispatching():
        cluster.run("scancel", worker.partition(".")[2])
        board.wait_for_the_end()

    assert board.is_finished_once()
    assert [each.end for each in board.read(path).history] == ["stopped", "finished"]
    assert board.read(path).history[-1].worker != worker


TOKEN = "hf_never_seen_by_anybody"


def files_with(text: str, folder: Path) -> Iterator[tuple[Path, int, bytes]]:
    """Yield each file that holds a text, with its mode and its content. The controller writes them anew."""
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file() and text.encode() in (content := path.read_bytes()):
                yield path, path.stat().st_mode, content


def test_nobody_can_see_the_token_of_a_member(board: OwnBoard, cluster: Cluster) -> None:
    """But the controller, which keeps a job's environment for itself and root."""
    board.submit(1)
    told = board.dispatch(HF_TOKEN=TOKEN, AWS_SECRET_ACCESS_KEY="of-somebody-else", LIMIT="100")
    assert told.returncode == 0, told.stdout
    worker = board.wait_for_work()
    job = worker.partition(".")[2]
    processes = wait_for(lambda: board.processes_of(worker), what="the member's processes")

    shown = [told.stdout, board.told()]
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # it has ended since
            shown += [" ".join(process.cmdline())]
            with suppress(psutil.AccessDenied):  # tests that do not run as root see even less
                shown += [str(process.environ())]
    shown += [
        cluster.run("scontrol", "show", "--details", "job", job),
        cluster.run("squeue", "--format=%all"),
    ]
    shown += [each.read_text() for each in (cluster.folder / "spool").glob("job*/slurm_script")]
    assert len(shown) > 6
    assert not [each for each in shown if TOKEN in each or "of-somebody-else" in each]

    kept = list(files_with(TOKEN, cluster.folder))
    assert {path.name for path, _, _ in kept} == {"environment"}
    assert {mode & 0o077 for _, mode, _ in kept} == {0}
    assert not [path for path, _, content in kept if b"of-somebody-else" in content]
    assert oct(board.fleet_folder.stat().st_mode)[-3:] == "700"


@pytest.mark.slow
def test_twelve_requests_survive_eleven_interruptions(board: OwnBoard, cluster: Cluster) -> None:
    """One more is submitted before each, so that there is always something to interrupt."""
    board.submit(0)
    with ExitStack() as stack:
        fleets = [stack.enter_context(board.dispatching())]

        def job() -> str:
            return board.wait_for_work().partition(".")[2]

        interruptions: list[Callable[[], object]] = [
            lambda: kill(board.processes_of(board.wait_for_work())[:1]),
            lambda: cluster.run("scancel", job()),
            lambda: kill(board.processes_of(board.wait_for_work())[1:]),
            lambda: drained_for_a_while(cluster),
            lambda: killed(fleets.pop()),
            lambda: fleets.append(stack.enter_context(board.dispatching())),
            lambda: cluster.restart("slurmctld"),
            lambda: fleets.append(stack.enter_context(board.dispatching())),
            lambda: broken_for_a_while(cluster),
            lambda: cluster.restart("slurmd"),
            lambda: cluster.run("scancel", "--signal=KILL", "--full", job()),
        ]
        for number, interrupt in enumerate(interruptions, 1):
            board.submit(number, LARGE if number % 3 == 2 else SMALL)
            if fleets:
                board.wait_for_work()
            interrupt()
        board.wait_for_the_end()
    wait_for(lambda: not going(cluster), what="members that have drained the queue")

    assert len(board.paths) == 12
    assert board.is_finished_once()
    ends = Counter(each.end for path in board.paths for each in board.read(path).history)
    assert ends["finished"] == 12
    assert ends["lost"] >= 1
    assert ends["stopped"] >= 1


def killed(fleet: subprocess.Popen[bytes]) -> None:
    """Kill a dispatcher."""
    fleet.kill()
    fleet.wait()


def drained_for_a_while(cluster: Cluster) -> None:
    """Let the node start nothing, end what it runs, and then what waits for it."""
    cluster.drain("its disk is full")
    cancel(cluster, "RUNNING")
    wait_for(lambda: "PENDING" in going(cluster).values(), what="a member that waits")
    cancel(cluster, "PENDING")
    cluster.resume()


def cancel(cluster: Cluster, state: str) -> None:
    """Cancel the jobs in a state."""
    for id in [each for each, its in going(cluster).items() if its == state]:
        cluster.run("scancel", id)


def broken_for_a_while(cluster: Cluster) -> None:
    """Take the node away from all that runs on it."""
    node = f"nodename={host()}"
    cluster.run("scontrol", "update", node, "state=down", "reason=broken")
    wait_for(lambda: "RUNNING" not in going(cluster).values(), what="no job that runs")
    cluster.resume()
