"""Finds the differences between a report from elsewhere and the board for which the page marks scores."""

from __future__ import annotations

from collections.abc import Iterator

from src.shared.data.backend_description import BackendDescription
from src.shared.data.json_file import Object
from src.shared.data.result import Result
from src.shared.data.run_settings import (
    LM_EVAL,
    RunConditions,
    conditions_of_lighteval,
    conditions_of_lm_eval,
)
from src.upkeep.its_tasks import Tasks, asked_in, task_of


def differences(result: Result, tasks: Tasks, board: BackendDescription) -> Iterator[str]:
    """Yield the differences between a report and the board for which the page marks scores."""
    is_same_engine = result.engine == board.engine
    if not is_same_engine:
        yield (
            f"it is from {result.engine or 'an unknown engine'}, the board's own scores from {board.engine}: "
            'a column shows it only with engine="any"'
        )
    if board.limit is not None and result.limit is None:
        yield f"it was run without a limit, but the board has a limit of {board.limit:g}"
    for name, parts in tasks.items():
        task = task_of(board, name)
        if task.questions is not None and asked_in(result, parts) is None:
            yield f"it does not say how many questions of {name} it asked"
        versions = {version for part in parts if (version := result.versions.get(part))}
        if is_same_engine and task.version and versions - {task.version}:
            yield f"{name} has version {', '.join(sorted(versions))}, but {task.version} on the board"
        shots = {number for part in parts if (number := result.n_shot.get(part)) is not None}
        if task.num_fewshot is not None and shots - {task.num_fewshot}:
            given = ", ".join(map(str, sorted(shots)))
            yield f"{name} has {given} examples before each question, but {task.num_fewshot} on the board"
    if is_same_engine and result.conditions is not None:
        yield from _other_settings(result, board)


def _other_settings(result: Result, board: BackendDescription) -> Iterator[str]:
    usual = _conditions(board, in_chat=result.use_chat_template)
    assert result.conditions
    own, others = _by_name(result.conditions), _by_name(usual)
    for name in sorted(own.keys() | others.keys()):
        if own.get(name) != others.get(name):
            yield f"{name} is {own.get(name, 'not set')}, but {others.get(name, 'not set')} on the board"


def _conditions(board: BackendDescription, *, in_chat: bool) -> RunConditions:
    """Return the settings that the board's own results have."""
    if board.engine != LM_EVAL:
        return conditions_of_lighteval({}, {"settings": board.settings})
    instruction = board.settings.get("system_instruction")
    ours: Object = {"settings": dict(board.settings)}
    report = {"system_instruction": instruction}
    return conditions_of_lm_eval(report, config={}, model_args={}, ours=ours, in_chat=in_chat)


def _by_name(conditions: RunConditions) -> dict[str, str]:
    return dict([*conditions.always, *(conditions.in_chat or ())])
