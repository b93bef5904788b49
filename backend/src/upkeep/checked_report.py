"""Checks one result file before it is imported: what would be wrong is refused, what differs is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from huggingface_hub import constants

from src.shared.data.backend_description import BackendDescription, TaskDescription
from src.shared.data.benchmark import AVERAGE, metric_key
from src.shared.data.json_file import as_object, as_text, read_object
from src.shared.data.model_name import is_model_name, model_name
from src.shared.data.precision import PRECISIONS, UNKNOWN
from src.shared.data.provenance import COMMIT
from src.shared.data.reports import read_result
from src.shared.data.request import ADAPTER, CLOCK_SKEW, DELTA, NO_DELTAS, ORIGINAL, Request, Status
from src.shared.data.result import UNKNOWN_TIME, Result
from src.shared.data.run_settings import (
    LM_EVAL,
    RunConditions,
    arguments,
    conditions_of_lighteval,
    conditions_of_lm_eval,
)
from src.shared.errors import (
    BadFile,
    CannotBeEvaluated,
    LeaderboardError,
    ModelError,
    ModelNotFound,
    RevisionNotFound,
    shown,
)
from src.shared.models.model_source import ModelFacts, ModelSource
from src.shared.times import to_text
from src.upkeep.cleaned_report import without_secrets
from src.upkeep.its_request import with_facts
from src.upkeep.score_table import Groups, groups_in, parts_of

Object = Mapping[str, object]

ALL = "all"
"""lighteval's mean over all its tasks."""

MOST_NAMED = 5

NO_COMMIT = (
    "it does not say which commit of {model} was evaluated. Find it at {endpoint}/{model}/commits/main, and "
    "give it with --commit"
)
NO_PRECISION = "it does not say in which precision: give --precision {}"
NOT_A_PRECISION = "its precision is {}, and only {} can be shown: it cannot be imported"
OTHER_MODEL = "it is of {}, and not of {} as --model says"
OTHER_COMMIT = "it is of the commit {}, and not of {} as --commit says"
OTHER_PRECISION = "it was computed in {}, and not in {} as --precision says"
NO_BASE = "it is of an adapter: give its base model with --base-model org/base@commit"
NO_TASK = "it has none of this board's tasks ({}), but {}"
LIMITED = "it was run with a limit of {:g}, so it has only some of the questions: give --allow-limit"
NOT_ALL = "it asked {:,} questions of {}, and the board asks {:,}"
NO_SCORE = "it has no finite score {} of {}"
OF_THE_FUTURE = (
    "it says that it ended at {}, which is in the future: correct the time in its name or its file"
)
PERHAPS_A_FOLDER = "If that is a folder of the machine that evaluated it, give --model and --commit."


class Refused(LeaderboardError):
    """A file is not imported; the message is the reason, as the end of a sentence."""


@dataclass(frozen=True)
class Told:
    """What the person who imports says about all the files, because they do not say it themselves."""

    model: str = ""
    commit: str = ""
    precision: str = ""
    base_model: str = ""
    base_revision: str = "main"
    allow_limit: bool = False


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A result file that can be imported."""

    file: Path
    report: Object
    """As the engine wrote it, without secrets."""
    result: Result
    """What it says, under the model's name on the Hub, with its commit and precision."""
    request: Request
    """A request for the same, as the frontend writes it."""
    given_name: str
    """The name or folder by which the report names the model."""
    tasks: tuple[str, ...]
    """The board's tasks that it has scores of."""
    missing: tuple[str, ...]
    """The board's other tasks."""
    notes: tuple[str, ...]
    """What is worth knowing, such as missing tasks."""
    warnings: tuple[str, ...]
    """Differences for which the page marks its scores."""


def check(
    file: Path, data: bytes, told: Told, board: BackendDescription, models: ModelSource, now: datetime
) -> Checked:
    """Return a file's contents if they can be imported. Raises Refused."""
    report, result, given_name = _read(file, data, told, models)
    tasks, notes = _tasks(result, groups_in(report), board)
    if result.ended != UNKNOWN_TIME and result.ended - now > CLOCK_SKEW:
        raise Refused(OF_THE_FUTURE.format(to_text(result.ended)))
    _check_questions(result, tasks, board, told)
    for name, parts in tasks.items():
        _check_scores(result, _task(board, name), parts, is_same_engine=result.engine == board.engine)
    precision = _precision(result, told)
    facts, base = _looked_up(report, result, told, models)
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
        warnings=tuple(_differences(result, tasks, board)),
    )


