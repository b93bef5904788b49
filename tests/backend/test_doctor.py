"""`python -m src.doctor` in the backend: each mistake is found with its remedy, and nothing is changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from huggingface_hub import constants

from src.doctor import machine
from src.doctor.checkup import check_up, for_strangers
from src.running.watch import GB
from src.settings import Settings
from src.shared.data.names import BOARD
from src.shared.data.request import Status
from src.shared.doctor.finding import Finding
from src.shared.doctor.settings import check_settings
from src.shared.wiring import Stores, open_stores
from src.suite.from_settings import make_suite
from src.suite.task_files import fingerprint, stamp
from support.checkups import (
    NOW,
    Place,
    contents,
    fine_grained,
    finished,
    not_green,
    point_at,
    running,
    waiting,
)
from support.hub import Hub, running_hub
from support.hub.repository import RepoName
from support.queues import Queue
from support.sources import ROOT

BACKEND = ROOT / "backend"


def check(place: Place) -> list[Finding]:
    """Check a backend as the command does."""
    settings, found = check_settings(Settings, place.envs, place.environment)
    return found if settings is None else [*found, *check_up(settings, place.space)]


def make_well(place: Place) -> Place:
    """Publish that the tasks were tried as they are."""
    settings, _ = check_settings(Settings, place.envs, place.environment)
    assert settings
    suite = make_suite(settings)
    place.describe(tried=fingerprint(suite, stamp(suite.tasks_dir)))
    return place


@pytest.fixture(autouse=True)
def in_the_space(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where TASKS_DIR is found, on a machine with a large disk, 32 GB of memory and no GPU."""
    monkeypatch.chdir(BACKEND)
    monkeypatch.setattr(machine, "DEVICES", tmp_path)
    monkeypatch.setattr(machine, "_free_disk", lambda: 500 * GB)
    monkeypatch.setattr(machine, "available_memory", lambda: 32 * GB)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_well(Place(tmp_path, "backend"))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running_hub() as hub:
        hub.add_user("alice", {"acme": "admin"})
        point_at(hub, monkeypatch)
        monkeypatch.setattr(constants, "INFERENCE_ENDPOINTS_ENDPOINT", f"{hub.url}/v2")
        yield hub


@pytest.fixture
def on_a_hub(hub: Hub, tmp_path: Path) -> Place:
    place = Place(tmp_path, "backend", hub)
    place.environment["HF_TOKEN"] = fine_grained(hub)
    return make_well(place)


def test_a_healthy_board_in_folders_is_all_green(place: Place) -> None:
    found = check(place)
    assert not_green(found) == []
    assert {each.checked for each in found} >= {
        "settings",
        "machine",
        "tasks",
        "contents",
        "Space card",
        "worker",
    }


def test_a_healthy_board_on_a_hub_is_all_green_and_nothing_is_written(on_a_hub: Place) -> None:
    hub = on_a_hub.hub
    assert hub
    hub.calls.reset()
    found = check(on_a_hub)
    assert not_green(found) == []
    assert {each.checked for each in found} >= {"token", "acme/requests", "acme/results", "visibility"}
    changing = [
        call for call in hub.calls.log if call.method not in ("GET", "HEAD") and call.route != "paths_info"
    ]
    assert changing == []
    assert len(hub.calls.log) < 30


Spoil = Callable[[Place], object]


def variables(**given: str) -> Spoil:
    return lambda place: place.environment.update(given)


