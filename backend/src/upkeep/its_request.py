"""The request of an evaluation that a maintainer made: the one that is there, or a new one."""

from __future__ import annotations

from dataclasses import replace

from src.shared.data.queue_order import Requests
from src.shared.data.request import Request, Status
from src.shared.models.model_source import ModelFacts, in_billions

UNKNOWN_TYPE = "? : "
"""The model type of a request whose submitter was not asked for it."""

FIRST = (Status.RUNNING, Status.PENDING, Status.WAITING, Status.FINISHED, Status.FAILED, Status.CANCELLED)
"""The order in which one of several requests for the same evaluation is chosen: the one others need most."""


def with_facts(request: Request, facts: ModelFacts, base: ModelFacts | None = None) -> Request:
    """Return a request with what is known about its model, as the frontend writes it at a submission.

    The facts of an adapter have the parameters of its base model, too.
    """
    return replace(
        request,
        model=facts.name,
        commit=facts.commit,
        base_model=base.name if base else "",
        base_commit=base.commit if base else None,
        likes=facts.likes,
        params=in_billions(facts.params),
        license=facts.license,
        model_type=UNKNOWN_TYPE,
        extra={"architectures": facts.architecture} if facts.architecture else {},
    )


def same_as(wanted: Request, requests: Requests) -> str | None:
    """Return the path of the request for the same evaluation, if there is one."""
    found = [path for path, request in requests.items() if request.is_same_as(wanted)]
    return min(found, key=lambda path: (FIRST.index(requests[path].status), path), default=None)
