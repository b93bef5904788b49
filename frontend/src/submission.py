"""The desk: takes a submission, says what is wrong with it (checks.py), or puts it into the queue."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime
from itertools import chain, count

from src.checks import (
    CAN_BE_ASKED_FOR_AGAIN,
    CHECKS,
    MAIN,
    RULES_OF_THE_FORM,
    UNKNOWN_TYPE,
    Case,
    Form,
    Refused,
)
from src.group_commit import GroupCommit, Placed, Receipt
from src.model_name import model_name
from src.model_types import MODEL_TYPES, read_model_type
from src.shared.model_source import ModelFacts, ModelSource
from src.shared.names import request_path
from src.shared.request import ORIGINAL, WAITS_FOR_A_WORKER, Request, Status
from src.shared.times import Clock, to_text, utc_now

CLOSED = (
    "Submissions without a login are switched off here. The owner can set ANONYMOUS_SUBMISSIONS to true "
    "in the Space's settings to accept them."
)


class Desk:
    """Where submissions are handed in; `group` is what writes them."""

    def __init__(
        self,
        models: ModelSource,
        group: GroupCommit,
        *,
        is_open: bool = True,
        clock: Clock = utc_now,
    ) -> None:
        self.is_open = is_open
        self._models = models
        self._group = group
        self._clock = clock

    def due(self) -> datetime | None:
        """When a submission that is handed in now is written; None is at once."""
        return self._group.due()

    def submit(self, form: Form) -> Receipt:
        """Put a submission into the queue. Raises Refused, ModelError or StoreError, each with a sentence."""
        return self.hand_in(form).result()

    def hand_in(self, form: Form) -> Future[Receipt]:
        """Look a submission up, and have it put into the queue: the receipt comes when it is written.

        Raises what `submit` raises, and so does the future.
        """
        if not self.is_open:
            raise Refused(CLOSED)
        form = tidied(form)
        for rule in RULES_OF_THE_FORM:
            rule(form)
        facts = self._models.describe(form.model, form.revision)
        base = self._base(form, facts)

        def decide(requests: Mapping[str, Request], taken: Collection[str]) -> Placed:
            case = Case(form, facts, base, requests)
            for check in CHECKS:
                check(case)
            return place(case, taken, submitted_time=to_text(self._clock()))

        return self._group.put(decide)

    def _base(self, form: Form, facts: ModelFacts) -> ModelFacts | None:
        """The base model: the one that the form names, else the only one that the model's own card names."""
        if form.weight_type == ORIGINAL:
            return None
        named = form.base_model or (facts.base_models[0] if len(facts.base_models) == 1 else "")
        return self._models.describe(named, MAIN) if named else None


def place(case: Case, taken: Collection[str], *, submitted_time: str) -> Placed:
    """The file that takes the submission: that of the same request which failed, else a new one.

    `taken` are the names of all files that there are.
    """
    request = _new(case, submitted_time)
    for path, old in case.earlier.items():
        if old.status in CAN_BE_ASKED_FOR_AGAIN:
            return Placed(path, _again(old, request))
    name = request_path(
        request.model,
        private=request.private,
        precision=request.precision,
        weight_type=request.weight_type,
        commit=request.commit,
    )
    others = (f"{name.removesuffix('.json')}_{number}.json" for number in count(2))
    not_free = {path.casefold() for path in taken}
    free = next(path for path in chain([name], others) if path.casefold() not in not_free)
    return Placed(free, request)


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
        message=WAITS_FOR_A_WORKER,
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
