"""What a worker does with a queue, tick by tick."""

import json
from dataclasses import replace

import pytest

from src.queue.policy import Policy
from src.queue.retries import RetryTerms
from src.queue.share import Share
from src.running.job import BaseModel, End, Ending, Job, Progress
from src.shared.data.reports import read_result
from src.shared.data.request import Lease, Status
from src.shared.errors import Conflict, StoreError
from support.executors import FunctionExecutor, bad, good, report_of
from support.queues import COMMIT, START, SUITE, TERMS, Queue, drain


def test_a_pending_request_is_claimed_evaluated_published_and_finished(queue: Queue) -> None:
    path = queue.submit("acme/model")
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor)

    worker.tick()
    running = queue.read(path)
    assert (running.status, running.attempt, running.run) == (Status.RUNNING, 1, "2026-01-31T12-00-00.000000")
    assert running.lease and running.lease.worker == "worker-1" and running.lease.nonce
    assert running.lease.until == START + TERMS.duration
    assert [job.model for job in executor.started] == ["acme/model"]

    executor.let_end()
    worker.tick()
    finished = queue.read(path)
    assert finished.status is Status.FINISHED
    assert finished.result == "acme/model/results_2026-01-31T12-00-00.000000.json"
    assert finished.lease is None
    [attempt] = finished.history
    assert (attempt.attempt, attempt.worker, attempt.end, attempt.log) == (
        1,
        "worker-1",
        "finished",
        ".logs/acme/model/2026-01-31T12-00-00.000000_1.txt",
    )
    assert (queue.folder / "results" / str(attempt.log)).read_bytes() == b"evaluated\n"


def test_what_is_smaller_than_a_workers_share_is_left_for_another_and_it_says_so_once(queue: Queue) -> None:
    large = queue.submit("acme/large", params=20.0, precision="bfloat16")
    small = queue.submit("acme/small", params=1.0, precision="bfloat16")
    unknown = queue.submit("acme/unknown", params=None, precision="bfloat16")
    worker = queue.worker(policy=Policy(smallest=18.0))
    drain(worker)
    assert worker.is_idle()
    assert queue.read(large).status is Status.FINISHED
    assert queue.read(small).message == (
        "Its weights have 2.0 GB: it waits for a worker that takes models of its size."
    )
    assert queue.read(unknown).message == (
        "The size of its weights is unknown: it waits for a worker that takes models of its size."
    )
    before = queue.requests.snapshot()
    worker.tick()
    assert queue.requests.snapshot() == before
    drain(queue.worker("the-small-one", policy=Policy(largest=18.0)))
    assert {queue.read(path).status for path in (small, unknown)} == {Status.FINISHED}


def test_one_of_a_fleet_says_nothing_about_what_it_leaves(queue: Queue) -> None:
    paths = [queue.submit(f"acme/m{params}", params=params, precision="bfloat16") for params in (1.0, 70.0)]
    before = [queue.read(path) for path in paths]
    worker = queue.worker(policy=Share(smallest_gb=18.0, largest_gb=60.0).of(Policy()))
    worker.tick()
    assert worker.is_idle()
    assert [queue.read(path) for path in paths] == before


def test_the_machine_that_a_worker_was_told_of_is_in_the_history(queue: Queue) -> None:
    path = queue.submit()
    drain(queue.worker(policy=Share(hardware="l4x1", price=0.8).of(Policy())))
    [attempt] = queue.read(path).history
    assert (attempt.hardware, attempt.price) == ("l4x1", 0.8)


def test_a_published_result_names_its_request_and_no_local_path(queue: Queue) -> None:
    path = queue.submit("acme/model", precision="bfloat16")
    drain(queue.worker())
    [result_path] = queue.result_paths()
    data = (queue.folder / "results" / result_path).read_bytes()
    result = read_result(result_path, data)
    assert (result.model, result.commit, result.precision) == ("acme/model", COMMIT, "bfloat16")
    assert (result.request, result.run) == (path, "2026-01-31T12-00-00.000000")
    assert result.score("tiny_addition", "acc") == 0.5
    assert b"models/acme" not in data
    assert json.loads(data)["config"]["model_args"].startswith("pretrained=acme/model,revision=ccc")


