"""The desk: takes a submission, says what is wrong with it, or puts it into the queue.

The rules are functions in two lists, RULES_OF_THE_FORM and CHECKS; an owner adds, removes and reorders them
there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from src.model_name import is_model_name, model_name
from src.model_types import MODEL_TYPES, read_model_type
from src.queue import entries
from src.shared.errors import Conflict, LeaderboardError, StoreError
from src.shared.mirror import Reading
from src.shared.model_source import ModelFacts, ModelSource
from src.shared.names import request_path
from src.shared.request import Request, Status, write_request
from src.shared.store import Store, blob_id
from src.shared.times import Clock, to_text, utc_now

log = logging.getLogger(__name__)

PRECISIONS = ["float16", "bfloat16", "float32"]
ORIGINAL = "Original"
WEIGHT_TYPES = [ORIGINAL, "Adapter", "Delta"]
MAIN = "main"
UNKNOWN_TYPE = "?"

CAN_BE_ASKED_FOR_AGAIN = (Status.FAILED, Status.CANCELLED)
"""Requests that are put into the queue once more, in their own file; no other is ever overwritten."""

LONGEST_FIELD = 200
"""Characters; the Hub's longest names have 96, branches rarely more than 50."""

TRIES = 20
"""How often a submission is decided again because the requests changed in between."""

CLOSED = (
    "Submissions without a login are switched off here. The owner can set ANONYMOUS_SUBMISSIONS to true "
    "in the Space's settings to accept them."
)


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


class Receipt(NamedTuple):
    """A submission that is in the queue: its file, its content and its position there."""

    path: str
    request: Request
    position: int


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


class Desk:
    """Where submissions are handed in. `read_requests` gives the requests dataset as it is now."""

    def __init__(
        self,
        store: Store,
        models: ModelSource,
        read_requests: Callable[[], Reading[Request]],
        *,
        is_open: bool = True,
        clock: Clock = utc_now,
    ) -> None:
        self.is_open = is_open
        self._store = store
        self._models = models
        self._read_requests = read_requests
        self._clock = clock

    def submit(self, form: Form) -> Receipt:
        """Put a submission into the queue. Raises Refused, ModelError or StoreError, each with a sentence."""
        if not self.is_open:
            raise Refused(CLOSED)
        form = tidied(form)
        for rule in RULES_OF_THE_FORM:
            rule(form)
        facts = self._models.describe(form.model, form.revision)
        base = self._base(form, facts)
        receipt = None
        for _ in range(TRIES):
            reading = self._read_requests()
            if receipt and _has_landed(receipt, reading):
                return receipt
            case = Case(form, facts, base, reading.values)
            for check in CHECKS:
                check(case)
            receipt = self._place(case, reading)
            if self._commit(receipt, reading):
                log.info("submitted %s", receipt.path)
                return receipt
        raise StoreError(
            f"{self._store} changes faster than it can be written: {form.model} was not submitted. "
            "Try again in a minute."
        )

    def _base(self, form: Form, facts: ModelFacts) -> ModelFacts | None:
        """The base model: the one that the form names, else the only one that the model's own card names."""
        if form.weight_type == ORIGINAL:
            return None
        named = form.base_model or (facts.base_models[0] if len(facts.base_models) == 1 else "")
        return self._models.describe(named, MAIN) if named else None

    def _place(self, case: Case, reading: Reading[Request]) -> Receipt:
        """The file that takes the submission: that of the same request which failed, else a new one."""
        request = _new(case, to_text(self._clock()))
        for path, old in case.earlier.items():
            if old.status in CAN_BE_ASKED_FOR_AGAIN:
                return _receipt(path, _again(old, request), reading)
        name = request_path(
            request.model,
            private=request.private,
            precision=request.precision,
            weight_type=request.weight_type,
            commit=request.commit,
        )
        taken = {path.casefold() for path in reading.snapshot.files}
        stem = name.removesuffix(".json")
        others = (f"{stem}_{number}.json" for number in range(2, len(taken) + 3))
        free = next(path for path in (name, *others) if path.casefold() not in taken)
        return _receipt(free, request, reading)

    def _commit(self, receipt: Receipt, reading: Reading[Request]) -> bool:
        """Write the file; False when the requests changed since they were read."""
        data = {receipt.path: write_request(receipt.request)}
        try:
            self._store.commit(add=data, message=f"Submit {receipt.path}", parent=reading.snapshot)
        except Conflict:
            return False
        except StoreError:
            if not _has_landed(receipt, self._read_requests()):
                raise
        return True


def tidied(form: Form) -> Form:
    """The form without spaces around its fields, links and short names of model types spelled out."""
    kind = read_model_type(form.model_type.strip())
    return Form(
        model=model_name(form.model),
        base_model=model_name(form.base_model),
        revision=form.revision.strip() or MAIN,
        precision=form.precision.strip(),
        weight_type=form.weight_type.strip(),
        model_type=str(kind) if kind in MODEL_TYPES else form.model_type.strip(),
    )


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


def _new(case: Case, now: str) -> Request:
    """The request that a submission becomes."""
    form, facts = case.form, case.facts
    return Request(
        model=facts.name,
        base_model=case.base.name if case.base else "",
        revision=form.revision,
        precision=form.precision,
        weight_type=form.weight_type,
        status=Status.PENDING,
        submitted_time=now,
        model_type="? : " if form.model_type == UNKNOWN_TYPE else form.model_type,
        likes=facts.likes,
        params=_billions(facts.params),
        license=facts.license,
        commit=facts.commit,
        base_commit=case.base.commit if case.base else None,
        message="It waits for a worker.",
        extra={"architectures": facts.architecture} if facts.architecture else {},
    )


def _billions(params: int | None) -> float | None:
    """Three decimals as ever, or three digits of a small number, so that no size is rounded to 0."""
    if params is None:
        return None
    return round(params / 1e9, 3) if params >= 1e9 else float(f"{params / 1e9:.3g}")


def _again(old: Request, new: Request) -> Request:
    """A failed request asked for again: all new but its history and what others wrote into it."""
    return replace(new, history=old.history, extra={**old.extra, **new.extra})


def _receipt(path: str, request: Request, reading: Reading[Request]) -> Receipt:
    queue = entries({**reading.values, path: request})
    return Receipt(path, request, next(entry.position or 0 for entry in queue if entry.path == path))


def _has_landed(receipt: Receipt, reading: Reading[Request]) -> bool:
    """Whether a commit stands whose answer was lost: the file holds exactly what was to be written."""
    return reading.snapshot.files.get(receipt.path) == blob_id(write_request(receipt.request))
