"""`python -m src.import_results` publishes what was computed elsewhere, after checking it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from src.import_results import import_folders, read_options
from src.settings import Settings
from src.shared.data.backend_description import BackendDescription, Metric, write_description
from src.shared.data.json_file import as_object
from src.shared.data.names import BACKEND_DESCRIPTION
from src.shared.data.reports import read_result
from src.shared.data.request import IMPORTED, RERUN, Lease, Request, Status, read_request, write_request
from src.shared.data.result import Result
from src.shared.errors import CannotBeEvaluated, ConfigurationError, ModelError, NotPossible, StoreError
from src.shared.models.folder_models import folder_commit
from src.shared.models.model_source import ModelFacts
from src.shared.moderation.acts import Act, Done, record
from src.shared.moderation.removal import remove
from src.shared.moderation.steps import again
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.store import Snapshot
from src.shared.times import to_run, utc_now
from src.shared.wiring import Stores, open_stores
from src.upkeep.checked_report import check
from src.upkeep.found_reports import find_reports
from src.upkeep.importing import Importing
from src.upkeep.score_scales import Scales
from src.upkeep.stated import Refused, Stated
from src.upkeep.who import NO_TOKEN
from support.factories import make_backend, make_model_folder, make_request, make_result_file, make_task
from support.forbidden import forbid
from support.hub import running_hub
from support.reports_from_elsewhere import (
    QUESTIONS,
    in_lightevals_folder,
    in_lm_evals_folder,
    lighteval_report,
    lm_eval_report,
    written,
)
from support.sources import ROOT
from support.sums import write_tasks
from support.tiny_model import make_tiny_model
from support.withholding import Withholding

MODEL = "acme/tiny"
BOARD = make_backend(
    tasks=tuple(make_task(task, version="1.0", questions=number) for task, number in QUESTIONS.items())
)


@dataclass(frozen=True)
class Place:
    """A leaderboard in a folder, and a folder with results from elsewhere."""

    data: Path
    elsewhere: Path
    commit: str
    print: Callable[[], str]

    @property
    def settings(self) -> Settings:
        return Settings(leaderboard_data_dir=str(self.data))

    @property
    def requests(self) -> FolderStore:
        return FolderStore(self.data / "requests")

    @property
    def results(self) -> FolderStore:
        return FolderStore(self.data / "results")

    def run(self, *options: str, folder: Path | None = None) -> tuple[int, list[str]]:
        """Import the folder; the exit status, and the lines without the folder's name and the summary."""
        status = (
            0 if import_folders(self.settings, read_options([str(folder or self.elsewhere), *options])) else 1
        )
        lines = self.print().replace(f"{self.elsewhere}/", "").partition("\n\n")[0].splitlines()
        return status, lines

    def refused(self, *options: str) -> str:
        """Why the only file is refused. Nothing of it is written."""
        before = self.files()
        status, [line] = self.run(*options)
        assert (status, self.files()) == (1, before)
        return line.partition(": refused: ")[2]

    def warned(self, *options: str) -> str:
        """What is told of the only file, which is imported."""
        status, [line] = self.run(*options)
        assert status == 0, line
        return line.partition(" of the board's tasks")[2].removesuffix(").")

    def files(self) -> list[str]:
        return [*data_files(self.requests), *data_files(self.results)]

    def only_result(self) -> Result:
        [path] = data_files(self.results)
        return read_result(path, (self.data / "results" / path).read_bytes())

    def only_request(self) -> Request:
        [path] = data_files(self.requests)
        return read_request((self.data / "requests" / path).read_bytes())

    def describe(self, board: BackendDescription) -> None:
        put(self.results, BACKEND_DESCRIPTION, write_description(board))


def data_files(store: FolderStore) -> list[str]:
    return sorted(path for path in store.snapshot().files if path.endswith(".json") and path[0] != ".")


def put(store: FolderStore, path: str, data: bytes) -> None:
    store.commit(add={path: data}, message="by hand", parent=store.snapshot())


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are in the folder only."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    model = make_model_folder(tmp_path / "data" / "models", MODEL)
    (tmp_path / "elsewhere").mkdir()
    found = Place(
        tmp_path / "data", tmp_path / "elsewhere", folder_commit(model), lambda: capsys.readouterr().out
    )
    found.describe(BOARD)
    return found


def lm_eval(place: Place, model: str = MODEL, **changes: Any) -> dict[str, Any]:
    return lm_eval_report(model, changes.pop("commit", place.commit), **changes)


def with_config(report: dict[str, Any], **changes: object) -> dict[str, Any]:
    return report | {"config": report["config"] | changes}


# What is published


@pytest.mark.parametrize("engine", ["lm_eval", "lighteval"])
def test_a_result_of_either_engine_is_published_with_a_finished_request(place: Place, engine: str) -> None:
    if engine == "lm_eval":
        file = in_lm_evals_folder(place.elsewhere, lm_eval(place))
    else:
        file = in_lightevals_folder(place.elsewhere, lighteval_report(MODEL, place.commit))
    status, [line] = place.run()
    assert status == 0, line
    result, request = place.only_result(), place.only_request()
    assert line.startswith(
        f"{file.relative_to(place.elsewhere)}: imported as {result.path} (acme/tiny, float32, Original, 3 of "
        "the board's tasks"
    )
    before = read_result(file.name, file.read_bytes())
    assert (result.scores, result.n_samples, result.ended) == (before.scores, before.n_samples, before.ended)
    assert (result.conditions, result.setup and result.setup.tasks) == (
        before.conditions,
        before.setup and before.setup.tasks,
    )
    assert (result.engine, result.model, result.commit) == (engine, MODEL, place.commit)
    assert (result.precision, result.weight_type, result.attempt) == ("float32", "Original", 0)
    imported = result.provenance.imported
    assert imported and imported.at
    assert (imported.file, utc_now() - imported.at < timedelta(minutes=1)) == (file.name, True)
    assert (request.status, request.result, request.run) == (Status.FINISHED, result.path, result.run)
    assert result.request == data_files(place.requests)[0]
    [entry] = request.history
    assert (entry.end, entry.by, entry.is_by_a_person) == (IMPORTED, imported.by, True)
    assert (request.params, request.license, request.extra) == (
        2e-07,
        "mit",
        {"architectures": "LlamaForCausalLM"},
    )


