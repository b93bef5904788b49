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
"""Makes a sort key for waiting requests, by path, from all requests: the smallest goes first."""

LATEST = datetime.max.replace(tzinfo=UTC)


def oldest_first(requests: Requests) -> Callable[[str], datetime]:
    """Prefer the oldest submission; those without a time come last."""
    return lambda path: requests[path].submitted or LATEST


def small_first(requests: Requests) -> Callable[[str], float]:
    """Prefer the smallest model; those of unknown size come last."""
    return lambda path: requests[path].params or float("inf")


def fair(requests: Requests) -> Callable[[str], int]:
    """Take turns: prefer the submitter with fewer requests that run or have waited longer.

    What a maintainer has evaluated again is nobody's turn.
    """
    is_running = (each for each in requests.values() if each.status is Status.RUNNING)
    before = Counter(submitter(each) for each in is_running if not each.is_rerun)
    turns = {}
    for path in sorted(pending(requests), key=lambda path: (oldest_first(requests)(path), path)):
        if requests[path].is_rerun:
            turns[path] = 0
            continue
        who = submitter(requests[path])
        turns[path] = before[who]
        before[who] += 1
    return turns.__getitem__


def reruns_last(requests: Requests) -> Callable[[str], bool]:
    """Prefer models without a result to those whose result a maintainer wants anew."""
    return lambda path: requests[path].is_rerun


RULES: Mapping[str, Rule] = {rule.__name__: rule for rule in (oldest_first, small_first, fair)}
"""The rules that QUEUE_ORDER in the backend's envs.py may name."""

DEFAULT = ("oldest_first",)


def in_order(requests: Requests, names: Sequence[str] = DEFAULT) -> list[str]:
    """Return the paths of the waiting requests, sorted by the rules in order, and then by age.

    Those whose model has a result come last: nobody waits for them. Unknown names, from a newer backend, are
    ignored.
    """
    rules = [RULES[name] for name in names if name in RULES]
    keys = [rule(requests) for rule in (reruns_last, *rules, oldest_first)]
    return sorted(pending(requests), key=lambda path: (*(key(path) for key in keys), path))


def pending(requests: Requests) -> list[str]:
    """Return the paths of the waiting requests, in no particular order."""
    return [path for path, request in requests.items() if request.status is Status.PENDING]


def submitter(request: Request) -> str:
    """Return who is served: the login, or without one the model's organisation."""
    return request.submitted_by or request.model.partition("/")[0]