def test_a_published_result_keeps_the_machine_and_replaces_what_is_the_requests(queue: Queue) -> None:
    path = queue.submit("acme/model")

    def evaluate(job: Job) -> Ending:
        ours = {"hardware": "CPU, 2 cores, 8 GB", "versions": {"torch": "2.13.0"}, "request": "another's"}
        return Ending(End.FINISHED, "", report={**report_of(job), "leaderboard": ours})

    drain(queue.worker(executor=FunctionExecutor(evaluate)))
    [result_path] = queue.result_paths()
    result = read_result(result_path, (queue.folder / "results" / result_path).read_bytes())
    assert (result.provenance.hardware, result.provenance.versions) == (
        "CPU, 2 cores, 8 GB",
        {"torch": "2.13.0"},
    )
    assert result.provenance.started == START
    assert result.request == path


def test_a_published_result_keeps_the_owners_arguments_of_the_model(queue: Queue) -> None:
    queue.submit("acme/model")

    def evaluate(job: Job) -> Ending:
        given = {"pretrained": job.weights, "revision": "main", "dtype": "auto", "max_length": 512}
        return Ending(End.FINISHED, "", report={**report_of(job), "config": {"model_args": given}})

    drain(queue.worker(executor=FunctionExecutor(evaluate)))
    [result_path] = queue.result_paths()
    report = json.loads((queue.folder / "results" / result_path).read_bytes())
    named = {"pretrained": "acme/model", "revision": COMMIT, "dtype": "float16"}
    assert report["config"]["model_args"] == {**named, "max_length": 512}


@pytest.mark.parametrize("ours", [None, [], "x", {"hardware": None}])
def test_a_report_without_a_machine_is_published_too(ours: object, queue: Queue) -> None:
    queue.submit("acme/model")

    def evaluate(job: Job) -> Ending:
        return Ending(End.FINISHED, "", report={**report_of(job), "leaderboard": ours})

    drain(queue.worker(executor=FunctionExecutor(evaluate)))
    [result_path] = queue.result_paths()
    result = read_result(result_path, (queue.folder / "results" / result_path).read_bytes())
    assert result.provenance.hardware is None


def test_a_failing_model_ends_failed_with_its_sentence_and_the_queue_goes_on(queue: Queue) -> None:
    broken = queue.submit("acme/broken")
    queue.clock.move(seconds=1)
    fine = queue.submit("acme/fine")
    executor = FunctionExecutor(lambda job: bad(job) if job.model == "acme/broken" else good(job))
    drain(queue.worker(executor=executor))
    failed = queue.read(broken)
    assert (failed.status, failed.message) == (Status.FAILED, "acme/broken has no weights.")
    assert failed.history[0].end == "refused"
    assert (queue.folder / "results" / str(failed.history[0].log)).read_bytes() == b"no weights\n"
    assert queue.read(fine).status is Status.FINISHED


def test_a_model_that_is_not_there_fails_at_once_and_the_queue_goes_on(queue: Queue) -> None:
    gone = queue.submit("nobody/gone")
    queue.clock.move(seconds=1)
    fine = queue.submit("acme/fine")
    worker = queue.worker()
    worker.tick()
    assert queue.read(gone).status is Status.FAILED
    assert queue.read(gone).message == "There is no model nobody/gone: check its name."
    assert queue.read(fine).status is Status.RUNNING


def test_the_oldest_request_goes_first(queue: Queue) -> None:
    queue.submit("acme/late", submitted_time="2026-01-31T11:00:00Z")
    queue.submit("acme/early", submitted_time="2026-01-31T10:00:00Z")
    queue.submit("acme/unknown", submitted_time="")
    executor = FunctionExecutor()
    drain(queue.worker(executor=executor))
    assert [job.model for job in executor.started] == ["acme/early", "acme/late", "acme/unknown"]


def test_an_old_request_gets_its_commit_when_it_is_claimed(queue: Queue) -> None:
    path = queue.submit(commit=None, revision="main")
    drain(queue.worker())
    assert queue.read(path).commit == COMMIT
    assert queue.read(path).revision == "main"


