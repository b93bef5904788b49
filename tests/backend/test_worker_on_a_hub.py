"""The worker with its data on a Hub: what it evaluates, which token goes where, what it says when the Hub
is not as it should be.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

from src.queue.reconciler import Reconciler
from src.queue.shipped import SHIPPED_TASKS
from src.queue.ticker import Ticker
from src.running.identity import take_identity
from src.running.job import End, Ending
from src.running.launchers import ProgramLauncher
from src.shared.data.cards import REQUESTS_CARD, RESULTS_CARD
from src.shared.data.names import BACKEND_DESCRIPTION
from src.shared.data.request import Request, Status, read_request, write_request
from src.shared.errors import NotOurs, StoreError
from src.shared.models.hub_models import HubModels
from src.shared.stores.hub import Hub as Client
from src.shared.stores.hub_spaces import current_name
from src.shared.stores.hub_store import HubStore
from src.shared.stores.whose import Role as SpaceRole
from src.shared.stores.whose import Whose
from src.shared.wiring import Stores
from src.suite.announcer import Announcer
from src.worker import Worker
from support.adapters import edited_config, make_adapter, make_base
from support.broken_models import cut_in_half
from support.executors import FunctionExecutor
from support.factories import make_request
from support.hub import Fault, Hub, Repository, running_hub
from support.hub.accounts import Role
from support.hub.repository import RepoName
from support.queues import POLICY, SUITE
from support.tiny_model import make_tiny_model
from support.waiting import PATIENCE

BACKEND = Path("backend").resolve()
SPY = Path(__file__).parents[1] / "support" / "spy"
RESULTS = RepoName("dataset", "acme/results")
PATH = "acme/tiny_eval_request_False_float32_Original_01234567.json"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


@pytest.fixture
def token(hub: Hub) -> str:
    return hub.add_user("alice", {"acme": "write"})


def drained(hub: Hub, folder: Path, **variables: str) -> str:
    """Run the worker as a maintainer does until nothing is left; all that it said."""
    folder.mkdir(exist_ok=True)
    settings = {
        "HF_ENDPOINT": hub.url,
        "OWNER": "acme",
        "TASKS_DIR": str(SPY),
        "TASKS_HARNESS": "spy",
        "REFRESH_RATE": "0.2",
        "TMPDIR": str(folder),
    }
    worker = subprocess.run(
        [sys.executable, "-m", "src.worker", "--drain"],
        cwd=BACKEND,
        env={**os.environ, **settings, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert worker.returncode == 0, worker.stdout
    return worker.stdout


@pytest.mark.slow
def test_the_command_does_not_log_each_call_of_the_hub(hub: Hub, token: str, tmp_path: Path) -> None:
    hub.add_dataset("acme/requests", {PATH: write_request(make_request(model="nobody/there"))})
    output = drained(hub, tmp_path, HF_TOKEN=token)
    assert hub.calls.count() > 2
    assert "starts." in output
    assert "HTTP Request" not in output


def the_request(dataset: Repository) -> Request:
    return read_request(dataset.read(PATH))


@pytest.mark.slow
def test_a_gated_model_is_evaluated_at_the_commit_that_was_submitted_and_no_token_leaks(
    hub: Hub, token: str, tmp_path: Path
) -> None:
    """The model's main branch moves on to something else between submission and evaluation."""
    hub.add_user("bob")
    read_token = hub.add_token("bob", "read")
    model = hub.add_model("acme/tiny", make_tiny_model(tmp_path / "model"), gated="manual", readers={"bob"})
    commit = model.head.id
    request = make_request(commit=commit, precision="float32")
    requests = hub.add_dataset("acme/requests", {PATH: write_request(request)})
    model.put({"config.json": "{}"}, delete=["model.safetensors"])

    output = drained(hub, tmp_path, HF_TOKEN=token, HF_READ_TOKEN=read_token)

    finished = the_request(requests)
    assert finished.status is Status.FINISHED, finished.message
    results = hub.get(RESULTS)
    assert json.loads(results.read(str(finished.result)))["config"]["model_sha"] == commit
    assert hub.calls.count(route="fetch", status=200, repository="acme/tiny") == 1
    published = b"".join(data for each in (requests, results) for data in each.files().values())
    for secret in (token, read_token):
        assert secret not in output
        assert secret.encode() not in published


