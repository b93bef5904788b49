"""By which request a row is computed again: the one of its newest commit, or else a new one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from ..data.model_name import is_model_name
from ..data.names import is_safe_path
from ..data.new_file import path_for
from ..data.provenance import Cost
from ..data.request import ADAPTER, DELTA, NO_DELTAS, Request, Status
from ..errors import NotPossible, unquoted
from ..times import to_text
from .rerun_rows import Records, Row
from .rerun_tasks import entries_of
from .steps import LIVE, again

IN_THE_QUEUE = "It is in the queue already, or waits to be approved."
CANCELLED = "Its request was withdrawn or cancelled. To evaluate it, submit it again."
KEPT_OUT = "It is hidden or blocked."
PRIVATE = "Its request is of a private model."
OTHER_PRECISION = "Its precision, {}, is not evaluated here."
OTHER_WEIGHTS = "It has {} weights, which are not evaluated here.{}"
NO_COMMIT = "It has no request, and its result does not say which commit it is of. Submit it."
NO_BASE = "Neither its request nor its result says on which commit of which model the adapter was put."
NO_NAME = "It has no request, and the Hub cannot have a model of its name."


class Rerun(NamedTuple):
    """A row that is computed again."""

    path: str
    """The path of its request."""
    request: Request
    """The request as it will wait for a worker."""
    tasks: tuple[str, ...]
    """The tasks that are computed."""
    is_new: bool
    """Whether the result had no request."""
    newest: Cost = Cost()
    """What the newest evaluation of the row took."""


def rerun_of(
    row: Row,
    tasks: tuple[str, ...],
    records: Records,
    taken: Collection[str],
    *,
    by: str | None,
    now: datetime,
) -> Rerun:
    """Return the row's rerun. Raises NotPossible with the reason to leave it alone."""
    _may_be_evaluated(row, records)
    entries = entries_of(records.description)
    if row.commit is None:  # scores of today's commit cannot complete those of an unknown one
        tasks = entries
    found = max(_at_the_commit(row), key=lambda each: _likelihood(row, *each), default=None)
    path, request = found or _new_request(row, taken, now=now)
    if request.status is Status.CANCELLED:
        raise NotPossible(CANCELLED)
    if request.private:
        raise NotPossible(PRIVATE)
    # Also after a failure the row has a result: it is a rerun, and goes behind the submissions.
    request = replace(_exact(request, row), status=Status.FINISHED)
    asked = None if set(tasks) == set(entries) else tasks
    cost = row.result.provenance.cost
    return Rerun(path, again(request, by=by, now=now, tasks=asked), tasks, found is None, cost)


def _exact(request: Request, row: Row) -> Request:
    """Return the request with the commits of the row, where it lacks them. Raises NotPossible."""
    if row.key.weight_type == ADAPTER:
        origin = row.result.provenance
        base, commit = request.base_model or origin.base_model, request.base_commit or origin.base_commit
        if not (base and commit):
            raise NotPossible(NO_BASE)
        request = replace(request, base_model=base, base_commit=commit)
    return replace(request, commit=request.commit or row.commit)


def _may_be_evaluated(row: Row, records: Records) -> None:
    """Raise NotPossible for a row that no worker would evaluate, or that will be evaluated anyway."""
    model, description = row.result.model, records.description
    if records.kept_out.model(model) is not None:
        raise NotPossible(KEPT_OUT)
    if any(each.status in LIVE for each in row.requests.values()):
        raise NotPossible(IN_THE_QUEUE)
    if description.weight_types and row.key.weight_type not in description.weight_types:
        remedy = f" {NO_DELTAS}" if row.key.weight_type == DELTA else ""
        raise NotPossible(OTHER_WEIGHTS.format(unquoted(row.key.weight_type), remedy))
    if description.precisions and row.key.precision not in description.precisions:
        raise NotPossible(OTHER_PRECISION.format(unquoted(row.key.precision)))


def _at_the_commit(row: Row) -> Iterator[tuple[str, Request]]:
    """Yield the requests, by path, of the row's commit, and those that name none."""
    for path, request in row.requests.items():
        if row.commit is None or request.commit in (row.commit, None, ""):
            yield path, request


def _likelihood(row: Row, path: str, request: Request) -> tuple[bool, bool, bool, str]:
    """Return how likely it is that a request is the row's."""
    return (
        request.status is Status.FINISHED,
        request.commit == row.commit,
        path == row.result.request,
        request.submitted_time,
    )


def _new_request(row: Row, taken: Collection[str], *, now: datetime) -> tuple[str, Request]:
    """Return a finished request for the row's newest result, which has none, and its path."""
    result, likely = row.result, row.group[-1].request
    if not is_model_name(result.model):
        raise NotPossible(NO_NAME)
    if row.commit is None:
        raise NotPossible(NO_COMMIT)
    request = Request(
        model=result.model,
        revision=row.commit,
        precision=row.key.precision,
        weight_type=row.key.weight_type,
        status=Status.FINISHED,
        submitted_time=to_text(now),
        model_type=likely.model_type if likely else "",
        params=likely.params if likely else None,
        license=likely.license if likely else "",
        commit=row.commit,
        use_chat_template=row.key.use_chat_template,
        result=result.path,
    )
    path = path_for(request, taken)
    if not is_safe_path(path):
        raise NotPossible(NO_NAME)
    return path, request
