"""The guide docs/moving-over.md step by step on a Hub, with a stop half-way and the way back."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import pytest

from local_leaderboard import ROOT, Space, running
from support.hub_process import RemoteHub, hub_process
from support.leaderboard import BACKEND_PYTHON, FRONTEND_PYTHON, QUICK, on_the_hub
from support.old_envs import with_old_envs
from support.old_template import (
    models_submitted_before,
    old_request,
    read_as_the_old_backend,
    read_queue_as_the_old_frontend,
    read_results_as_the_old_frontend,
    request_of_a_result,
)
from visitor import NoResult, Visitor

GUIDE = (ROOT / "docs" / "moving-over.md").read_text(encoding="utf-8")
MODELS = 40
TASKS = {"tiny_addition": "acc", "tiny_agreement": "acc", "tiny_copy": "exact_match"}
OWN_TASKS = "tiny_addition, tiny_copy, tiny_agreement"
"""The old leaderboard's: the shipped ones in another order, so the backend takes them for the owner's."""

PATIENCE_SECONDS = 600


def old_result(model: str, number: int) -> dict[str, Any]:
    config = {"model_dtype": "torch.float16", "model_name": model, "model_sha": f"{number:040x}"}
    scores = {task: {metric: number / MODELS} for task, metric in TASKS.items()}
    return {"config": config, "results": scores}


@contextmanager
def old_leaderboard(models: Path) -> Iterator[tuple[RemoteHub, str]]:
    """A Hub with the datasets of an old leaderboard: finished requests, one that waits, one that ran."""
    requests, results = {"README.md": "# Requests"}, {"README.md": "# Results"}
    for number in range(MODELS):
        model = f"org-{number % 3}/model-{number}"
        path = f"{model}_eval_request_False_float16_Original.json"
        requests[path] = json.dumps(old_request(model, "FINISHED"))
        results[f"{model}/results_2023-11-22 15:46:20.425378.json"] = json.dumps(old_result(model, number))
    for model, status in {"demo/second": "PENDING", "demo/third": "RUNNING"}.items():
        path = f"{model}_eval_request_False_float32_Original.json"
        requests[path] = json.dumps(old_request(model, status, "float32"))
    with hub_process(FRONTEND_PYTHON) as hub:
        token = hub.do("add_user", name="alice", organizations={"acme": "admin"})
        for name, files in {"requests": requests, "results": results}.items():
            hub.do("add_repository", type="dataset", id=f"acme/{name}", files=files)
        for folder in sorted(each for each in models.glob("*/*") if each.is_dir()):
            name = folder.relative_to(models).as_posix()
            hub.do("add_repository", type="model", id=name, folder=str(folder))
        yield hub, token


def downloaded(hub: RemoteHub, name: str, folder: Path) -> Path:
    """A dataset as the old programs download it before each look: all of its files."""
    address = f"{hub.url}/api/datasets/acme/{name}/tree/main?recursive=true"
    with urllib.request.urlopen(address) as answer:
        entries = json.load(answer)
    for entry in entries:
        if entry["type"] == "file":
            place = folder / name / entry["path"]
            place.parent.mkdir(parents=True, exist_ok=True)
            where = f"{hub.url}/datasets/acme/{name}/resolve/main/{quote(entry['path'])}"
            with urllib.request.urlopen(where) as answer:
                place.write_bytes(answer.read())
    return folder / name


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.3)


def run_the_guides_command(variables: dict[str, str], *options: str) -> str:
    """What the guide says to run in the backend's folder."""
    commands = re.findall(r"python (-m src\.\w+)((?: --[a-z-]+)?)$", GUIDE, re.MULTILINE)
    assert commands == [("-m src.for_old_template", " --dry-run"), ("-m src.for_old_template", "")]
    done = subprocess.run(
        [BACKEND_PYTHON, *commands[0][0].split(), *options],
        cwd=ROOT / "backend",
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def status_of(visitor: Visitor, model: str) -> str:
    return next(each["status"] for each in visitor.queue() if each["model"] == model)


def models_by_rank(visitor: Visitor) -> list[str]:
    return [row["Model"] for row in visitor.table() if row["Model"].startswith("org-")]


@pytest.mark.slow
def test_an_old_leaderboard_moves_over_stops_half_way_and_goes_back(models: Path, tmp_path: Path) -> None:
    with old_leaderboard(models) as (hub, token):
        variables = on_the_hub(hub, token)
        settings = variables | QUICK
        backend = settings | {"TASKS_HARNESS": OWN_TASKS}
        in_order = [f"org-{number % 3}/model-{number}" for number in reversed(range(MODELS))]

        with running(tmp_path / "frontend", ("frontend",), **settings) as spaces:
            visitor = Visitor(spaces["frontend"].url)

            # Half-way: the frontend alone shows the table, and takes nothing.
            wait_until(lambda: len(visitor.table()) == MODELS, "the old results are not shown")
            assert models_by_rank(visitor) == in_order
            with pytest.raises(NoResult, match="when the owner has started the new backend"):
                visitor.submit("demo/adder-novice", precision="float32")

            # The steps: the backend evaluates what the old frontend took, and submissions open.
            with running(tmp_path / "backend", ("backend",), **backend):
                visitor.wait_for(["demo/second", "demo/third"], seconds=PATIENCE_SECONDS)
            assert set(models_by_rank(visitor)) == set(in_order)

            # Half-way again: the new backend is stopped, and submissions wait.
            visitor.submit("demo/adder-novice", precision="float32")
            before = tmp_path / "before"
            assert len(read_queue_as_the_old_frontend(downloaded(hub, "requests", before))) == MODELS + 3
            results = read_results_as_the_old_frontend(downloaded(hub, "results", before))
            assert len(results) == MODELS + 2
            for each in results:
                assert request_of_a_result(
                    before / "requests", each["config"]["model_name"], each["config"]["model_dtype"]
                )
            assert len(models_submitted_before(before / "requests")) == MODELS + 3
            with pytest.raises(TypeError):
                read_as_the_old_backend(before / "requests")

            # Back: a dry run, the command, and the old backend reads every request that is open.
            assert "1 open requests in acme/requests would lose" in run_the_guides_command(
                variables, "--dry-run"
            )
            assert "1 open requests in acme/requests lost" in run_the_guides_command(variables)
            after = downloaded(hub, "requests", tmp_path / "after")
            [waiting] = read_as_the_old_backend(after)
            assert (waiting.model, waiting.status) == ("demo/adder-novice", "PENDING")
            assert len(read_queue_as_the_old_frontend(after)) == MODELS + 3
            wait_until(lambda: is_closed(visitor), "the frontend still takes submissions")

            # And here again: what was given back is evaluated, and submissions open.
            with running(tmp_path / "again", ("backend",), **backend):
                visitor.wait_for(["demo/adder-novice"], seconds=PATIENCE_SECONDS)
            assert status_of(visitor, "demo/second") == "FINISHED"
            visitor.submit("demo/second", precision="bfloat16")


def is_closed(visitor: Visitor) -> bool:
    """Whether the frontend has seen that no backend of ours is there."""
    try:
        visitor.submit("demo/nothing", precision="float32")
    except NoResult as refusal:
        return "when the owner has started the new backend" in str(refusal)
    return False


OLD_ABOUT = '''
from dataclasses import dataclass
from enum import Enum

@dataclass
class Task:
    benchmark: str
    metric: str
    col_name: str
    num_questions: int
    in_overall: bool = True
    displayed_by_default: bool = True

class Tasks(Enum):
    task0 = Task("tiny_addition", "acc", "Addition", 1000)
    task1 = Task("tiny_agreement", "acc", "Agreement", 651, displayed_by_default=False)
    task2 = Task("tiny_copy", "exact_match", "Copying", 940, in_overall=False)

TITLE = """<h1>Our old board</h1>"""
INTRODUCTION_TEXT = """Welcome"""
LLM_BENCHMARKS_TEXT = f"""How it works"""
EVALUATION_QUEUE_TEXT = """Before you submit"""
CITATION_BUTTON_LABEL = "Cite"
CITATION_BUTTON_TEXT = r"""@misc{ours}"""
'''
WEIGHTS = {"tiny_addition": 1000, "tiny_agreement": 651}
MANY = 300


def old_board_of_many(folder: Path) -> list[str]:
    """The files of an old leaderboard of 300 models, and their order on it: by its weighted average."""
    chance = Random(MANY)
    averages = {}
    for number in range(MANY):
        model = f"org-{number % 7}/model-{number}"
        scores = {task: {metric: chance.random()} for task, metric in TASKS.items()}
        averages[model] = sum(scores[task][TASKS[task]] * weight for task, weight in WEIGHTS.items())
        result = {**old_result(model, number), "results": scores}
        for dataset, path, content in (
            ("requests", f"{model}_eval_request_False_float16_Original.json", old_request(model, "FINISHED")),
            ("results", f"{model}/results_2023-11-22T15-46-20.json", result),
        ):
            file = folder / dataset / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(content))
    return sorted(averages, key=lambda model: -averages[model])


