"""How child processes are started, watched and ended; the children here only pretend to evaluate."""

import errno
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from src.running import disk, watch
from src.running import executor as executor_module
from src.running.child_endings import LONGEST_MESSAGE
from src.running.child_environment import clean_environment
from src.running.executor import ProcessExecutor
from src.running.job import BaseModel, End, Ending, Job, Progress, Work
from src.running.launchers import Child, ProgramLauncher
from src.running.logs import cleaned, shorten
from src.running.watch import ChildLimits
from support.processes import is_alive, killed_worker
from support.waiting import wait_for

CHILD = Path(__file__).parents[1] / "support" / "fast_child.py"


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[ProcessExecutor]:
    executor = make_executor(tmp_path)
    yield executor
    executor.close()


def make_executor(folder: Path, seconds: float = 600, **options: Any) -> ProcessExecutor:
    environment = clean_environment(folder / "worker", options.pop("read_token", None))
    command = options.pop("command", (sys.executable, str(CHILD)))
    launcher = ProgramLauncher(environment, command)
    options = {"limits": ChildLimits(timedelta(seconds=seconds)), "launcher": launcher, **options}
    return ProcessExecutor(folder / "worker", **options)


def job(name: str, folder: Path) -> Job:
    return Job(
        model=f"acme/{name}",
        weights="models",
        commit=None,
        precision="float32",
        tasks=("tiny",),
        tasks_dir=str(folder),
    )


def ending(executor: ProcessExecutor, name: str, folder: Path) -> Ending:
    executor.start("nonce", job(name, folder))
    return wait_for(lambda: executor.endings().get("nonce"), what=f"the end of {name}")


def test_samples_are_set_aside_until_the_evaluation_is_forgotten(
    executor: ProcessExecutor, tmp_path: Path
) -> None:
    executor.start("nonce", replace(job("samples", tmp_path), save_samples=True))
    samples = wait_for(lambda: executor.endings().get("nonce"), what="the end").samples
    assert samples and [file.read_bytes() for file in samples.iterdir()] == [b"rows"]
    executor.forget("nonce")
    assert not samples.exists()


def test_samples_that_nobody_asked_for_are_not_taken(executor: ProcessExecutor, tmp_path: Path) -> None:
    assert ending(executor, "samples", tmp_path).samples is None


def test_samples_that_cannot_be_set_aside_cost_no_result(executor: ProcessExecutor, tmp_path: Path) -> None:
    (tmp_path / "worker").mkdir()
    (tmp_path / "worker" / "samples").write_text("a file in the way")
    executor.start("nonce", replace(job("samples", tmp_path), save_samples=True))
    ended = wait_for(lambda: executor.endings().get("nonce"), what="the end")
    assert ended.end is End.FINISHED and ended.samples is None


def child_pid(folder: Path) -> int:
    note = folder / "evaluations.txt"
    return int(wait_for(lambda: note.exists() and note.read_text().split(), what="a child")[-1])


def test_a_good_child_gives_its_report_and_its_log(executor: ProcessExecutor, tmp_path: Path) -> None:
    end = ending(executor, "good", tmp_path)
    assert end.end is End.FINISHED
    assert end.report and end.report["results"] == {"tiny": {"acc,none": 0.5}}
    assert end.log == b"evaluating acme/good\n"
    assert not executor.progress()


@pytest.mark.parametrize(
    ("name", "end", "sentence"),
    [
        ("refused", End.REFUSED, "acme/refused has no weights: add them."),
        ("unreachable", End.UNREACHABLE, "The Hub did not answer while acme/unreachable was being loaded."),
        ("killed", End.CRASHED, "The evaluation was killed by signal SIGKILL."),
        ("error", End.CRASHED, "The evaluation failed with exit status 1; see its log."),
        (
            "garbled",
            End.CRASHED,
            "The evaluation left no readable report: it is not valid JSON",
        ),
        ("told-to-end", End.WORKER, "Something outside the leaderboard told the evaluation to end"),
        ("killed-in-real-time", End.CRASHED, "The evaluation was killed by signal 40."),
        ("folder-for-failure", End.CRASHED, "The evaluation failed with exit status 1"),
        (
            "folder-for-report",
            End.CRASHED,
            "The evaluation left no readable report: [Errno 21]",
        ),
        ("folder-for-progress", End.CRASHED, "The evaluation failed with exit status 1"),
        ("says-worker at fault", End.WORKER, "it may not say this"),
        *(
            (f"says-{end}", End.CRASHED, "The evaluation failed with exit status 1")
            for end in ("finished", "stopped", "cancelled", "lost", "over time", "nonsense")
        ),
    ],
)
def test_each_kind_of_end_has_its_sentence(
    executor: ProcessExecutor, tmp_path: Path, name: str, end: End, sentence: str
) -> None:
    found = ending(executor, name, tmp_path)
    assert found.end is end
    assert found.message.startswith(sentence)
    assert found.report is None