def test_the_lease_is_renewed_with_the_progress_at_a_third_of_its_time(queue: Queue) -> None:
    path = queue.submit()
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor)
    worker.tick()
    [nonce] = executor.running
    executor.running[nonce] = Progress("tiny_addition", 30, 100)

    queue.clock.move(minutes=19)
    worker.tick()
    assert queue.read(path).progress is None
    queue.clock.move(minutes=1)
    worker.tick()
    renewed = queue.read(path)
    assert renewed.progress == Progress("tiny_addition", 30, 100)
    assert renewed.lease == Lease("worker-1", nonce, START, queue.clock.now, queue.clock.now + TERMS.duration)


def test_a_tick_with_nothing_to_do_writes_nothing(queue: Queue) -> None:
    queue.submit()
    worker = queue.worker(executor=FunctionExecutor(wait=True))
    worker.tick()
    before = queue.requests.snapshot()
    worker.tick()
    assert queue.requests.snapshot() == before


def test_a_second_worker_leaves_a_running_evaluation_alone(queue: Queue) -> None:
    """Defect 10: a second tick or a second worker marks a running evaluation FAILED."""
    path = queue.submit()
    queue.worker("worker-1", executor=FunctionExecutor(wait=True)).tick()
    before = queue.read(path)
    queue.clock.move(minutes=64)
    other = queue.worker("worker-2")
    other.tick()
    other.tick()
    assert queue.read(path) == before


def test_a_second_tick_leaves_a_running_evaluation_alone(queue: Queue) -> None:
    """Defect 10: a second tick or a second worker marks a running evaluation FAILED."""
    path = queue.submit()
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor)
    worker.tick()
    before = queue.read(path)
    worker.tick()
    assert queue.read(path) == before
    assert len(executor.started) == 1


def test_an_old_result_of_the_model_does_not_finish_a_new_request(queue: Queue) -> None:
    """Defect 10: an old result of the model marks a new one FINISHED."""
    old = queue.folder / "results" / "acme/model" / "results_2023-11-21T18-10-08.json"
    old.parent.mkdir(parents=True)
    old.write_text('{"config": {"model_name": "acme/model", "model_dtype": "float16"}, "results": {}}')
    path = queue.submit("acme/model")
    executor = FunctionExecutor(bad)
    drain(queue.worker(executor=executor))
    assert len(executor.started) == 1
    assert queue.read(path).status is Status.FAILED


def test_an_expired_lease_goes_back_to_the_queue_and_another_worker_takes_it(queue: Queue) -> None:
    """Defect 11: an exception leaves a request RUNNING for ever."""
    path = queue.submit()
    queue.worker("worker-1", executor=FunctionExecutor(wait=True)).tick()
    queue.clock.move(minutes=65, seconds=1)
    drain(queue.worker("worker-2"))
    request = queue.read(path)
    assert (request.status, request.attempt) == (Status.FINISHED, 2)
    assert [(each.worker, each.end) for each in request.history] == [
        ("worker-1", "lost"),
        ("worker-2", "finished"),
    ]
    assert request.run == "2026-01-31T12-00-00.000000"


def test_a_request_that_runs_without_a_lease_does_not_run_for_ever(queue: Queue) -> None:
    """Defect 11: an exception leaves a request RUNNING for ever (here the old backend's)."""
    path = queue.submit(status=Status.RUNNING, commit=None)
    drain(queue.worker())
    assert queue.read(path).status is Status.FINISHED


def test_a_worker_that_restarts_takes_back_its_own_requests_at_once(queue: Queue) -> None:
    path = queue.submit()
    queue.worker("worker-1", executor=FunctionExecutor(wait=True)).tick()
    drain(queue.worker("worker-1"))
    assert queue.read(path).status is Status.FINISHED
    assert [each.end for each in queue.read(path).history] == ["lost", "finished"]


def test_a_worker_that_is_closed_gives_its_leases_back(queue: Queue) -> None:
    path = queue.submit()
    worker = queue.worker(executor=FunctionExecutor(wait=True))
    worker.tick()
    worker.close()
    request = queue.read(path)
    assert (request.status, request.lease) == (Status.PENDING, None)
    assert request.message == "The worker evaluating it was stopped. It is back in the queue."
    assert [each.end for each in request.history] == ["stopped"]


