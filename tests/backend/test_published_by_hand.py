"""An evaluation by hand is published as a worker publishes its own, and never over somebody else's work."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from src.queue.samples import MOST_TRIES, SamplesPublisher
from src.running.job import End, Ending
from src.shared.data.names import ACTS, BLOCKLIST
from src.shared.data.new_file import path_for
from src.shared.data.reports import read_result
from src.shared.data.request import Request, Status, write_request
from src.shared.errors import NotPossible, StoreError
from src.shared.models.model_source import ModelFacts, with_base
from src.shared.moderation.acts import Act, Done, record
from src.shared.moderation.removal import remove
from src.shared.moderation.steps import cancelled
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.store import Snapshot
from src.shared.wiring import Stores
from src.upkeep.its_request import same_as, with_facts
from src.upkeep.published_by_hand import ByHand, Place
from support.executors import FunctionExecutor
from support.factories import make_request, make_result_file
from support.queues import COMMIT, SUITE, AnyModel, Queue, drain
from support.withholding import Withholding

MODEL = "acme/model"
REPORT: Mapping[str, object] = {
    "results": {task: {"acc,none": 0.5} for task in SUITE.tasks},
    "config": {},
}
ENDING = Ending(End.FINISHED, "", report=REPORT, log=b"evaluated\n")
WANTED = make_request(
    model=MODEL, commit=COMMIT, precision="float16", submitted_by="alice", params=7.0, license="mit"
)


class Killed(BaseException):
    """The process ends here."""


class Interrupted(FolderStore):
    """A store at whose next commit something else happens first."""

    def __init__(self, folder: Path, happens: Callable[[], None]) -> None:
        super().__init__(folder)
        self._happens: list[Callable[[], None]] = [happens]

    def commit(
        self, *, add: Mapping[str, bytes], delete: Collection[str] = (), message: str, parent: Snapshot
    ) -> None:
        while self._happens:
            self._happens.pop()()
        super().commit(add=add, delete=delete, message=message, parent=parent)


def by_hand(queue: Queue, *, requests: FolderStore | None = None) -> ByHand:
    models: Any = AnyModel()
    stores = Stores(requests or queue.requests, queue.results, models)
    return ByHand(stores, SUITE, who="alice", worker="here-0", say=print, clock=queue.clock)


def evaluate(queue: Queue, wanted: Request = WANTED, *, requests: FolderStore | None = None) -> Request:
    """What the command does, without a child."""
    desk = by_hand(queue, requests=requests)
    place = desk.look(wanted)
    if place.left:
        return desk.complete(wanted, place)
    running = desk.claimed(wanted, place, nonce="n", started=queue.clock.now)
    queue.clock.move(minutes=10)
    return desk.publish(running, place, ENDING)


def test_without_a_request_there_is_a_new_one_that_is_finished(queue: Queue) -> None:
    request = evaluate(queue)
    [path] = [each for each in queue.requests.snapshot().files if each.endswith(".json")]
    assert path == f"{MODEL}_eval_request_False_float16_Original_cccccccc.json"
    assert queue.read(path) == request
    assert (request.status, request.submitted_by, request.params) == (Status.FINISHED, "alice", 7.0)
    [attempt] = request.history
    assert (attempt.worker, attempt.end, attempt.message) == (
        "here-0",
        End.FINISHED,
        "alice evaluated it by hand.",
    )
    assert (attempt.ended - attempt.started).total_seconds() == 600  # type: ignore[operator]
    assert request.result in queue.results.snapshot().files
    published = json.loads((queue.folder / "results" / str(request.result)).read_text())
    result = read_result(str(request.result), json.dumps(published).encode())
    assert (result.model, result.commit, result.request, result.attempt) == (MODEL, COMMIT, path, 1)
    assert (queue.folder / "results" / str(attempt.log)).read_bytes() == b"evaluated\n"


@pytest.mark.parametrize(
    ("status", "entries"),
    [
        (Status.WAITING, ["approved", "finished"]),
        (Status.PENDING, ["finished"]),
        (Status.FAILED, ["retried", "finished"]),
        (Status.CANCELLED, ["retried", "finished"]),
        (Status.FINISHED, ["rerun", "finished"]),
    ],
)
def test_a_request_that_is_there_is_finished_in_its_own_file(
    queue: Queue, status: Status, entries: list[str]
) -> None:
    form = {"submitted_by": "bob", "likes": 7, "license": "mit", "model_type": "🟢 : pretrained"}
    path = queue.submit(MODEL, status=status, extra={"note": "mine"}, **form)
    queue.clock.move(minutes=1)
    evaluate(queue)
    request = queue.read(path)
    assert request.status is Status.FINISHED
    assert {name: getattr(request, name) for name in form} == form
    assert request.extra == {"note": "mine"}
    assert [each.end for each in request.history] == entries
    assert all(each.by == "alice" for each in request.history[:-1])
    assert len([each for each in queue.requests.snapshot().files if each.endswith(".json")]) == 1


def test_a_request_of_the_old_template_without_a_commit_is_finished_too(queue: Queue) -> None:
    path = queue.submit(MODEL, commit=None)
    evaluate(queue)
    assert (queue.read(path).status, queue.read(path).commit) == (Status.FINISHED, COMMIT)


def test_what_a_worker_evaluates_right_now_is_refused(queue: Queue) -> None:
    queue.submit(MODEL)
    queue.worker("gpu-1", executor=FunctionExecutor(wait=True)).tick()
    with pytest.raises(NotPossible, match="acme/model is being evaluated right now, by the worker gpu-1"):
        evaluate(queue)
    assert not queue.result_paths()


def test_a_request_whose_worker_is_gone_is_taken_over(queue: Queue) -> None:
    path = queue.submit(MODEL)
    queue.worker("gpu-1", executor=FunctionExecutor(wait=True)).tick()
    queue.clock.move(days=1)
    evaluate(queue)
    assert [each.end for each in queue.read(path).history] == ["lost", "finished"]
    assert queue.read(path).attempt == 2


def test_of_a_worker_and_a_command_the_faster_one_wins_and_the_other_is_told(queue: Queue) -> None:
    path = queue.submit(MODEL)
    desk = by_hand(queue)
    place = desk.look(WANTED)
    running = desk.claimed(WANTED, place, nonce="n", started=queue.clock.now)
    worker = queue.worker("gpu-1", executor=FunctionExecutor(wait=True))
    worker.tick()
    with pytest.raises(NotPossible, match="right now, by the worker gpu-1"):
        desk.publish(running, place, ENDING)
    assert not queue.result_paths()
    assert queue.read(path).status is Status.RUNNING


def test_a_result_is_taken_back_if_a_worker_claims_between_the_two_commits(queue: Queue) -> None:
    path = queue.submit(MODEL)
    executor = FunctionExecutor(wait=True)
    store = Interrupted(queue.folder / "requests", queue.worker("gpu-1", executor=executor).tick)
    with pytest.raises(NotPossible, match="right now, by the worker gpu-1"):
        evaluate(queue, requests=store)
    assert not queue.result_paths()
    assert not queue.results.listed_below(".logs")
    assert queue.read(path).status is Status.RUNNING


def test_a_maintainer_who_cancels_meanwhile_wins(queue: Queue) -> None:
    path = queue.submit(MODEL)

    def cancel() -> None:
        queue.edit(path, cancelled(queue.read(path), by="bob", reason="a copy", now=queue.clock.now))

    store = Interrupted(queue.folder / "requests", cancel)
    with pytest.raises(NotPossible, match=r"it is CANCELLED now \(It was cancelled by bob: a copy\)"):
        evaluate(queue, requests=store)
    assert queue.read(path).status is Status.CANCELLED
    assert not queue.result_paths()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_model_that_is_removed_between_the_two_commits_stays_removed(queue: Queue, is_there: bool) -> None:
    """Then its result and log are gone already, and there is nothing to take back."""
    if is_there:
        queue.submit(MODEL)

    def removal() -> None:
        act = Done(act=Act.REMOVE, name=MODEL, by="bob", at=queue.clock.now)
        remove(act, queue.requests, queue.results)

    with pytest.raises(NotPossible, match=r"somebody deleted it|was removed from this leaderboard while"):
        evaluate(queue, requests=Interrupted(queue.folder / "requests", removal))
    assert not queue.result_paths()
    assert [path for path in queue.requests.snapshot().files if path.startswith(MODEL)] == []


@pytest.mark.parametrize("withheld", ["acme/other", MODEL])
def test_only_its_own_request_keeps_what_was_evaluated_from_being_published_if_the_hub_withholds_it(
    queue: Queue, withheld: str
) -> None:
    queue.submit(MODEL)
    store = Withholding(queue.folder / "requests", lambda path: False)
    desk = by_hand(queue, requests=store)
    place = desk.look(WANTED)
    running = desk.claimed(WANTED, place, nonce="n", started=queue.clock.now)
    changed = queue.submit(withheld, likes=1)
    store.withholds = changed.__eq__
    if withheld == MODEL:
        with pytest.raises(StoreError, match=f"The Hub does not deliver {changed} of .* at the moment, and"):
            desk.publish(running, place, ENDING)
        assert not queue.result_paths()
    else:
        assert desk.publish(running, place, ENDING).status is Status.FINISHED


def test_samples_in_a_dataset_of_their_own_are_taken_back_too(queue: Queue, tmp_path: Path) -> None:
    path = queue.submit(MODEL)
    left, samples = tmp_path / "left", FolderStore(tmp_path / "samples")
    left.mkdir()
    (left / f"{SUITE.tasks[0]}.parquet").write_bytes(b"samples")
    requests = Interrupted(
        queue.folder / "requests",
        lambda: queue.edit(path, cancelled(queue.read(path), by="bob", now=queue.clock.now)),
    )
    models: Any = AnyModel()
    desk = ByHand(
        Stores(requests, queue.results, models),
        SUITE,
        who="alice",
        worker="here-0",
        say=print,
        samples=SamplesPublisher(SUITE.tasks, samples),
        clock=queue.clock,
    )
    place = desk.look(WANTED)
    running = desk.claimed(WANTED, place, nonce="n", started=queue.clock.now)
    with pytest.raises(NotPossible):
        desk.publish(running, place, replace(ENDING, samples=left))
    assert (queue.result_paths(), samples.listed_below(".samples")) == ([], [])


class Busy(FolderStore):
    """A dataset that takes no commits at the first tries."""

    failures = 0

    def commit(self, **given: Any) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise StoreError("the Hub's rate limit is used up")
        super().commit(**given)


@pytest.mark.parametrize(
    ("failures", "interrupts", "minutes"),
    [
        (3, False, [1, 2, 4]),
        (100, False, [1, 2, 4, 8, *[10] * (MOST_TRIES - 5)]),
        (100, True, [1]),
    ],
    ids=["until it can be written to", "for more than an hour", "until Ctrl-C"],
)
def test_a_result_waits_for_its_samples(
    queue: Queue, tmp_path: Path, failures: int, interrupts: bool, minutes: list[int]
) -> None:
    left, samples = tmp_path / "left", Busy(tmp_path / "samples")
    left.mkdir()
    (left / f"{SUITE.tasks[0]}.parquet").write_bytes(b"samples")
    samples.failures = failures
    said: list[str] = []
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if interrupts:
            raise KeyboardInterrupt

    models: Any = AnyModel()
    desk = ByHand(
        Stores(queue.requests, queue.results, models),
        SUITE,
        who="alice",
        worker="here-0",
        say=said.append,
        samples=SamplesPublisher(SUITE.tasks, samples),
        clock=queue.clock,
        sleep=sleep,
    )
    place = desk.look(WANTED)
    running = desk.claimed(WANTED, place, nonce="n", started=queue.clock.now)
    assert desk.publish(running, place, replace(ENDING, samples=left)).status is Status.FINISHED
    assert slept == [60.0 * each for each in minutes]
    assert len(said) == len(minutes)
    assert said[0].startswith("The result waits for its samples: the next try is in 1 minute.")
    [path] = queue.result_paths()
    report = json.loads((queue.folder / "results" / path).read_bytes())
    assert ("samples" in report["leaderboard"]) is bool(samples.listed_below(".samples")) is (failures == 3)


def test_a_request_that_disappears_meanwhile_is_told(queue: Queue) -> None:
    path = queue.submit(MODEL)
    store = Interrupted(queue.folder / "requests", (queue.folder / "requests" / path).unlink)
    with pytest.raises(NotPossible, match="it is gone now"):
        evaluate(queue, requests=store)
    assert not queue.result_paths()


@pytest.mark.parametrize("status", [None, Status.PENDING, Status.FINISHED])
def test_a_command_killed_between_result_and_request_is_completed_by_the_next_one(
    queue: Queue, status: Status | None
) -> None:
    if status:
        queue.submit(MODEL, status=status)
    queue.clock.move(minutes=1)

    def kill() -> None:
        raise Killed

    with pytest.raises(Killed):
        evaluate(queue, requests=Interrupted(queue.folder / "requests", kill))
    [left] = queue.result_paths()
    request = evaluate(queue)
    assert queue.result_paths() == [left]
    assert (request.status, request.result, request.run) == (Status.FINISHED, left, left[-31:-5])
    assert request.history[-1].log in queue.results.listed_below(".logs")
    assert request.attempt == 1
    evaluate(queue)
    assert len(queue.result_paths()) == 2, "once it is complete, the same command evaluates again"


def test_a_worker_does_not_evaluate_what_was_evaluated_by_hand(queue: Queue) -> None:
    queue.submit(MODEL)
    evaluate(queue)
    executor = FunctionExecutor()
    drain(queue.worker(executor=executor))
    assert not executor.started


@pytest.mark.parametrize("act", [Act.HIDE, Act.BLOCK])
def test_a_model_that_a_maintainer_hid_or_blocked_is_refused_with_the_reason(queue: Queue, act: Act) -> None:
    done = Done(act=act, name=MODEL, reason="a copy of another", by="bob", at=queue.clock.now)
    record(queue.requests, done)
    with pytest.raises(NotPossible, match=r"acme/model is (hidden|blocked) .*: a copy of another\."):
        evaluate(queue)


@pytest.mark.parametrize("kind", ["models", "removed"])
def test_a_model_on_the_owners_list_is_refused_with_the_reason(queue: Queue, kind: str) -> None:
    put(queue.requests, BLOCKLIST, f"{kind}:\n  - acme/*: all copies\n".encode())
    with pytest.raises(NotPossible, match=r"acme/model is listed in .*blocked\.yaml: all copies\."):
        evaluate(queue)


def test_the_base_model_of_an_adapter_counts_too(queue: Queue) -> None:
    put(queue.requests, BLOCKLIST, b"models:\n  - acme/base\n")
    with pytest.raises(NotPossible, match=r"acme/base is listed in \.leaderboard/blocked\.yaml\.$"):
        evaluate(queue, replace(WANTED, base_model="acme/base"))


@pytest.mark.parametrize("name", [ACTS, BLOCKLIST])
def test_nothing_is_published_while_the_lists_cannot_be_read(queue: Queue, name: str) -> None:
    put(queue.requests, name, b"[: no list")
    with pytest.raises(StoreError, match=r"The maintainers' decisions about models in .* cannot be read"):
        evaluate(queue)


def test_a_removed_models_left_result_is_not_brought_back(queue: Queue) -> None:
    def kill() -> None:
        raise Killed

    with pytest.raises(Killed):
        evaluate(queue, requests=Interrupted(queue.folder / "requests", kill))
    queue.clock.move(minutes=1)
    record(queue.requests, Done(act=Act.REMOVE, name=MODEL, by="bob", at=queue.clock.now))
    assert by_hand(queue).look(WANTED).left is None


def test_a_board_of_other_tasks_is_left_alone(queue: Queue) -> None:
    put(queue.results, "acme/model/results_1.json", make_result_file(scores={"arc": {"acc,none": 0.5}}))
    tasks = ("tiny_addition", "tiny_agreement", "tiny_copy")
    models: Any = AnyModel()
    suite = replace(SUITE, tasks=tasks)
    desk = ByHand(Stores(queue.requests, queue.results, models), suite, who=None, worker="w", say=print)
    with pytest.raises(StoreError, match="Set TASKS_HARNESS"):
        desk.look(WANTED)


def test_a_result_too_large_to_be_read_again_is_not_published(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.queue.validation.MAX_BYTES", 10)
    with pytest.raises(NotPossible, match="at most 10 can be published"):
        evaluate(queue)
    assert not queue.result_paths()


# Its request


def test_the_request_says_what_the_frontends_would_say() -> None:
    facts = ModelFacts(
        name="acme/model",
        commit=COMMIT,
        location="",
        params=7_241_732_096,
        likes=3,
        license="mit",
        architecture="LlamaForCausalLM",
    )
    request = with_facts(WANTED, facts)
    assert (request.params, request.likes, request.license) == (7.242, 3, "mit")
    assert request.extra == {"architectures": "LlamaForCausalLM"}
    base = replace(facts, name="acme/base")
    adapter = with_facts(WANTED, with_base(replace(facts, params=1_000), base), base)
    assert (adapter.base_model, adapter.base_commit, adapter.params) == ("acme/base", COMMIT, 7.242)
    assert with_base(facts, replace(facts, params=None)).params is None


def test_of_several_requests_the_one_that_runs_is_meant() -> None:
    requests = {
        "a": WANTED,
        "b": replace(WANTED, status=Status.RUNNING),
        "c": replace(WANTED, commit="d" * 40),
    }
    assert same_as(WANTED, requests) == "b"
    assert same_as(replace(WANTED, precision="float32"), requests) is None


def test_a_taken_name_is_passed_over_in_any_letter_case() -> None:
    path = path_for(WANTED, [])
    assert path_for(WANTED, [path.upper()]) == path.replace(".json", "_2.json")


def put(store: FolderStore, path: str, data: bytes) -> None:
    store.commit(add={path: data}, message="by hand", parent=store.snapshot())


def test_a_place_without_a_request_is_refused_once_somebody_submits(queue: Queue) -> None:
    desk = by_hand(queue)
    place: Place = desk.look(WANTED)
    running = desk.claimed(WANTED, place, nonce="n", started=queue.clock.now)
    put(queue.requests, place.path, write_request(replace(WANTED, message="It waits for a worker.")))
    with pytest.raises(NotPossible, match=r"it is PENDING now \(It waits for a worker\)\."):
        desk.publish(running, place, ENDING)
