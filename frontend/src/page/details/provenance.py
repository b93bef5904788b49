"""Where the scores of a result come from, as far as its report says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from src.leaderboard.costs import cost_in_words, price_in_words
from src.leaderboard.marking import conditions_in_words
from src.leaderboard.rows import Row
from src.leaderboard.served import empty_answers_in_words, server_and_proof
from src.shared.data.grouping import known_commit
from src.shared.data.provenance import Cost, Imported, Served
from src.shared.data.result import Result
from src.shared.data.run_settings import CHAT, COMPLETIONS
from src.shared.times import to_text

ROUTES = {COMPLETIONS: "completions", CHAT: "chat completions"}
"""What each route of a server is called."""


class Fact(NamedTuple):
    """Something that a report says."""

    name: str
    text: str


def provenance(row: Row, result: Result) -> list[Fact]:
    """Return what is known about how a result came about."""
    setup, known = result.setup, result.provenance
    versions = dict(known.versions)
    if setup:
        versions = {setup.engine: setup.version, "transformers": setup.transformers, **versions}
    facts = {
        "Commit": known_commit(result) or "unknown",
        "Precision": result.precision,
        "Weight type": row.weight_type,
        "Base model": known.base_model and f"{known.base_model}, commit {known.base_commit or 'unknown'}",
        "Parameters": known.num_parameters and f"{known.num_parameters:,}",
        "Evaluated with": " ".join(filter(None, [result.engine, setup.version if setup else ""])),
        "Versions": ", ".join(f"{package} {version}" for package, version in versions.items() if version),
        "Imported": _imported(known.imported),
        "Began": known.started and to_text(known.started),
        "Took": known.seconds is not None and _duration(known.seconds),
        "Hardware": known.hardware or (setup and not known.served and setup.device),
        **_cost(known.cost, took=known.seconds),
        **_server(known.served),
        "Batch size": setup and not known.served and setup.batch_size,
        "Examples before each question": _per_task(result.n_shot),
        "Examples as a conversation": known.fewshot_as_multiturn is not None
        and ("yes" if known.fewshot_as_multiturn else "no"),
        "Chat template": known.chat_template_sha or ("yes" if result.use_chat_template else "no"),
        "System prompt": (setup and setup.settings.system_instruction) or known.system_instruction_sha,
        "Seeds": setup and ", ".join("none" if seed is None else str(seed) for seed in setup.seeds),
        "Further settings": conditions_in_words(result),
        "Resamples for standard errors": _resamples(result),
        "Questions": _per_task(result.n_samples),
        "Answers": known.samples and f"{known.samples.path} in {known.samples.repo or 'the results dataset'}",
        "Limit": None if result.limit is None else f"{result.limit:g}",
        "Task versions": _per_task(result.versions),
        "Task hashes": _per_task(known.task_hashes),
    }
    return [Fact(name, text) for name, text in facts.items() if text]


def _cost(cost: Cost, *, took: float | None) -> dict[str, str | None]:
    """Return what is known of the costs. Of an attempt that only took over tasks, its time is the tasks'."""
    is_attempt = cost.seconds is not None and cost.seconds != took
    return {
        "Machine": cost.hardware,
        "Price": price_in_words(cost.price),
        "From claim to end": _duration(cost.seconds) if cost.seconds is not None and is_attempt else None,
        "Cost": cost_in_words(cost),
    }


def _server(served: Served | None) -> dict[str, str | None]:
    """Return what is known of the server that answered, if one did."""
    if served is None:
        return {}
    return {
        "Served by": server_and_proof(served),
        "API": ROUTES.get(served.api or "", served.api),
        "Image": served.image,
        "Region": served.region,
        "Empty answers": empty_answers_in_words(served),
    }


def _imported(imported: Imported | None) -> str:
    """Return by whom, when and from which file a result was imported; empty if a worker published it."""
    if imported is None:
        return ""
    at = f" at {to_text(imported.at)}" if imported.at else ""
    file = f", from {imported.file}" if imported.file else ""
    return f"by {imported.by or 'a command'}{at}{file}"


def _resamples(result: Result) -> str:
    number = result.setup.settings.bootstrap_iters if result.setup else None
    return "" if number is None else f"{number:,}"


def _duration(seconds: float) -> str:
    """Return a duration in minutes, or in seconds if it is short."""
    return f"{seconds:.1f} s" if seconds < 59.95 else f"{round(seconds / 60):,} min"


def _per_task(values: Mapping[str, object]) -> str:
    """Return the value of each task, or the value alone if all have the same."""
    different = {str(value) for value in values.values()}
    if len(different) == 1 and len(values) > 1:
        return f"{different.pop()} for each task"
    return ", ".join(f"{task}: {value}" for task, value in values.items())
