"""The request that a submission becomes, and what its submitter does later: withdraw, submit again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from src.checks import CAN_BE_ASKED_FOR_AGAIN, LONGEST_FIELD
from src.model_types import MODEL_TYPES, read_model_type
from src.shared.data.names import free_path
from src.shared.data.request import (
    RESUBMITTED,
    WAITS_FOR_A_WORKER,
    WAITS_FOR_APPROVAL,
    WITHDRAWN,
    Attempt,
    Request,
    Status,
)
from src.shared.models.model_source import in_billions
from src.shared.moderation.steps import cut_short, taken_out
from src.submitting.case import Case
from src.submitting.form import UNKNOWN_TYPE, Form, at
from src.submitting.group_commit import Change


def place(case: Case, taken: Collection[str], *, submitted_time: str) -> Change[Request]:
    """Return the request and its file: the same request's file if that failed, or else a new one.

    `taken` has the names of all files in use.
    """
    request = new_request(case, submitted_time)
    for path, old in case.earlier.items():
        if old.status in CAN_BE_ASKED_FOR_AGAIN:
            return Change(path, _again(old, request, now=case.now))
    return Change(free_path(case.path, taken), request)


def withdrawn(request: Request, *, by: str | None, now: datetime) -> Request:
    """Return the request as CANCELLED by its submitter."""
    return taken_out(request, end=WITHDRAWN, message=f"It was withdrawn by {by}.", by=by, now=now)


def form_of(request: Request) -> Form:
    """Return the form that requests the same evaluation again, at the same commit."""
    kind = read_model_type(request.model_type)
    return Form(
        model=request.model,
        base_model=at(request.base_model, request.base_commit),
        revision=request.commit or request.revision,
        precision=request.precision,
        weight_type=request.weight_type,
        model_type=str(kind) if kind in MODEL_TYPES else UNKNOWN_TYPE,
        use_chat_template=request.use_chat_template,
    )


def new_request(case: Case, now: str) -> Request:
    """Return the request that a submission becomes. Raises Refused if the model cannot be looked up."""
    form, facts = case.form, case.facts
    return Request(
        model=facts.name,
        base_model=case.base.name if case.base else "",
        revision=form.revision,
        precision=form.precision,
        weight_type=form.weight_type,
        status=Status.WAITING if case.terms.by_hand else Status.PENDING,
        submitted_time=now,
        model_type="? : " if form.model_type == UNKNOWN_TYPE else form.model_type,
        likes=facts.likes,
        params=in_billions(case.params),
        license=facts.license[:LONGEST_FIELD],
        commit=facts.commit,
        base_commit=case.base.commit if case.base else None,
        use_chat_template=form.use_chat_template,
        submitted_by=case.submitter.login,
        message=WAITS_FOR_APPROVAL if case.terms.by_hand else WAITS_FOR_A_WORKER,
        extra={"architectures": facts.architecture[:LONGEST_FIELD]} if facts.architecture else {},
    )


def _again(old: Request, new: Request, *, now: datetime) -> Request:
    """Return a failed request, submitted again: all new except its history, unknown fields, and the
    revision's name if the new one is only the commit.

    The history keeps who submitted it before: that counts against their limits, not the new submitter's.
    """
    entry = Attempt(
        attempt=old.attempt,
        worker="",
        started=old.submitted,
        ended=now,
        end=RESUBMITTED,
        message=f"It was submitted again{f' by {new.submitted_by}' if new.submitted_by else ''}.",
        by=old.submitted_by,
    )
    history = (*old.history, *cut_short(old, now), entry)
    revision = old.revision if new.revision == old.commit else new.revision
    return replace(new, revision=revision, history=history, extra={**old.extra, **new.extra})
