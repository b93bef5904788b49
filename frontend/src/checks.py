"""The rules that a submission must keep, each a function that raises Refused with what to do.

Owners add, remove and reorder them in the two lists, RULES_OF_THE_FORM and CHECKS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from src.model_name import is_model_name
from src.model_types import MODEL_TYPES
from src.shared.errors import LeaderboardError
from src.shared.model_source import ModelFacts
from src.shared.request import ORIGINAL, Request, Status

PRECISIONS = ["float16", "bfloat16", "float32"]
WEIGHT_TYPES = [ORIGINAL, "Adapter", "Delta"]
MAIN = "main"
UNKNOWN_TYPE = "?"

CAN_BE_ASKED_FOR_AGAIN = (Status.FAILED, Status.CANCELLED)
"""Requests that are put into the queue once more, in their own file; no other is ever overwritten."""

LONGEST_FIELD = 200
"""Characters; the Hub's longest names have 96, branches rarely more than 50."""


class Refused(LeaderboardError):
    """A submission breaks a rule; the message says which, and what to do."""


@dataclass(frozen=True)
class Form:
    """What a submitter filled in."""

    model: str
    base_model: str = ""
    revision: str = MAIN
    precision: str = PRECISIONS[0]
    weight_type: str = ORIGINAL
    model_type: str = UNKNOWN_TYPE


@dataclass(frozen=True)
class Case:
    """What a check may look at: the form, what is known of the two models, and all requests by path."""

    form: Form
    facts: ModelFacts
    base: ModelFacts | None
    requests: Mapping[str, Request]

    @property
    def earlier(self) -> dict[str, Request]:
        """The requests for the same evaluation; an unknown commit is the same if its revision is."""
        return {path: request for path, request in self.requests.items() if self._is_same(request)}

    def _is_same(self, request: Request) -> bool:
        by_commit = request.commit == self.facts.commit
        by_revision = request.commit is None and request.revision in (self.form.revision, self.facts.commit)
        return (
            request.model.casefold() == self.facts.name.casefold()
            and request.precision == self.form.precision
            and request.weight_type == self.form.weight_type
            and (by_commit or by_revision)
        )


def fields_are_not_too_long(form: Form) -> None:
    """No field has more than LONGEST_FIELD characters."""
    for name, value in vars(form).items():
        if len(value) > LONGEST_FIELD:
            raise Refused(
                f"The field {name} has {len(value)} characters, and no more than {LONGEST_FIELD} are taken."
            )


def model_is_named(form: Form) -> None:
    """The model's name could be one on the Hub."""
    if not form.model:
        raise Refused("Which model? Write its name as on the Hub: organisation/model.")
    _refuse_impossible(form.model)


def precision_is_offered(form: Form) -> None:
    """The precision is one of PRECISIONS."""
    _refuse_unless_offered("precision", form.precision, PRECISIONS)


def weight_type_is_offered(form: Form) -> None:
    """The weight type is one of WEIGHT_TYPES."""
    _refuse_unless_offered("weight type", form.weight_type, WEIGHT_TYPES)


def model_type_is_offered(form: Form) -> None:
    """The model type is one of MODEL_TYPES, or said to be unknown."""
    _refuse_unless_offered("model type", form.model_type, [*map(str, MODEL_TYPES), UNKNOWN_TYPE])


def base_model_is_named(form: Form) -> None:
    """The base model's name, if there is one, could be one on the Hub."""
    if form.base_model:
        _refuse_impossible(form.base_model)


RULES_OF_THE_FORM: list[Callable[[Form], None]] = [
    fields_are_not_too_long,
    model_is_named,
    precision_is_offered,
    weight_type_is_offered,
    model_type_is_offered,
    base_model_is_named,
]
"""Checked first, before the model is looked up. Each raises Refused."""


def has_a_base_model_where_it_needs_one(case: Case) -> None:
    """Adapters and deltas can be evaluated only on top of a base model."""
    if case.form.weight_type != ORIGINAL and not case.base:
        raise Refused(
            f"{case.facts.name} was submitted as {case.form.weight_type}, and its base model is missing: "
            "name the model that it was made from."
        )


def is_not_submitted_yet(case: Case) -> None:
    """The same evaluation was not asked for yet, or it failed or was cancelled."""
    for path, request in case.earlier.items():
        if request.status not in CAN_BE_ASKED_FOR_AGAIN:
            known = f"commit {request.commit[:8]}" if request.commit else f"revision {request.revision}"
            advice = f" To evaluate the present commit, give {case.facts.commit} as the revision."
            raise Refused(
                f"{request.model} ({known}, {request.precision}, {request.weight_type}) was submitted "
                f"already and is {request.status}: its request is {path}.{'' if request.commit else advice}"
            )


CHECKS: list[Callable[[Case], None]] = [
    has_a_base_model_where_it_needs_one,
    is_not_submitted_yet,
]
"""Checked when the model is known, and again if the requests change meanwhile. Each raises Refused."""


def _refuse_impossible(name: str) -> None:
    if not is_model_name(name):
        raise Refused(
            f"{name!r} cannot be a model's name: write it as on the Hub, organisation/model, "
            "with letters, digits, '-', '_' and '.' only."
        )


def _refuse_unless_offered(what: str, value: str, offered: list[str]) -> None:
    if not value:
        raise Refused(f"The {what} is missing: choose one of {', '.join(offered)}.")
    if value not in offered:
        raise Refused(f"The {what} {value!r} is not offered: choose one of {', '.join(offered)}.")
