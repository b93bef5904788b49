"""The owner is told where about.py and what the backend says it runs do not agree."""

from dataclasses import replace
from typing import Any

import pytest

from src.leaderboard.agreement import described, differences
from src.shared.data.backend_description import BackendDescription, Metric, TaskDescription
from src.shared.version import VERSION
from src.tasks import Task
from support.boards import TASKS
from support.factories import make_backend, make_task


def told(*tasks: Task, num_fewshot: int | None = None, **backend: Any) -> tuple[str, ...]:
    return differences(tasks or TASKS, num_fewshot, make_backend(**backend))


def test_nothing_is_told_while_both_sides_say_the_same() -> None:
    assert told() == ()
    assert told(num_fewshot=0) == ()


def test_a_column_whose_task_is_not_run_is_told() -> None:
    [sentence] = told(*TASKS, Task("anli_r1", "acc", "ANLI"))
    assert sentence.startswith(
        "The column ANLI stays empty for new models: the backend does not run anli_r1. "
    )


def test_a_task_that_no_column_shows_is_told() -> None:
    [sentence] = told(*TASKS[:2])
    assert sentence.startswith("The backend evaluates tiny_copy, which no column shows.")


def test_a_part_of_a_group_may_be_a_column() -> None:
    group = make_task("mmlu", parts=("mmlu_law", "mmlu_stem"), metrics=(Metric(key="acc,none"),))
    assert told(Task("mmlu_stem", "acc", "STEM"), tasks=(group,)) == ()
    assert described(Task("mmlu_stem", "acc", "STEM"), make_backend(tasks=(group,))) == group
    assert described(Task("mmlu", "acc", "MMLU"), None) is None


@pytest.mark.parametrize(
    ("metric", "number"), [("exact_match,strict-match", 0), ("exact_match", 1), ("acc", 1)]
)
def test_a_metric_that_is_not_computed_or_not_clear_is_told(metric: str, number: int) -> None:
    keys = ("exact_match,strict-match", "exact_match,flexible-extract")
    task = make_task("gsm8k", metrics=tuple(Metric(key=key) for key in keys))
    sentences = told(Task("gsm8k", metric, "GSM8K"), tasks=(task,))
    assert len(sentences) == number
    assert all(f"gsm8k has no metric {metric}, or has it with several" in each for each in sentences)
    assert all(", ".join(keys) in each for each in sentences)


@pytest.mark.parametrize(("said", "number"), [(True, 0), (None, 0), (False, 1)])
def test_a_direction_that_lm_eval_does_not_share_is_told(said: bool | None, number: int) -> None:
    columns = (replace(TASKS[0], higher_is_better=said), *TASKS[1:])
    sentences = told(*columns)
    assert len(sentences) == number
    assert all("higher_is_better=False, but lm_eval says that higher is better" in each for each in sentences)


def test_another_number_of_examples_is_told() -> None:
    tasks = [replace(task, num_fewshot=number) for task, number in zip(ALL, (5, None, 25), strict=True)]
    [sentence] = told(num_fewshot=5, tasks=tuple(tasks))
    assert sentence.startswith("NUM_FEWSHOT in src/about.py is 5, but the backend uses 25 for tiny_copy. ")
    assert told(num_fewshot=None, tasks=tuple(tasks)) == ()


def test_a_limit_is_told() -> None:
    [sentence] = told(limit=20.0)
    assert "LIMIT is 20" in sentence


@pytest.mark.parametrize(("version", "number"), [(None, 0), (VERSION, 0), ("0.1.9", 1), ("9" * 1000, 1)])
def test_a_backend_of_another_version_is_told(version: str | None, number: int) -> None:
    sentences = told(version=version)
    assert len(sentences) == number
    assert all(f"This page is version {VERSION} of the template, and" in each for each in sentences)
    assert all(len(each) < 200 for each in sentences)


@pytest.mark.parametrize(
    ("version", "older"),
    [
        ("0.1.9", "the backend"),
        ("99.0.0", "this Space"),
        ("0.1.99", "the backend"),
        ("newest", "the backend"),
    ],
)
def test_the_older_space_is_named(version: str, older: str) -> None:
    [sentence] = told(version=version)
    assert sentence.endswith(f"Run make upgrade in your clone, and deploy {older} from it.")


def test_the_backends_own_problems_come_first() -> None:
    assert told(problems=("The task x is nowhere.",), limit=20.0)[0] == "The task x is nowhere."


ALL: tuple[TaskDescription, ...] = make_backend().tasks


def test_an_empty_description_is_no_error() -> None:
    assert len(differences(TASKS, 0, BackendDescription(tasks=()))) == 3
