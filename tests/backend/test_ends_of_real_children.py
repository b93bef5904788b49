"""Each kind of end, produced by a child that really loads and evaluates a model, under the real executor."""

import os
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from datetime import timedelta
from pathlib import Path

import pytest

from src.running.child_environment import clean_environment
from src.running.executor import ProcessExecutor
from src.running.job import PROGRESS_FILE, REPORT_FILE, End, Ending, Job
from src.running.launchers import Launcher
from src.running.suite import Suite
from src.running.warm_launcher import WarmLauncher
from src.running.watch import GB, ChildLimits
from support.broken_models import WEIGHTS, cut_in_half, edited, removed, with_code_that_says_so
from support.jobs import TASKS, make_job
from support.processes import is_alive
from support.sources import ROOT
from support.tiny_model import (
    make_tiny_model,
    with_a_sentencepiece_tokenizer,
    with_a_tiktoken_tokenizer,
)
from support.waiting import wait_for

NONCE = "nonce"
USUAL = ChildLimits(timedelta(minutes=5))
SHORT = timedelta(seconds=20)
ENDLESS = 10**7
"""Tokens: a tiny model writes some thousands in a second."""


class Case:
    """One evaluation: what is done to the model, the job and the child's folder, and within which limits."""

    def __init__(
        self,
        end: End,
        sentence: str,
        *,
        spoil: Callable[[Path], None] = lambda model: None,
        limits: ChildLimits = USUAL,
        is_endless: bool = False,
        fills_the_disk: bool = False,
        is_killed: bool = False,
    ) -> None:
        self.end, self.sentence = end, sentence
        self.spoil, self.limits = spoil, limits
        self.is_endless, self.fills_the_disk, self.is_killed = is_endless, fills_the_disk, is_killed


CASES = {
    "good": Case(End.FINISHED, ""),
    "too large for its memory": Case(
        End.OUT_OF_MEMORY,
        "GB of memory, more than its limit of 0.05 GB, and was stopped.",
        limits=ChildLimits(timedelta(minutes=5), memory=int(0.05 * GB)),  # which its share of the parent has
    ),
    "endless": Case(End.OVER_TIME, "took longer than the limit", limits=ChildLimits(SHORT), is_endless=True),
    "without progress": Case(
        End.STUCK,
        "made no progress for 0.333 minutes and was stopped.",
        limits=ChildLimits(timedelta(minutes=5), silence=SHORT),
        is_endless=True,
    ),
    "killed": Case(End.CRASHED, "was killed by signal SIGKILL.", is_endless=True, is_killed=True),
    "weights cut off": Case(End.REFUSED, "are damaged or cut off", spoil=cut_in_half),
    "code of its own": Case(End.REFUSED, "needs code of its own", spoil=with_code_that_says_so),
    "no tokenizer": Case(
        End.REFUSED, "The tokenizer of", spoil=removed("tokenizer.json", "tokenizer_config.json")
    ),
    "a tokenizer of sentencepiece only": Case(End.FINISHED, "", spoil=with_a_sentencepiece_tokenizer),
    "a tokenizer of tiktoken only": Case(End.FINISHED, "", spoil=with_a_tiktoken_tokenizer),
    "no weights": Case(End.REFUSED, "no complete weights", spoil=removed(WEIGHTS)),
    "full disk": Case(End.DISK_FULL, "disk", fills_the_disk=True),
}


def with_endless_answers(tasks: Path) -> None:
    """A task with endless answers."""
    shutil.copytree(TASKS, tasks)
    task = (tasks / "tiny_copy.yaml").read_text()
    task = task.replace('until: ["\\n"]', 'until: ["this is never written"]')
    (tasks / "tiny_copy.yaml").write_text(task.replace("max_gen_toks: 16", f"max_gen_toks: {ENDLESS}"))


def endless_job(folder: Path) -> Job:
    """The evaluation of a model that never comes to an end."""
    model = make_tiny_model(folder / "model")
    edited("config.json", max_position_embeddings=2 * ENDLESS)(model)
    edited("generation_config.json", eos_token_id=None)(model)
    with_endless_answers(folder / "tasks")
    return make_job(model, tasks=("tiny_copy",), tasks_dir=str(folder / "tasks"))


def job_of(case: Case, folder: Path) -> Job:
    """The job for a model that is as the case says."""
    if case.is_endless:
        return endless_job(folder)
    model = make_tiny_model(folder / "model")
    case.spoil(model)
    return make_job(model)


