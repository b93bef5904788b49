"""The order of the queue: named rules that owners choose and edit; both Spaces show and follow the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .request import Request, Status

Requests = Mapping[str, Request]
"""Requests by path in the requests dataset."""

Rule = Callable[[Requests], Callable[[str], Any]]
"""From all requests to a key of each waiting one, by its path: the smallest goes first."""

LATEST = datetime.max.replace(tzinfo=UTC)


def oldest_first(requests: Requests) -> Callable[[str], datetime]:
    """What was submitted first; without a time, last."""
    return lambda path: requests[path].submitted or LATEST


def small_first(requests: Requests) -> Callable[[str], float]:
    """The smallest model; of unknown size, last."""
    return lambda path: requests[path].params or float("inf")


def fair(requests: Requests) -> Callable[[str], int]:
    """Turn by turn: whoever has fewer requests running, or waiting since earlier, goes first."""
    before = Counter(submitter(each) for each in requests.values() if each.status is Status.RUNNING)
    turns = {}
    for path in sorted(pending(requests), key=lambda path: (oldest_first(requests)(path), path)):
        who = submitter(requests[path])
        turns[path] = before[who]
        before[who] += 1
    return turns.__getitem__


RULES: Mapping[str, Rule] = {rule.__name__: rule for rule in (oldest_first, small_first, fair)}
"""What QUEUE_ORDER in the backend's envs.py may name."""

DEFAULT = ("oldest_first",)


def in_order(requests: Requests, names: Sequence[str] = DEFAULT) -> list[str]:
    """The paths of the waiting requests: by the first rule, where it makes no difference by the second, and
    so on, in the end by age. A name that is not known here, from a newer backend, makes no difference.
    """
    rules = [RULES[name] for name in names if name in RULES]
    keys = [rule(requests) for rule in (*rules, oldest_first)]
    return sorted(pending(requests), key=lambda path: (*(key(path) for key in keys), path))


def pending(requests: Requests) -> list[str]:
    """The paths of the requests that wait, in no order."""
    return [path for path, request in requests.items() if request.status is Status.PENDING]


def submitter(request: Request) -> str:
    """Who is served: the login or, of a submission without one, the model's organisation."""
    return request.submitted_by or request.model.partition("/")[0]
