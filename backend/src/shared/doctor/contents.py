"""Checks of what the two datasets hold: requests without results, dead leases, broken files and the like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..data.names import is_own_path
from ..data.precision import weights_in_gb
from ..data.request import Request, Status
from ..data.signs import last_sign, no_worker_since
from .finding import Finding, Level, green, named, warning, wrong

NO_RESULT = (
    "{} finished but the results dataset has no result of {}: {}. Write RERUN as the status in the request's "
    "file to have it evaluated again, or put the result back from the dataset's history."
)
NO_REQUEST = (
    "{} in the results dataset without a request: {}. Their rows lack size, licence and type. Submit the "
    "models again, or delete the results."
)
DEAD = (
    "{} RUNNING although {} worker's lease has run out: {}. A worker takes them back at its next tick, so "
    "start one, or look why it cannot write."
)
NO_WORKER = (
    "Requests wait, and no worker has given a sign since {:%Y-%m-%d %H:%M} UTC. Start the backend Space, or "
    "`python -m src.worker` on your own machine."
)
TOO_LARGE = (
    "{} larger than any worker takes (up to {:,.4g} GB of weights): {}. Rent larger hardware, set INFERENCE "
    "to endpoint, or raise MAX_MODEL_GB."
)


@dataclass(frozen=True)
class Contents:
    """What was read of the two datasets."""

    requests: Mapping[str, Request]
    """By path."""
    models: Sequence[str] = ()
    """The model of each result."""
    broken: Sequence[str] = ()
    """A sentence for each file that cannot be understood, with what to do."""
    files: frozenset[str] = field(default_factory=frozenset)
    """The paths of all files in the results dataset."""


def check_contents(contents: Contents, now: datetime, *, most_gb: float | None) -> list[Finding]:
    """Check what the datasets hold. `most_gb` is the largest weights that are evaluated; None means any."""
    found = [
        *broken_files(contents),
        *finished_without_a_result(contents),
        *results_without_a_request(contents),
        *dead_leases(contents, now),
        *signs_of_a_worker(contents, now),
        *too_large_models(contents, most_gb),
    ]
    if all(each.level is Level.GREEN for each in found):
        number = f"{len(contents.requests):,} requests and {len(contents.models):,} results"
        found.append(green("contents", f"{number}, and nothing is missing.", is_public=True))
    return found


def broken_files(contents: Contents) -> Iterator[Finding]:
    """A file that cannot be understood counts for nothing."""
    for sentence in contents.broken[:20]:
        level = wrong if is_own_path(sentence.partition(" in ")[0]) else warning
        yield level("files", sentence, is_public=True)
    if len(contents.broken) > 20:
        more = f"{len(contents.broken) - 20:,} more files cannot be understood. Correct these first."
        yield warning("files", more, is_public=True)


def finished_without_a_result(contents: Contents) -> Iterator[Finding]:
    """A request that is FINISHED promises a result. Old ones do not name theirs."""
    models = {model.casefold() for model in contents.models}

    def has_none(request: Request) -> bool:
        if request.result:
            return request.result not in contents.files
        return request.model.casefold() not in models

    lost = sorted(
        each.model for each in contents.requests.values() if each.status is Status.FINISHED and has_none(each)
    )
    if lost:
        number, it = _counted(lost, "request is", "requests are")
        yield wrong("results", NO_RESULT.format(number, it, named(lost)), is_public=True)


def results_without_a_request(contents: Contents) -> Iterator[Finding]:
    """A result without a request has a row that lacks what only the request knows."""
    models = {request.model.casefold() for request in contents.requests.values()}
    lone = sorted({model for model in contents.models if model.casefold() not in models})
    if lone:
        number = f"{len(lone):,} model{' is' if len(lone) == 1 else 's are'}"
        yield warning("results", NO_REQUEST.format(number, named(lone)), is_public=True)


def dead_leases(contents: Contents, now: datetime) -> Iterator[Finding]:
    """A request that nobody evaluates any more blocks its model."""
    dead = sorted(
        request.model
        for request in contents.requests.values()
        if request.status is Status.RUNNING and (request.lease is None or request.lease.has_run_out(now))
    )
    if dead:
        number, _ = _counted(dead, "request is", "requests are")
        yield wrong(
            "leases", DEAD.format(number, "its" if len(dead) == 1 else "their", named(dead)), is_public=True
        )


def signs_of_a_worker(contents: Contents, now: datetime) -> Iterator[Finding]:
    """Requests that wait for long need a worker."""
    requests = list(contents.requests.values())
    if since := no_worker_since(requests, now):
        yield wrong("worker", NO_WORKER.format(since), is_public=True)
    elif seen := last_sign(requests):
        yield green("worker", f"A worker was seen at {seen:%Y-%m-%d %H:%M} UTC.", is_public=True)


def too_large_models(contents: Contents, most_gb: float | None) -> Iterator[Finding]:
    """A model that nothing has room for waits forever."""
    if most_gb is None:
        return
    sizes = {
        f"{each.model} ({size:,.4g} GB)": size
        for each in contents.requests.values()
        if each.status is Status.PENDING and (size := weights_in_gb(each.params, each.precision)) is not None
    }
    large = sorted((name for name, size in sizes.items() if size > most_gb), key=lambda name: -sizes[name])
    if large:
        number, _ = _counted(large, "waiting model is", "waiting models are")
        yield warning("hardware", TOO_LARGE.format(number, most_gb, named(large)), is_public=True)


def _counted(things: Sequence[str], one: str, several: str) -> tuple[str, str]:
    return f"{len(things):,} {one if len(things) == 1 else several}", "it" if len(things) == 1 else "them"