MISTAKES = [
    (
        "a misspelt variable",
        variables(TASK_HARNESS="arc"),
        "The variable TASK_HARNESS",
        "Did you mean TASKS_HARNESS?",
    ),
    ("an unknown engine", variables(ENGINE="helm"), "ENGINE is 'helm'", "`lm_eval` or `lighteval`"),
    (
        "an engine that is not installed",
        variables(ENGINE="lighteval"),
        "its package is not installed",
        "Copy requirements",
    ),
    (
        "a setting of the other engine",
        variables(ENGINE="lighteval", MAX_LENGTH="5"),
        "MAX_LENGTH is a setting of lm_eval",
        "Remove",
    ),
    ("tasks that cannot be read", variables(TASKS_HARNESS="arc|many"), "TASKS_HARNESS"),
    ("no folder of tasks", variables(TASKS_DIR="nowhere"), "TASKS_DIR is 'nowhere'", "Create it"),
    ("a wrong batch size", variables(BATCH_SIZE="0"), "BATCH_SIZE is '0'", "`auto`"),
    (
        "a wrong order of the queue",
        variables(QUEUE_ORDER="newest"),
        "QUEUE_ORDER contains 'newest'",
        "oldest_first",
    ),
    (
        "a thinking without an end",
        variables(ENABLE_THINKING="true"),
        "THINK_END_TOKEN is not set",
        "Set THINK_END_TOKEN",
    ),
    ("a limit", variables(LIMIT="10"), "LIMIT is 10", "Unset it"),
    (
        "code of models",
        variables(CONFIRM_RUN_UNSAFE_CODE="true"),
        "code that models write runs",
        "Set it to False",
    ),
    (
        "no GPU",
        variables(DEVICE="cuda"),
        "DEVICE is cuda, but this machine shows no GPU",
        "set DEVICE to cpu",
    ),
    ("more memory than there is", variables(MAX_MEMORY_GB="64"), "MAX_MEMORY_GB is 64", "Lower it"),
    ("models that cannot fit", variables(MAX_MODEL_GB="100"), "MAX_MODEL_GB is 100", "Lower it"),
    ("a full disk", variables(FREE_DISK_GB="900"), "500 GB of the disk are free", "lower FREE_DISK_GB"),
    ("endpoints without the Hub", variables(INFERENCE="endpoint"), "INFERENCE is `endpoint`", "Set OWNER"),
    (
        "a server that is not there",
        variables(INFERENCE="http://127.0.0.1:9/v1"),
        "inference: ",
        "127.0.0.1:9",
    ),
    (
        "a server's key in the open",
        variables(INFERENCE="http://models.acme.org/v1", INFERENCE_TOKEN="key"),
        "http",
    ),
    (
        "samples without the Hub",
        variables(SAVE_SAMPLES="true", SAMPLES_REPO="acme/samples"),
        "SAMPLES_REPO names a dataset",
        "Leave",
    ),
    (
        "a webhook in the open",
        variables(NOTIFY_URL="http://hooks.acme.org/x"),
        "NOTIFY_URL is not",
        "begins with https://",
    ),
    (
        "comments without the Hub",
        variables(COMMENT_ON_MODELS="true"),
        "COMMENT_ON_MODELS is true",
        "Set OWNER",
    ),
    (
        "tasks of another board",
        lambda place: place.put("results", "acme/tiny/results_2026-01-31T12-00-00.000000.json", OTHER),
        "does not use the three shipped example tasks",
        "Set TASKS_HARNESS",
    ),
    (
        "no announcement",
        lambda place: place.put("results", ".leaderboard/backend.yaml", None),
        "does not say what the backend runs",
        "start it",
    ),
    (
        "tasks that changed",
        lambda place: place.describe(tried="another fingerprint"),
        "were not tried with these files",
        "--try",
    ),
    (
        "problems of the tasks",
        lambda place: place.describe(
            tried=None, problems=("arc_chalenge does not exist. Did you mean arc_challenge?",)
        ),
        "arc_chalenge does not exist",
    ),
    (
        "a worker of another version",
        lambda place: place.describe(version="9.9.9"),
        "runs version 9.9.9",
        "Restart it",
    ),
    (
        "another version of gradio",
        lambda place: place.card("sdk_version: 5.50.0", "sdk_version: 5.1.0"),
        "'5.1.0'",
        "Write `sdk_version: 5.50.0`",
    ),
    (
        "a dead lease",
        lambda place: place.request(running(until=NOW - timedelta(hours=2))),
        "lease has run out: acme/run",
        "start one",
    ),
    (
        "a lost result",
        lambda place: place.request(finished(model="acme/lost", result="x.json")),
        "no result of it: acme/lost",
        "RERUN",
    ),
    (
        "a model that is too large",
        lambda place: place.request(waiting("acme/huge", params=70.0)),
        "acme/huge (280 GB)",
        "INFERENCE",
    ),
    (
        "a broken file",
        lambda place: place.put("results", "acme/x/results_1.json", b"{"),
        "acme/x/results_1.json in",
        "Correct the file",
    ),
]