def test_the_run_begins_when_it_is_imported_so_that_a_removal_before_it_does_not_hide_it(
    place: Place,
) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    removed = Done(act=Act.REMOVE, name=MODEL, by="bob", at=utc_now() - timedelta(seconds=1))
    record(place.requests, removed)
    assert place.run()[0] == 0
    assert place.only_result().run > to_run(removed.at)  # type: ignore[operator]
    assert place.only_result().ended < removed.at


def test_what_names_the_other_machine_is_not_published(place: Place) -> None:
    report = with_config(lm_eval(place, "/home/ann/checkpoints/step-5", commit=None), device="cuda:0")
    report["config"]["model_args"] += ",tokenizer=/home/ann/tokenizer,cache_dir=/home/ann/hf,max_length=512"
    report["configs"]["tiny_copy"] |= {
        "dataset_kwargs": {
            "data_files": {"test": "/home/ann/tasks/copy.jsonl"},
            "others": [
                "file:///home/ann/x.json",
                " /home/ann/y.json",
                r"\\ann\share\z.json",
                r"C:\Users\ann\z.json",
            ],
            "made_by": "python /home/ann/make.py --out=/home/ann/copy.jsonl",
        },
        "metadata": {"pretrained": "/home/ann/checkpoints/step-5"},
    }
    in_lm_evals_folder(place.elsewhere, report | {"model_name_sanitized": "__home__ann__checkpoints__step-5"})
    place.warned("--model", MODEL, "--commit", place.commit)
    text = (place.data / "results" / place.only_result().path).read_text()
    assert "ann" not in text
    assert "pretty_env_info" not in text
    published = json.loads(text)
    assert published["config"]["model_args"] == {
        "pretrained": MODEL,
        "revision": place.commit,
        "dtype": "float32",
        "tokenizer": "tokenizer",  # it may have changed the scores
        "max_length": 512,
    }
    assert published["configs"]["tiny_copy"]["dataset_kwargs"]["data_files"]["test"] == "copy.jsonl"
    assert published["configs"]["tiny_copy"]["metadata"]["pretrained"] == MODEL
    assert place.only_result().provenance.hardware == "1 × NVIDIA H200"
    assert place.only_result().provenance.versions["torch"] == "2.13.0"


SECRETS = ("hf_" + "abcdefghijklmnopqrstuvwxyz", "sk-" + "1234567890abcdefg", "Bearer 77", "ann:pw@", "other")
SECRETS += ("hf_oauth_eyJhbGciOi.eyJ_zY-29.ab", "hf_jwt_eyJhbGciOi.eyJ_zY-29.ab", "api_org_abcdefghijklmnop")


def test_secrets_of_an_lm_eval_report_are_neither_published_nor_told(place: Place) -> None:
    report = with_config(lm_eval(place), model_kwargs={"token": SECRETS[0], "device_map": "auto"})
    report["config"]["model_args"] += f",token={SECRETS[0]},api_key={SECRETS[1]},eos_token=</s>"
    report["config"]["model_args"] += ",base_url=http://ann:pw@10.0.0.1/v1"
    report["config"]["note"] = f"curl -H 'Authorization: {SECRETS[2]}' WANDB_API_KEY=other"
    report["configs"]["tiny_copy"]["metadata"]["from"] = f"https://host/a.jsonl?X-Amz-Signature={SECRETS[4]}"
    report["configs"]["tiny_copy"]["metadata"]["as"] = SECRETS[5:]
    report["configs"]["tiny_copy"]["description"] = "A bearer of news says: token=5."
    report["configs"]["tiny_copy"]["dataset_kwargs"] = {"token": SECRETS[0], "note": f"see {SECRETS[1]}"}
    in_lm_evals_folder(place.elsewhere, report)
    told = place.warned()
    text = (place.data / "results" / place.only_result().path).read_text()
    assert not [each for each in SECRETS if each in text + told]
    assert json.loads(text)["config"]["model_args"]["eos_token"] == "</s>"
    assert json.loads(text)["config"]["model_kwargs"] == {"device_map": "auto"}
    assert json.loads(text)["configs"]["tiny_copy"]["description"] == "A bearer of news says: token=5."


def test_secrets_of_a_lighteval_report_are_not_published(place: Place) -> None:
    report = lighteval_report(MODEL, place.commit)
    report["config_general"]["model_config"] |= {
        "api_key": SECRETS[1],
        "inference_server_auth": SECRETS[2],
        "env_vars": {"HF_HUB": SECRETS[4]},
    }
    in_lightevals_folder(place.elsewhere, report)
    place.warned()
    text = (place.data / "results" / place.only_result().path).read_text()
    assert not [each for each in SECRETS if each in text]


def test_a_task_that_is_called_like_a_secret_keeps_its_scores(place: Place) -> None:
    place.describe(make_backend(tasks=(make_task("secret_words", version="1.0", questions=10),)))
    in_lm_evals_folder(place.elsewhere, lm_eval(place, tasks={"secret_words": 10}))
    place.warned()
    assert place.only_result().scores == {"secret_words": {"acc,none": 0.5}}
    assert place.only_result().versions == {"secret_words": "1.0"}


@pytest.mark.parametrize("folder", ["tiny_copy", "/", "./", "acme/tin", "acme"])
def test_a_folder_of_any_name_changes_nothing_but_the_models_name(place: Place, folder: str) -> None:
    """One may be called like a task, or like the beginning of the model's name on the Hub."""
    report = lm_eval(place, folder, commit=None)
    before = read_result("results.json", json.dumps(lm_eval(place)).encode())
    in_lm_evals_folder(place.elsewhere, report | {"model_name_sanitized": "x", "notes": "https://a.b/c"})
    place.warned("--model", MODEL, "--commit", place.commit)
    result = place.only_result()
    assert (result.model, result.commit, result.scores) == (MODEL, place.commit, before.scores)
    assert result.request == data_files(place.requests)[0]
    assert result.setup and result.setup.tasks.keys() == QUESTIONS.keys()
    assert json.loads((place.data / "results" / result.path).read_text())["notes"] == "https://a.b/c"


def test_patterns_and_prompts_with_slashes_stay(place: Place) -> None:
    report = lm_eval(place, "/home/ann/step-5", commit=None)
    kept = {
        "pattern": r"\b(\d+)\b",
        "prompt": "yes/no or /a/ b?",
        "more": "/home/ann/step-50",
        "end": "</think>",
    }
    report["configs"]["tiny_copy"] |= kept
    in_lm_evals_folder(place.elsewhere, report | {"model_name_sanitized": "x"})
    place.warned("--model", MODEL, "--commit", place.commit)
    published = json.loads((place.data / "results" / place.only_result().path).read_text())
    config = published["configs"]["tiny_copy"]
    assert {name: config[name] for name in kept} == kept | {"more": "step-50"}


