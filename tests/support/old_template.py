"""How the old template's programs read the two datasets, written from the description of its format."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Object = dict[str, Any]


@dataclass
class EvalRequest:
    """What the old backend makes of each request that is open: `EvalRequest(**data)`."""

    model: str
    private: bool
    status: str
    json_filepath: str
    weight_type: str = "Original"
    model_type: str = ""
    precision: str = ""
    base_model: str | None = None
    revision: str = "main"
    submitted_time: str | None = None
    likes: int | None = 0
    params: float | None = None
    license: str | None = ""


def old_request(model: str, status: str, precision: str = "float16") -> Object:
    """A request as the old frontend writes it."""
    return {
        "model": model,
        "base_model": "",
        "revision": "main",
        "private": False,
        "precision": precision,
        "weight_type": "Original",
        "status": status,
        "submitted_time": "2023-11-21T18:10:08Z",
        "model_type": "🟢 : pretrained",
        "likes": 0,
        "params": 0,
        "license": "mit",
    }


def read_as_the_old_backend(folder: Path) -> list[EvalRequest]:
    """Every request that waits or runs; an unknown key is a TypeError, which ends the look at the queue."""
    found = []
    for file in sorted(folder.glob("**/*.json")):
        if any(part.startswith(".") for part in file.relative_to(folder).parts):
            continue
        data = json.loads(file.read_text(encoding="utf-8"))
        if data["status"] in ("PENDING", "RUNNING"):
            found.append(EvalRequest(**data, json_filepath=str(file)))
    return found


def read_queue_as_the_old_frontend(folder: Path) -> list[Object]:
    """The three tables of the queue: every file of every folder that does not begin with a dot, as JSON.

    Four of nine public descendants read so; the others look at fewer files.
    """
    found = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if ".json" in entry.name:
            found.append(json.loads(entry.read_text(encoding="utf-8")))
        elif ".md" not in entry.name:
            files = [file for file in sorted(entry.iterdir()) if not file.name.startswith(".")]
            found += [json.loads(file.read_text(encoding="utf-8")) for file in files]
    for data in found:
        data["model_name_for_query"] = data["model"]
        data["revision"] = data.get("revision", "main")
    statuses = ("PENDING", "RERUN", "RUNNING", "PENDING_NEW_EVAL")
    return [each for each in found if each["status"] in statuses or each["status"].startswith("FINISHED")]


def read_results_as_the_old_frontend(folder: Path) -> list[Object]:
    """Every report: the `.json` files of every folder that holds nothing else."""
    found = []
    for place, _, files in sorted(os.walk(folder)):
        if not files or any(not name.endswith(".json") for name in files):
            continue
        for name in sorted(files):
            report = json.loads((Path(place) / name).read_text(encoding="utf-8"))
            config = report["config"]
            organisation, _, model = str(config.get("model_name", config.get("model_args"))).rpartition("/")
            assert model
            scores = {task: dict(metrics) for task, metrics in report["results"].items()}
            found.append({"model": f"{organisation}/{model}".strip("/"), "config": config, "scores": scores})
    return found


def models_submitted_before(folder: Path) -> set[str]:
    """What the old form compares a new model with: the JSON files in the folder and one level below it."""
    found = set()
    for file in [*folder.glob("*.json"), *folder.glob("*/*.json")]:
        data = json.loads(file.read_text(encoding="utf-8"))
        if "/" in data["model"] and "submitted_time" in data:
            found.add(f"{data['model']}_{data['revision']}_{data['precision']}")
    return found


def request_of_a_result(folder: Path, model: str, precision: str) -> Object:
    """The finished request with a result's model and precision, from which the old table takes licence and
    likes.
    """
    for file in sorted(folder.glob(f"{model}_eval_request_*.json"), reverse=True):
        data: Object = json.loads(file.read_text(encoding="utf-8"))
        if data["status"] == "FINISHED" and data["precision"] == precision.split(".")[-1]:
            return {key: data[key] for key in ("model_type", "weight_type", "license", "likes", "params")}
    raise LookupError(model)