def test_a_child_cannot_say_more_than_anybody_reads(executor: ProcessExecutor, tmp_path: Path) -> None:
    assert ending(executor, "talkative", tmp_path).message == "x" * LONGEST_MESSAGE


def test_progress_that_cannot_be_read_is_none(executor: ProcessExecutor, tmp_path: Path) -> None:
    executor.start("nonce", job("slow", tmp_path))
    file = tmp_path / "worker" / "jobs" / "nonce" / "progress.json"
    wait_for(file.exists, what="progress")
    file.unlink()
    file.mkdir()
    assert executor.progress() == {"nonce": None}


def test_an_evaluation_that_cannot_be_watched_ends_as_the_workers_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an ending it would run for ever; its process must be gone as well."""

    def fail(*_: object) -> None:
        child_pid(tmp_path)
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(executor_module, "watch", fail)
    end = ending(make_executor(tmp_path), "endless", tmp_path)
    assert end.end is End.WORKER
    assert end.message.startswith("The worker could not monitor the evaluation and stopped it.")
    assert not is_alive(child_pid(tmp_path))


@pytest.mark.parametrize(
    ("command", "how"),
    [
        (("/bin/false",), "failed with exit status 1"),
        (("/bin/true",), "ended without a report"),
        ((sys.executable, "-m", "not_there"), "failed with exit status 1"),
        (("/bin/sh", "-c", "kill -9 $$"), "was killed by signal SIGKILL"),
    ],
)
def test_a_child_that_never_began_is_the_workers_fault(
    tmp_path: Path, command: tuple[str, ...], how: str
) -> None:
    end = ending(make_executor(tmp_path, command=command), "good", tmp_path)
    assert end.end is End.WORKER
    assert end.message.startswith(f"The worker could not start the evaluation: its process {how}")
    assert end.message.endswith("the model is not at fault.")


def test_an_error_that_nobody_foresaw_is_in_the_log(executor: ProcessExecutor, tmp_path: Path) -> None:
    assert b"RuntimeError: nobody foresaw this" in ending(executor, "error", tmp_path).log


def test_a_log_does_not_show_where_this_machine_keeps_things(
    executor: ProcessExecutor, tmp_path: Path
) -> None:
    log = ending(executor, "folders", tmp_path).log
    assert log.startswith(b"evaluating acme/folders\njob/report.json in backend\n")


def test_a_message_names_both_models_of_an_adapter_in_place_of_their_folders(tmp_path: Path) -> None:
    base = BaseModel(model="acme/base", weights=str(tmp_path / "models/base"), commit=None)
    adapter = replace(job("adapter", tmp_path), weights=str(tmp_path / "models/base-lora"), base=base)
    names = executor_module._RunningChild(None, tmp_path / "job", adapter).names  # type: ignore[arg-type]
    text = f"{adapter.weights}/adapter_config.json {base.weights}/config.json"
    assert cleaned(text.encode(), names) == b"acme/adapter/adapter_config.json acme/base/config.json"


def test_an_evaluation_over_its_time_is_stopped_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(executor_module, "watch", partial(watch.watch, clock=lambda: now[-1]))
    executor = make_executor(tmp_path, seconds=3600)
    executor.start("nonce", job("endless", tmp_path))
    pid = child_pid(tmp_path)
    grandchildren = wait_for(
        lambda: Path(f"/proc/{pid}/task/{pid}/children").read_text().split(), what="a grandchild"
    )
    now.append(3600.0)
    end = wait_for(lambda: executor.endings().get("nonce"), what="the end")
    assert end.end is End.OVER_TIME
    assert end.message.startswith("The evaluation took longer than the limit of 1 hours")
    assert end.message.endswith(
        "Submit a smaller model, or ask the leaderboard's owner for a longer limit (MAX_HOURS)."
    )
    for process in [pid, *map(int, grandchildren)]:
        wait_for(lambda process=process: not is_alive(process), what=f"the end of {process}")


def test_an_evaluation_that_takes_too_much_memory_is_stopped_with_all_that_it_started(
    tmp_path: Path,
) -> None:
    """What its own children hold counts as well."""
    executor = make_executor(tmp_path, limits=ChildLimits(timedelta(hours=1), memory=150_000_000))
    end = ending(executor, "hungry", tmp_path)
    assert end.end is End.OUT_OF_MEMORY
    assert re.fullmatch(
        r"The evaluation used 0\.\d+ GB of memory, more than its limit of 0\.15 GB, and was stopped\. "
        r"Submit a smaller model, or ask the leaderboard's owner for a larger worker\.",
        end.message,
    )
    assert not is_alive(child_pid(tmp_path))


def test_an_evaluation_without_progress_is_stopped(tmp_path: Path) -> None:
    limits = ChildLimits(timedelta(hours=1), silence=timedelta(seconds=1))
    end = ending(make_executor(tmp_path, limits=limits), "slow", tmp_path)
    assert end.end is End.STUCK
    assert end.message == (
        "The evaluation made no progress for 0.0167 minutes and was stopped. The leaderboard's owner can "
        "find details in its log."
    )


def test_each_of_several_has_a_device_of_its_own(tmp_path: Path) -> None:
    executor = make_executor(tmp_path, devices=("cuda:0", "cuda:1"))
    for nonce in ("first", "second"):
        executor.start(nonce, job("slow", tmp_path))
    jobs = [
        json.loads((tmp_path / "worker/jobs" / nonce / "job.json").read_bytes())
        for nonce in ("first", "second")
    ]
    executor.close()
    assert [each["device"] for each in jobs] == ["cuda:0", "cuda:1"]
    assert {each["kept_tasks"] for each in jobs} == {str(tmp_path / "worker" / "kept")}


def test_the_log_of_a_running_child_can_be_followed(executor: ProcessExecutor, tmp_path: Path) -> None:
    executor.start("nonce", job("slow", tmp_path))
    wait_for(lambda: executor.log("nonce") == "evaluating acme/slow\n", what="a line of the log")
    assert executor.log("another") == ""


def test_progress_is_what_the_child_wrote_last(executor: ProcessExecutor, tmp_path: Path) -> None:
    executor.start("nonce", job("slow", tmp_path))
    wait_for(lambda: executor.progress() == {"nonce": Progress("tiny", 3, 10)}, what="progress")


def test_a_forgotten_evaluation_is_killed_and_leaves_no_ending(tmp_path: Path) -> None:
    ended: list[None] = []
    executor = make_executor(tmp_path, on_end=lambda: ended.append(None))
    executor.start("nonce", job("slow", tmp_path))
    pid = child_pid(tmp_path)
    executor.forget("nonce")
    wait_for(lambda: not is_alive(pid), what="the child's end")
    wait_for(lambda: ended, what="the end to be noticed")
    assert not executor.endings()
    assert not executor.progress()


def test_a_child_dies_with_its_worker(tmp_path: Path) -> None:
    """However the worker dies: nobody else holds the other end of the child's standard input."""
    killed_worker("program", tmp_path)
    pid = child_pid(tmp_path)
    wait_for(lambda: not is_alive(pid), what="the child's end")