@pytest.mark.slow
@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_model_is_not_blamed_for_a_damaged_copy_on_the_workers_disk(
    hub: Hub, token: str, tmp_path: Path, file: str
) -> None:
    model = hub.add_model("acme/tiny", make_tiny_model(tmp_path / "model"))
    request = make_request(commit=model.head.id, precision="float32")
    requests = hub.add_dataset("acme/requests", {PATH: write_request(request)})
    drained(hub, tmp_path / "disk", HF_TOKEN=token)
    assert the_request(requests).status is Status.FINISHED
    [copy] = (tmp_path / "disk").rglob(f"snapshots/*/{file}")
    os.truncate(copy, copy.stat().st_size // 2)

    requests.put({PATH: write_request(request)})
    output = drained(hub, tmp_path / "disk", HF_TOKEN=token)
    finished = the_request(requests)
    assert finished.status is Status.FINISHED, finished.message
    assert len(finished.history) == 1, output
    assert copy.read_bytes() == model.read(file)


@pytest.mark.slow
def test_a_model_that_is_damaged_on_the_hub_is_still_refused(hub: Hub, token: str, tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path / "model")
    cut_in_half(folder)
    model = hub.add_model("acme/tiny", folder)
    request = make_request(commit=model.head.id, precision="float32")
    requests = hub.add_dataset("acme/requests", {PATH: write_request(request)})
    drained(hub, tmp_path / "disk", HF_TOKEN=token)
    assert the_request(requests).status is Status.FAILED
    assert "are damaged or cut off" in str(the_request(requests).message)


@pytest.mark.slow
def test_a_model_that_was_deleted_meanwhile_is_refused_in_a_sentence(
    hub: Hub, token: str, tmp_path: Path
) -> None:
    requests = hub.add_dataset("acme/requests", {PATH: write_request(make_request())})
    drained(hub, tmp_path, HF_TOKEN=token)
    assert the_request(requests).status is Status.FAILED
    assert the_request(requests).message.startswith("There is no model acme/tiny on the Hub")


# Adapters


ADAPTER_PATH = "acme/adapter_eval_request_False_float32_Adapter_01234567.json"
QUESTIONS = {"TASKS_DIR": "tasks", "TASKS_HARNESS": "tiny_agreement", "LIMIT": "20"}


@dataclass(frozen=True)
class Part:
    """A model of the tests' Hub, and the folder that it was made from."""

    folder: Path
    repository: Repository


@pytest.fixture
def base(hub: Hub, tmp_path: Path) -> Part:
    """A base model that was renamed after an adapter was trained on it."""
    folder = make_base(tmp_path / "base", "llama")
    repository = hub.add_model("acme/old-base", folder)
    hub.rename("model", "acme/old-base", "acme/base")
    return Part(folder, repository)


@pytest.fixture
def adapter(hub: Hub, base: Part, tmp_path: Path) -> Part:
    folder = make_adapter(tmp_path / "adapter", base.folder, target_modules=["q_proj", "v_proj"])
    edited_config(base_model_name_or_path="acme/old-base")(folder)
    return Part(folder, hub.add_model("acme/adapter", folder))


def request_of(adapter: Part, base: Part) -> Request:
    return make_request(
        model="acme/adapter",
        commit=adapter.repository.head.id,
        weight_type="Adapter",
        base_model="acme/base",
        base_commit=base.repository.head.id,
    )


def evaluated(hub: Hub, token: str, folder: Path, request: Request) -> tuple[Request, dict[str, Any]]:
    """Evaluate an adapter; what became of the request, and its report."""
    dataset = hub.find(RepoName("dataset", "acme/requests")) or hub.add_dataset("acme/requests")
    dataset.put({ADAPTER_PATH: write_request(request)})
    drained(hub, folder, HF_TOKEN=token, **QUESTIONS)
    ended = read_request(dataset.read(ADAPTER_PATH))
    return ended, json.loads(hub.get(RESULTS).read(str(ended.result))) if ended.result else {}


@pytest.mark.slow
def test_an_adapter_is_evaluated_at_both_commits_whatever_happens_to_the_branches(
    hub: Hub, token: str, adapter: Part, base: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both main branches move on between submission and evaluation. The score is the one of lm_eval."""
    request = request_of(adapter, base)
    for part in (adapter, base):
        names = [name for name in part.repository.files() if name.endswith((".json", ".safetensors"))]
        part.repository.put({"README.md": "It moved on."}, delete=names)

    finished, report = evaluated(hub, token, tmp_path / "disk", request)

    assert finished.status is Status.FINISHED, finished.message
    assert report["config"]["model_sha"] == request.commit
    assert report["leaderboard"]["base_commit"] == request.base_commit
    monkeypatch.chdir(BACKEND)
    with torch.random.fork_rng():
        direct = simple_evaluate(
            model="hf",
            model_args={"pretrained": str(base.folder), "peft": str(adapter.folder), "dtype": "float32"},
            tasks=["tiny_agreement"],
            task_manager=TaskManager(include_path="tasks", include_defaults=False),
            limit=20,
            device="cpu",
            batch_size=8,
        )
    assert report["results"] == direct["results"]


@pytest.mark.slow
@pytest.mark.parametrize("file", ["adapter_model.safetensors", "model.safetensors"])
def test_an_adapter_is_not_blamed_for_a_damaged_copy_of_its_files_or_its_base_models(
    hub: Hub, token: str, adapter: Part, base: Part, tmp_path: Path, file: str
) -> None:
    request = request_of(adapter, base)
    assert evaluated(hub, token, tmp_path / "disk", request)[0].status is Status.FINISHED
    [copy] = (tmp_path / "disk").rglob(f"snapshots/*/{file}")
    os.truncate(copy, copy.stat().st_size // 2)
    finished, _ = evaluated(hub, token, tmp_path / "disk", request)
    assert finished.status is Status.FINISHED, finished.message
    assert len(finished.history) == 1


@pytest.mark.slow
def test_an_adapter_of_another_base_model_than_its_request_names_is_refused(
    hub: Hub, token: str, adapter: Part, base: Part, tmp_path: Path
) -> None:
    other = hub.add_model("acme/other", base.folder)
    wrong = replace(request_of(adapter, base), base_model="acme/other", base_commit=other.head.id)
    failed, _ = evaluated(hub, token, tmp_path / "disk", wrong)
    assert failed.status is Status.FAILED
    assert failed.message.startswith(
        "acme/adapter was trained on 'acme/old-base' (`base_model_name_or_path` in adapter_config.json), but "
        "was submitted with the base model acme/other."
    )


# What the page of the backend says


@pytest.fixture
def worker(hub: Hub, token: str, tmp_path: Path) -> Worker:
    return make_worker(hub, token, tmp_path)


def make_worker(hub: Hub, token: str | None, folder: Path) -> Worker:
    """A worker that evaluates with a function."""
    client = Client(token, endpoint=hub.url, patience=0, sleep=lambda _: None)
    stores = Stores(
        requests=HubStore(client, "acme/requests", card=REQUESTS_CARD),
        results=HubStore(client, "acme/results", card=RESULTS_CARD),
        models=HubModels(client),
    )
    reconciler = Reconciler(
        worker="worker-1",
        requests=stores.requests,
        results=stores.results,
        models=stores.models,
        executor=FunctionExecutor(),
        suite=SUITE,
        policy=POLICY,
    )
    describer = FunctionExecutor(lambda job: described())
    announcer = Announcer(stores.results, describer, SUITE)
    ticker = Ticker(timedelta(seconds=60))
    identity = take_identity("worker-1", folder)
    return Worker(reconciler, announcer, ticker, identity, stores, ProgramLauncher({}))


def described() -> Ending:
    return Ending(End.FINISHED, "", report={"tasks": [{"name": "tiny_copy"}]})


def test_a_tick_with_nothing_to_do_is_two_calls(hub: Hub, worker: Worker) -> None:
    for _ in range(3):
        worker.tick()
    hub.calls.reset()
    worker.tick()
    assert [call.route for call in hub.calls.log] == ["info", "info"]


def test_missing_datasets_are_created(hub: Hub, worker: Worker) -> None:
    for _ in range(3):
        worker.tick()
    assert worker.is_idle()
    assert BACKEND_DESCRIPTION in hub.get(RESULTS).files()


def test_a_worker_that_cannot_write_evaluates_nothing_and_goes_on_when_it_can(
    hub: Hub, token: str, tmp_path: Path
) -> None:
    commit = hub.add_model("acme/tiny", {"config.json": "{}"}).head.id
    requests = hub.add_dataset("acme/requests", {PATH: write_request(make_request(commit=commit))})
    hub.add_dataset("acme/results")
    reader = hub.add_token("alice", "read")
    worker = make_worker(hub, reader, tmp_path)
    with pytest.raises(
        StoreError, match="Cannot write to acme/requests: the token in HF_TOKEN lacks the permission"
    ):
        worker.tick()
    assert the_request(requests).status is Status.PENDING
    hub.accounts.tokens[reader] = hub.accounts.add_token("alice", Role.WRITE)
    for _ in range(3):
        worker.tick()
    assert the_request(requests).status is Status.FINISHED


def test_without_a_token_it_says_which_variable_to_set(hub: Hub, tmp_path: Path) -> None:
    for dataset in ("acme/requests", "acme/results"):
        hub.add_dataset(dataset)
    with pytest.raises(StoreError, match=r"^HF_TOKEN is not set, so nothing can be written to acme/requests"):
        make_worker(hub, None, tmp_path).tick()


def test_a_hub_that_is_down_is_reported_and_found_again(hub: Hub, worker: Worker) -> None:
    hub.faults.strike_share(1, [Fault.UNAVAILABLE])
    with pytest.raises(StoreError, match=r"the Hub answers with an error \(503\)"):
        worker.tick()
    hub.faults.stop()
    worker.tick()


def test_a_request_whose_model_cannot_be_looked_up_now_waits(hub: Hub, worker: Worker) -> None:
    commit = hub.add_model("acme/tiny", {"config.json": "{}"}).head.id
    requests = hub.add_dataset("acme/requests", {PATH: write_request(make_request(commit=commit))})
    hub.faults.strike_next(Fault.UNAVAILABLE, times=100, repository="acme/tiny")
    worker.tick()
    assert the_request(requests).status is Status.PENDING
    hub.faults.stop()
    for _ in range(2):
        worker.tick()
    assert the_request(requests).status is Status.FINISHED


# Whose queue it is


def test_the_backend_of_another_leaderboard_claims_and_publishes_nothing(
    hub: Hub, token: str, tmp_path: Path
) -> None:
    commit = hub.add_model("acme/tiny", {"config.json": "{}"}).head.id
    requests = hub.add_dataset("acme/requests", {PATH: write_request(make_request(commit=commit))})
    results = hub.add_dataset("acme/results")
    first, second = (make_worker(hub, token, tmp_path / name) for name in ("first", "second"))
    for worker, name in ((first, "acme/backend"), (second, "acme/backend-2")):
        hub.add(RepoName("space", name))
        client = Client(token, endpoint=hub.url, patience=0)
        worker.whose = Whose(SpaceRole.BACKEND, name, partial(current_name, client))
    first._check_writing()
    heads = requests.head.id, results.head.id
    for _ in range(2):
        with pytest.raises(
            NotOurs, match="acme/requests belongs to the leaderboard whose backend is acme/backend,"
        ):
            second.tick()
    second.close()
    assert (requests.head.id, results.head.id) == heads
    for _ in range(3):
        first.tick()
    assert the_request(requests).status is Status.FINISHED


def old_request(status: str = "PENDING") -> str:
    return json.dumps(
        {"model": "acme/tiny", "revision": "main", "precision": "float16", "status": status, "private": False}
    )


def old_result(task: str) -> str:
    config = {"model_name": "acme/tiny", "model_dtype": "torch.float16", "model_sha": "main"}
    return json.dumps({"config": config, "results": {task: {"acc": 0.5}}})


@pytest.mark.parametrize(
    ("request_file", "result_file"),
    [(old_request(), None), (old_request("FINISHED"), None), (None, old_result("anli_r1"))],
)
def test_the_shipped_tasks_are_never_run_on_a_queue_that_was_made_for_others(
    hub: Hub, token: str, tmp_path: Path, request_file: str | None, result_file: str | None
) -> None:
    hub.add_model("acme/tiny", {"config.json": "{}"})
    requests = hub.add_dataset("acme/requests", {PATH: request_file} if request_file else {"x.txt": ""})
    results = hub.add_dataset("acme/results", {"acme/tiny/r.json": result_file} if result_file else {"x": ""})
    worker = make_worker(hub, token, tmp_path)
    heads = requests.head.id, results.head.id
    worker.tasks = SHIPPED_TASKS
    with pytest.raises(StoreError, match=r"Set TASKS_HARNESS in src/envs\.py"):
        worker.tick()
    worker.close()
    assert (requests.head.id, results.head.id) == heads
    worker.tasks = ("anli_r1",)
    worker.tick()
    assert requests.head.id != heads[0] or results.head.id != heads[1] or not request_file


def test_the_shipped_tasks_go_on_where_they_were_run_before(hub: Hub, token: str, tmp_path: Path) -> None:
    hub.add_model("acme/tiny", {"config.json": "{}"})
    requests = hub.add_dataset("acme/requests", {PATH: old_request()})
    hub.add_dataset("acme/results", {"acme/other/r.json": old_result("tiny_copy")})
    worker = make_worker(hub, token, tmp_path)
    worker.tasks = SHIPPED_TASKS
    for _ in range(3):
        worker.tick()
    assert the_request(requests).status is Status.FINISHED
