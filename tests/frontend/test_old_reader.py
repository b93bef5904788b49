"""The old template's way of reading and ours agree on every score of an old leaderboard with 200 models.
Where they do not, it is one of the old template's known defects.

The old readers are written from the description of the format. The numbers are those of the defects in
test_template_defects.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from src.board.keeper import Keeper
from src.leaderboard.rows import Row
from src.shared.stores.folder_store import FolderStore
from src.tasks import Task

MODELS = 200
SEED = 20231121

TASKS = (
    Task("anli_r1", "acc", "ANLI"),
    Task("logiqa", "acc_norm", "LogiQA"),
    Task("truthfulqa_mc", "mc2", "TruthfulQA"),
)
V1_TASKS = (
    Task("arc:challenge", "acc_norm", "ARC"),
    Task("hellaswag", "acc_norm", "HellaSwag"),
    Task("hendrycksTest", "acc", "MMLU"),
    Task("truthfulqa:mc", "mc2", "TruthfulQA"),
)

Scores = dict[str, float | None]
"""By benchmark, as the page shows them."""

Object = dict[str, Any]


# The old readers


def read_as_the_template(folder: Path) -> dict[tuple[str, str], Scores]:
    """One row per model and precision: tasks and metrics by their very names, × 100; the last file counts."""
    found: dict[tuple[str, str], Scores] = {}
    for files in model_folders(folder):
        for file in files:
            report = json.loads(file.read_text())
            name, precision = report["config"]["model_name"], old_precision(report["config"])
            scores = {
                task.benchmark: score * 100
                for task in TASKS
                if (score := report["results"].get(task.benchmark, {}).get(task.metric)) is not None
            }
            found.setdefault((name, precision), {}).update(scores)
    complete = {row: scores for row, scores in found.items() if len(scores) == len(TASKS)}
    return {row: scores for row, scores in complete.items() if not any(map(is_nan, scores.values()))}


def read_as_v1(folder: Path) -> dict[tuple[str, str], Scores]:
    """Names of tasks by what they contain, the mean over all that do."""
    found = {}
    for files in model_folders(folder):
        for file in files:
            report = json.loads(file.read_text())
            config = report.get("config") or report["config_general"]
            scores: Scores = {}
            for task in V1_TASKS:
                parts = [v[task.metric] for k, v in report["results"].items() if task.benchmark in k]
                scores[task.benchmark] = sum(parts) / len(parts) * 100
            found[config["model_name"], str(config["model_dtype"]).removeprefix("torch.")] = scores
    return found


def model_folders(folder: Path) -> Iterator[list[Path]]:
    """The files of each model, the oldest first; a folder with anything but `.json` is left out."""
    for place, _, names in folder.walk() if hasattr(folder, "walk") else walked(folder):
        if names and all(name.endswith(".json") for name in names):
            yield [place / name for name in sorted(names)]


def walked(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    for place in (folder, *(each for each in folder.rglob("*") if each.is_dir())):
        yield place, [], [each.name for each in place.iterdir() if each.is_file()]


def old_precision(config: Object) -> str:
    precision = str(config.get("model_dtype")).removeprefix("torch.")
    return precision if precision in ("float16", "bfloat16") else "?"


def is_nan(value: float | None) -> bool:
    return value is not None and math.isnan(value)


# A made-up leaderboard


@dataclass
class Made:
    """A leaderboard in a folder, and for each of its rows the defects that the old reader has there."""

    folder: Path
    defects: dict[tuple[str, str], set[int]]


def name_of(number: int) -> str:
    organisation = ("acme/", "zoo/", "Some-Org_2/", "")[number % 4]
    return f"{organisation}model-{number}"


def file_name(number: int, chance: Random) -> str:
    """Both forms of names that the old backends gave."""
    day = f"2023-11-{1 + number % 28:02}"
    seconds = chance.randrange(60)
    return chance.choice(
        [f"results_{day}T18-10-{seconds:02}.json", f"results_{day} 15:46:{seconds:02}.425378.json"]
    )


def write(folder: Path, path: str, content: Object) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Old requests and results of two hundred models, as frontends, backends and hands have left them."""
    folder, chance = tmp_path_factory.mktemp("old"), Random(SEED)
    defects: dict[tuple[str, str], set[int]] = {}
    for number in range(MODELS):
        name = name_of(number)
        precision = chance.choice(["float16", "float16", "bfloat16", "float32", "4bit", "8bit"])
        known = {17} if precision not in ("float16", "bfloat16") else set()
        scores = {task.benchmark: {task.metric: round(chance.random(), 4)} for task in TASKS}
        kind = chance.choice(["whole"] * 6 + ["missing", "null", "nan", "filter", "one at a time"])
        if kind in ("missing", "null", "nan"):
            known.add(15)
            metric = scores["logiqa"]
            metric["acc_norm"] = math.nan if kind == "nan" else None  # type: ignore[assignment]
            if kind == "missing":
                del scores["logiqa"]
        if kind == "filter":
            known.add(16)
            scores = {
                task: {f"{key},none": value for key, value in each.items()} for task, each in scores.items()
            }
        config = {
            "model_dtype": f"torch.{precision}" if "float" in precision else precision,
            "model_name": name,
        }
        config["model_sha"] = f"{number:040x}"
        place = f"{name}/{file_name(number, chance)}"
        if kind == "one at a time":
            for hour, (task, score) in enumerate(scores.items()):
                later = f"{name}/results_2023-11-01T{hour:02}-00-00.json"
                write(folder / "results", later, {"config": config, "results": {task: score}})
        else:
            write(folder / "results", place, {"config": config, "results": scores})
        defects[name, precision] = known
        request = {
            "model": name,
            "base_model": "",
            "revision": "main",
            "private": False,
            "precision": precision,
            "weight_type": "Original",
            "status": chance.choice(["FINISHED", "FINISHED", "FINISHED", "FINISHED_x", "FAILED"]),
            "submitted_time": "2023-11-21T18:10:08Z",
            "model_type": chance.choice(["🟢 : pretrained", "🟢 : 🟢 : pretrained", "? : "]),
            "likes": 0,
            "params": chance.choice([0, 0.1, 7.242]),
            "license": "custom",
        }
        write(folder / "requests", f"{name}_eval_request_False_{precision}_Original.json", request)
    return Made(folder, defects)