OTHER = json.dumps(
    {
        "config": {"model_name": "acme/tiny", "model_dtype": "float32", "model_sha": "0" * 40},
        "results": {"arc": {"acc": 0.5}},
    }
).encode()


@pytest.mark.parametrize(
    ("spoil", "texts"), [(spoil, texts) for _, spoil, *texts in MISTAKES], ids=[each[0] for each in MISTAKES]
)
def test_a_mistake_is_found_with_its_remedy(place: Place, spoil: Spoil, texts: list[str]) -> None:
    spoil(place)
    found = not_green(check(place))
    assert any(all(text in sentence for text in texts) for sentence in found), found


ON_A_HUB = [
    ("no token", lambda place: place.environment.pop("HF_TOKEN"), "HF_TOKEN is not set", "Create one"),
    (
        "a token that manages endpoints for nothing",
        lambda place: place.environment.update(
            HF_TOKEN=fine_grained(place.hub, permissions={"acme": ["inference.endpoints.write"]})
        ),
        "may more than it needs (`inference.endpoints.write` of acme)",
        "Create one",
    ),
    (
        "endpoints with one token",
        lambda place: place.environment.update(INFERENCE="endpoint"),
        "INFERENCE is `endpoint`, which needs two secrets",
        "says how to create them",
    ),
    (
        "the token of evaluations may write",
        lambda place: place.environment.update(
            INFERENCE="endpoint", INFERENCE_TOKEN=place.hub.add_token("alice", "write")
        ),
        "The token in INFERENCE_TOKEN may do more than call models",
        "Create a fine-grained token",
    ),
    (
        "datasets of another board",
        lambda place: (
            place.on_a_space(),
            place.put("results", BOARD, b"frontends:\n- acme/other\nbackends:\n- acme/other-backend\n"),
        ),
        "belongs to the leaderboard whose backend is acme/other-backend",
        "set QUEUE_REPO",
    ),
    (
        "no frontend there",
        lambda place: (place.on_a_space(), place.put("requests", BOARD, b"backends:\n- acme/backend\n")),
        "No frontend Space has ever used acme/requests",
        "set the same ones in both",
    ),
]


@pytest.mark.parametrize(
    ("spoil", "texts"), [(spoil, texts) for _, spoil, *texts in ON_A_HUB], ids=[each[0] for each in ON_A_HUB]
)
def test_a_mistake_on_the_hub_is_found_with_its_remedy(
    on_a_hub: Place, spoil: Spoil, texts: list[str]
) -> None:
    spoil(on_a_hub)
    found = not_green(check(on_a_hub))
    assert any(all(text in sentence for text in texts) for sentence in found), found


def test_gpus_that_are_idle_or_too_few_are_told(place: Place, tmp_path: Path) -> None:
    (tmp_path / "nvidia0").touch()
    assert any("1 GPU, and DEVICE is cpu" in each for each in not_green(check(place)))
    place.environment["DEVICE"] = "cuda:0, cuda:1"
    assert any("DEVICE names 2 GPUs, and this machine shows 1" in each for each in not_green(check(place)))


def test_a_token_that_is_to_comment_may_do_so(on_a_hub: Place) -> None:
    assert on_a_hub.hub
    token = fine_grained(on_a_hub.hub, permissions={"alice": ["discussion.write"]})
    on_a_hub.environment |= {"HF_TOKEN": token}
    assert any("`discussion.write`" in each for each in not_green(check(on_a_hub)))
    on_a_hub.environment |= {"COMMENT_ON_MODELS": "true"}
    assert not_green(check(on_a_hub)) == []


