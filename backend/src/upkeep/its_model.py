"""Finds the model of a report from elsewhere, from the report, the command line and the Hub."""

from __future__ import annotations

import json

from huggingface_hub import constants

from src.shared.data.json_file import Object, as_object, as_text, read_object
from src.shared.data.model_name import is_model_name, model_name
from src.shared.data.precision import PRECISIONS, UNKNOWN
from src.shared.data.provenance import COMMIT
from src.shared.data.reports import read_result
from src.shared.data.request import ADAPTER, DELTA, NO_DELTAS
from src.shared.data.result import Result
from src.shared.data.run_settings import arguments
from src.shared.errors import (
    BadFile,
    CannotBeEvaluated,
    ModelError,
    ModelNotFound,
    RevisionNotFound,
    shown,
)
from src.shared.models.model_source import ModelFacts, ModelSource, with_base
from src.upkeep.cleaned_report import without_secrets
from src.upkeep.stated import Refused, Stated

NO_COMMIT = (
    "it does not say which commit of {model} was evaluated. Find it at {endpoint}/{model}/commits/main, and "
    "give it with --commit"
)
NO_PRECISION = "it does not say in which precision it was computed: give --precision {}"
NOT_A_PRECISION = "its precision is {}, and the board shows only {}"
OTHER_MODEL = "it is of {}, not of {} as --model says"
OTHER_COMMIT = "it is of the commit {}, not of {} as --commit says"
OTHER_PRECISION = "it was computed in {}, not in {} as --precision says"
NO_BASE = "it is of an adapter: give its base model with --base-model org/base@commit"
PERHAPS_A_FOLDER = "If that is a folder on the machine that evaluated it, give --model and --commit."


def read_under_its_name(
    file: str, data: bytes, stated: Stated, models: ModelSource
) -> tuple[Object, Result, str]:
    """Return a report without secrets, what it says, and how it names its model.

    `--model` names the model in its place. Raises Refused.
    """
    try:
        report = without_secrets(read_object(data))
        named = _named(report)
        if not stated.model:
            _check_name(report, named)
            return report, read_result(file, json.dumps(report).encode()), named
        renamed = {**report, "config": {**as_object(report.get("config")), "model_name": stated.model}}
        result = read_result(file, json.dumps(renamed).encode())
    except BadFile as error:
        raise Refused(str(error)) from None
    other = _on_the_hub(named, models)
    if other and stated.model.casefold() not in (named.casefold(), other.casefold()):
        raise Refused(OTHER_MODEL.format(other, stated.model))
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


def precision_of(result: Result, stated: Stated) -> str:
    """Return the precision that was evaluated, as the report or the person says. Raises Refused."""
    known = result.precision in PRECISIONS
    if stated.precision and known and stated.precision != result.precision:
        raise Refused(OTHER_PRECISION.format(result.precision, stated.precision))
    if known or stated.precision:
        return result.precision if known else stated.precision
    if result.precision == UNKNOWN:
        raise Refused(NO_PRECISION.format(", ".join(PRECISIONS)))
    raise Refused(NOT_A_PRECISION.format(shown(result.precision), ", ".join(PRECISIONS)))


def looked_up(
    report: Object, result: Result, stated: Stated, models: ModelSource
) -> tuple[ModelFacts, ModelFacts | None]:
    """Return what the Hub says about the model at its commit, and about an adapter's base model. The
    parameters of an adapter are those of both.

    Raises Refused.
    """
    if result.weight_type == DELTA:
        raise Refused(f"it is of a delta. {NO_DELTAS}")
    config = as_object(report.get("config"))
    is_adapter = result.weight_type == ADAPTER
    commit = _commit(result, as_text(config.get("peft_sha")) if is_adapter else result.commit or "", stated)
    try:
        facts = models.describe(result.model, commit)
        base = models.describe(*_base(report, result, stated)) if is_adapter else None
    except ModelError as error:
        raise Refused(str(error) if stated.model else f"{error} {PERHAPS_A_FOLDER}") from None
    if facts.commit != commit:
        raise Refused(f"{facts.name} has no commit {commit}")
    return with_base(facts, base) if base else facts, base


def _commit(result: Result, given: str, stated: Stated) -> str:
    """Return the commit that was evaluated, as the report or the person says."""
    known = given if COMMIT.fullmatch(given) else ""
    if stated.commit and known and stated.commit != known:
        raise Refused(OTHER_COMMIT.format(known, stated.commit))
    if not known and not stated.commit:
        raise Refused(NO_COMMIT.format(model=result.model, endpoint=constants.ENDPOINT))
    return known or stated.commit


def _base(report: Object, result: Result, stated: Stated) -> tuple[str, str]:
    """Return the base model of an adapter and its commit, which lm_eval names as the model's."""
    if stated.base_model:
        return stated.base_model, stated.base_revision
    name = as_text(arguments(as_object(report.get("config")).get("model_args")).get("pretrained"))
    if not is_model_name(name) or not COMMIT.fullmatch(result.commit or ""):
        raise Refused(NO_BASE)
    return name, result.commit or ""
