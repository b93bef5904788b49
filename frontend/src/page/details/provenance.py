"""Where the scores of a result come from, as far as its report says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from src.leaderboard.rows import Row
from src.shared.data.result import Result


class Fact(NamedTuple):
    """Something that a report says."""

    name: str
    text: str


def provenance(row: Row, result: Result) -> list[Fact]:
    """Return what is known about how a result came about."""
    setup = result.setup
    facts = {
        "Commit": result.commit or row.commit or "",
        "Precision": result.precision,
        "Weight type": row.weight_type,
        "Evaluated with": result.engine or "",
        "lm_eval": setup.lm_eval if setup else "",
        "transformers": setup.transformers if setup else "",
        "Examples before each question": _per_task(result.n_shot),
        "Task versions": _per_task(result.versions),
        "Questions": _per_task(result.n_samples),
        "Limit": "" if result.limit is None else f"{result.limit:g}",
        "Chat template": "yes" if result.use_chat_template else "no",
        "Batch size": setup.batch_size if setup else "",
        "Device": setup.device if setup else "",
        "Seeds": ", ".join("none" if seed is None else str(seed) for seed in setup.seeds) if setup else "",
    }
    return [Fact(name, text) for name, text in facts.items() if text]


def _per_task(values: Mapping[str, object]) -> str:
    """Return the value of each task, or the value alone if all have the same."""
    different = {str(value) for value in values.values()}
    if len(different) == 1 and len(values) > 1:
        return f"{different.pop()} for each task"
    return ", ".join(f"{task}: {value}" for task, value in values.items())
