"""The owner's tasks: what `Task` may say (weight, direction, scale), in any form about.py has ever had."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, fields
from difflib import get_close_matches
from enum import Enum
from typing import Any

from src.shared.data.json_file import as_number
from src.shared.data.run_settings import ENGINES
from src.shared.errors import ConfigurationError

ANY_ENGINE = "any"
"""What an owner writes so that scores of all engines share a column."""

FIELDS = ("benchmark", "metric", "col_name")


@dataclass(frozen=True)
class Task:
    """One column of scores."""

    benchmark: str
    """The task, as the result files name it."""
    metric: str
    """The metric, as the result files name it."""
    col_name: str
    """The column's name on the page."""
    higher_is_better: bool | None = None
    """None means that the results decide; set it if they get it wrong (scoring.py has the rules)."""
    is_fraction: bool | None = None
    """Whether scores are fractions of 1, which are shown × 100. None means that the results decide."""
    random_baseline: float | None = None
    """The score of guessing, on the scale of the results, for the About tab and for normalised scores.
    Overrides the backend's.
    """
    weight: float = 1.0
    """How much the column counts in the average, relative to the others."""
    in_average: bool = True
    """Whether it counts in the average. A new column can wait until most models have it."""
    is_default: bool = True
    """Whether it is shown until a visitor chooses columns."""
    group: str | None = None
    """The group of tasks that it belongs to, such as "Reasoning". Each group has a column with its mean."""
    old_names: tuple[str, ...] = ()
    """Earlier names of the benchmark. Results under such a name keep their scores."""
    engine: str | None = None
    """The engine whose scores are shown, `lm_eval` or `lighteval`; `any` means all together. None means
    the backend's, or that of most scores if the backend does not run the task.
    """


OLD_FIELDS = {"weight": "num_questions", "in_average": "in_overall", "is_default": "displayed_by_default"}
"""The names of these fields in a `Task` of the old template's owners."""

KNOWN = {each.name for each in fields(Task)} | set(OLD_FIELDS.values())


def unknown_fields(tasks: object) -> tuple[str, ...]:
    """Return sentences for the owner about fields of `Tasks` that have no effect."""
    found: dict[str, str] = {}
    for name, value in _named(tasks):
        for field in sorted(_fields_of(value) - KNOWN):
            meant = get_close_matches(field, KNOWN, n=1)
            hint = f"did you mean {meant[0]}?" if meant else "remove it unless your own code reads it."
            found.setdefault(
                field, f"{name} in src/about.py has a field {field}, which has no effect: {hint}"
            )
        for field, old in OLD_FIELDS.items():
            if {field, old} <= _fields_of(value) and getattr(value, field) != getattr(value, old):
                found.setdefault(
                    old, f"{name} in src/about.py has both {field} and {old}: {field} counts. Remove {old}."
                )
    return tuple(found.values())


def read_num_fewshot(value: object) -> int | None:
    """Read the number of examples in about.py; None means each task's own. Raises ConfigurationError."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise ConfigurationError(
        f"NUM_FEWSHOT in src/about.py is {value!r}: write a whole number, or None for each task's own."
    )


def read_rank_mixed_scores(value: object) -> bool:
    """Read whether marked scores count for average and rank. Raises ConfigurationError."""
    if isinstance(value, bool):
        return value
    raise ConfigurationError(f"RANK_MIXED_SCORES in src/about.py is {value!r}: write True or False.")


def read_tasks(tasks: object, *, taken: Collection[str] = ()) -> tuple[Task, ...]:
    """Read the tasks of an Enum or a list, each a `Task` of any class or a plain triple.

    `taken` are the names of the page's other columns. Raises ConfigurationError.
    """
    if not isinstance(tasks, Iterable):
        raise ConfigurationError(
            f"Tasks in src/about.py is {tasks!r}: write an Enum of Task(benchmark, metric, column name)."
        )
    found: list[Task] = []
    for name, value in _named(tasks):
        task = _read_task(name, value)
        if task.col_name in taken or task.col_name in [other.col_name for other in found]:
            raise ConfigurationError(
                f"{name} in src/about.py: another column is already called {task.col_name!r}: "
                "choose another name."
            )
        found.append(task)
    for task in found:
        if task.group in (*taken, *(other.col_name for other in found)):
            raise ConfigurationError(
                f"Tasks in src/about.py: the group {task.group!r} is called like a column: choose "
                "another name."
            )
    if not found:
        raise ConfigurationError(
            "Tasks in src/about.py is empty: write at least one Task(benchmark, metric, column name)."
        )
    if not any(task.in_average for task in found):
        raise ConfigurationError(
            "Tasks in src/about.py: no column is in the average, so nothing could be ranked. Leave "
            "in_average=False out of at least one."
        )
    return tuple(found)


def _named(tasks: object) -> Iterator[tuple[str, object]]:
    """Yield each task as about.py has it, with its name for messages."""
    for number, member in enumerate(tasks if isinstance(tasks, Iterable) else ()):
        if isinstance(member, Enum):
            yield f"Tasks.{member.name}", member.value
        else:
            yield f"Tasks[{number}]", member


def _fields_of(value: object) -> set[str]:
    """Return the names of an object's fields, whatever its class."""
    if _is_plain(value):
        return set()
    names = getattr(value, "_fields", None) or getattr(value, "__dict__", None)
    if names is None:  # a class with slots
        names = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return {name for name in names if not name.startswith("_")}