def test_a_worker_that_lost_its_lease_stops_the_child_and_publishes_nothing(queue: Queue) -> None:
    path = queue.submit()
    slow = FunctionExecutor(wait=True)
    first = queue.worker("worker-1", executor=slow)
    first.tick()
    queue.clock.move(minutes=66)
    second = queue.worker("worker-2", executor=FunctionExecutor(wait=True))
    second.tick()
    slow.let_end()
    first.tick()
    assert queue.result_paths() == []
    assert not slow.endings()
    running = queue.read(path)
    assert running.lease and running.lease.worker == "worker-2"


class Once:
    """A store whose next commit goes wrong in a chosen way."""

    def __init__(self, store: object, error: Exception) -> None:
        self._store, self._error = store, [error]

    def __getattr__(self, name: str) -> object:
        if name == "commit" and self._error:
            error = self._error.pop()

            def fail(**_: object) -> None:
                raise error

            return fail
        return getattr(self._store, name)


def test_a_result_that_could_not_be_uploaded_is_not_finished(queue: Queue) -> None:
    """Defect 13: a result can be computed and never uploaded, then marked FINISHED."""
    path = queue.submit()
    executor = FunctionExecutor(wait=True)
    results = Once(queue.results, StoreError("no space is left"))
    worker = queue.worker(executor=executor, results=results)  # type: ignore[arg-type]
    worker.tick()
    executor.let_end()
    with pytest.raises(StoreError, match="no space is left"):
        worker.tick()
    assert queue.read(path).status is Status.RUNNING
    assert queue.result_paths() == []

    worker.tick()
    assert queue.read(path).status is Status.FINISHED
    assert len(queue.result_paths()) == 1
    assert len(executor.started) == 1


def test_a_conflict_is_decided_again_on_the_new_state(queue: Queue) -> None:
    path = queue.submit()
    executor = FunctionExecutor()
    requests = Once(queue.requests, Conflict("somebody was faster"))
    worker = queue.worker(executor=executor, requests=requests)  # type: ignore[arg-type]
    drain(worker)
    assert queue.read(path).status is Status.FINISHED
    assert len(executor.started) == 1


def test_a_foreign_file_at_the_results_place_is_left_alone_and_the_run_gets_a_new_name(queue: Queue) -> None:
    path = queue.submit("acme/model")
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor)
    worker.tick()
    foreign = queue.folder / "results/acme/model/results_2026-01-31T12-00-00.000000.json"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("{}")
    executor.let_end()
    drain(worker)
    assert foreign.read_text() == "{}"
    assert queue.read(path).run == "2026-01-31T12-00-00.000001"
    assert queue.read(path).status is Status.FINISHED
    assert len(executor.started) == 1


def test_two_claims_of_one_model_at_the_same_moment_get_different_runs(queue: Queue) -> None:
    paths = [queue.submit("acme/model", precision=precision) for precision in ("float16", "bfloat16")]
    drain(queue.worker(slots=2))
    assert len({queue.read(path).run for path in paths}) == 2
    assert len(queue.result_paths()) == 2


def test_a_broken_request_file_stops_nobody(queue: Queue) -> None:
    path = queue.submit()
    broken = queue.folder / "requests/acme/broken_eval_request_False_float16_Original.json"
    broken.write_text("{")
    drain(queue.worker())
    assert queue.read(path).status is Status.FINISHED
    assert broken.read_text() == "{"


ADAPTER: dict[str, object] = {"weight_type": "Adapter", "base_model": "acme/base", "base_commit": COMMIT}


def test_an_adapter_is_evaluated_on_the_base_model_and_the_commit_of_its_request(queue: Queue) -> None:
    path = queue.submit("acme/adapter", **ADAPTER)
    executor = FunctionExecutor()
    drain(queue.worker(executor=executor))
    [job] = executor.started
    assert job.base == BaseModel(model="acme/base", weights="models/acme/base", commit=COMMIT)
    assert (job.model, job.weights, job.commit) == ("acme/adapter", "models/acme/adapter", COMMIT)
    assert queue.read(path).status is Status.FINISHED
    [result] = queue.result_paths()
    report = json.loads((queue.folder / "results" / result).read_bytes())
    arguments = f"pretrained=acme/base,peft=acme/adapter,revision={COMMIT},dtype=float16"
    assert report["config"]["model_args"] == arguments
    ours = {key: report["leaderboard"][key] for key in ADAPTER}
    assert ours == ADAPTER
    read = read_result(result, json.dumps(report).encode())
    assert (read.model, read.commit, read.weight_type) == ("acme/adapter", COMMIT, "Adapter")


