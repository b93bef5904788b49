"""The owner's tasks: what `Tasks` in about.py says, in any of the forms it has ever had, as plain values."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

from src.shared.errors import ConfigurationError
from src.shared.json_file import as_number

FIELDS = ("benchmark", "metric", "col_name")


@dataclass(frozen=True)
class Task:
    """One column of scores: the benchmark and the metric as the result files name them, and the column's name
    on the page.

    Two things follow from the results and can be said here where that goes wrong: whether a higher score is
    better, and whether scores are fractions of 1, which are shown × 100 (rows.py has the rules). What
    guessing gets, on the scale of the results, is for the About tab, where the backend does not say it.
    """

    benchmark: str
    metric: str
    col_name: str
    higher_is_better: bool | None = None
    is_fraction: bool | None = None
    random_baseline: float | None = None


def read_num_fewshot(value: object) -> int | None:
    """The number of examples that about.py says, or None: each task's own. Raises ConfigurationError."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise ConfigurationError(
        f"NUM_FEWSHOT in src/about.py is {value!r}: write a whole number, or None for each task's own."
    )


def read_rank_mixed_scores(value: object) -> bool:
    """Whether scores that may not be comparable count for average and rank. Raises ConfigurationError."""
    if isinstance(value, bool):
        return value
    raise ConfigurationError(f"RANK_MIXED_SCORES in src/about.py is {value!r}: write True or False.")


def read_tasks(tasks: object, *, taken: Collection[str] = ()) -> tuple[Task, ...]:
    """The tasks of an Enum or a list of `Task(benchmark, metric, col_name)`, whoever's class `Task` is, or of
    plain triples.

    `taken` are names that the page's other columns have. Raises ConfigurationError.
    """
    if not isinstance(tasks, Iterable):
        raise ConfigurationError(
            f"Tasks in src/about.py is {tasks!r}: write an Enum of Task(benchmark, metric, column name)."
        )
    found: list[Task] = []
    for number, member in enumerate(tasks):
        name, value = (
            (f"Tasks.{member.name}", member.value)
            if isinstance(member, Enum)
            else (f"Tasks[{number}]", member)
        )
        task = _read_task(name, value)
        if task.col_name in taken or task.col_name in [other.col_name for other in found]:
            raise ConfigurationError(
                f"{name} in src/about.py: another column is called {task.col_name!r} too: "
                "choose another name."
            )
        found.append(task)
    if not found:
        raise ConfigurationError(
            "Tasks in src/about.py is empty: write at least one Task(benchmark, metric, column name)."
        )
    return tuple(found)


def _read_task(name: str, value: object) -> Task:
    parts = (
        value if isinstance(value, tuple | list) else tuple(getattr(value, field, None) for field in FIELDS)
    )
    if len(parts) != len(FIELDS) or not all(isinstance(part, str) and part.strip() for part in parts):
        raise ConfigurationError(
            f"{name} in src/about.py is {value!r}: write Task(benchmark, metric, column name), three texts, "
            'for example Task("anli_r1", "acc", "ANLI").'
        )
    benchmark, metric, col_name = (str(part).strip() for part in parts)
    return Task(
        benchmark,
        metric,
        col_name,
        higher_is_better=_truth(name, value, "higher_is_better"),
        is_fraction=_truth(name, value, "is_fraction"),
        random_baseline=_number(name, value, "random_baseline"),
    )


def _truth(name: str, value: object, field: str) -> bool | None:
    truth = getattr(value, field, None)
    if truth is not None and not isinstance(truth, bool):
        raise ConfigurationError(
            f"{name} in src/about.py: {field} is {truth!r}: write True or False, or leave it out."
        )
    return truth


def _number(name: str, value: object, field: str) -> float | None:
    given = getattr(value, field, None)
    number = as_number(given)
    if given is not None and number is None:
        raise ConfigurationError(
            f"{name} in src/about.py: {field} is {given!r}: write a number, or leave it out."
        )
    return number
