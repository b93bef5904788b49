"""The file that is published for an imported result: the engine's report, without what names a machine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from src.queue.publication import base_model, model_args
from src.shared.data.json_file import as_object, as_text, without_nan, write_object
from src.shared.data.reports import OURS
from src.shared.data.result import UNKNOWN_TIME
from src.shared.data.run_settings import NO_EFFECT_ON_SCORES, arguments
from src.shared.times import to_run
from src.upkeep.checked_report import Checked
from src.upkeep.cleaned_report import ONLY_A_PATH, Names, without_paths

WORKER = "import"
"""The worker in the section that we add."""

NOT_PUBLISHED = ("samples", "pretty_env_info")
"""Sections that a worker does not publish either: questions, and the processors and packages of a machine."""

KEPT = ("settings", "served")
"""The entries of our section about how a run was made. A file that a worker once published has them."""


def imported_file(checked: Checked, *, path: str, run: str, by: str | None, at: datetime) -> bytes:
    """Return the file to publish. `path` is the request's, `run` names the result."""
    result, request = checked.result, checked.request
    given = arguments(as_object(checked.report.get("config")).get("model_args"))
    names = _names(checked, given)
    report = without_paths(checked.report, names)
    config = dict(as_object(report.get("config")))
    if config.get("model_args"):
        kept = {"model_args": _of_no_machine(given)}
        config["model_args"] = model_args(as_object(without_paths(kept, {})["model_args"]), request)
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
        "tasks": without_paths(_tasks(checked), names),  # as the report's are called
        "hardware": result.provenance.hardware,
        "versions": dict(result.provenance.versions),
        **{name: value for name, value in as_object(report.get(OURS)).items() if name in KEPT},
        "imported": {"by": by, "at": to_run(at), "file": checked.file.name},
    }
    published = {name: value for name, value in report.items() if name not in NOT_PUBLISHED}
    published |= {name: text for name, text in named.items() if name in published}
    clean = without_nan({**published, "config": config, OURS: ours})
    assert isinstance(clean, dict)
    return write_object(clean)


def _tasks(checked: Checked) -> dict[str, int | None]:
    """Return the tasks that the engine was given, each with its number of examples, as far as known."""
    if checked.result.setup:
        return dict(checked.result.setup.tasks)
    return {task: checked.result.n_shot.get(task) for task in checked.result.scores}


def _of_no_machine(given: Mapping[str, object]) -> dict[str, object]:
    """Return arguments of a model without folders of the machine that have no effect on scores.

    Any other, such as a tokenizer's, stays with the end of its path: its scores must not look like others.
    """
    return {
        name: value
        for name, value in given.items()
        if name not in NO_EFFECT_ON_SCORES or not ONLY_A_PATH.fullmatch(as_text(value))
    }


def _names(checked: Checked, given: Mapping[str, object]) -> Names:
    """Return what replaces the names and folders that the report has for the model and its base model."""
    request = checked.request
    names = {checked.given_name: request.model}
    whole = request.base_model or request.model
    names |= {as_text(given.get("peft")): request.model, as_text(given.get("pretrained")): whole}
    return {name: text for name, text in names.items() if name and name != text}