def test_a_lighteval_report_of_a_folder_is_published_under_the_models_name(place: Place) -> None:
    report = lighteval_report("/home/ann/step-5", None)
    written(place.elsewhere / "results_2026-01-31T12-00-00.000000.json", report)
    place.warned("--model", MODEL, "--commit", place.commit)
    assert "ann" not in (place.data / "results" / place.only_result().path).read_text()
    assert place.only_result().model == MODEL


def test_importing_twice_changes_nothing(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    assert place.run()[0] == 0
    before = place.requests.snapshot().files, place.results.snapshot().files
    status, [line] = place.run()
    assert (status, line.partition(": ")[2]) == (0, f"already imported, as {place.only_result().path}.")
    assert (place.requests.snapshot().files, place.results.snapshot().files) == before


def test_the_same_file_in_two_folders_is_imported_once(place: Place) -> None:
    for name in ("one", "two"):
        in_lm_evals_folder(place.elsewhere / name, lm_eval(place))
    status, lines = place.run()
    assert status == 0
    assert ["already imported" in line for line in lines] == [False, True]
    assert place.only_result()


def test_the_same_file_twice_is_not_there_already_if_nothing_was_published(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        in_lm_evals_folder(place.elsewhere / name, lm_eval(place))
    assert place.requests.snapshot().files == {}
    status, lines = place.run("--dry-run")
    assert (status, [": can be imported" in line for line in lines]) == (0, [True, True])
    store, stores = Interrupted(place.data / "requests"), open_stores(place.settings)
    monkeypatch.setattr(
        "src.import_results.open_stores", lambda settings, only_look: replace(stores, requests=store)
    )
    claimed = write_request(running(place, since=timedelta()))
    store.happens = lambda: put(place.requests, request_path_of(place), claimed)
    status, lines = place.run()
    assert status == 1
    assert [": refused: acme/tiny is being evaluated right now" in line for line in lines] == [True, True]


def test_of_two_evaluations_of_a_model_both_are_published_and_the_newest_counts(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place, score=0.75), ended="2026-02-01T12-00-00.000000")
    in_lm_evals_folder(place.elsewhere, lm_eval(place, score=0.25), ended="2026-01-01T12-00-00.000000")
    assert place.run()[0] == 0
    results = [
        read_result(path, (place.data / "results" / path).read_bytes()) for path in data_files(place.results)
    ]
    assert len(results) == len({each.run for each in results}) == 2
    newest = max(results, key=lambda each: each.ended)
    assert newest.scores["tiny_copy"] == {"exact_match,none": 0.75}
    assert place.only_request().result == newest.path
    assert place.run()[0] == 0
    assert len(data_files(place.results)) == 2


def test_an_older_result_leaves_the_request_with_its_newer_one(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place, score=0.75), ended="2026-02-01T12-00-00.000000")
    place.run()
    newest = place.only_result().path
    in_lm_evals_folder(place.elsewhere, lm_eval(place, score=0.25), ended="2026-01-01T12-00-00.000000")
    assert place.run()[0] == 0
    assert place.only_request().result == newest
    assert [each.end for each in place.only_request().history] == [IMPORTED, IMPORTED]
    assert all("already imported" in line for line in place.run()[1])


@pytest.mark.parametrize(
    "status", [Status.WAITING, Status.PENDING, Status.FAILED, Status.CANCELLED, Status.FINISHED]
)
def test_a_request_that_is_there_is_finished_in_its_own_file(place: Place, status: Status) -> None:
    there = make_request(
        status=status, commit=place.commit, submitted_by="bob", likes=7, license="apache-2.0"
    )
    put(place.requests, "acme/mine.json", write_request(there))
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    assert place.run()[0] == 0
    assert data_files(place.requests) == ["acme/mine.json"]
    request = place.only_request()
    assert (request.status, request.submitted_by, request.likes) == (Status.FINISHED, "bob", 7)
    assert (request.license, request.model_type) == ("apache-2.0", there.model_type)
    assert [each.end for each in request.history] == [IMPORTED]


def running(place: Place, *, since: timedelta) -> Request:
    began = utc_now() - since
    lease = Lease(worker="gpu-1", nonce="n", started=began, renewed=began, until=began + timedelta(hours=1))
    return make_request(status=Status.RUNNING, commit=place.commit, lease=lease, attempt=1, run=to_run(began))


def test_what_a_worker_evaluates_right_now_is_refused(place: Place) -> None:
    put(place.requests, "acme/mine.json", write_request(running(place, since=timedelta())))
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    assert place.refused().startswith("acme/tiny is being evaluated right now, by the worker gpu-1.")


def test_a_request_whose_worker_is_gone_is_finished(place: Place) -> None:
    put(place.requests, "acme/mine.json", write_request(running(place, since=timedelta(days=1))))
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    assert place.run()[0] == 0
    assert [each.end for each in place.only_request().history] == ["lost", IMPORTED]


@pytest.mark.parametrize("status", [Status.WAITING, Status.PENDING])
def test_a_request_in_the_queue_stays_there_while_tasks_are_missing(place: Place, status: Status) -> None:
    put(place.requests, "acme/mine.json", write_request(make_request(status=status, commit=place.commit)))
    in_lm_evals_folder(place.elsewhere, lm_eval(place, tasks={"tiny_copy": 100}))
    assert "its request stays in the queue" in place.warned()
    request = place.only_request()
    assert (request.status, request.result, request.run) == (status, None, None)
    assert [each.end for each in request.history] == [IMPORTED]
    assert "already imported" in place.run()[1][0]
    rest = {task: number for task, number in QUESTIONS.items() if task != "tiny_copy"}
    in_lm_evals_folder(place.elsewhere / "rest", lm_eval(place, tasks=rest))
    assert place.run()[0] == 0
    assert place.only_request().status is Status.FINISHED


def test_files_that_have_all_tasks_together_finish_a_request(place: Place) -> None:
    put(place.requests, "acme/mine.json", write_request(make_request(commit=place.commit)))
    for task, number in QUESTIONS.items():
        in_lm_evals_folder(place.elsewhere / task, lm_eval(place, tasks={task: number}))
    assert place.run()[0] == 0
    assert place.only_request().status is Status.FINISHED


