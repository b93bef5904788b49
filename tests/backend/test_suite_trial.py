"""Nothing is claimed until the suite was tried without a problem, here or by another worker."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from src.running.job import End, Ending, Job, Progress, Trial
from src.running.suite import Suite
from src.shared.data.backend_description import BackendDescription, Example, TaskDescription, read_description
from src.shared.data.names import BACKEND_DESCRIPTION
from src.shared.data.request import Status
from src.shared.errors import StoreError
from src.shared.stores.store import Snapshot
from src.suite import task_files
from src.suite.announcer import Announcer
from src.suite.task_files import fingerprint, stamp
from src.suite.trial import SuiteTrial
from support.executors import FunctionExecutor
from support.queues import Queue

Outcome = Callable[[Job], Ending]


def outcome(*problems: str, unanswered: tuple[str, ...] = (), example: Example | None = None) -> Outcome:
    """As the trial's child ends."""

    def end(job: Job) -> Ending:
        tasks = tuple(TaskDescription(name=name, example=example) for name in job.tasks)
        trial = Trial(description=BackendDescription(tasks=tasks, problems=problems), unanswered=unanswered)
        return Ending(End.FINISHED, "", report=TypeAdapter(Trial).dump_python(trial))

    return end


def described(job: Job) -> Ending:
    tasks = tuple(TaskDescription(name=name) for name in job.tasks)
    return Ending(
        End.FINISHED, "", report=TypeAdapter(BackendDescription).dump_python(BackendDescription(tasks=tasks))
    )


def crashed(job: Job) -> Ending:
    return Ending(End.CRASHED, "The evaluation was killed by signal SIGKILL.", log=b"Segmentation fault\n")


class Bench:
    """A worker on a queue whose trials end as a function says."""

    def __init__(
        self, queue: Queue, tasks: Path, end: Outcome, *, wait: bool = False, **settings: Any
    ) -> None:
        self.queue = queue
        self.tester = FunctionExecutor(end, wait=wait)
        self.describer = FunctionExecutor(described)
        self.suite = Suite(tasks=("tiny_addition", "tiny_copy"), tasks_dir=str(tasks), **settings)
        self.trial = SuiteTrial(queue.results, self.tester, self.suite, clock=queue.clock)
        self.announcer = Announcer(queue.results, self.describer, self.suite, trial=self.trial)
        self.reconciler = queue.worker()
        self.reconciler._may_claim = self.announcer.may_claim

    def tick(self) -> None:
        """In the order of `Worker.tick`."""
        self.announcer.poll()
        self.reconciler.tick()
        self.announcer.tick()

    @property
    def published(self) -> BackendDescription:
        return read_description((self.queue.folder / "results" / BACKEND_DESCRIPTION).read_bytes())


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "tiny.yaml").write_text("task: tiny\n")
    return folder


def test_nothing_is_claimed_until_the_suite_was_tried(queue: Queue, tasks: Path) -> None:
    path = queue.submit()
    worker = Bench(queue, tasks, outcome(), wait=True)
    for _ in range(3):
        worker.tick()
    assert queue.read(path).status is Status.PENDING
    assert not worker.announcer.is_done
    worker.tester.let_end()
    worker.tick()
    assert queue.read(path).status is Status.RUNNING
    assert worker.announcer.is_done
    assert len(worker.tester.started) == 1
    assert worker.describer.started == []