def _read(file: Path, data: bytes, told: Told, models: ModelSource) -> tuple[Object, Result, str]:
    """Return a report, what it says, and how it names its model. `--model` names it in its place."""
    try:
        report = without_secrets(read_object(data))
        named = _named(report)
        if not told.model:
            _check_name(report, named)
            return report, read_result(file.name, json.dumps(report).encode()), named
        renamed = {**report, "config": {**as_object(report.get("config")), "model_name": told.model}}
        result = read_result(file.name, json.dumps(renamed).encode())
    except BadFile as error:
        raise Refused(str(error)) from None
    other = _on_the_hub(named, models)
    if other and told.model.casefold() not in (named.casefold(), other.casefold()):
        raise Refused(OTHER_MODEL.format(other, told.model))
    return report, result, named


def _check_name(report: Object, named: str) -> None:
    """Refuse a report that names no model, or a folder: only a person knows which model that is."""
    if isinstance(report.get("results"), dict) and not is_model_name(model_name(named)):
        name = shown(named) if named else "nothing"
        raise Refused(f"it names {name} as its model: give --model org/name and --commit")


def _named(report: Object) -> str:
    """Return how a report names its model, which may be a folder; empty if it does not."""
    config = {**as_object(report.get("config_general")), **as_object(report.get("config"))}
    given = arguments(config.get("model_args"))
    names = (
        config.get("model_name"),
        given.get("peft"),
        as_object(config.get("model_config")).get("model_name"),
        report.get("model_name"),
        given.get("pretrained"),
    )
    return next((name for each in names if (name := as_text(each).strip())), "")


def _on_the_hub(name: str, models: ModelSource) -> str | None:
    """Return what a model is called now if there is one of this name, which a folder may have by chance.

    Raises Refused if nobody can say.
    """
    try:
        return models.describe(name, "main").name
    except ModelNotFound:
        return None
    except (RevisionNotFound, CannotBeEvaluated):
        return name
    except ModelError as error:
        raise Refused(str(error)) from None


# The tasks


def _tasks(
    result: Result, groups: Groups, board: BackendDescription
) -> tuple[dict[str, list[str]], list[str]]:
    """Return the board's tasks in a report, each with the scores that it means, and what else to tell."""
    found = {task.name: parts_of(task.name, result, groups) for task in board.tasks}
    tasks = {name: parts for name, parts in found.items() if parts}
    known = {*tasks, *(part for parts in tasks.values() for part in parts), ALL}
    known |= {part for task in board.tasks if task.name in tasks for part in task.parts}
    foreign = [task for task in result.scores if task not in known and AVERAGE not in task]
    if not tasks:
        names = [task.name for task in board.tasks]
        raise Refused(NO_TASK.format(_listed(names), _listed(foreign) or "no task at all"))
    missing = [name for name, parts in found.items() if not parts]
    notes = [f"it lacks {_listed(missing)}"] if missing else []
    return tasks, [*notes, *([f"{_listed(foreign)} is not of this board"] if foreign else [])]