def test_a_rerun_that_waits_is_not_lost_by_an_import(place: Place) -> None:
    finished = make_request(status=Status.FINISHED, commit=place.commit)
    waits = again(finished, by="bob", now=utc_now(), tasks=["tiny_copy"])
    put(place.requests, "acme/mine.json", write_request(waits))
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    assert place.run()[0] == 0
    request = place.only_request()
    assert (request.status, request.tasks) == (Status.PENDING, ("tiny_copy",))
    assert [each.end for each in request.history] == [RERUN, IMPORTED]


class Interrupted(FolderStore):
    """A store at whose next commit something else happens first."""

    happens: Callable[[], None] = staticmethod(lambda: None)

    def commit(
        self, *, add: Mapping[str, bytes], delete: Collection[str] = (), message: str, parent: Snapshot
    ) -> None:
        happens, self.happens = self.happens, lambda: None
        happens()
        super().commit(add=add, delete=delete, message=message, parent=parent)


def planned(place: Place, requests: FolderStore, results: FolderStore | None = None) -> Importing:
    stores = open_stores(place.settings)
    stores = Stores(requests, results or stores.results, stores.models)
    importing = Importing(stores, who="alice", now=datetime.now(UTC))
    for file in find_reports([place.elsewhere]).reports:
        importing.plan(check(file, file.read_bytes(), Stated(), BOARD, Scales(), stores.models, utc_now()))
    return importing


