"""Failed attempts: which are retried, when, and what the request's message is."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from src.queue.claiming import MOST_LOOKUPS
from src.queue.policy import Policy
from src.queue.retries import RetryTerms
from src.running.inference import Machine
from src.running.job import End, Ending, Job
from src.shared.data.request import RERUN, RESUBMITTED, WITHDRAWN, Attempt, Status
from src.shared.models.model_source import ModelFacts
from support.executors import FunctionExecutor, good
from support.queues import POLICY, START, SUITE, Queue, drain


def ending_so(*ends: Ending) -> FunctionExecutor:
    """Each evaluation ends in the next of these ways, and then well."""
    left = list(ends)
    return FunctionExecutor(lambda job: left.pop(0) if left else good(job))


CRASH = Ending(End.CRASHED, "The evaluation was killed by signal SIGKILL.", log=b"killed\n")


def test_a_crash_is_retried_after_a_pause_and_the_page_shows_when(queue: Queue) -> None:
    path = queue.submit()
    executor = ending_so(CRASH)
    worker = queue.worker(executor=executor)
    worker.tick()
    worker.tick()
    request = queue.read(path)
    assert request.status is Status.PENDING
    assert request.message == (
        "The evaluation was killed by signal SIGKILL. "
        "It will be retried after 12:01 UTC (attempt 2 of at most 3)."
    )
    queue.clock.move(seconds=59)
    worker.tick()
    assert queue.read(path) == request
    queue.clock.move(seconds=1)
    drain(worker)
    request = queue.read(path)
    assert (request.status, request.attempt) == (Status.FINISHED, 2)
    assert [(each.end, each.log) for each in request.history] == [
        ("crashed", ".logs/acme/model/2026-01-31T12-00-00.000000_1.txt"),
        ("finished", ".logs/acme/model/2026-01-31T12-00-00.000000_2.txt"),
    ]
    assert request.history[0].message == "The evaluation was killed by signal SIGKILL."


def test_after_the_last_attempt_it_is_failed_with_what_happened_each_time(queue: Queue) -> None:
    path = queue.submit()
    worker = queue.worker(executor=FunctionExecutor(lambda job: CRASH))
    for _ in range(10):
        worker.tick()
        queue.clock.move(hours=1)
    request = queue.read(path)
    assert request.status is Status.FAILED
    assert request.message == "The evaluation was killed by signal SIGKILL. It was tried 3 times."
    assert [each.end for each in request.history] == ["crashed"] * 3
    assert len({each.log for each in request.history}) == 3


def test_one_that_waits_for_its_next_attempt_holds_up_nobody(queue: Queue) -> None:
    crashing = queue.submit("acme/crashing")
    queue.clock.move(seconds=1)
    fine = queue.submit("acme/fine")
    worker = queue.worker(executor=FunctionExecutor(lambda job: CRASH if "crash" in job.model else good(job)))
    for _ in range(4):
        worker.tick()
    assert queue.read(crashing).status is Status.PENDING
    assert queue.read(fine).status is Status.FINISHED
    assert not worker.is_idle()


def test_a_member_of_a_fleet_is_not_paid_to_wait_for_the_next_attempt(queue: Queue) -> None:
    path = queue.submit()
    policy = replace(POLICY, is_one_of_a_fleet=True, machine=Machine("l4x1", 0.8))
    worker = queue.worker(executor=ending_so(CRASH), policy=policy)
    for _ in range(3):
        worker.tick()
    request = queue.read(path)
    assert request.status is Status.PENDING
    assert worker.is_idle()
    (attempt,) = request.history
    assert (attempt.hardware, attempt.price) == ("l4x1", 0.8)
    queue.clock.move(hours=1)
    worker.tick()
    assert not worker.is_idle()


@pytest.mark.parametrize(
    ("end", "attempts"),
    [(End.REFUSED, 1), (End.OVER_TIME, 1), (End.OUT_OF_MEMORY, 2), (End.STUCK, 2), (End.UNREACHABLE, 20)],
)
def test_what_can_never_succeed_fails_at_once_and_an_outage_is_borne_with(
    queue: Queue, end: End, attempts: int
) -> None:
    path = queue.submit()
    worker = queue.worker(executor=FunctionExecutor(lambda job: Ending(end, "It ended.")))
    for _ in range(50):
        worker.tick()
        queue.clock.move(hours=1)
    request = queue.read(path)
    assert (request.status, len(request.history)) == (Status.FAILED, attempts)
    assert {each.end for each in request.history} == {end.value}


def test_a_request_that_is_asked_for_again_has_all_its_attempts(queue: Queue) -> None:
    """Defect 20: a failed request can never be submitted again."""
    path = queue.submit()
    worker = queue.worker(executor=ending_so(CRASH, CRASH), policy=Policy(retries=RetryTerms(attempts=1)))
    drain(worker)
    failed = queue.read(path)
    assert failed.status is Status.FAILED
    queue.edit(path, replace(failed, status=Status.PENDING, run=None, attempt=0))
    drain(worker)
    assert queue.read(path).status is Status.FAILED
    queue.edit(path, replace(queue.read(path), status=Status.PENDING, run=None, attempt=0))
    drain(worker)
    request = queue.read(path)
    assert request.status is Status.FINISHED
    assert [each.end for each in request.history] == ["crashed", "crashed", "finished"]


@pytest.mark.parametrize("before", [Status.FINISHED, Status.FAILED, Status.RUNNING])
def test_rerun_written_by_hand_evaluates_from_the_beginning(queue: Queue, before: Status) -> None:
    path = queue.submit()
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor)
    worker.tick()
    if before is not Status.RUNNING:
        executor.evaluate = good if before is Status.FINISHED else lambda job: Ending(End.REFUSED, "No.")
        executor.let_end()
        worker.tick()
        assert queue.read(path).status is before
    executor.evaluate = good
    queue.clock.move(minutes=1)
    file = queue.folder / "requests" / path
    file.write_text(file.read_text().replace(f'"status": "{before}"', '"status": "RERUN"'))
    worker.tick()
    request = queue.read(path)
    assert (request.status, request.attempt, request.run) == (
        Status.RUNNING,
        1,
        "2026-01-31T12-01-00.000000",
    )
    executor.let_end()
    drain(worker)
    request = queue.read(path)
    assert request.status is Status.FINISHED
    assert [each.end for each in request.history][-2:] == [RERUN, "finished"]
    assert len(executor.started) == 2


def cancel(queue: Queue, path: str) -> None:
    queue.edit(path, replace(queue.read(path), status=Status.CANCELLED))


def test_a_request_cancelled_by_hand_stops_within_one_tick(queue: Queue) -> None:
    path = queue.submit()
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor)
    worker.tick()
    cancel(queue, path)
    worker.tick()
    request = queue.read(path)
    assert not executor.running
    assert (request.status, request.lease, request.message) == (Status.CANCELLED, None, "It was withdrawn.")
    assert [each.end for each in request.history] == ["cancelled"]


def test_a_running_request_that_is_withdrawn_stops_and_begins_anew_when_it_is_submitted_again(
    queue: Queue,
) -> None:
    """As the frontend does both: it ends the lease itself, and says who did it."""
    path = queue.submit()
    waiting = queue.read(path)
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor)
    worker.tick()
    taken_back = Attempt(
        1, "here-0", None, queue.clock(), WITHDRAWN, "It was withdrawn by alice.", by="alice"
    )
    withdrawn = replace(
        queue.read(path),
        status=Status.CANCELLED,
        message=taken_back.message,
        lease=None,
        history=(taken_back,),
    )
    queue.edit(path, withdrawn)
    worker.tick()
    assert not executor.running
    assert queue.read(path) == withdrawn
    again = replace(taken_back, end=RESUBMITTED)
    queue.edit(path, replace(waiting, history=(taken_back, again)))
    worker.tick()
    executor.let_end()
    drain(worker)
    request = queue.read(path)
    assert (request.status, request.attempt) == (Status.FINISHED, 1)
    assert [each.end for each in request.history] == [WITHDRAWN, RESUBMITTED, "finished"]


def test_a_waiting_request_that_is_cancelled_is_never_begun(queue: Queue) -> None:
    path = queue.submit(message="It waits for a worker.")
    cancel(queue, path)
    executor = FunctionExecutor()
    drain(queue.worker(executor=executor))
    assert not executor.started
    assert queue.read(path).message == "It was withdrawn."


def test_a_sentence_of_an_earlier_version_goes_when_it_is_no_longer_true(queue: Queue) -> None:
    path = queue.submit(status=Status.CANCELLED, message="A worker evaluates it.")
    drain(queue.worker())
    assert queue.read(path).message == "It was withdrawn."


def test_what_the_owner_wrote_beside_a_status_stays(queue: Queue) -> None:
    path = queue.submit(status=Status.CANCELLED, message="Its author asked us to.")
    drain(queue.worker())
    assert queue.read(path).message == "Its author asked us to."


def test_cancelled_beats_a_finish_that_comes_later(queue: Queue) -> None:
    path = queue.submit()
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor)
    worker.tick()
    executor.let_end()
    cancel(queue, path)
    drain(worker)
    assert queue.read(path).status is Status.CANCELLED
    assert queue.result_paths() == []


def test_a_report_without_a_score_for_each_task_is_not_published(queue: Queue) -> None:
    path = queue.submit()

    def evaluate(job: Job) -> Ending:
        return Ending(
            End.FINISHED, "", report={"results": {"tiny_addition": {"acc,none": 0.5}}}, log=b"log\n"
        )

    drain(queue.worker(executor=FunctionExecutor(evaluate)))
    request = queue.read(path)
    assert (request.status, request.history[0].end) == (Status.FAILED, "invalid")
    assert request.message.startswith("The evaluation ended without a score for tiny_copy, so nothing was ")
    assert "owner has to check the task" in request.message
    assert queue.result_paths() == []
    assert request.history[0].log


def test_what_a_worker_has_no_room_for_is_left_for_another_and_it_says_so_once(queue: Queue) -> None:
    large = queue.submit("acme/large", params=70.0, precision="bfloat16")
    small = queue.submit("acme/small", params=1.0, precision="bfloat16")
    worker = queue.worker(policy=Policy(largest=16.0))
    drain(worker)
    assert queue.read(small).status is Status.FINISHED
    left = queue.read(large)
    assert left.status is Status.PENDING
    assert left.message == "Its weights have 140 GB: it waits for a worker that has room for them."
    before = queue.requests.snapshot()
    worker.tick()
    queue.worker("another", policy=Policy(largest=24.0)).tick()
    assert queue.requests.snapshot() == before
    drain(queue.worker("the-large-one", policy=Policy(largest=200.0)))
    assert queue.read(large).status is Status.FINISHED


def sized(**params: int) -> SimpleNamespace:
    """A Hub that knows how many parameters models have, by what their names end with."""

    def describe(name: str, revision: str) -> ModelFacts:
        known = params.get(name.rpartition("/")[2])
        return ModelFacts(name=name, commit="c" * 40, location=name, params=known)

    return SimpleNamespace(describe=describe)


def test_a_model_whose_size_only_the_hub_knows_is_left_for_a_worker_with_room_and_costs_no_attempt(
    queue: Queue,
) -> None:
    unknown, large = queue.submit("acme/unknown", params=None), queue.submit("acme/large", params=None)
    models = sized(large=70_000_000_000)
    drain(queue.worker(policy=Policy(largest=16.0, is_one_of_a_fleet=True), models=models))
    left = queue.read(large)
    assert (left.status, left.params, left.attempt) == (Status.PENDING, 70.0, 0)
    assert queue.read(unknown).status is Status.FINISHED
    drain(queue.worker("the-large-one", policy=Policy(smallest=16.0), models=models))
    assert queue.read(large).status is Status.FINISHED


def test_many_models_whose_size_only_the_hub_knows_are_not_all_looked_up_in_one_tick(queue: Queue) -> None:
    for number in range(MOST_LOOKUPS + 5):
        queue.submit(f"acme/m{number}", params=None)
    models = sized(**{f"m{number}": 70_000_000_000 for number in range(MOST_LOOKUPS + 5)})
    worker = queue.worker(policy=Policy(largest=16.0, is_one_of_a_fleet=True), models=models)
    known = []
    for _ in range(2):
        worker.tick()
        known.append(sum(each.params is not None for each in worker.latest.values()))
    assert known == [MOST_LOOKUPS, MOST_LOOKUPS + 5]


def test_an_adapter_is_as_large_as_the_model_that_it_changes(queue: Queue) -> None:
    adapter = {"weight_type": "Adapter", "base_model": "acme/base", "base_commit": "b" * 40}
    path = queue.submit("acme/adapter", params=None, **adapter)
    models = sized(adapter=1_000_000, base=70_000_000_000)
    queue.worker(policy=Policy(largest=16.0), models=models, suite=replace(SUITE, adapters=True)).tick()
    assert queue.read(path).status is Status.PENDING
    assert queue.read(path).params == 70.001


def test_the_precision_decides_how_large_a_model_is(queue: Queue) -> None:
    paths = [queue.submit(params=7.0, precision=precision) for precision in ("float16", "float32")]
    drain(queue.worker(policy=Policy(largest=16.0)))
    assert [queue.read(path).status for path in paths] == [Status.FINISHED, Status.PENDING]


def test_several_run_at_once_and_no_more(queue: Queue) -> None:
    for number in range(5):
        queue.submit(f"acme/model-{number}")
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor, slots=2)
    worker.tick()
    worker.tick()
    assert len(executor.running) == 2
    executor.let_end()
    worker.tick()
    assert len(executor.running) == 2


def test_the_policy_decides_who_goes_first(queue: Queue) -> None:
    for name, params in (("large", 9.0), ("small", 1.0)):
        queue.submit(f"acme/{name}", params=params)
        queue.clock.move(seconds=1)
    executor = FunctionExecutor()
    drain(queue.worker(executor=executor, policy=Policy(order=("small_first",))))
    assert [job.model for job in executor.started] == ["acme/small", "acme/large"]


def test_a_worker_that_was_lost_twice_makes_a_request_wait(queue: Queue) -> None:
    """What takes its worker down each time does not keep the queue from going on."""
    path = queue.submit()
    for _ in range(2):
        queue.worker(executor=FunctionExecutor(wait=True)).tick()
    queue.worker(executor=FunctionExecutor(wait=True)).tick()
    request = queue.read(path)
    assert request.status is Status.PENDING
    assert request.message == ("The worker evaluating it was restarted. It will be retried after 12:01 UTC.")
    assert [each.end for each in request.history] == ["lost", "lost"]
    assert request.history[0].started == START