def _listed(names: list[str]) -> str:
    """Return names in a sentence, not too many, and as they can be shown."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(name if name.isprintable() else shown(name) for name in names[:MOST_NAMED]) + more


def _task(board: BackendDescription, name: str) -> TaskDescription:
    return next(task for task in board.tasks if task.name == name)


def _check_questions(
    result: Result, tasks: Mapping[str, list[str]], board: BackendDescription, told: Told
) -> None:
    """Refuse a report that asked only some of the questions, unless the board does so or it is allowed."""
    if result.limit is not None and result.limit != board.limit and not told.allow_limit:
        raise Refused(LIMITED.format(result.limit))
    if result.limit is not None or board.limit is not None:
        return
    for name, parts in tasks.items():
        asked, expected = _asked(result, parts), _task(board, name).questions
        if None not in (asked, expected) and asked != expected:
            raise Refused(NOT_ALL.format(asked, name, expected))


def _asked(result: Result, parts: list[str]) -> int | None:
    """Return how many questions were asked in all of these tasks; None if the report does not say."""
    numbers = [result.n_samples.get(part) for part in parts]
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _check_scores(result: Result, task: TaskDescription, parts: list[str], *, is_same_engine: bool) -> None:
    """Refuse a report that lacks a finite score which the board's own evaluations have.

    The parts of a group without scores of its own, and the tasks of another engine, have other metrics.
    """
    for part in parts:
        scores = result.scores[part]
        wanted = [each.key for each in task.metrics] if part == task.name and is_same_engine else []
        for key in wanted:
            if metric_key(scores, key) is None or result.score(part, key) is None:
                raise Refused(NO_SCORE.format(key, part))
        if not any(value is not None for value in scores.values()):
            raise Refused(NO_SCORE.format("of any kind", part))


def _differences(result: Result, tasks: Mapping[str, list[str]], board: BackendDescription) -> Iterator[str]:
    """Yield the differences between a report and the board for which the page marks scores."""
    is_same_engine = result.engine == board.engine
    if not is_same_engine:
        yield (
            f"it is of {result.engine or 'an unknown engine'}, the board of {board.engine}: a column shows "
            'it only with engine="any"'
        )
    if board.limit is not None and result.limit is None:
        yield f"the board has a limit of {board.limit:g}, and it has none"
    for name, parts in tasks.items():
        task = _task(board, name)
        if task.questions is not None and _asked(result, parts) is None:
            yield f"it does not say how many questions of {name} it asked"
        versions = {version for part in parts if (version := result.versions.get(part))}
        if is_same_engine and task.version and versions - {task.version}:
            yield f"{name} has version {', '.join(sorted(versions))}, on the board {task.version}"
        shots = {number for part in parts if (number := result.n_shot.get(part)) is not None}
        if task.num_fewshot is not None and shots - {task.num_fewshot}:
            given = ", ".join(map(str, sorted(shots)))
            yield f"{name} has {given} examples before each question, on the board {task.num_fewshot}"
    if is_same_engine and result.conditions is not None:
        yield from _other_settings(result, board)


def _other_settings(result: Result, board: BackendDescription) -> Iterator[str]:
    usual = _conditions(board, in_chat=result.use_chat_template)
    assert result.conditions
    own, others = _by_name(result.conditions), _by_name(usual)
    for name in sorted(own.keys() | others.keys()):
        if own.get(name) != others.get(name):
            yield f"{name} is {own.get(name, 'not set')}, on the board {others.get(name, 'not set')}"


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


# The model


def _precision(result: Result, told: Told) -> str:
    known = result.precision in PRECISIONS
    if told.precision and known and told.precision != result.precision:
        raise Refused(OTHER_PRECISION.format(result.precision, told.precision))
    if known or told.precision:
        return result.precision if known else told.precision
    if result.precision == UNKNOWN:
        raise Refused(NO_PRECISION.format(", ".join(PRECISIONS)))
    raise Refused(NOT_A_PRECISION.format(shown(result.precision), ", ".join(PRECISIONS)))


def _looked_up(
    report: Object, result: Result, told: Told, models: ModelSource
) -> tuple[ModelFacts, ModelFacts | None]:
    """Return what the Hub says about the model at its commit, and about an adapter's base model."""
    if result.weight_type == DELTA:
        raise Refused(f"it is of a delta. {NO_DELTAS}")
    config = as_object(report.get("config"))
    is_adapter = result.weight_type == ADAPTER
    commit = _commit(result, as_text(config.get("peft_sha")) if is_adapter else result.commit or "", told)
    try:
        facts = models.describe(result.model, commit)
        base = models.describe(*_base(report, result, told)) if is_adapter else None
    except ModelError as error:
        raise Refused(str(error) if told.model else f"{error} {PERHAPS_A_FOLDER}") from None
    if facts.commit != commit:
        raise Refused(f"{facts.name} has no commit {commit}")
    return facts, base


def _commit(result: Result, given: str, told: Told) -> str:
    """Return the commit that was evaluated, as the report or the person says."""
    known = given if COMMIT.fullmatch(given) else ""
    if told.commit and known and told.commit != known:
        raise Refused(OTHER_COMMIT.format(known, told.commit))
    if not known and not told.commit:
        raise Refused(NO_COMMIT.format(model=result.model, endpoint=constants.ENDPOINT))
    return known or told.commit


def _base(report: Object, result: Result, told: Told) -> tuple[str, str]:
    """Return the base model of an adapter and its commit, which lm_eval names as the model's."""
    if told.base_model:
        return told.base_model, told.base_revision
    name = as_text(arguments(as_object(report.get("config")).get("model_args")).get("pretrained"))
    if not is_model_name(name) or not COMMIT.fullmatch(result.commit or ""):
        raise Refused(NO_BASE)
    return name, result.commit or ""