def test_a_worker_that_claims_between_the_two_commits_wins(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    store = Interrupted(place.data / "requests")
    claimed = running(place, since=timedelta())
    [path] = [request_path_of(place)]
    store.happens = lambda: put(place.requests, path, write_request(claimed))
    lost = planned(place, store).publish()
    assert "by the worker gpu-1" in lost[path]
    assert data_files(place.results) == []
    assert place.only_request() == claimed


def request_path_of(place: Place) -> str:
    return f"{MODEL}_eval_request_False_float32_Original_{place.commit[:8]}.json"


def test_a_newer_result_that_a_worker_published_meanwhile_stays_the_requests(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    store = Interrupted(place.data / "requests")
    importing, began = planned(place, store), to_run(utc_now())
    path = request_path_of(place)
    newer = f"{MODEL}/results_{began}.json"

    def finish() -> None:
        section = {"request": path, "run": began, "ended": began, "precision": "float32"}
        put(place.results, newer, make_result_file(run=began, leaderboard=section))
        finished = make_request(status=Status.FINISHED, commit=place.commit, run=began, result=newer)
        put(place.requests, path, write_request(finished))

    store.happens = finish
    assert importing.publish() == {}
    assert (place.only_request().result, place.only_request().run) == (newer, began)
    assert [each.end for each in place.only_request().history] == [IMPORTED]


def test_a_model_that_is_removed_between_the_two_commits_stays_removed(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    store = Interrupted(place.data / "requests")
    importing = planned(place, store)
    act = Done(act=Act.REMOVE, name=MODEL, by="bob", at=utc_now())
    store.happens = lambda: remove(act, place.requests, place.results) and None
    [why] = importing.publish().values()
    assert why == "acme/tiny was removed from this leaderboard in the meantime"
    assert place.files() == []


def test_of_two_imports_of_the_same_at_once_one_wins_and_the_other_is_told(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    first, second = planned(place, place.requests), planned(place, place.requests)
    assert first.publish() == {}
    there = place.files()
    path = place.only_result().path
    with pytest.raises(NotPossible, match=f"Somebody else is importing the same results: {path} is there"):
        second.publish()
    assert place.files() == there


def test_nothing_is_imported_while_the_hub_withholds_what_somebody_else_imports(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    late = planned(place, place.requests, Withholding(place.data / "results"))
    assert planned(place, place.requests).publish() == {}
    there = place.files()
    with pytest.raises(StoreError, match=f"for example {place.only_result().path}: try again later"):
        late.publish()
    assert place.files() == there


def test_an_import_killed_between_the_two_commits_is_completed_by_the_next_one(place: Place) -> None:
    class Killed(BaseException):
        pass

    def kill() -> None:
        raise Killed

    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    store = Interrupted(place.data / "requests")
    store.happens = kill
    with pytest.raises(Killed):
        planned(place, store).publish()
    left = place.only_result().path
    assert data_files(place.requests) == []
    assert place.run()[0] == 0
    assert place.only_result().path == left
    assert (place.only_request().status, place.only_request().result) == (Status.FINISHED, left)


@pytest.mark.parametrize("act", [Act.HIDE, Act.BLOCK])
def test_a_model_that_is_not_wanted_is_refused_with_the_reason(place: Place, act: Act) -> None:
    record(place.requests, Done(act=act, name=MODEL, reason="a copy", by="bob", at=utc_now()))
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    assert place.refused().endswith("on this leaderboard: a copy.")


# What is refused


def test_a_file_that_is_no_result_is_refused(place: Place) -> None:
    written(place.elsewhere / "results_1.json", {"a": 1})
    assert place.refused() == "it is not a result: it has no object named results."


def test_a_report_without_a_task_of_the_board_is_refused(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place, tasks={"arc": 10}))
    assert place.refused() == (
        "it has none of this board's tasks (tiny_addition, tiny_agreement, tiny_copy); it has arc."
    )


def test_a_report_of_some_questions_is_refused_unless_it_is_allowed(place: Place) -> None:
    in_lm_evals_folder(
        place.elsewhere, with_config(lm_eval(place, tasks=dict.fromkeys(QUESTIONS, 5)), limit=5)
    )
    assert place.refused() == (
        "it was run with a limit of 5, so it has only some of the questions: give --allow-limit."
    )
    assert place.run("--allow-limit")[0] == 0
    assert place.only_result().limit == 5


def test_a_report_with_the_limit_of_the_board_is_taken(place: Place) -> None:
    place.describe(replace(BOARD, limit=5.0))
    in_lm_evals_folder(
        place.elsewhere, with_config(lm_eval(place, tasks=dict.fromkeys(QUESTIONS, 5)), limit=5)
    )
    assert place.warned() == ""


def test_a_report_with_another_number_of_questions_is_refused(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place, tasks={**QUESTIONS, "tiny_copy": 99}))
    assert place.refused() == "it asked 99 questions of tiny_copy, and the board asks 100."


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "N/A"])
def test_a_report_without_a_finite_score_is_refused(place: Place, value: object) -> None:
    report = lm_eval(place)
    report["results"]["tiny_copy"]["exact_match,none"] = value
    in_lm_evals_folder(place.elsewhere, report)
    assert place.refused() == "it has no finite exact_match,none for tiny_copy."


def test_a_report_with_another_metric_is_refused(place: Place) -> None:
    report = lm_eval(place)
    report["results"]["tiny_copy"] = {"f1,none": 0.5}
    in_lm_evals_folder(place.elsewhere, report)
    assert place.refused() == "it has no finite exact_match,none for tiny_copy."


def test_a_group_needs_the_questions_of_all_its_tasks_and_a_score_in_each(place: Place) -> None:
    group = make_task("both", metrics=(), questions=244, parts=("tiny_addition", "tiny_agreement"))
    place.describe(replace(BOARD, tasks=(group,)))
    report = lm_eval(place) | {"group_subtasks": {"both": ["tiny_addition", "tiny_agreement"]}}
    file = in_lm_evals_folder(place.elsewhere, report)
    assert place.warned() == "; this board does not have tiny_copy"
    report["results"]["tiny_agreement"]["acc,none"] = None
    written(file, report)
    assert place.refused() == "it has no finite score for tiny_agreement."
    report["results"]["tiny_agreement"]["acc,none"] = 0.5
    report["n-samples"]["tiny_addition"]["effective"] = 99
    written(file, report)
    assert place.refused() == "it asked 243 questions of both, and the board asks 244."


def test_groups_that_are_parts_of_one_another_are_looked_at_once(place: Place) -> None:
    groups = [f"group{number}" for number in range(20)]
    place.describe(replace(BOARD, tasks=(make_task("group0", metrics=(), questions=100),)))
    parts = {group: [*groups, "tiny_copy"] for group in groups}
    in_lm_evals_folder(place.elsewhere, lm_eval(place) | {"group_subtasks": parts})
    assert place.warned() == "; this board does not have tiny_addition, tiny_agreement"


# The scale of its scores


def on_the_board(place: Place, *scores: float, metric: str = "acc,none") -> None:
    """Results of other models, with these scores of the task tiny_addition."""
    for number, score in enumerate(scores):
        model = f"acme/other-{number}"
        data = make_result_file(model=model, scores={"tiny_addition": {metric: score}})
        put(place.results, f"{model}/results_2026-01-01T00-00-00.000000.json", data)


def scored(place: Place, score: float, metric: str = "acc,none") -> None:
    """A report with this score of tiny_addition, the only task of the board."""
    [task] = (make_task("tiny_addition", version="1.0", questions=100, metrics=(Metric(key=metric),)),)
    place.describe(replace(BOARD, tasks=(task,)))
    report = lm_eval(place, tasks={"tiny_addition": 100})
    report["results"]["tiny_addition"] = {metric: score}
    in_lm_evals_folder(place.elsewhere, report)


@pytest.mark.parametrize(
    ("board", "score", "why"),
    [
        ([0.5, 1.0], 63.2, "those of the board are fractions of 1"),
        ([0.0], 1.1, "those of the board are fractions of 1"),
        ([63.2, 40.0], 0.632, "those of the board are above 1, as percentages are"),
        ([0.5, 0.0], -0.2, "none of the board's is below 0"),
    ],
)
def test_a_score_on_another_scale_than_the_boards_is_refused_unless_it_is_allowed(
    place: Place, board: list[float], score: float, why: str
) -> None:
    on_the_board(place, *board)
    scored(place, score)
    before = place.files()
    status, [line] = place.run()
    assert (status, place.files()) == (1, before)
    assert line.partition(": refused: ")[2] == (
        f"its score acc,none of tiny_addition is {score}, and {why}: correct it, or give --allow-scale if it "
        "is right."
    )
    assert place.run("--allow-scale")[0] == 0


@pytest.mark.parametrize(
    ("board", "score", "metric"),
    [
        ([0.5], 1.0000000000000002, "acc,none"),  # adding gives such
        ([0.5], 0.0, "acc,none"),
        ([-0.1], -0.2, "mcc,none"),
        ([0.9, 63.2], 0.5, "acc,none"),  # the board has both: its own page tells its owner
        ([63.2], 0.0, "acc,none"),
        ([0.5], 63.2, "word_perplexity,none"),
        ([63.2], 0.5, "word_perplexity,none"),
        ([0.5], 63.2, "bleu,none"),
    ],
)
def test_a_score_that_the_column_can_have_is_taken(
    place: Place, board: list[float], score: float, metric: str
) -> None:
    on_the_board(place, *board, metric=metric)
    scored(place, score, metric)
    assert place.warned() == ""


def test_where_the_board_has_no_such_score_one_that_is_no_fraction_is_told(place: Place) -> None:
    on_the_board(place, 0.5, metric="acc_norm,none")
    scored(place, 63.2)
    assert place.warned() == (
        "; WARNING: acc,none of tiny_addition is 63.2, which is not a fraction of 1, and the board has no "
        "other to compare it with"
    )


def test_the_files_of_one_import_have_one_scale(place: Place) -> None:
    for name, score in (("a", 0.632), ("b", 63.2)):
        in_lm_evals_folder(place.elsewhere / name, lm_eval(place, score=score))
    status, lines = place.run()
    assert status == 1
    assert ["those of the board are fractions of 1" in line for line in lines] == [False, True]


@pytest.mark.parametrize("name", ["/home/ann/model", "./checkpoint", "../../etc/passwd", "..", "a/b/c", ""])
def test_a_report_of_a_folder_needs_to_be_told_which_model_it_is(place: Place, name: str) -> None:
    report = lm_eval(place, name)
    report["config"]["model_args"] = ""
    written(place.elsewhere / "results_1.json", report)
    shown = repr(name) if name else "nothing"
    assert place.refused() == f"it names {shown} as its model: give --model org/name and --commit."


def test_a_folder_that_looks_like_a_models_name_is_told_as_one_that_is_not_there(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place, "checkpoints/step-5"))
    assert place.refused().endswith(
        "If that is a folder on the machine that evaluated it, give --model and --commit."
    )


