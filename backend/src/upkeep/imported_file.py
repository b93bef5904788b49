"""The file that is published for an imported result: the engine's report, without what names a machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from src.queue.publication import base_model, model_args
from src.shared.data.json_file import as_object, as_text, without_nan, write_object
from src.shared.data.reports import OURS
from src.shared.data.result import UNKNOWN_TIME
from src.shared.data.run_settings import arguments
from src.shared.times import to_run
from src.upkeep.checked_report import Checked

WORKER = "import"
"""The worker in the section that we add."""

A_PATH = re.compile(r"(?:(?:~|[A-Za-z]:)[/\\]|[/\\][^/\\\n]+[/\\])[^\n]*")
"""A text that is nothing but the path of a file or folder, from the root or somebody's home."""

NOT_PUBLISHED = ("samples", "pretty_env_info")
"""What a worker does not publish either: the questions, and the processors and packages of a machine."""

KEPT = ("settings", "served")
"""What our section says about how a run was made, in a file that was once published by a worker."""

Names = Mapping[str, str]


def imported_file(checked: Checked, *, path: str, run: str, by: str | None, at: datetime) -> bytes:
    """Return the file to publish. `path` is the request's, `run` names the result."""
    report, result, request = checked.report, checked.result, checked.request
    config = dict(as_object(report.get("config")))
    given = arguments(config.get("model_args"))
    if config.get("model_args"):
        config["model_args"] = model_args(_of_no_machine(given), request)
    config |= {
        "model_name": request.model,
        "model_sha": request.commit,
        "model_dtype": request.precision,
    }
    named = {"model_name": request.model, "model_name_sanitized": request.model.replace("/", "__")}
    started = result.provenance.started
    ended = result.ended if result.ended != UNKNOWN_TIME else at
    ours = {
        "request": path,
        "run": run,
        "attempt": 0,
        "worker": WORKER,
        "precision": request.precision,
        "weight_type": request.weight_type,
        **base_model(request),
        "use_chat_template": request.use_chat_template,
        "started": to_run(started) if started else None,
        "ended": to_run(ended),
        "tasks": _tasks(checked),
        "hardware": result.provenance.hardware,
        "versions": dict(result.provenance.versions),
        **{name: value for name, value in as_object(report.get(OURS)).items() if name in KEPT},
        "imported": {"by": by, "at": to_run(at), "file": checked.file.name},
    }
    published = {name: value for name, value in report.items() if name not in NOT_PUBLISHED}
    published |= {name: text for name, text in named.items() if name in published}
    names = _names(checked, given)
    clean = without_nan(_without_paths({**published, "config": config, OURS: ours}, names))
    assert isinstance(clean, dict)
    return write_object(clean)


def _tasks(checked: Checked) -> dict[str, int | None]:
    """Return the tasks that the engine was given, each with its number of examples, as far as known."""
    if checked.result.setup:
        return dict(checked.result.setup.tasks)
    return {task: checked.result.n_shot.get(task) for task in checked.result.scores}


def _of_no_machine(given: Mapping[str, object]) -> dict[str, object]:
    """Return arguments of a model without those that name files of a machine, such as a tokenizer's."""
    return {name: value for name, value in given.items() if not A_PATH.fullmatch(as_text(value))}


def _names(checked: Checked, given: Mapping[str, object]) -> Names:
    """Return what replaces the names and folders that the report has for the model and its base model."""
    request = checked.request
    names = {checked.given_name: request.model}
    whole = request.base_model or request.model
    names |= {as_text(given.get("peft")): request.model, as_text(given.get("pretrained")): whole}
    return {name: text for name, text in names.items() if name and name != text}


def _without_paths(value: object, names: Names) -> object:
    """Return a value of JSON with names on the Hub in place of folders, and other paths cut to their end."""
    match value:
        case str():
            return _without_path(value, names)
        case Mapping():
            return {_without_path(key, names): _without_paths(each, names) for key, each in value.items()}
        case list():
            return [_without_paths(each, names) for each in value]
        case _:
            return value


def _without_path(text: str, names: Names) -> str:
    if text in names:
        return names[text]
    for name in sorted(names, key=len, reverse=True):
        if "/" in name or "\\" in name:  # a bare word may be a part of any text
            text = text.replace(name, names[name])
    return re.split(r"[/\\]", text.rstrip("/\\"))[-1] if A_PATH.fullmatch(text) else text
