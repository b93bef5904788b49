"""Checks a result file before it is imported: refuses wrong scores, and warns of differences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from src.shared.data.backend_description import BackendDescription
from src.shared.data.json_file import Object
from src.shared.data.request import ADAPTER, CLOCK_SKEW, ORIGINAL, Request, Status
from src.shared.data.result import UNKNOWN_TIME, Result
from src.shared.models.model_source import ModelSource
from src.shared.times import to_text
from src.upkeep.differences import differences
from src.upkeep.its_model import looked_up, precision_of, read_under_its_name
from src.upkeep.its_request import with_facts
from src.upkeep.its_tasks import check_questions, check_scores, task_of, tasks_in
from src.upkeep.score_scales import Scales
from src.upkeep.score_table import groups_in
from src.upkeep.stated import Refused, Stated

OF_THE_FUTURE = (
    "it says that it ended at {}, which is in the future: correct the time in the file or in its name"
)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A result file that can be imported."""

    file: Path
    report: Object
    """As the engine wrote it, without secrets."""
    result: Result
    """Its scores, under the model's name on the Hub, with its commit and precision."""
    request: Request
    """A request for the same, as the frontend writes it."""
    given_name: str
    """The name or folder by which the report names the model."""
    tasks: tuple[str, ...]
    """The board's tasks that it has scores of."""
    missing: tuple[str, ...]
    """The board's other tasks."""
    notes: tuple[str, ...]
    """Remarks, such as missing tasks."""
    warnings: tuple[str, ...]
    """Differences for which the page marks its scores."""


def check(
    file: Path,
    data: bytes,
    stated: Stated,
    board: BackendDescription,
    scales: Scales,
    models: ModelSource,
    now: datetime,
) -> Checked:
    """Return a file's contents if they can be imported. Raises Refused."""
    report, result, given_name = read_under_its_name(file.name, data, stated, models)
    tasks, notes = tasks_in(result, groups_in(report), board)
    if result.ended != UNKNOWN_TIME and result.ended - now > CLOCK_SKEW:
        raise Refused(OF_THE_FUTURE.format(to_text(result.ended)))
    check_questions(result, tasks, board, stated)
    for name, parts in tasks.items():
        check_scores(result, task_of(board, name), parts, is_same_engine=result.engine == board.engine)
    parts = [part for each in tasks.values() for part in each]
    if not stated.allow_scale:
        scales.check(result, parts)
    precision = precision_of(result, stated)
    facts, base = looked_up(report, result, stated, models)
    is_adapter = base is not None
    request = Request(
        model=facts.name,
        revision=facts.commit,
        precision=precision,
        weight_type=ADAPTER if is_adapter else ORIGINAL,
        status=Status.FINISHED,
        use_chat_template=result.use_chat_template,
    )
    if facts.name != result.model:
        notes.append(f"on the Hub it is called {facts.name} now")
    return Checked(
        file=file,
        report=report,
        result=replace(
            result,
            model=facts.name,
            commit=facts.commit,
            precision=precision,
            weight_type=request.weight_type,
        ),
        request=with_facts(request, facts, base),
        given_name=given_name,
        tasks=tuple(tasks),
        missing=tuple(task.name for task in board.tasks if task.name not in tasks),
        notes=tuple(notes),
        warnings=(*differences(result, tasks, board), *scales.doubts(result, parts)),
    )