def test_a_report_of_another_model_than_the_one_that_is_named_is_refused(place: Place) -> None:
    make_model_folder(place.data / "models", "acme/other")
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    assert place.refused("--model", "acme/other") == "it is of acme/tiny, not of acme/other as --model says."


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ModelError("The Hub does not answer."), "The Hub does not answer."),
        (CannotBeEvaluated("It is gated."), "it is of acme/other, not of acme/tiny as --model says"),
    ],
)
def test_another_name_than_the_reports_needs_a_hub_that_knows_it(
    place: Place, error: ModelError, sentence: str
) -> None:
    class Models:
        def describe(self, name: str, revision: str) -> ModelFacts:
            raise error

    models: Any = Models()
    data = json.dumps(lm_eval(place, "acme/other")).encode()
    with pytest.raises(Refused, match=sentence):
        check(Path("results_1.json"), data, Stated(MODEL, place.commit), BOARD, Scales(), models, utc_now())


@pytest.mark.parametrize("commit", [None, "abc123", "main"])
def test_a_report_without_a_commit_needs_one(place: Place, commit: str | None) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place, commit=commit))
    assert place.refused() == (
        "it does not say which commit of acme/tiny was evaluated. Find it at "
        "https://huggingface.co/acme/tiny/commits/main, and give it with --commit."
    )
    assert place.run("--commit", place.commit)[0] == 0
    assert place.only_result().commit == place.commit


def test_a_commit_that_does_not_exist_is_refused(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place, commit="d" * 40))
    assert f"acme/tiny has no revision {'d' * 40}" in place.refused()


def test_another_commit_than_the_reports_is_refused(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    assert place.refused("--commit", "d" * 40) == (
        f"it is of the commit {place.commit}, not of {'d' * 40} as --commit says."
    )


def test_a_report_without_a_precision_needs_one(place: Place) -> None:
    report = with_config(lm_eval(place), model_dtype=None, model_args=f"pretrained={MODEL}")
    in_lm_evals_folder(place.elsewhere, report)
    assert place.refused() == (
        "it does not say in which precision it was computed: give --precision float16, bfloat16, float32."
    )
    assert place.run("--precision", "bfloat16")[0] == 0
    assert place.only_result().precision == "bfloat16"


def test_another_precision_than_the_reports_is_refused(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    assert place.refused("--precision", "float16") == (
        "it was computed in float32, not in float16 as --precision says."
    )


@pytest.mark.parametrize("precision", ["4bit", "../../x"])
def test_a_precision_that_the_board_cannot_show_is_refused(place: Place, precision: str) -> None:
    in_lm_evals_folder(place.elsewhere, with_config(lm_eval(place), model_dtype=precision))
    assert place.refused().startswith(
        f"its precision is {precision!r}, and the board shows only float16, bfloat16, float32"
    )


def test_a_report_of_the_future_is_refused(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place), ended="2222-01-31T12-00-00.000000")
    assert place.refused().startswith("it says that it ended at 2222-01-31T12:00:00Z, which is in the future")


def test_a_delta_is_refused(place: Place) -> None:
    report = lm_eval(place)
    report["config"]["model_args"] = f"pretrained=acme/base,delta={MODEL}"
    in_lm_evals_folder(place.elsewhere, report)
    assert place.refused().startswith("it is of a delta. Add the delta to its base model")


def test_an_adapter_needs_its_base_model_at_a_commit(place: Place) -> None:
    adapter = folder_commit(make_model_folder(place.data / "models", "acme/adapter", adapts=MODEL))
    report = lm_eval(place, "acme/adapter")
    arguments = "pretrained={},peft=acme/adapter,dtype=float32"
    report = with_config(
        report, model_args=arguments.format("/home/ann/base"), peft_sha=adapter, model_sha=""
    )
    file = in_lm_evals_folder(place.elsewhere, report)
    assert place.refused() == "it is of an adapter: give its base model with --base-model org/base@commit."
    assert place.run("--base-model", MODEL)[0] == 0
    request = place.only_request()
    assert (request.model, request.commit, request.weight_type) == ("acme/adapter", adapter, "Adapter")
    assert (request.base_model, request.base_commit) == (MODEL, place.commit)
    assert place.only_result().provenance.base_commit == place.commit
    assert "ann" not in (place.data / "results" / place.only_result().path).read_text()
    written(file, with_config(report, model_args=arguments.format(MODEL), model_sha=place.commit))
    assert "already imported" in place.run()[1][0], "the report names the base model itself"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("lm_eval", "it was run with a limit of 20"),
        ("lighteval", "acme/tiny has no revision 0123456789abcdef"),
        ("open_llm_v1", "its precision is '4bit', and the board shows only float16"),
        ("old_template", "There is no model demo-leaderboard/gpt2-demo"),
    ],
)
def test_older_reports_are_understood_and_checked(place: Place, name: str, reason: str) -> None:
    golden = ROOT / "tests" / "shared" / "golden" / f"{name}.json"
    scores = read_result("", golden.read_bytes()).scores
    place.describe(replace(BOARD, tasks=tuple(make_task(task, metrics=()) for task in scores)))
    (place.elsewhere / f"results_{name}.json").write_bytes(golden.read_bytes())
    assert place.refused().startswith(reason)


# What is told, and marked on the page


def test_a_missing_and_a_foreign_task_are_told(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place, tasks={"tiny_copy": 100, "arc": 9}))
    assert place.warned() == "; it lacks tiny_addition, tiny_agreement; this board does not have arc"


def test_another_version_and_other_examples_are_told(place: Place) -> None:
    report = lm_eval(place)
    report["versions"]["tiny_copy"], report["n-shot"]["tiny_copy"] = 2.0, 3
    in_lm_evals_folder(place.elsewhere, report)
    assert place.warned() == (
        "; WARNING: tiny_copy has version 2.0, but 1.0 on the board"
        "; WARNING: tiny_copy has 3 examples before each question, but 0 on the board"
    )


def test_other_settings_are_told(place: Place) -> None:
    place.describe(replace(BOARD, settings={"seeds": [7, 8, 9, 10]}))
    report = lm_eval(place) | {"system_instruction": "Be brief."}
    in_lm_evals_folder(place.elsewhere, with_config(report, gen_kwargs={"temperature": 0.5}))
    warned = place.warned()
    assert "; WARNING: gen_kwargs is temperature=0.5, but not set on the board" in warned
    assert "; WARNING: seed is not set, but 7,8,9,10 on the board" in warned
    assert "; WARNING: system_instruction is " in warned


