"""Tasks of an owner's own, written into a folder and tried, and the problems that their trial finds."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from lm_eval.tasks import TaskManager
from pydantic import TypeAdapter

from src.evaluation.lm_eval.trial.trial import try_suite
from src.running.job import Trial
from src.running.suite import Suite, read_tasks
from src.suite.trial import trial_from

CAPITALS: dict[str, Any] = {
    "task": "capitals",
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"test": "tasks/capitals.jsonl"}},
    "test_split": "test",
    "output_type": "multiple_choice",
    "num_fewshot": 0,
    "doc_to_text": "The capital of {{country}} is",
    "doc_to_choice": "choices",
    "doc_to_target": "answer",
    "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    "metadata": {"version": 1.0},
}
WRITTEN: dict[str, Any] = {
    **{key: value for key, value in CAPITALS.items() if key != "doc_to_choice"},
    "output_type": "generate_until",
    "doc_to_target": "{{choices[answer]}}",
    "generation_kwargs": {"until": ["\n"], "max_gen_toks": 8, "do_sample": False},
    "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
}
ROWS: list[dict[str, Any]] = [
    {"country": f"Land {number}", "choices": ["Lyon.", "Paris."], "answer": number % 2}
    for number in range(10)
]
ON_ONE_ROW = """
def text(doc):
    assert doc["country"] != "Land 7", "too short"
    return doc["country"]

def target(doc):
    return None if doc["country"] == "Land 7" else "Lyon."

def targets(doc):
    return ["Lyon."] if doc["country"] == "Land 7" else "Lyon."

def score(doc, results):
    return {"exact_match": 1 / abs(int(doc["country"][5:]) - 7)}

def picked(dataset):
    return dataset.map(lambda row: {"gold": row["choices"][row["answer"]]})

def kept(dataset):
    return dataset.filter(lambda row: row["country"] != "Land 2").map(lambda row: {"gold": row["answer"]})

def listed(dataset):
    return list(dataset)

def nothing(dataset):
    dataset.map(lambda row: row)

def empty(doc):
    return None
"""


def write(own: Path, config: object = CAPITALS, rows: object = ROWS, *, name: str = "capitals") -> None:
    """Write a task and its questions; what is text already is written as it is."""
    text = config if isinstance(config, str) else yaml.safe_dump(config, sort_keys=False)
    (own / f"{name}.yaml").write_text(text)
    lines = rows if isinstance(rows, str) else "".join(f"{json.dumps(row)}\n" for row in rows)  # type: ignore[attr-defined]
    (own / f"{name}.jsonl").write_text(lines)


def tried(tasks: str = "capitals", **settings: object) -> Trial:
    named = read_tasks(tasks)
    suite = Suite(tasks=named.names, tasks_dir="tasks", fewshot_by_task=named.fewshot_by_task)
    trial = try_suite(replace(suite, **settings), lambda _: None)  # type: ignore[arg-type]
    assert (
        trial_from(TypeAdapter(Trial).dump_python(trial, mode="json")) == trial
    )  # the worker gets all of it
    return trial


def only_problem(tasks: str = "capitals", **settings: object) -> str:
    outcome = tried(tasks, **settings)
    assert outcome.unanswered == ()
    [sentence] = outcome.description.problems
    return sentence


def line_of(own: Path, text: str, file: str = "capitals.yaml") -> int:
    lines = (own / file).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def with_row(number: int, **changes: object) -> list[dict[str, Any]]:
    """The rows, of which one (they count from 1, as lines do) is changed; None takes a field out."""
    changed = {**ROWS[number - 1], **changes}
    changed = {key: value for key, value in changed.items() if value is not None}
    return [*ROWS[: number - 1], changed, *ROWS[number:]]


def write_with_code(own: Path, code: str, config: dict[str, Any], rows: object = ROWS) -> None:
    """Write a task with Python beside it, of which `!function …` names functions."""
    (own / "code.py").write_text(code)
    text = yaml.safe_dump(config, sort_keys=False)
    write(own, re.sub(r"'(!function [\w.]+)'", r"\1", text), rows)


def without_the_collection(init: Any) -> Any:
    """A TaskManager that may not read lm_eval's whole collection, which takes a minute on a slow disk."""

    def quick(self: TaskManager, *args: Any, include_defaults: bool = True, **settings: Any) -> None:
        assert not include_defaults, "the whole collection was read"
        init(self, *args, include_defaults=include_defaults, **settings)

    return quick