def rows_of(folder: Path, tasks: tuple[Task, ...]) -> dict[tuple[str, str], Row]:
    keeper = Keeper(FolderStore(folder / "requests"), FolderStore(folder / "results"), tasks)
    keeper.sync()
    assert not keeper.now.problem
    assert not keeper.now.board.broken
    return {(row.model, row.precision): row for row in keeper.now.board.standings.rows}


def test_ours_and_the_old_templates_scores_are_the_same_but_for_known_defects(made: Made) -> None:
    old, ours = read_as_the_template(made.folder / "results"), rows_of(made.folder, TASKS)
    assert ours.keys() == made.defects.keys()  # the old one has none of some: 15, 16, 17
    agreed = 0
    for row, defects in made.defects.items():
        scores = dict(zip([task.benchmark for task in TASKS], ours[row].scores, strict=True))
        if not defects:
            assert scores == pytest.approx(old[row]), row
            agreed += 1
        elif defects & {15, 16}:
            assert row not in old
        elif defects == {17}:
            assert scores == pytest.approx(old[row[0], "?"])
    assert agreed > MODELS / 4
    assert {defect for known in made.defects.values() for defect in known} == {15, 16, 17}


def test_the_order_of_the_models_that_the_old_reader_shows_is_the_same(made: Made) -> None:
    old = read_as_the_template(made.folder / "results")
    averages = {row: sum(map(float, scores.values())) / len(TASKS) for row, scores in old.items()}  # type: ignore[arg-type]
    by_average = sorted(averages, key=lambda row: -averages[row])
    ours = [row.model for row in rows_of(made.folder, TASKS).values() if row.rank]
    assert [name for name in ours if name in {row[0] for row in old}] == [name for name, _ in by_average]


def test_ours_and_v1s_scores_are_the_same(tmp_path: Path) -> None:
    chance = Random(SEED)
    for number in range(50):
        keys = ["arc:challenge|25", "hellaswag|10", "truthfulqa:mc|0"]
        keys += [
            f"hendrycksTest-{subject}|5" for subject in ("abstract_algebra", "anatomy", "world_religions")
        ]
        results = {
            f"harness|{key}": {metric: chance.random() for metric in ("acc", "acc_norm", "mc2")}
            for key in keys
        }
        if number % 3 == 0:  # older files name the tasks without suite and shots
            results = {key.split("|")[1]: scores for key, scores in results.items()}
        config = {"model_name": name_of(number), "model_dtype": "torch.float16", "model_sha": "main"}
        content = {"config" if number % 2 else "config_general": config, "results": results}
        write(tmp_path / "results", f"{name_of(number)}/results_2023-08-01T00-00-00.json", content)
    (tmp_path / "requests").mkdir()
    old, ours = read_as_v1(tmp_path / "results"), rows_of(tmp_path, V1_TASKS)
    assert len(old) == len(ours) == 50
    for row, scores in old.items():
        assert dict(
            zip([task.benchmark for task in V1_TASKS], ours[row].scores, strict=True)
        ) == pytest.approx(scores)