def shown_at_first(frontend: Space) -> set[str]:
    """The columns of the table that are shown until a visitor chooses others."""
    with urllib.request.urlopen(f"{frontend.url}/config") as answer:
        parts = [part["props"] for part in json.load(answer)["components"]]
    [chosen] = [part["value"] for part in parts if part.get("label") == "Columns"]
    return set(chosen)


@pytest.mark.slow
def test_a_board_of_300_models_with_its_old_files_pasted_in_keeps_its_order_and_its_columns(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    in_order = old_board_of_many(data)
    before = shutil.copytree(data, tmp_path / "before")
    with_old_envs(ROOT / "backend", tmp_path).rename(tmp_path / "backend")
    with_old_envs(ROOT / "frontend", tmp_path).rename(tmp_path / "frontend")
    (tmp_path / "frontend" / "src" / "about.py").write_text(OLD_ABOUT)
    settings = QUICK | {"HF_HUB_OFFLINE": "1"}
    with running(data, ("backend",), root=tmp_path, TASKS_HARNESS=OWN_TASKS, **settings):
        wait_until((data / "results/.leaderboard/backend.yaml").exists, "the backend says nothing")
        with running(data, ("frontend",), root=tmp_path, **settings) as spaces:
            visitor = Visitor(spaces["frontend"].url)
            wait_until(lambda: len(visitor.table()) == MANY, "the old results are not shown")
            assert models_by_rank(visitor) == in_order
            assert {"Addition", "Copying"} <= shown_at_first(spaces["frontend"])
            assert "Agreement" not in shown_at_first(spaces["frontend"])
    after = {file: (data / file).read_bytes() for file in files_below(before)}
    assert after == {file: (before / file).read_bytes() for file in files_below(before)}


def files_below(folder: Path) -> list[Path]:
    return [file.relative_to(folder) for file in folder.rglob("*") if file.is_file()]


@pytest.mark.slow
def test_the_shipped_tasks_are_not_run_on_an_old_leaderboard(tmp_path: Path) -> None:
    """Whoever forgets step 2 reads on the backend's page what is missing, and nothing is evaluated."""
    request = json.dumps(old_request("demo/second", "PENDING"))
    with hub_process(FRONTEND_PYTHON) as hub:
        token = hub.do("add_user", name="alice", organizations={"acme": "admin"})
        for name, files in {"requests": {"demo/x.json": request}, "results": {"README.md": "#"}}.items():
            hub.do("add_repository", type="dataset", id=f"acme/{name}", files=files)
        settings = on_the_hub(hub, token) | QUICK
        with running(tmp_path, ("backend",), **settings) as spaces:
            log = spaces["backend"].log
            wait_until(lambda: "Set TASKS_HARNESS in src/envs.py" in log.read_text(), "it says nothing")
        folder = downloaded(hub, "requests", tmp_path / "after")
        assert (folder / "demo" / "x.json").read_text() == request
        assert len(read_as_the_old_backend(folder)) == 1