@pytest.mark.parametrize(
    ("changes", "adapters", "message"),
    [
        (
            {"weight_type": "Delta"},
            True,
            "acme/part has Delta weights, but only Original and Adapter ones are evaluated here. Add the "
            "delta to its base model and submit the whole model.",
        ),
        (
            {},
            False,
            "acme/part has Adapter weights, but only Original ones are evaluated here. Submit the merged "
            "model.",
        ),
        (
            {"base_model": ""},
            True,
            "The request of the adapter acme/part names no base model. Submit it again with its base model.",
        ),
        (
            {"base_commit": None},
            True,
            "The request of the adapter acme/part does not say which commit of its base model acme/base to "
            "use. Submit it again.",
        ),
        ({"base_model": "nobody/base"}, True, "There is no model nobody/base: check its name."),
        ({"base_commit": "d" * 40}, True, f"acme/base has no revision {'d' * 40}."),
    ],
    ids=[
        "delta",
        "switched off",
        "no base model",
        "no commit of it",
        "the base is gone",
        "its commit is gone",
    ],
)
def test_weights_that_this_backend_cannot_load_are_refused_with_a_sentence(
    changes: dict[str, object], adapters: bool, message: str, queue: Queue
) -> None:
    path = queue.submit("acme/part", **(ADAPTER | changes))
    drain(queue.worker(suite=replace(SUITE, adapters=adapters)))
    assert queue.read(path).status is Status.FAILED
    assert queue.read(path).message == message


def test_a_worker_without_peft_refuses_adapters_as_one_that_has_them_switched_off(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.running.suite.find_spec", lambda name: None)
    adapter, whole = queue.submit("acme/part", **ADAPTER), queue.submit("acme/whole")
    executor = FunctionExecutor()
    drain(queue.worker(executor=executor))
    assert [job.model for job in executor.started] == ["acme/whole"]
    assert queue.read(whole).status is Status.FINISHED
    refused = queue.read(adapter)
    assert (refused.status, refused.history) == (Status.FAILED, ())
    assert refused.message == (
        "acme/part has Adapter weights, but only Original ones are evaluated here. Submit the merged model."
    )


def test_the_overview_shows_what_runs_waits_and_happened(queue: Queue) -> None:
    queue.submit("acme/first")
    queue.clock.move(seconds=1)
    queue.submit("acme/second")
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor)
    worker.tick()
    [nonce] = executor.running
    executor.running[nonce] = Progress("tiny_copy", 25, 100)
    overview = worker.overview()
    [running] = overview.running
    assert running.request.model == "acme/first"
    assert running.share == 0.625  # the first of two tasks, and a quarter of the second
    assert [request.model for request in overview.waiting] == ["acme/second"]
    assert [event.request.model for event in overview.events] == ["acme/first"]


def test_an_ending_without_a_report_never_finishes(queue: Queue) -> None:
    path = queue.submit()
    executor = FunctionExecutor(lambda job: Ending(End.CRASHED, "It was killed by SIGKILL."))
    drain(queue.worker(executor=executor, policy=Policy(retries=RetryTerms(attempts=1))))
    assert queue.read(path).status is Status.FAILED
    assert queue.result_paths() == []


def test_nan_in_a_report_never_reaches_the_published_file(queue: Queue) -> None:
    queue.submit()

    def evaluate(job: Job) -> Ending:
        report = report_of(job)
        report["results"]["tiny_copy"]["f1,none"] = float("nan")  # type: ignore[index]
        return Ending(End.FINISHED, "", report=report)

    drain(queue.worker(executor=FunctionExecutor(evaluate)))
    [path] = queue.result_paths()
    assert "NaN" not in (queue.folder / "results" / path).read_text()
