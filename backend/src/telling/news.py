"""What there is to tell: requests of this worker that ended, its own faults, problems of the suite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from src.shared.data.ends import WORKERS_FAULT, End
from src.shared.data.queue_order import Requests
from src.shared.data.request import Attempt, Request, Status

ENDED = (Status.FINISHED, Status.FAILED, Status.CANCELLED)
NOT_A_FAULT = (End.STOPPED, End.OVER_BUDGET)
"""Ends that the owner caused: a worker that was stopped, and a limit for spending."""


class Kind(StrEnum):
    """The kinds of news; the value is what a webhook gets as `event`."""

    REQUEST_ENDED = "request_ended"
    """A request of this worker is finished, failed or cancelled."""
    WORKER_FAULT = "worker_fault"
    """An evaluation failed for a reason that is not the model's, or a tick of the worker did."""
    SUITE_PROBLEMS = "suite_problems"
    """The tasks cannot be evaluated as they are."""


@dataclass(frozen=True)
class News:
    """One thing that happened."""

    kind: Kind
    sentence: str
    facts: Mapping[str, object] = field(default_factory=dict)
    path: str | None = None
    """The request's path, if it is about one."""
    request: Request | None = None


class Watcher:
    """Finds what is new since it looked last. The first look only learns what is there.

    A reading may lack files that the Hub did not deliver, or that nobody could understand until they were
    corrected. So a request that appears later is only learned as well, but for evaluations that began since
    `since`, when this process started. A worker that is killed may never tell what ended at that moment.
    """

    def __init__(self, worker: str, since: datetime, *, is_for_all: bool = False) -> None:
        """`is_for_all` says whether to tell of other workers too: those of a fleet tell nobody."""
        self._worker, self._since, self._is_for_all = worker, since, is_for_all
        self._seen: dict[str, tuple[Status, int]] | None = None
        self._latest: Requests | None = None
        self._problems: tuple[str, ...] = ()
        self._fault = ""

    def look(self, requests: Requests, problems: Sequence[str]) -> list[News]:
        """Return the news in the requests as the worker knows them, and in the suite's problems."""
        found = [*self._of_requests(requests)] if requests is not self._latest else []
        self._latest = requests
        if (now := tuple(problems)) != self._problems:
            self._problems = now
            if now:
                found.append(News(Kind.SUITE_PROBLEMS, now[0], {"problems": list(now[:20])}))
        self._fault = ""
        return found

    def fault(self, sentence: str) -> list[News]:
        """Return the news that a tick failed, once for each reason until a tick succeeds."""
        if sentence == self._fault:
            return []
        self._fault = sentence
        return [News(Kind.WORKER_FAULT, sentence)]

    def _of_requests(self, requests: Requests) -> Iterator[News]:
        before = self._seen
        there = {path: (each.status, len(each.history)) for path, each in requests.items()}
        self._seen = {**(before or {}), **there}  # a file that vanishes may come back
        if before is None:
            return
        for path, (status, length) in there.items():
            known = before.get(path)
            if known == (status, length):
                continue
            request = requests[path]
            later = request.history[known[1] if known else 0 :]
            mine = [each for each in later if self._is_mine(each, is_known=known is not None)]
            yield from (self._of_a_fault(path, request, each) for each in mine if _is_a_fault(each))
            if mine and status in ENDED:
                yield News(Kind.REQUEST_ENDED, _ended(request), _facts(path, request), path, request)

    def _is_mine(self, attempt: Attempt, *, is_known: bool) -> bool:
        """Whether to tell of an attempt; for an unknown request, only of one since this process started."""
        began = attempt.started is not None and attempt.started >= self._since
        is_ours = attempt.worker == self._worker or (self._is_for_all and bool(attempt.worker))
        return is_ours and (is_known or began)

    def _of_a_fault(self, path: str, request: Request, attempt: Attempt) -> News:
        sentence = (
            f"An evaluation of {request.model} failed because of the worker {attempt.worker}: "
            f"{attempt.message}"
        )
        return News(Kind.WORKER_FAULT, sentence, {**_facts(path, request), "end": attempt.end}, path, request)


def _is_a_fault(attempt: Attempt) -> bool:
    return attempt.end in WORKERS_FAULT and attempt.end not in NOT_A_FAULT


def _ended(request: Request) -> str:
    return f"{request.model} ({request.kind}) is {request.status.value}. {request.message}".strip()


def _facts(path: str, request: Request) -> Mapping[str, object]:
    return {
        "request": path,
        "model": request.model,
        "commit": request.commit,
        "precision": request.precision,
        "weight_type": request.weight_type,
        "status": request.status.value,
        "message": request.message,
        "submitted_by": request.submitted_by,
        "run": request.run,
        "attempt": request.attempt,
        "result": request.result,
    }