def _is_plain(value: object) -> bool:
    return isinstance(value, tuple | list | str) and not hasattr(value, "_fields")


def _read_task(name: str, value: object) -> Task:
    parts = tuple(getattr(value, field, None) for field in FIELDS)
    if _is_plain(value):
        parts = tuple(value) if isinstance(value, tuple | list) else (value,)
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
        weight=_weight(name, value),
        in_average=_truth(name, value, "in_average") is not False,
        is_default=_truth(name, value, "is_default") is not False,
        group=_group(name, value),
        old_names=_old_names(name, value),
        engine=_engine(name, value),
    )


def _given(value: object, field: str) -> tuple[str, object]:
    """What a field says, or the one that the old template's owners had in its place; and its name there."""
    old = OLD_FIELDS.get(field, field)
    written = field if hasattr(value, field) or not hasattr(value, old) else old
    return written, getattr(value, written, None)


def _weight(name: str, value: object) -> float:
    weight = _number(name, value, "weight")
    if weight is not None and weight <= 0:
        field, _ = _given(value, "weight")
        flag = "in_average" if field == "weight" else OLD_FIELDS["in_average"]
        raise ConfigurationError(
            f"{name} in src/about.py: {field} is {weight:g}: write a number above 0, or {flag}=False for "
            "a column that does not count."
        )
    return 1.0 if weight is None else weight


def _group(name: str, value: object) -> str | None:
    given = getattr(value, "group", None)
    if given is None:
        return None
    if not isinstance(given, str) or not given.strip():
        raise ConfigurationError(
            f"{name} in src/about.py: group is {given!r}: write the group's name, or leave it out."
        )
    return given.strip()


def _old_names(name: str, value: object) -> tuple[str, ...]:
    given = getattr(value, "old_names", None) or ()
    names: Any = (given,) if isinstance(given, str) else given
    if not isinstance(names, tuple | list) or not all(
        isinstance(each, str) and each.strip() for each in names
    ):
        raise ConfigurationError(
            f"{name} in src/about.py: old_names is {given!r}: write the names that the benchmark "
            'had, for example old_names=("anli",).'
        )
    return tuple(each.strip() for each in names)


def _engine(name: str, value: object) -> str | None:
    given = getattr(value, "engine", None)
    if given is None:
        return None
    if not isinstance(given, str) or given not in (*ENGINES, ANY_ENGINE):
        raise ConfigurationError(
            f"{name} in src/about.py: engine is {given!r}: write {' or '.join(map(repr, ENGINES))} for the "
            f"scores of one engine, {ANY_ENGINE!r} for all in one column, or leave it out."
        )
    return given


def _truth(name: str, value: object, field: str) -> bool | None:
    field, truth = _given(value, field)
    if truth is not None and not isinstance(truth, bool):
        raise ConfigurationError(
            f"{name} in src/about.py: {field} is {truth!r}: write True or False, or leave it out."
        )
    return truth


def _number(name: str, value: object, field: str) -> float | None:
    field, given = _given(value, field)
    number = as_number(given)
    if given is not None and number is None:
        raise ConfigurationError(
            f"{name} in src/about.py: {field} is {given!r}: write a number, or leave it out."
        )
    return number
