"""Removing a model beside workers; retiring, freezing and opening a board; and both commands."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from src.queue.reconciler import Reconciler
from src.remove import told
from src.running.job import Ending
from src.shared.data.names import ACTS, result_path
from src.shared.data.request import CANCELLED, Lease, Status
from src.shared.errors import NotPossible
from src.shared.moderation.acts import Act, Done, Moderation, read_moderation
from src.shared.moderation.removal import Removed, remove
from src.shared.times import from_text
from src.upkeep.commands import confirmed, reason
from src.upkeep.retiring import Retired, reopen, retire
from support.executors import FunctionExecutor
from support.factories import RUN
from support.hub import Hub, running_hub
from support.hub.repository import RepoName
from support.queues import START, Queue, drain
from support.waiting import PATIENCE
from support.whole_boards import add_board, path_of, whole_board

BACKEND = Path("backend").resolve()
MOVED = "The board has moved to new/leaderboard."


def moderation(queue: Queue) -> Moderation:
    return read_moderation(queue.requests, queue.requests.snapshot())


def removed(queue: Queue, model: str = "acme/model") -> None:
    done = Done(act=Act.REMOVE, name=model, reason="Asked for.", by="alice", at=queue.clock.now)
    remove(done, queue.requests, queue.results)


# Removed beside a worker


def test_the_evaluation_of_a_removed_model_is_stopped_and_nothing_of_it_is_published(queue: Queue) -> None:
    path = queue.submit()
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor)
    worker.tick()
    assert queue.read(path).status is Status.RUNNING and executor.running
    removed(queue)
    worker.tick()
    assert not executor.running and not executor.endings()
    worker.tick()
    assert queue.result_paths() == [] and path not in queue.requests.snapshot().files
    assert worker.is_idle()


def test_an_evaluation_that_ended_just_before_the_removal_is_not_published(queue: Queue) -> None:
    path = queue.submit()
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor)
    worker.tick()
    executor.let_end()
    removed(queue)
    worker.tick()
    assert queue.result_paths() == [] and path not in queue.requests.snapshot().files


class PublishesWhileRemoved(FunctionExecutor):
    """The model is removed after the worker has read its lease, and before it publishes."""

    def __init__(self, queue: Queue) -> None:
        super().__init__(wait=True)
        self.queue, self.armed = queue, False

    def endings(self) -> Mapping[str, Ending]:
        found = super().endings()
        if found and self.armed:
            self.armed = False
            removed(self.queue)
        return found


def test_a_result_published_late_is_of_before_the_removal_and_a_new_one_is_not(queue: Queue) -> None:
    queue.submit()
    executor = PublishesWhileRemoved(queue)
    worker: Reconciler = queue.worker(executor=executor)
    worker.tick()
    executor.let_end()
    queue.clock.move(minutes=5)
    stale = worker._forget_what_is_not_ours  # the lease is read here

    def read_then_removed() -> None:
        stale()
        executor.armed = True

    worker._forget_what_is_not_ours = read_then_removed  # type: ignore[method-assign]
    worker.tick()
    worker._forget_what_is_not_ours = stale  # type: ignore[method-assign]
    [late] = queue.result_paths()
    assert moderation(queue).is_of_before_a_removal("acme/model", began(late))

    queue.clock.move(minutes=1)
    again = queue.submit()
    drain(queue.worker("worker-2"))
    request = queue.read(again)
    assert request.status is Status.FINISHED and request.result != late
    assert not moderation(queue).is_of_before_a_removal("acme/model", began(request.result or ""))


def began(path: str) -> datetime:
    found = from_text(Path(path).stem.removeprefix("results_"))
    assert found
    return found


def test_a_model_resubmitted_at_once_has_a_result_after_the_removal(queue: Queue) -> None:
    queue.submit()
    drain(queue.worker())
    removed(queue)
    queue.clock.move(seconds=1)
    again = queue.submit()
    drain(queue.worker())
    result = queue.read(again).result or ""
    assert not moderation(queue).is_of_before_a_removal("acme/model", began(result))
    assert queue.result_paths() == [result]


# Retired


def lease() -> Lease:
    return Lease("box-1", "n", START, START, START + timedelta(hours=1))


@pytest.fixture
def board(queue: Queue) -> dict[str, str]:
    """A request in each status."""
    return {
        "waiting": queue.submit("acme/waiting", status=Status.WAITING),
        "pending": queue.submit("acme/pending"),
        "running": queue.submit("acme/running", status=Status.RUNNING, lease=lease(), attempt=1),
        "finished": queue.submit("acme/finished", status=Status.FINISHED),
    }


def end(queue: Queue, *, cancel_running: bool = False) -> Retired:
    return retire(queue.requests, MOVED, by="alice", clock=queue.clock, cancel_running=cancel_running)


def statuses(queue: Queue, board: dict[str, str]) -> dict[str, Status]:
    return {name: queue.read(path).status for name, path in board.items()}


def test_retiring_closes_the_board_and_cancels_what_waits(queue: Queue, board: dict[str, str]) -> None:
    done = end(queue)
    closed = moderation(queue).closed
    assert closed and closed.reason == MOVED and closed.by == "alice"
    assert statuses(queue, board) == {
        "waiting": Status.CANCELLED,
        "pending": Status.CANCELLED,
        "running": Status.RUNNING,
        "finished": Status.FINISHED,
    }
    entry = queue.read(board["pending"]).history[-1]
    assert (entry.end, entry.by, entry.message) == (CANCELLED, "alice", f"It was cancelled by alice: {MOVED}")
    assert (done.cancelled, done.waiting, done.running, done.news) == (2, 0, 1, True)


def test_what_runs_is_cancelled_only_if_that_is_asked_for(queue: Queue, board: dict[str, str]) -> None:
    end(queue, cancel_running=True)
    assert statuses(queue, board)["running"] is Status.CANCELLED
    assert queue.read(board["running"]).lease is None


def test_doing_it_again_changes_nothing(queue: Queue, board: dict[str, str]) -> None:
    end(queue)
    before = queue.requests.snapshot()
    queue.clock.move(hours=1)
    assert end(queue).news is False
    assert queue.requests.snapshot() == before


def test_freezing_closes_submissions_and_lets_the_queue_go_on(queue: Queue, board: dict[str, str]) -> None:
    before = statuses(queue, board)
    retire(queue.requests, "Back on Monday.", by="alice", freeze=True, clock=queue.clock)
    assert statuses(queue, board) == before
    assert moderation(queue).closed


def test_a_frozen_board_can_be_retired_with_another_sentence(queue: Queue, board: dict[str, str]) -> None:
    retire(queue.requests, "Back on Monday.", by="alice", freeze=True, clock=queue.clock)
    end(queue)
    closed = moderation(queue).closed
    assert closed and closed.reason == MOVED
    assert [each.act for each in moderation(queue).acts] == [Act.CLOSE, Act.OPEN, Act.CLOSE]


def test_opening_again_leaves_what_was_cancelled(queue: Queue, board: dict[str, str]) -> None:
    end(queue)
    assert reopen(queue.requests, by="bob", clock=queue.clock)
    assert moderation(queue).closed is None
    assert statuses(queue, board)["pending"] is Status.CANCELLED
    assert reopen(queue.requests, by="bob", clock=queue.clock) is None


def test_a_reason_is_on_one_line_and_has_only_what_can_be_seen() -> None:
    assert reason("  We\nmove to\u202e new\x07 hardware. ") == "We move to new hardware."
    with pytest.raises(ArgumentTypeError, match="write a sentence"):
        reason("\u202e\n")


def test_a_sentence_that_is_too_long_changes_nothing(queue: Queue, board: dict[str, str]) -> None:
    before = queue.requests.snapshot()
    with pytest.raises(NotPossible, match="The reason has 600 characters"):
        retire(queue.requests, "x" * 600, by=None)
    assert queue.requests.snapshot() == before


def test_a_request_that_a_worker_claims_meanwhile_may_finish(queue: Queue) -> None:
    path = queue.submit()

    class Claimed:
        """The folder; a worker claims the request before the first commit."""

        def __init__(self) -> None:
            self.store, self.claimed = queue.requests, False

        def __getattr__(self, name: str) -> object:
            return getattr(self.store, name)

        def commit(self, **arguments: object) -> None:
            if not self.claimed:
                self.claimed = True
                queue.worker(executor=FunctionExecutor(wait=True)).tick()
            self.store.commit(**arguments)  # type: ignore[arg-type]

    done = retire(Claimed(), MOVED, by="alice", clock=queue.clock)  # type: ignore[arg-type]
    assert (done.cancelled, done.running) == (0, 1)
    assert queue.read(path).status is Status.RUNNING and moderation(queue).closed


# The commands


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        add_board(hub, whole_board("acme/tiny", "acme/other"))
        yield hub


def command(name: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"src.{name}", *arguments],
        cwd=BACKEND,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_the_command_removes_names_who_did_it_and_says_what_is_left(hub: Hub) -> None:
    token = hub.add_user("alice", {"acme": "write"})
    samples = hub.add_dataset("acme/samples", {".samples/acme/tiny/1_1/x.parquet": b"x", "notes": b""})
    variables = {"HF_ENDPOINT": hub.url, "OWNER": "acme", "HF_TOKEN": token, "SAMPLES_REPO": "acme/samples"}
    arguments = ["ACME/tiny", "--reason", "Its owner asked for it."]
    done = command("remove", *arguments, **variables)
    assert (
        done.returncode == 1
        and "There is no terminal to ask you on. If you are sure, add --yes." in done.stdout
    )
    assert path_of("acme/tiny") in hub.get(RepoName("dataset", "acme/requests")).files()
    done = command("remove", *arguments, "--yes", **variables)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "Removed ACME/tiny: 1 request, 1 result, 3 other files (logs, samples, unreadable ones)."
    )
    assert "The history of the datasets still has the files" in done.stdout
    requests = hub.get(RepoName("dataset", "acme/requests")).files()
    assert path_of("acme/tiny") not in requests and b'"by": "alice"' in requests[ACTS]
    assert result_path("acme/other", RUN) in hub.get(RepoName("dataset", "acme/results")).files()
    assert samples.files().keys() == {"notes"}
    done = command("remove", *arguments, "--yes", **variables)
    assert done.returncode == 1 and "There is nothing of ACME/tiny on this leaderboard" in done.stderr


def test_samples_elsewhere_are_named_on_a_line_each() -> None:
    removed = Removed(1, 2, 3, samples_elsewhere=("acme/a", "acme/b"))
    first, *others = told("acme/tiny", removed)
    assert first.startswith("Removed acme/tiny: 1 request, 2 results, 3 other files")
    assert [line.partition(",")[0] for line in others] == [
        "Samples of it are in acme/a",
        "Samples of it are in acme/b",
    ]


def test_ctrl_d_is_no(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(question: str) -> str:
        raise EOFError

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", ends)
    assert not confirmed("Delete it?", yes=False)


@pytest.mark.parametrize(("answer", "is_removed"), [("y", True), ("", False), ("no", False)])
def test_at_a_terminal_the_command_asks(queue: Queue, answer: str, is_removed: bool) -> None:
    path = queue.submit()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "src.remove", "acme/model", "--reason", "Spam."],
        cwd=BACKEND,
        env={**os.environ, "LEADERBOARD_DATA_DIR": str(queue.folder)},
        stdin=theirs,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    os.write(ours, f"{answer}\n".encode())
    output, _ = process.communicate(timeout=PATIENCE)
    os.close(ours)
    assert f"Delete the requests, results, logs and samples of acme/model in {queue.folder}" in output
    assert (path not in queue.requests.snapshot().files) is is_removed
    assert ("Nothing was removed." in output) is not is_removed


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["remove", "acme/*", "--reason", "x"], "is not a model's name: write it as organisation/model"),
        (["remove", "acme/tiny"], "--reason"),
        (["remove", "acme/tiny", "--reason", " "], "write a sentence of at most 500 characters"),
        (["retire", "--reason", "x" * 501], "write a sentence of at most 500 characters"),
        (["retire"], "one of the arguments --reason --undo is required"),
        (["retire", "--reason", "x", "--freeze", "--cancel-running"], "--freeze lets the queue go on"),
        (["retire", "--undo", "--freeze"], "--undo only takes submissions again"),
        (["retire", "--undo", "--cancel-running"], "--undo only takes submissions again"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(
    queue: Queue, arguments: list[str], sentence: str
) -> None:
    queue.submit()
    done = command(*arguments, LEADERBOARD_DATA_DIR=str(queue.folder))
    assert done.returncode == 2 and sentence in done.stderr


@pytest.mark.parametrize("arguments", [["remove", "a/b", "--reason", "x", "--yes"], ["retire", "--undo"]])
def test_a_board_that_is_not_there_is_not_created(tmp_path: Path, arguments: list[str]) -> None:
    done = command(*arguments, LEADERBOARD_DATA_DIR=str(tmp_path))
    assert done.returncode == 2 and f"There is no board in {tmp_path}" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_name_of_the_samples_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    done = command("backup", str(tmp_path), SAMPLES_REPO="no such/name/here")
    assert done.returncode == 2 and "SAMPLES_REPO is 'no such/name/here'" in done.stderr


def test_the_command_retires_with_a_backup_and_says_what_is_next(
    queue: Queue, board: dict[str, str], tmp_path: Path
) -> None:
    queue.results.snapshot()
    variables = {"LEADERBOARD_DATA_DIR": str(queue.folder)}
    backup = tmp_path / "backup"
    done = command("retire", "--reason", MOVED, "--backup", str(backup), **variables)
    assert done.returncode == 0, done.stderr
    assert f"Submissions are closed, and the page says: {MOVED}" in done.stdout
    assert "Cancelled: 2 requests." in done.stdout and "1 running request may finish." in done.stdout
    assert "pause the backend Space" in done.stdout and "src.export" in done.stdout
    kept = Queue(backup).read(board["pending"])
    assert kept.status is Status.PENDING, "the backup is of before"
    done = command("retire", "--reason", MOVED, **variables)
    assert "The board was already closed with this sentence.\nCancelled: 0 requests." in done.stdout
    done = command("retire", "--undo", **variables)
    assert "The board takes submissions again. Cancelled requests stay cancelled" in done.stdout
    done = command("retire", "--undo", **variables)
    assert "The board was open already: nothing was changed." in done.stdout
    done = command("retire", "--freeze", "--reason", "Back on Monday.", **variables)
    assert "The queue goes on: 0 waiting, 1 running. To open the board again, use --undo." in done.stdout


def test_a_backup_that_fails_keeps_the_board_open(queue: Queue, tmp_path: Path) -> None:
    path = queue.submit()
    (tmp_path / "cat.jpg").write_bytes(b"cat")
    variables = {"LEADERBOARD_DATA_DIR": str(queue.folder)}
    done = command("retire", "--reason", MOVED, "--backup", str(tmp_path), **variables)
    assert done.returncode == 1
    assert moderation(queue).closed is None and queue.read(path).status is Status.PENDING