def test_while_there_is_a_problem_nothing_is_claimed_and_it_is_reported_everywhere(
    queue: Queue, tasks: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = queue.submit()
    sentence = "The task tiny_copy uses the field `wrod`."
    worker = Bench(queue, tasks, outcome(sentence))
    for _ in range(3):
        worker.tick()
    assert queue.read(path).status is Status.PENDING
    assert worker.announcer.problems == worker.published.problems == (sentence,)
    assert worker.published.tried is None
    assert worker.announcer.has_problems()
    assert sentence in caplog.text


def test_a_mended_file_makes_it_claim_without_a_restart(queue: Queue, tasks: Path) -> None:
    path = queue.submit()
    worker = Bench(queue, tasks, outcome("The task tiny_copy is broken."))
    worker.tick()
    worker.tester.evaluate = outcome()
    worker.tick()
    assert queue.read(path).status is Status.PENDING
    (tasks / "tiny.yaml").write_text("task: tiny\noutput_type: multiple_choice\n")
    worker.tick()
    assert queue.read(path).status is Status.RUNNING
    assert worker.announcer.problems == worker.published.problems == ()


@pytest.mark.parametrize("change", ["edit", "add", "remove", "deep"])
def test_a_task_file_that_changes_makes_it_stop_claiming_and_evaluations_that_run_go_on(
    queue: Queue, tasks: Path, change: str
) -> None:
    (tasks / "deep").mkdir()
    (tasks / "deep" / "code.py").write_text("x = 1\n")
    first = queue.submit()
    worker = Bench(queue, tasks, outcome())
    executor = FunctionExecutor(wait=True)
    worker.reconciler = queue.worker(executor=executor)
    worker.reconciler._may_claim = worker.announcer.may_claim
    worker.tick()
    assert queue.read(first).status is Status.RUNNING
    second = queue.submit("acme/second")
    worker.tester.evaluate = outcome("The task tiny is broken.")
    if change == "edit":
        (tasks / "tiny.yaml").write_text("task: tiny2\n")
    elif change == "add":
        (tasks / "more.yaml").write_text("task: more\n")
    elif change == "remove":
        (tasks / "tiny.yaml").unlink()
    else:
        (tasks / "deep" / "code.py").write_text("x = 22\n")
    worker.tick()
    assert list(executor.running)
    executor.let_end()
    worker.tick()
    worker.tick()
    assert queue.read(first).status is Status.FINISHED
    assert queue.read(second).status is Status.PENDING
    assert worker.published.problems


def test_a_file_that_is_written_again_with_the_same_content_is_not_retried(queue: Queue, tasks: Path) -> None:
    worker = Bench(queue, tasks, outcome())
    worker.tick()
    (tasks / "tiny.yaml").write_text("task: tiny\n")
    (tasks / "__pycache__").mkdir()
    (tasks / "__pycache__" / "code.pyc").write_bytes(b"x")
    worker.tick()
    assert len(worker.tester.started) == 1


def test_a_trial_whose_files_change_meanwhile_begins_anew(queue: Queue, tasks: Path) -> None:
    worker = Bench(queue, tasks, outcome(), wait=True)
    worker.tick()
    (tasks / "tiny.yaml").write_text("task: tiny3\n")
    worker.tick()
    assert len(worker.tester.started) == 2
    assert len(worker.tester.running) == 1


def test_a_second_worker_with_an_empty_disk_and_a_kept_outcome_claims_without_a_trial(
    queue: Queue, tasks: Path
) -> None:
    Bench(queue, tasks, outcome(example=Example(question="1+1=", answer="2")), publish_examples=True).tick()
    path = queue.submit()
    second = Bench(queue, tasks, crashed, publish_examples=True)
    second.tick()
    assert second.tester.started == []
    assert queue.read(path).status is Status.RUNNING
    second.tick()
    assert second.published.tried
    assert [task.example and task.example.answer for task in second.published.tasks] == ["2", "2"]


@pytest.mark.parametrize(
    "settings",
    [{"num_fewshot": 5}, {"fewshot_by_task": {"tiny_copy": 2}}, {"confirm_run_unsafe_code": True}],
)
def test_an_outcome_of_other_settings_is_not_trusted(
    queue: Queue, tasks: Path, settings: Mapping[str, Any]
) -> None:
    Bench(queue, tasks, outcome()).tick()
    second = Bench(queue, tasks, outcome(), **settings)
    second.tick()
    assert len(second.tester.started) == 1


def test_an_outcome_of_other_versions_is_not_trusted(
    queue: Queue, tasks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Bench(queue, tasks, outcome()).tick()
    monkeypatch.setattr(task_files, "version", lambda _: "99.0")
    second = Bench(queue, tasks, outcome())
    second.tick()
    assert len(second.tester.started) == 1


def test_how_fast_a_model_is_evaluated_does_not_matter_for_a_kept_outcome(tasks: Path) -> None:
    suite = Suite(tasks=("tiny",), tasks_dir=str(tasks))
    files = stamp(str(tasks))
    for same in ({"batch_size": "4"}, {"device": "cuda"}, {"limit": 10.0}, {"bootstrap_iters": 100}):
        assert fingerprint(replace(suite, **same), files) == fingerprint(suite, files)  # type: ignore[arg-type]


def test_a_network_failure_is_retried_and_is_no_problem_of_the_suite(queue: Queue, tasks: Path) -> None:
    path = queue.submit()
    worker = Bench(queue, tasks, outcome(unanswered=("tiny_copy",)))
    worker.tick()
    assert worker.announcer.note == (
        "The Hub or another site did not answer while the suite was tried (tiny_copy). The trial will be "
        "retried at 12:01:00 UTC. Until then no model is claimed."
    )
    assert worker.announcer.problems == worker.published.problems == ()
    assert worker.published.tried is None
    worker.tick()
    assert len(worker.tester.started) == 1
    queue.clock.move(seconds=61)
    worker.tick()
    assert len(worker.tester.started) == 2
    queue.clock.move(seconds=61)
    worker.tick()
    assert len(worker.tester.started) == 2
    assert queue.read(path).status is Status.PENDING
    worker.tester.evaluate = outcome()
    queue.clock.move(minutes=4)
    worker.tick()
    assert queue.read(path).status is Status.RUNNING
    assert worker.announcer.note is None


def test_a_trial_that_breaks_off_is_a_problem_and_is_retried(
    queue: Queue, tasks: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = queue.submit()
    worker = Bench(queue, tasks, crashed, wait=True)
    worker.tick()
    worker.tester.running["trial-1"] = Progress("tiny_copy", 1, 2)
    worker.tick()
    assert worker.announcer.note == "Trying the suite before any model is claimed: tiny_copy (1 of 2)."
    worker.tester.let_end()
    worker.tick()
    worker.tick()
    [sentence] = worker.published.problems
    assert sentence.startswith(
        "The suite could not be tried, so no model is claimed: the trial was killed by signal SIGKILL."
    )
    assert "This happened at the task tiny_copy; see the worker's log." in sentence
    assert "Segmentation fault" in caplog.text
    assert queue.read(path).status is Status.PENDING
    worker.tester.evaluate = outcome()
    queue.clock.move(minutes=2)
    worker.tick()
    worker.tester.let_end()
    worker.tick()
    assert queue.read(path).status is Status.RUNNING
    assert worker.published.problems == ()


def test_what_is_tried_is_shown_meanwhile(
    queue: Queue, tasks: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    worker = Bench(queue, tasks, outcome(), wait=True)
    worker.tick()
    assert worker.announcer.note
    assert worker.announcer.note.startswith("Trying the suite before any model is claimed: looking for ")
    worker.tester.running["trial-1"] = Progress("looking for the tasks", 0, 2)
    worker.tick()
    assert (
        worker.announcer.note
        == "Trying the suite before any model is claimed: looking for the tasks (0 of 2)."
    )
    assert worker.announcer.note in caplog.text


def test_results_that_cannot_be_read_yet_are_reported_and_read_later(
    queue: Queue, tasks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Bench(queue, tasks, outcome())

    def refuse() -> Snapshot:
        raise StoreError("the Hub is busy")

    with monkeypatch.context() as patch:
        patch.setattr(worker.trial._results, "snapshot", refuse)
        worker.announcer.poll()
    assert worker.announcer.note == "The suite has not been tried yet: the Hub is busy"
    assert not worker.announcer.may_claim()
    worker.tick()
    assert worker.announcer.may_claim()


def test_a_report_that_is_no_trials_is_a_problem(queue: Queue, tasks: Path) -> None:
    worker = Bench(queue, tasks, lambda job: Ending(End.FINISHED, "", report={"tasks": 5}))
    worker.tick()
    assert not worker.announcer.may_claim()
    assert worker.announcer.problems


def test_an_old_file_of_a_description_is_no_kept_outcome(queue: Queue, tasks: Path) -> None:
    file = queue.folder / "results" / BACKEND_DESCRIPTION
    file.parent.mkdir(parents=True)
    file.write_text("tasks: []\n")
    worker = Bench(queue, tasks, outcome())
    worker.tick()
    assert len(worker.tester.started) == 1
    file.write_text("tasks: [\n")
    worker = Bench(queue, tasks, outcome())
    worker.tick()
    assert len(worker.tester.started) == 1


def test_questions_elsewhere_that_change_are_retried_too(
    queue: Queue, tasks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.jsonl").write_text("{}\n")
    (tasks / "tiny.yaml").write_text("task: tiny\ndataset_kwargs: {data_files: {test: data/rows.jsonl}}\n")
    worker = Bench(queue, tasks, outcome())
    worker.tick()
    worker.tick()
    assert len(worker.tester.started) == 1
    (tmp_path / "data" / "rows.jsonl").write_text("{}\n{}\n")
    worker.tick()
    assert len(worker.tester.started) == 2
    second = Bench(queue, tasks, outcome())
    second.tick()
    assert second.tester.started == []
