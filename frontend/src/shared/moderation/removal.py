"""Removes a model: its requests, results, logs and samples, so that nothing older comes back.

The requests go first, with the act that says when, in one commit. From then on no run that began before is
shown, also one that a worker publishes at this moment. If the second commit fails, removing again completes
it. git keeps both datasets' past, and an index the model's rows until it is renewed, as it is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from ..data.names import LOGS_FOLDER, OLD_LOGS_FOLDER, SAMPLES_FOLDER
from ..data.reports import read_result
from ..data.request import Request, read_request
from ..data.result import Result
from ..errors import NotPossible
from ..index.index import Index
from ..index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from ..stores.conflicts import Commit, update
from ..stores.indexer import Indexer
from ..stores.mirror import Mirror, Reading
from ..stores.store import Store
from .acts import Act, Done, record

T = TypeVar("T", Request, Result)


class Removed(NamedTuple):
    """What was removed, and what else is left."""

    requests: int
    results: int
    others: int
    """Logs and samples."""
    samples_elsewhere: tuple[str, ...]
    """The datasets of samples of their own, which nobody deleted."""


def remove(done: Done, requests: Store, results: Store) -> Removed:
    """Remove the model that an act names. Raises NotPossible if nothing of it is there, and StoreError."""
    assert done.act is Act.REMOVE
    asked = Mirror(requests, lambda _, data: read_request(data), index=REQUESTS_INDEX)
    computed = Mirror(results, read_result, index=RESULTS_INDEX)
    found_requests = _of(done.name, asked.refresh())
    found_results = _of(done.name, computed.refresh())
    others = _for_people(done.name, results)
    if not (found_requests or found_results or others):
        raise NotPossible(f"There is nothing of {done.name} on this leaderboard: check the name.")
    record(requests, done, delete=found_requests)
    _renew(requests, asked, REQUESTS_INDEX)

    def decide(reading: Reading[Result]) -> Commit | None:
        nonlocal found_results, others
        found_results, others = _of(done.name, reading), _for_people(done.name, results)
        delete = [*found_results, *others]
        return Commit(reading.snapshot, f"remove {done.name}", {}, delete) if delete else None

    update(results, computed.refresh, decide)
    _renew(results, computed, RESULTS_INDEX)
    elsewhere = {each.provenance.samples.repo for each in found_results.values() if each.provenance.samples}
    return Removed(
        len(found_requests), len(found_results), len(others), tuple(sorted(filter(None, elsewhere)))
    )


def _of(name: str, reading: Reading[T]) -> Mapping[str, T]:
    """Return what is a model's, in any letter case, by path."""
    return {path: each for path, each in reading.values.items() if each.model.casefold() == name.casefold()}


def _for_people(name: str, results: Store) -> list[str]:
    folders: Iterable[str] = (LOGS_FOLDER, OLD_LOGS_FOLDER, SAMPLES_FOLDER)
    return [path for folder in folders for path in results.listed_below(f"{folder}/{name}")]


def _renew(store: Store, mirror: Mirror[T], index: Index[T]) -> None:
    """Write an index without the model's rows, if the dataset has one."""
    if index.path in store.snapshot().files:
        Indexer(store, mirror, index).renew()
