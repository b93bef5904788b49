"""What a person, a wrong clock or another program writes into a request stops no worker and nobody else."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from src.queue.policy import Policy
from src.queue.retries import RetryTerms
from src.running.job import End, Ending, Job
from src.shared.data.names import MAX_BYTES
from src.shared.data.reports import read_result
from src.shared.data.request import Attempt, Lease, Status
from src.shared.errors import BadFile, ModelError, NotDelivered, StoreError
from src.shared.models.model_source import ModelFacts
from src.shared.stores.budgets import COMMITS, Pace
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.store import Snapshot
from support.executors import FunctionExecutor, good, report_of
from support.queues import START, Queue, drain

FAR = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
CRASH = Ending(End.CRASHED, "It was killed.", log=b"killed\n")


@pytest.mark.parametrize("run", ["a/../b", "../../x", "", "x" * 5000, "2026-01-31", "\0"])
def test_a_run_that_is_no_time_is_given_anew_and_the_neighbour_finishes(queue: Queue, run: str) -> None:
    paths = [queue.submit("acme/odd", run=run), queue.submit("acme/fine")]
    drain(queue.worker())
    assert [queue.read(path).status for path in paths] == [Status.FINISHED] * 2
    assert queue.read(paths[0]).run != run


@pytest.mark.parametrize("until", [FAR, START + timedelta(days=700)])
def test_a_lease_for_ever_is_none(queue: Queue, until: datetime) -> None:
    lease = Lease("nobody-0", "nonce", START, START, until)
    path = queue.submit(status=Status.RUNNING, lease=lease, attempt=1, run="2026-01-31T12-00-00.000000")
    drain(queue.worker())
    assert queue.read(path).status is Status.FINISHED


@pytest.mark.parametrize("ended", [FAR, START + timedelta(days=700)])
def test_an_attempt_that_ended_in_the_future_keeps_nobody_waiting(queue: Queue, ended: datetime) -> None:
    path = queue.submit(attempt=1, history=(Attempt(1, "w", START, ended, "crashed"),))
    drain(queue.worker())
    assert queue.read(path).status is Status.FINISHED


def test_attempts_that_were_counted_down_by_hand_still_come_to_an_end(queue: Queue) -> None:
    path = queue.submit(attempt=-1000)
    worker = queue.worker(executor=FunctionExecutor(lambda job: CRASH))
    for _ in range(20):
        worker.tick()
        queue.clock.move(hours=1)
        if queue.read(path).status is Status.FAILED:
            break
        queue.edit(path, replace(queue.read(path), history=()))
    assert queue.read(path).status is Status.FAILED
    assert queue.read(path).attempt == 3


@pytest.mark.parametrize("organization", ["index", "logs", ".hidden"])
def test_a_model_whose_result_nobody_would_read_is_refused(queue: Queue, organization: str) -> None:
    path = queue.submit("acme/x")
    queue.edit(path, replace(queue.read(path), model=f"{organization}/model"))
    worker = queue.worker()
    drain(worker)
    assert queue.read(path).status is Status.FAILED
    assert "rename the model" in queue.read(path).message
    assert queue.result_paths() == []


class Withheld(FolderStore):
    """Lists results and does not deliver them, for a while."""

    withheld = 0

    def read(self, snapshot: Snapshot, paths: Collection[str]) -> Mapping[str, bytes | BadFile]:  # type: ignore[override]
        found = dict(super().read(snapshot, paths))
        if self.withheld and found:
            self.withheld -= 1
            return dict.fromkeys(found, NotDelivered("the Hub lists it but does not deliver it"))
        return found


def test_a_result_that_is_not_delivered_at_once_is_not_published_again(queue: Queue) -> None:
    path = queue.submit()
    executor = FunctionExecutor(wait=True)
    results = Withheld(queue.folder / "results")
    worker = queue.worker(executor=executor, results=results)
    worker.tick()
    executor.let_end()
    results.withheld = 3
    worker.tick()
    assert queue.read(path).status is Status.RUNNING
    drain(worker)
    assert queue.read(path).status is Status.FINISHED
    assert len(queue.result_paths()) == 1


def test_a_report_too_large_to_be_read_again_is_not_published(queue: Queue) -> None:
    path = queue.submit()

    def evaluate(job: Job) -> Ending:
        return Ending(End.FINISHED, "", report={**report_of(job), "long": "x" * MAX_BYTES})

    drain(queue.worker(executor=FunctionExecutor(evaluate)))
    assert queue.read(path).history[0].end == "invalid"
    assert "bytes" in queue.read(path).message
    assert queue.result_paths() == []


def test_of_two_files_that_ask_for_the_same_one_is_evaluated(queue: Queue) -> None:
    path = queue.submit("acme/model")
    queue.clock.move(seconds=1)
    request = replace(queue.read(path), submitted_time="2026-01-31T13:00:00Z", commit=None)
    queue.edit("acme/another.json", request)
    executor = FunctionExecutor()
    drain(queue.worker(executor=executor))
    assert len(executor.started) == 1
    assert queue.read(path).status is Status.FINISHED
    other = queue.read("acme/another.json")
    assert (other.status, other.message) == (
        Status.FAILED,
        f"The same evaluation is already requested in {path}. See there for its result.",
    )


def test_a_model_is_evaluated_with_its_chat_template_and_without(queue: Queue) -> None:
    paths = [queue.submit("acme/model", use_chat_template=uses) for uses in (False, True)]
    executor = FunctionExecutor()
    drain(queue.worker(executor=executor))
    assert [job.use_chat_template for job in executor.started] == [False, True]
    for path in paths:
        request = queue.read(path)
        assert request.status is Status.FINISHED
        published = (queue.folder / "results" / str(request.result)).read_bytes()
        assert read_result(str(request.result), published).use_chat_template is request.use_chat_template


def test_a_waiting_request_whose_result_is_there_finishes_without_an_evaluation(queue: Queue) -> None:
    path = queue.submit()
    executor = FunctionExecutor()
    worker = queue.worker(executor=executor)
    drain(worker)
    queue.edit(path, replace(queue.read(path), status=Status.PENDING))
    drain(worker)
    assert queue.read(path).status is Status.FINISHED
    assert len(executor.started) == 1
    assert len(queue.read(path).history) == 1


def test_a_rerun_does_not_say_that_its_result_is_there(queue: Queue) -> None:
    path = queue.submit()
    drain(queue.worker())
    file = queue.folder / "requests" / path
    file.write_text(file.read_text().replace('"status": "FINISHED"', '"status": "RERUN"'))
    assert queue.read(path).message == ""


class Silent:
    """A source of models that says nothing of those of one organisation."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def describe(self, name: str, revision: str) -> ModelFacts:
        self.asked.append(name)
        if name.startswith("silent/"):
            raise ModelError("The Hub cannot be reached.")
        return ModelFacts(name=name, commit="c" * 40, location=name)


