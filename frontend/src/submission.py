"""The desk: takes a submission, says what is wrong with it (checks.py), or puts it into the queue."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from src.checks import (
    CAN_BE_ASKED_FOR_AGAIN,
    CHECKS,
    MAIN,
    ORIGINAL,
    RULES_OF_THE_FORM,
    UNKNOWN_TYPE,
    Case,
    Form,
    Refused,
)
from src.model_name import model_name
from src.model_types import MODEL_TYPES, read_model_type
from src.queue import entries
from src.shared.errors import Conflict, StoreError
from src.shared.mirror import Reading
from src.shared.model_source import ModelFacts, ModelSource
from src.shared.names import request_path
from src.shared.request import Request, Status, write_request
from src.shared.store import Store, blob_id
from src.shared.times import Clock, to_text, utc_now

log = logging.getLogger(__name__)

TRIES = 20
"""How often a submission is decided again because the requests changed in between."""

CLOSED = (
    "Submissions without a login are switched off here. The owner can set ANONYMOUS_SUBMISSIONS to true "
    "in the Space's settings to accept them."
)


class Receipt(NamedTuple):
    """A submission that is in the queue: its file, its content and its position there."""

    path: str
    request: Request
    position: int


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
