"""Which results make a row: those of one model, precision, weight type and use of the chat template."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .request import ORIGINAL, Request, Status
from .result import Result

UNRESOLVED = ("", "main")
"""What old result files have as the commit: it may have been any commit."""


def known_commit(result: Result) -> str | None:
    """Return the commit that a result is of; None if it may be any."""
    return None if result.commit in UNRESOLVED else result.commit


class Known(NamedTuple):
    """A result, and the request that it answers if that is known."""

    result: Result
    request: Request | None

    @property
    def commit(self) -> str | None:
        """The commit that it is of; None if it may be any."""
        return known_commit(self.result)

    @property
    def weight_type(self) -> str:
        """Its type of weights: as it says, or else its request."""
        return self.result.weight_type or (self.request.weight_type if self.request else ORIGINAL)


class RowKey(NamedTuple):
    """What the results of a row share."""

    model: str
    """In lower case."""
    precision: str
    weight_type: str
    use_chat_template: bool


def standing(results: Iterable[Result], requests: Mapping[str, Request]) -> list[Result]:
    """Return the results, the oldest first, without those of requests (by path) that were cancelled while
    they were published, or by hand afterwards.
    """
    found = (result for result in results if not _is_taken_back(result, requests))
    return sorted(found, key=lambda result: (result.ended, result.path))


def grouped(results: Sequence[Result], requests: Mapping[str, Request]) -> dict[RowKey, list[Known]]:
    """Return the results of each row, in the order given. `requests` are by path."""
    answered: dict[tuple[str, str], list[Request]] = defaultdict(list)
    for request in requests.values():
        if request.status is Status.FINISHED or request.is_rerun:
            answered[request.model.casefold(), request.precision].append(request)
    rows: dict[RowKey, list[Known]] = defaultdict(list)
    for result in results:
        model = result.model.casefold()
        known = Known(result, _request_of(result, requests, answered))
        rows[RowKey(model, result.precision, known.weight_type, result.use_chat_template)].append(known)
    return rows


def by_commit(group: Sequence[Known]) -> dict[str | None, list[Known]]:
    """Return a row's results (the oldest first) by commit. Those of an unknown one count as of the newest."""
    newest = newest_commit(group)
    found: dict[str | None, list[Known]] = defaultdict(list)
    for known in group:
        found[known.commit or newest].append(known)
    return found


def newest_commit(group: Sequence[Known]) -> str | None:
    """Return the commit of the newest result (the oldest is first) that says one."""
    return next((known.commit for known in reversed(group) if known.commit), None)


def _is_taken_back(result: Result, requests: Mapping[str, Request]) -> bool:
    request = requests.get(result.request or "")
    return request is not None and request.status is Status.CANCELLED and request.run == result.run


def _request_of(
    result: Result, requests: Mapping[str, Request], answered: Mapping[tuple[str, str], Sequence[Request]]
) -> Request | None:
    """Return the request that a result names, or else the likeliest one with a result, of the same model and
    precision.

    Likelier means, in this order: the same commit, the same weight type (Original if unnamed), the same use
    of the chat template, submitted later.
    """
    named = requests.get(result.request or "")
    if named and named.model.casefold() == result.model.casefold():
        return named
    return max(
        answered.get((result.model.casefold(), result.precision), ()),
        key=lambda request: (
            request.commit is not None and request.commit == result.commit,
            request.weight_type == (result.weight_type or ORIGINAL),
            request.use_chat_template == result.use_chat_template,
            request.submitted_time,
        ),
        default=None,
    )