def test_a_hub_that_says_nothing_is_not_asked_about_the_whole_queue(queue: Queue) -> None:
    for number in range(30):
        queue.submit(f"silent/{number}")
    models = Silent()
    queue.worker(models=models).tick()
    assert len(models.asked) == 2


def test_one_model_that_nothing_is_said_of_holds_up_nobody(queue: Queue) -> None:
    queue.submit("silent/one")
    queue.clock.move(seconds=1)
    path = queue.submit("acme/fine")
    worker = queue.worker(models=Silent())
    for _ in range(3):
        worker.tick()
    assert queue.read(path).status is Status.FINISHED


def test_what_has_ended_when_a_worker_is_asked_to_stop_is_published(queue: Queue) -> None:
    path = queue.submit()
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor)
    worker.tick()
    executor.let_end()
    worker.close()
    assert queue.read(path).status is Status.FINISHED
    assert len(queue.result_paths()) == 1


def test_a_small_worker_does_not_hide_why_a_large_one_failed(queue: Queue) -> None:
    path = queue.submit(params=70.0, message="The evaluation was killed. It will be retried after 12:01 UTC.")
    queue.worker(policy=Policy(largest=1.0)).tick()
    assert queue.read(path).message.startswith("The evaluation was killed.")


def test_a_worker_at_fault_rests_and_leaves_the_queue_to_others(queue: Queue) -> None:
    paths = [queue.submit(f"acme/model-{number}") for number in range(5)]
    executor = FunctionExecutor(lambda job: Ending(End.WORKER, "The worker cannot import torch."))
    worker = queue.worker("broken", executor=executor)
    for _ in range(10):
        worker.tick()
    assert len(executor.started) == 1
    assert worker.rests_until() == START + timedelta(minutes=1)
    queue.clock.move(minutes=1)
    for _ in range(10):
        worker.tick()
    assert len(executor.started) == 2
    assert worker.rests_until() == START + timedelta(minutes=5)
    queue.clock.move(minutes=4)
    drain(queue.worker("another"))
    assert {queue.read(path).status for path in paths} == {Status.FINISHED}
    executor.evaluate = good
    later = queue.submit("acme/later")
    drain(worker)
    assert queue.read(later).status is Status.FINISHED
    assert worker.rests_until() is None


def test_a_fault_of_the_worker_is_not_the_models(queue: Queue) -> None:
    path = queue.submit()
    policy = Policy(retries=RetryTerms(attempts=1))
    executor = FunctionExecutor(lambda job: Ending(End.WORKER, "No."), wait=True)
    worker = queue.worker(executor=executor, policy=policy)
    worker.tick()
    executor.let_end()
    worker.tick()
    assert queue.read(path).status is Status.PENDING


def test_a_cancelled_evaluation_stops_while_commits_are_gathered(queue: Queue) -> None:
    path = queue.submit()
    executor = FunctionExecutor(wait=True)
    requests = queue.requests
    requests.pace = Pace(clock=queue.clock)
    worker = queue.worker(executor=executor, requests=requests)
    worker.tick()
    requests.pace.note(COMMITS)
    queue.edit(path, replace(queue.read(path), status=Status.CANCELLED))
    worker.tick()
    assert worker.datasets.gathers_until()
    assert not executor.running


def test_a_report_that_is_too_large_fails_its_request_also_if_that_cannot_be_written_at_once(
    queue: Queue,
) -> None:
    def evaluate(job: Job) -> Ending:
        return Ending(End.FINISHED, "", report={**report_of(job), "long": "x" * MAX_BYTES})

    path = queue.submit()
    requests = Failing(queue.requests)
    worker = queue.worker(executor=FunctionExecutor(evaluate), requests=requests)
    worker.tick()
    requests.fails = True
    with pytest.raises(StoreError):
        worker.tick()
    requests.fails = False
    worker.tick()
    assert queue.read(path).history[0].end == "invalid"


class Failing:
    """A store that nobody can write to for a while."""

    def __init__(self, store: FolderStore) -> None:
        self._store, self.fails = store, False

    def commit(self, **change: Any) -> None:
        if self.fails:
            raise StoreError("the Hub is away")
        self._store.commit(**change)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