def test_what_can_be_rented_is_held_against_the_largest_waiting_model(on_a_hub: Place) -> None:
    hub = on_a_hub.hub
    assert hub
    manages, calls = ["inference.endpoints.write"], ["inference.endpoints.infer.write"]
    on_a_hub.environment |= {
        "INFERENCE": "endpoint",
        "HF_TOKEN": fine_grained(hub, permissions={"acme": manages}),
        "INFERENCE_TOKEN": hub.add_token("alice", "fineGrained", permissions={"acme": calls}),
    }
    make_well(on_a_hub)
    hub.calls.reset()
    found = check(on_a_hub)
    assert not_green(found) == []
    assert "Endpoints can be rented." in [each.sentence for each in found]
    assert {call.method for call in hub.calls.log if call.route != "paths_info"} <= {"GET", "HEAD"}
    on_a_hub.request(waiting("acme/huge", params=5_000.0))
    assert any(
        "acme/huge (" in each and "Rent larger hardware" in each for each in not_green(check(on_a_hub))
    )


def test_it_changes_nothing_in_folders(place: Place, tmp_path: Path) -> None:
    before = contents(tmp_path)
    check(place)
    assert contents(tmp_path) == before


def test_it_creates_no_dataset(hub: Hub, tmp_path: Path) -> None:
    place = Place(tmp_path, "backend", hub)
    place.environment["HF_TOKEN"] = hub.add_token("alice")
    hub.delete(RepoName("dataset", "acme/results"))
    assert any("acme/results does not exist" in each for each in not_green(check(place)))
    assert hub.find(RepoName("dataset", "acme/results")) is None


def command(place: Place, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "src.doctor", *options],
        cwd=BACKEND,
        env={**os.environ, "FREE_DISK_GB": "0", **place.environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_is_green_changes_nothing_and_tells_no_secret(place: Place, tmp_path: Path) -> None:
    before = contents(tmp_path)
    secret = "hf_" + "s" * 30
    done = command(place, "--strict", HF_TOKEN=secret, NOTIFY_URL="https://hooks.acme.org/secret-path")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert secret not in done.stdout
    assert "secret-path" not in done.stdout
    assert contents(tmp_path) == before


def test_the_command_fails_when_something_is_wrong_and_tells_programs(place: Place) -> None:
    done = command(place, "--json", DEVICE="cuda", MAX_HOURS="long")
    assert done.returncode == 1
    assert [each["checked"] for each in json.loads(done.stdout) if each["level"] == "wrong"] == ["settings"]


@pytest.mark.slow
def test_the_command_tries_the_tasks_if_it_is_asked_to(place: Place) -> None:
    place.describe(tried=None)
    done = command(place, "--try", "--strict")
    assert done.returncode == 0, done.stdout
    assert "green  tasks: The suite has no problems: tiny_addition, tiny_agreement, tiny_copy." in done.stdout


# What strangers may read


def test_strangers_read_only_what_the_public_datasets_show(queue: Queue) -> None:
    queue.submit("acme/dead", status=Status.RUNNING)
    worker = queue.worker()
    worker.refresh()
    stores = Stores(queue.requests, queue.results, models=None)  # type: ignore[arg-type]
    found = for_strangers(worker, stores)
    assert [each.checked for each in found] == ["leases"]
    assert all(each.is_public for each in found)


def test_while_all_is_well_strangers_read_nothing(queue: Queue) -> None:
    worker = queue.worker()
    worker.refresh()
    assert for_strangers(worker, Stores(queue.requests, queue.results, models=None)) == []  # type: ignore[arg-type]


def test_stores_that_only_look_are_never_written(tmp_path: Path) -> None:
    from src.shared.errors import StoreError
    from src.shared.settings import CommonSettings

    (tmp_path / "requests").mkdir()
    store = open_stores(CommonSettings(leaderboard_data_dir=str(tmp_path)), only_look=True).requests
    with pytest.raises(StoreError, match="is only looked at"):
        store.commit(add={"a.json": b"{}"}, message="add", parent=store.snapshot())
    assert contents(tmp_path) == {}


def test_the_address_of_a_webhook_in_a_file_is_a_secret_that_everybody_reads() -> None:
    envs = ModuleType("envs")
    envs.NOTIFY_URL = "https://hooks.example.org/services/T/B/secret"  # type: ignore[attr-defined]
    _, found = check_settings(Settings, envs, {})

    assert any("holds a secret in NOTIFY_URL" in each.sentence for each in found)
    assert not any("services/T/B" in each.sentence for each in found)