def test_the_child_gets_nothing_of_the_workers_environment_but_what_is_harmless(
    executor: ProcessExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("MY_OWN_PASSPHRASE", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy:3128")
    end = ending(executor, "environment", tmp_path)
    assert end.report
    environment = end.report["environment"]
    assert isinstance(environment, dict)
    assert "secret" not in str(environment)
    assert environment["HF_HUB_DISABLE_IMPLICIT_TOKEN"] == "1"
    assert environment["HOME"].startswith(str(tmp_path))


def test_the_only_token_that_a_child_may_get_is_the_one_that_can_only_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    executor = make_executor(tmp_path, read_token="hf_reader")
    end = ending(executor, "environment", tmp_path)
    executor.close()
    assert end.report
    environment = end.report["environment"]
    assert isinstance(environment, dict)
    assert environment["HF_TOKEN"] == "hf_reader"
    assert "HF_HUB_DISABLE_IMPLICIT_TOKEN" not in environment
    assert "hf_secret" not in str(environment)


def test_a_full_disk_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "worker" / "jobs" / "nonce"
    folder.mkdir(parents=True)
    (folder / "job.json.part").symlink_to("/dev/full")
    executor = make_executor(tmp_path)
    executor.start("nonce", job("good", tmp_path))
    end = executor.endings()["nonce"]
    assert end.end is End.DISK_FULL
    assert end.message == "The evaluation could not be started: No space left on device."


def test_a_child_that_cannot_be_started_is_an_ending_too(tmp_path: Path) -> None:
    (tmp_path / "worker").write_text("a file where a folder should be")
    executor = make_executor(tmp_path)
    executor.start("nonce", job("good", tmp_path))
    end = executor.endings()["nonce"]
    assert end.end is End.WORKER
    assert end.message == "The evaluation could not be started: Not a directory."


def test_a_program_that_is_not_there_is_the_workers_fault(tmp_path: Path) -> None:
    executor = make_executor(tmp_path, command=("/nowhere/python",))
    executor.start("nonce", job("good", tmp_path))
    assert executor.endings()["nonce"].end is End.WORKER
    assert not list((tmp_path / "worker" / "jobs").iterdir())


def test_a_child_that_nobody_can_watch_is_not_left_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoThread(Thread):
        def start(self) -> None:
            child_pid(tmp_path)
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(executor_module, "Thread", NoThread)
    executor = make_executor(tmp_path)
    executor.start("nonce", job("endless", tmp_path))
    end = executor.endings()["nonce"]
    assert end == Ending(End.WORKER, "The evaluation could not be started: can't start new thread.")
    wait_for(lambda: not is_alive(child_pid(tmp_path)), what="the child's end")


def test_a_log_without_an_end_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def watched(log: Path) -> None:
        sizes.append(log.stat().st_size)
        shorten(log, 1_000_000)
        sizes.append(log.stat().st_size)

    monkeypatch.setattr(watch, "shorten", watched)
    executor = make_executor(tmp_path)
    executor.start("nonce", job("logs", tmp_path))

    def is_shortened() -> bool:
        looks = zip(sizes[::2], sizes[1::2], strict=False)
        return any(before > 1_000_000 and left < before for before, left in looks)

    wait_for(is_shortened, what="a large log that was shortened")
    executor.close()


class FirstLooking(ProgramLauncher):
    """Looks, before it launches, whether weights may be removed meanwhile."""

    executor: ProcessExecutor
    was_safe = False

    def launch(self, work: Work, folder: Path) -> Child:
        self.was_safe = self.executor._cache.locked()
        return super().launch(work, folder)


def test_weights_that_get_into_use_while_room_is_made_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache is named after what was asked for, which need not be the model's own name."""
    snapshots = [
        tmp_path / "worker/hf/hub" / f"models--old-name--{name}" / "snapshots" / ("c" * 40)
        for name in ("used", "base", "unused")
    ]
    for snapshot in snapshots:
        snapshot.mkdir(parents=True)
        (snapshot / "config.json").write_text("{}")
    launcher = FirstLooking(clean_environment(tmp_path / "worker"), (sys.executable, str(CHILD)))
    executor = make_executor(tmp_path, launcher=launcher, free_disk=10**18)
    launcher.executor = executor
    scan = disk.scan_cache_dir

    def scan_and_start(cache: Path) -> object:
        found = scan(cache)
        if "second" not in executor._children:
            base = BaseModel(model="acme/base", weights="old-name/base", commit=None)
            adapter = replace(job("slow", tmp_path), weights="old-name/used", base=base)
            executor.start("second", adapter)
        return found

    monkeypatch.setattr(disk, "scan_cache_dir", scan_and_start)
    executor.start("first", job("good", tmp_path))
    wait_for(lambda: not snapshots[2].exists(), what="room")
    wait_for(lambda: not executor._cache.locked(), what="the end of it")
    assert snapshots[0].exists()
    assert snapshots[1].exists()
    assert launcher.was_safe
    executor.close()


def test_nothing_is_left_on_the_disk(executor: ProcessExecutor, tmp_path: Path) -> None:
    ending(executor, "good", tmp_path)
    jobs = tmp_path / "worker" / "jobs"
    wait_for(lambda: not list(jobs.iterdir()), what="an empty folder")
