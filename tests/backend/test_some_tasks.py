"""Requests that name tasks: a worker evaluates these and no others, or leaves the request to others."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from src.queue.overview import Journal, make_overview
from src.running.job import End, Ending, Job, Progress
from src.shared.data.queue_order import DEFAULT
from src.shared.data.request import Lease, Request, Status, read_request, write_request
from src.shared.data.signs import no_worker_since
from src.shared.moderation.steps import again
from support.executors import FunctionExecutor, report_of
from support.queues import COMMIT, START, SUITE, Queue, drain


def rerun(queue: Queue, path: str, *tasks: str) -> None:
    """Have a finished request evaluated again."""
    queue.edit(path, again(queue.read(path), by="alice", now=queue.clock.now, tasks=tasks or None))


def published(queue: Queue, path: str) -> dict[str, dict[str, object]]:
    result: dict[str, dict[str, object]] = json.loads((queue.folder / "results" / path).read_bytes())
    return result


def test_only_the_tasks_that_a_request_names_are_evaluated_and_published(queue: Queue) -> None:
    path = queue.submit()
    executor = FunctionExecutor()
    worker = queue.worker(executor=executor)
    drain(worker)
    queue.clock.move(hours=1)
    rerun(queue, path, "tiny_copy")
    drain(worker)
    assert [job.tasks for job in executor.started] == [SUITE.tasks, ("tiny_copy",)]
    assert queue.read(path).status is Status.FINISHED
    first, second = queue.result_paths()
    assert set(published(queue, first)["results"]) == {"tiny_addition", "tiny_copy"}
    assert set(published(queue, second)["results"]) == {"tiny_copy"}
    assert published(queue, second)["leaderboard"]["tasks"] == {"tiny_copy": None}


def test_the_tasks_of_a_request_are_evaluated_in_the_order_of_the_suite(queue: Queue) -> None:
    queue.submit(tasks=("tiny_copy", "tiny_addition"))
    executor = FunctionExecutor()
    drain(queue.worker(executor=executor))
    assert executor.started[0].tasks == SUITE.tasks


def test_a_name_holds_the_number_of_examples_where_the_engine_s_names_do(queue: Queue) -> None:
    queue.submit(tasks=("gsm8k|5",))
    executor = FunctionExecutor()
    drain(queue.worker(executor=executor, suite=replace(SUITE, tasks=("arc|0", "gsm8k|5"))))
    assert executor.started[0].tasks == ("gsm8k|5",)


def test_a_report_without_a_task_that_the_request_names_is_not_published(queue: Queue) -> None:
    path = queue.submit(tasks=("tiny_copy",))

    def evaluate(job: Job) -> Ending:
        return Ending(End.FINISHED, "", report=report_of(replace(job, tasks=("tiny_addition",))))

    drain(queue.worker(executor=FunctionExecutor(evaluate)))
    assert queue.read(path).message.startswith("The evaluation ended without a score for tiny_copy, so ")
    assert queue.result_paths() == []


def test_samples_of_other_tasks_are_neither_published_nor_missed(
    queue: Queue, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def evaluate(job: Job) -> Ending:
        for name in ("tiny_addition", "tiny_copy"):
            (tmp_path / f"{name}.parquet").write_bytes(b"answers")
        return Ending(End.FINISHED, "", report=report_of(job), samples=tmp_path)

    queue.submit(tasks=("tiny_copy",))
    drain(queue.worker(executor=FunctionExecutor(evaluate)))
    assert [file.name for file in (queue.folder / "results" / ".samples").rglob("*.parquet")] == [
        "tiny_copy.parquet"
    ]
    assert "missing" not in caplog.text


@pytest.mark.parametrize(("tasks", "share"), [(("tiny_copy",), 0.5), (None, 0.75)])
def test_progress_counts_the_tasks_of_the_request(tasks: tuple[str, ...] | None, share: float) -> None:
    lease = Lease("worker-1", "n0nce", started=START, renewed=START, until=START + timedelta(hours=1))
    request = Request(model="acme/model", status=Status.RUNNING, commit=COMMIT, lease=lease, tasks=tasks)
    progress = Progress("tiny_copy", 1, 2)
    overview = make_overview(
        {"a": request},
        {"n0nce": progress},
        {},
        tasks=SUITE.tasks,
        order=DEFAULT,
        journal=Journal(),
    )
    assert overview.running[0].share == share


def test_a_request_for_a_task_of_another_suite_is_left_for_others_and_the_worker_may_end(
    queue: Queue,
) -> None:
    path = queue.submit(tasks=("gsm8k", "tiny_copy"))
    worker = queue.worker()
    drain(worker)
    left = queue.read(path)
    assert left.status is Status.PENDING
    assert left.message == (
        "It is to be evaluated on gsm8k, which this worker does not run: it waits for a worker that runs "
        "them."
    )
    assert no_worker_since([left], queue.clock.now + timedelta(days=9)) is None
    before = queue.requests.snapshot()
    worker.tick()
    queue.worker("another").tick()
    assert queue.requests.snapshot() == before
    drain(queue.worker("another", suite=replace(SUITE, tasks=("gsm8k", "tiny_copy"))))
    assert queue.read(path).status is Status.FINISHED


def test_a_message_about_tasks_repeats_no_more_than_a_few_shortened_names(queue: Queue) -> None:
    names = [f"{'x' * 500}\n{number}" for number in range(1000)]
    path = queue.submit(tasks=tuple(names))
    drain(queue.worker())
    message = queue.read(path).message
    assert len(message) < 400
    assert "…, xxx" in message
    assert "\n" not in message
    assert "and 997 more, which this worker does not run" in message


def test_a_rerun_goes_behind_a_submission_that_arrives_later(queue: Queue) -> None:
    paths = [queue.submit(f"acme/old-{number}") for number in range(2)]
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor)
    while not worker.is_idle() or not executor.started:
        worker.tick()
        executor.let_end()
    for path in paths:
        rerun(queue, path, "tiny_copy")
    worker.tick()
    queue.clock.move(hours=1)
    queue.submit("visitor/new")
    for _ in range(4):
        executor.let_end()
        worker.tick()
    assert [job.model for job in executor.started[2:]] == ["acme/old-0", "visitor/new", "acme/old-1"]


def test_a_rerun_that_failed_and_is_tried_again_still_goes_behind_submissions(queue: Queue) -> None:
    finished = queue.read(queue.submit(status=Status.FINISHED))
    failed = replace(again(finished, by="alice", now=START), status=Status.FAILED)
    assert again(failed, by="alice", now=START).is_rerun
    assert read_request(write_request(failed)).is_rerun


def test_a_rerun_is_no_duplicate_of_a_finished_request_for_the_same_evaluation(queue: Queue) -> None:
    path = queue.submit()
    drain(queue.worker())
    queue.edit("acme/model_from_an_old_frontend.json", queue.read(path))
    rerun(queue, path, "tiny_copy")
    drain(queue.worker())
    assert queue.read(path).status is Status.FINISHED
    assert len(queue.result_paths()) == 2


def test_a_rerun_waits_while_another_request_for_the_same_evaluation_runs(queue: Queue) -> None:
    path = queue.submit(status=Status.FINISHED)
    other = "acme/model_another.json"
    queue.edit(other, replace(queue.read(path), status=Status.PENDING))
    rerun(queue, path, "tiny_copy")
    queue.edit(other, replace(queue.read(other), history=queue.read(path).history))
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor, slots=2)
    worker.tick()
    worker.tick()
    assert len(executor.running) == 1
    executor.let_end()
    while not worker.is_idle():
        worker.tick()
        executor.let_end()
    assert [queue.read(each).status for each in (path, other)] == [Status.FINISHED] * 2


def test_the_kept_reports_of_single_tasks_are_of_one_run_only(queue: Queue) -> None:
    """So a task that is computed again is not taken from the evaluation before."""
    path = queue.submit()
    executor = FunctionExecutor()
    worker = queue.worker(executor=executor)
    drain(worker)
    queue.clock.move(hours=1)
    rerun(queue, path, "tiny_copy")
    drain(worker)
    assert executor.started[0].run != executor.started[1].run