def test_the_settings_of_the_board_are_no_difference(place: Place) -> None:
    settings = {"seeds": [7, 8, 9, 10], "system_instruction": "Be brief.", "gen_kwargs": {"temperature": 0.5}}
    place.describe(replace(BOARD, settings=settings))
    report = lm_eval(place) | {"system_instruction": "Be brief."}
    seeds = {"random_seed": 7, "numpy_seed": 8, "torch_seed": 9, "fewshot_seed": 10}
    in_lm_evals_folder(place.elsewhere, with_config(report, gen_kwargs={"temperature": 0.5}, **seeds))
    assert place.warned() == ""


def test_another_engine_is_told(place: Place) -> None:
    in_lightevals_folder(place.elsewhere, lighteval_report(MODEL, place.commit))
    assert place.warned() == (
        "; WARNING: it is from lighteval, the board's own scores from lm_eval: a column shows it only with "
        'engine="any"'
    )


def test_an_unknown_number_of_questions_is_told(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place) | {"n-samples": {}})
    assert "; WARNING: it does not say how many questions of tiny_copy it asked" in place.warned()


def test_a_limit_of_the_board_that_the_report_lacks_is_told(place: Place) -> None:
    place.describe(replace(BOARD, limit=5.0))
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    assert place.warned() == "; WARNING: it was run without a limit, but the board has a limit of 5"


# The command