def ending_of(case: Case, folder: Path, launcher: Launcher) -> Ending:
    """Evaluate as the worker does, until the child has ended."""
    place = folder / "worker" / "jobs" / NONCE
    if case.fills_the_disk:
        place.mkdir(parents=True)
        (place / f"{REPORT_FILE}.part").symlink_to("/dev/full")
    executor = ProcessExecutor(place.parents[1], limits=case.limits, launcher=launcher)
    executor.start(NONCE, job_of(case, folder))
    if case.is_killed:
        wait_for((place / PROGRESS_FILE).exists, what="the begin of the evaluation")
        executor._children[NONCE].process.kill()
    return wait_for(lambda: executor.endings().get(NONCE), seconds=300, what="the end")


@pytest.fixture(scope="module")
def endings(tmp_path_factory: pytest.TempPathFactory, warm: Launcher) -> dict[str, Ending]:
    """How each case ends; all are children of one warm parent."""
    folders = {name: tmp_path_factory.mktemp("case") for name in CASES}
    with chdir(ROOT / "backend"), ThreadPoolExecutor(3) as threads:
        running = {
            name: threads.submit(ending_of, CASES[name], folder, warm) for name, folder in folders.items()
        }
        return {name: future.result() for name, future in running.items()}


@pytest.mark.parametrize("name", CASES)
def test_each_kind_of_end_has_its_sentence(endings: dict[str, Ending], name: str) -> None:
    case, ending = CASES[name], endings[name]
    assert ending.end is case.end, ending.log.decode()
    assert case.sentence in ending.message
    assert (ending.report is not None) == (case.end is End.FINISHED)
    assert ending.log or case.end is End.OUT_OF_MEMORY or case.is_endless  # it may come before the first line


def test_the_sentences_differ(endings: dict[str, Ending]) -> None:
    failed = [ending.message for ending in endings.values() if ending.end is not End.FINISHED]
    assert len(set(failed)) == len(failed)


@pytest.mark.slow
def test_one_that_is_forgotten_is_gone_and_one_whose_parent_is_killed_is_gone_with_it(
    tmp_path: Path,
) -> None:
    """The first leaves no ending, the second is the worker's fault; the next child has a new parent."""
    job = endless_job(tmp_path)
    worker = tmp_path / "worker"
    with chdir(ROOT / "backend"):
        launcher = WarmLauncher(
            clean_environment(worker), Suite(tasks=job.tasks, tasks_dir=job.tasks_dir), worker
        )
        executor = ProcessExecutor(worker, limits=USUAL, launcher=launcher)
        processes = {}
        for nonce in ("forgotten", "orphan"):
            executor.start(nonce, job)
            wait_for((worker / "jobs" / nonce / PROGRESS_FILE).exists, what="its begin")
            processes[nonce] = executor._children[nonce].process.pid
        executor.forget("forgotten")
        wait_for(lambda: "forgotten" not in executor.progress(), what="the end of the first")
        assert not is_alive(processes["forgotten"])
        assert is_alive(processes["orphan"])
        assert not executor.endings()
        parent = Path(f"/proc/{processes['orphan']}/stat").read_text().rpartition(")")[2].split()[1]
        os.kill(int(parent), signal.SIGKILL)
        ending = wait_for(lambda: executor.endings().get("orphan"), what="the end of the second")
        wait_for(lambda: not is_alive(processes["orphan"]), what="the end of its process")
        executor.start("next", make_job(make_tiny_model(tmp_path / "good"), limit=1))
        next_one = wait_for(lambda: executor.endings().get("next"), what="the end of the third")
        executor.close()
        launcher.close()
    assert ending.end is End.WORKER
    assert "has ended (exit status -9)" in ending.message
    assert next_one.end is End.FINISHED


@pytest.mark.slow
def test_a_warm_worker_without_its_packages_says_which(tmp_path: Path) -> None:
    (tmp_path / "lm_eval.py").write_text("import a_package_that_nobody_has")
    environment = clean_environment(tmp_path) | {"PYTHONPATH": str(tmp_path)}
    job = make_job("org/model")
    with chdir(ROOT / "backend"):
        launcher = WarmLauncher(environment, Suite(tasks=job.tasks, tasks_dir=job.tasks_dir), tmp_path)
        executor = ProcessExecutor(tmp_path, limits=USUAL, launcher=launcher)
        executor.start(NONCE, job)
        ending = wait_for(lambda: executor.endings().get(NONCE), what="the end")
        executor.close()
        launcher.close()
    assert ending.end is End.WORKER
    assert ending.message.startswith("The worker cannot import a_package_that_nobody_has")
    assert b"Traceback" in ending.log