def test_a_dry_run_only_checks_and_needs_no_token(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_a_token(settings: Settings) -> str:
        raise StoreError(NO_TOKEN)

    monkeypatch.setattr("src.import_results.who_runs", without_a_token)
    assert place.files() == []
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    status = 0 if import_folders(place.settings, read_options([str(place.elsewhere), "--dry-run"])) else 1
    text = place.print()
    assert status == 0
    assert ": can be imported (acme/tiny, float32, Original, 3 of the board's tasks)." in text
    assert text.endswith("1 of 1 result file can be imported.\n1 file of samples: not imported.\n")
    assert place.files() == []


def test_what_is_refused_does_not_hold_up_the_others(place: Place) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    written(place.elsewhere / "results_broken.json", {})
    status = 0 if import_folders(place.settings, read_options([str(place.elsewhere)])) else 1
    assert status == 1
    assert "\n1 of 2 result files is imported.\n" in place.print()
    assert place.only_request().status is Status.FINISHED


def test_an_empty_folder_is_told(place: Place) -> None:
    assert place.run() == (
        1,
        ["There is no file results_*.json in these folders, so there is nothing to import."],
    )


def test_a_folder_that_is_not_there_is_told(place: Place) -> None:
    with pytest.raises(ConfigurationError, match=r"There is no folder .*nowhere"):
        place.run(folder=place.elsewhere / "nowhere")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required: FOLDER"),
        ([".", "--model", "../etc"], "'../etc' is not a model's name"),
        ([".", "--base-model", "a b@main"], "'a b' is not a model's name"),
        ([".", "--commit", "abc"], "--commit is not a whole commit: write all 40 digits"),
        ([".", "--precision", "int8"], "invalid choice: 'int8'"),
    ],
)
def test_a_command_line_that_cannot_work_is_refused(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read_options(arguments)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


# Hostile folders


def test_links_pipes_and_huge_files_are_refused_and_nothing_outside_is_read(place: Place) -> None:
    outside = in_lm_evals_folder(place.data.parent / "outside", lm_eval(place))
    (place.elsewhere / "results_link.json").symlink_to(outside)
    (place.elsewhere / "linked").symlink_to(outside.parent)
    os.mkfifo(place.elsewhere / "results_pipe.json")
    with (place.elsewhere / "results_vast.json").open("wb") as file:
        file.truncate(20_000_001)
    status, lines = place.run()
    assert status == 1
    assert lines == [
        "results_link.json: refused: it is a link: import the folder that has the file itself.",
        "results_pipe.json: refused: it is not a file.",
        "results_vast.json: refused: it has 20,000,001 bytes, and no more than 20,000,000 are read.",
    ]
    assert place.files() == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xfe{\x00}\x00", "it is UTF-16: save it as UTF-8."),
        (b'{"results": "\xe9"}', "it is not valid JSON"),
        (b"[" * 100_000, "it is not valid JSON"),
        (b"", "it is empty."),
        (b'{"results": []}', "it is not a result"),
        (
            b'{"results": {"tiny_copy": 7}, "config": {"model_name": "acme/tiny"}}',
            "it has no finite score for tiny_copy",
        ),
        (b'{"results": {"x\\u001b[2J": {"acc": 1}}, "config": {"model_name": "acme/tiny"}}', "it has none"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused(place: Place, data: bytes, reason: str) -> None:
    (place.elsewhere / "results_1.json").write_bytes(data)
    refused = place.refused()
    assert refused.startswith(reason)
    assert refused.isprintable()


def test_a_folder_that_cannot_be_read_is_told_before_anything_is_imported(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_lm_evals_folder(place.elsewhere / "open", lm_eval(place))
    in_lm_evals_folder(place.elsewhere / "shut", lm_eval(place, score=0.6))
    forbid(place.elsewhere / "shut", monkeypatch)
    with pytest.raises(ConfigurationError, match=r"shut: Permission denied\. Run the import as a"):
        place.run()
    assert place.files() == []


def test_a_file_that_disappears_meanwhile_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = in_lm_evals_folder(place.elsewhere / "gone", lm_eval(place))
    in_lm_evals_folder(place.elsewhere / "there", lm_eval(place, score=0.6))
    files = find_reports.__globals__["_files"]

    def deleting(folder: Path) -> list[Path]:
        found = list(files(folder))
        gone.unlink()
        return found

    monkeypatch.setattr("src.upkeep.found_reports._files", deleting)
    status, lines = place.run()
    assert status == 1
    assert "refused: it cannot be read: No such file or directory." in lines[0]
    assert "imported as" in lines[1]


def test_ten_thousand_files_of_samples_do_not_matter(place: Place) -> None:
    folder = in_lm_evals_folder(place.elsewhere, lm_eval(place)).parent
    for number in range(10_000):
        (folder / f"samples_{number}.jsonl").touch()
    assert place.run()[0] == 0


def test_more_results_than_one_import_takes_are_told_at_once(place: Place) -> None:
    for number in range(2_001):
        (place.elsewhere / f"results_{number}.json").touch()
    with pytest.raises(ConfigurationError, match="more than 2,000 files of results"):
        place.run()


def test_a_report_that_would_be_too_large_to_read_again_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_lm_evals_folder(place.elsewhere, lm_eval(place))
    monkeypatch.setattr("src.upkeep.importing.MAX_BYTES", 10)
    assert place.refused().endswith("bytes, and at most 10 can be read again.")


# Ten folders of both engines


class Counted(FolderStore):
    """A store that keeps what its commits say."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.messages: list[str] = []

    def commit(
        self, *, add: Mapping[str, bytes], delete: Collection[str] = (), message: str, parent: Snapshot
    ) -> None:
        self.messages.append(message)
        super().commit(add=add, delete=delete, message=message, parent=parent)


def ten_folders(place: Place) -> list[Path]:
    """Results of ten models, five of each engine."""
    found = []
    for number in range(10):
        name = f"acme/model-{number}"
        commit = folder_commit(make_model_folder(place.data / "models", name))
        folder = place.elsewhere / str(number)
        if number % 2:
            in_lightevals_folder(folder, lighteval_report(name, commit, score=number / 10))
        else:
            in_lm_evals_folder(folder, lm_eval_report(name, commit, score=number / 10))
        found.append(folder)
    return found


def test_ten_folders_of_both_engines_take_two_commits(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = ten_folders(place)
    requests, results = Counted(place.data / "requests"), Counted(place.data / "results")
    stores = replace(open_stores(place.settings), requests=requests, results=results)
    monkeypatch.setattr("src.import_results.open_stores", lambda settings, only_look: stores)
    assert import_folders(place.settings, read_options([*map(str, folders)]))
    assert (results.messages, requests.messages) == (
        ["import 10 results"],
        ["finish the requests of 10 results from elsewhere"],
    )
    assert len(data_files(place.requests)) == len(data_files(place.results)) == 10
    assert import_folders(place.settings, read_options([*map(str, folders)]))
    assert len(results.messages) == len(requests.messages) == 1


def test_commits_are_of_a_bounded_size(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = ten_folders(place)
    monkeypatch.setattr("src.upkeep.importing.MOST_FILES", 4)
    monkeypatch.setattr("src.upkeep.importing.MOST_BYTES", 1)
    requests, results = Counted(place.data / "requests"), Counted(place.data / "results")
    stores = replace(open_stores(place.settings), requests=requests, results=results)
    monkeypatch.setattr("src.import_results.open_stores", lambda settings, only_look: stores)
    assert import_folders(place.settings, read_options([*map(str, folders)]))
    assert results.messages == ["import a result"] * 10
    assert [each.partition(" of ")[2] for each in requests.messages] == [
        "4 results from elsewhere",
        "4 results from elsewhere",
        "2 results from elsewhere",
    ]


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two models, and what lm_eval's own command line writes about them: on a group and a task,
    once with two examples, and once under a limit.
    """
    data, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("out")
    write_tasks(data / "tasks")
    names = ("acme/one", "acme/two")
    for number, name in enumerate(names):
        make_tiny_model(data / "models" / name, hidden_size=16 * (number + 1))
    ways = [("first", []), ("shots", ["--num_fewshot", "2"]), ("limited", ["--limit", "5"])]
    commands = [
        [
            *("--model", "hf", "--model_args", f"pretrained={data / 'models' / name},dtype=float32"),
            *("--device", "cpu", "--batch_size", "8", "--tasks", "pair,filtered"),
            *("--include_path", str(data / "tasks"), "--output_path", str(out / way / name), *options),
            *(["--log_samples"] if way == "first" else []),
        ]
        for way, options in ways
        for name in names
    ]
    (data / "commands.json").write_text(json.dumps(commands))
    script = ROOT / "tests" / "support" / "lm_eval_commands.py"
    subprocess.run([sys.executable, script, data / "commands.json"], cwd=ROOT / "backend", check=True)
    return data, out


@pytest.mark.slow
def test_what_lm_evals_own_command_line_wrote_is_imported(computed: tuple[Path, Path], place: Place) -> None:
    data, out = computed
    (place.data / "models" / "acme" / "one").symlink_to(data / "models" / "acme" / "one")
    commit = folder_commit(data / "models" / "acme" / "one")
    pair = make_task("pair", metrics=make_task("x").metrics, questions=84, parts=("choice", "part"))
    place.describe(replace(BOARD, tasks=(pair, make_task("filtered", metrics=(), questions=42))))
    told = ("--model", "acme/one", "--commit", commit)
    status, [line] = place.run(*told, folder=out / "first" / "acme" / "one")
    assert status == 0, line
    assert line.endswith("(acme/one, float32, Original, 2 of the board's tasks).")
    result = place.only_result()
    [file] = (out / "first" / "acme" / "one").rglob("results_*.json")
    theirs = json.loads(file.read_text())["results"]
    assert result.scores["pair"]["acc,none"] == as_object(theirs["pair"])["acc,none"]
    assert {*result.scores} == {"pair", "choice", "part", "filtered"}
    assert str(data) not in (place.data / "results" / result.path).read_text()
    status, [line] = place.run(*told, folder=out / "shots" / "acme" / "one")
    assert "; WARNING: pair has 2 examples before each question, but 0 on the board" in line
    status, [line] = place.run(*told, folder=out / "limited" / "acme" / "one")
    assert (status, "it was run with a limit of 5" in line) == (1, True)
    assert len(data_files(place.results)) == 2
    assert place.only_request().result == max(data_files(place.results))


@pytest.mark.slow
def test_the_whole_command_on_a_hub(tmp_path: Path) -> None:
    """As a maintainer types it: the model, its commit and whose token it is are asked of the Hub."""
    with running_hub() as hub:
        token = hub.add_user("alice", {"acme": "write"})
        model = make_model_folder(tmp_path, MODEL)
        its = hub.add_model(MODEL, {path.name: path.read_bytes() for path in model.iterdir()})
        in_lm_evals_folder(tmp_path / "out", lm_eval_report(MODEL, its.head.id, tasks={"tiny_copy": 100}))
        done = subprocess.run(
            [sys.executable, "-m", "src.import_results", str(tmp_path / "out")],
            cwd=ROOT / "backend",
            env={
                **os.environ,
                **{"HF_ENDPOINT": hub.url, "OWNER": "acme", "HF_TOKEN": token, "TMPDIR": str(tmp_path)},
                "TASKS_HARNESS": "tiny_copy",
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Trying the suite" in done.stderr, "no worker has described the board yet"
    assert ": imported as acme/tiny/results_" in done.stdout
