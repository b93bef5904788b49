"""Removes a model: its requests, results, logs and samples, so that nothing older comes back.

The requests go first, with the act that says when, in one commit. From then on no run that began before is
shown, also one that a worker publishes at this moment. The results go last: if the command ends in between,
removing again completes it. Each commit writes the dataset's index without the model. git keeps the past.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from ..data.names import (
    ACTS,
    LOGS_FOLDER,
    OLD_LOGS_FOLDER,
    SAMPLES_FOLDER,
    is_own_path,
    is_safe_path,
    place_of,
)
from ..data.reports import read_result
from ..data.request import CLOCK_SKEW, Request, read_request
from ..data.result import Result
from ..errors import NotPossible
from ..index.index import Index
from ..index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from ..stores.conflicts import Commit, update
from ..stores.mirror import Mirror, Reading
from ..stores.store import Snapshot, Store
from ..times import from_text
from .acts import Act, Done, acts_with, moderation_to_change

T = TypeVar("T", Request, Result)

MOMENT = timedelta(microseconds=1)
"""The smallest step between the times that name runs."""

FOR_PEOPLE: Mapping[str, int] = {LOGS_FOLDER: 0, OLD_LOGS_FOLDER: 0, SAMPLES_FOLDER: 1}
"""How many folders lie between a model's folder and its files: what is deeper is another model's, because an
organisation may have the name of a model without one.
"""


class Removed(NamedTuple):
    """What was removed, and what else is left."""

    requests: int
    results: int
    others: int
    """Logs and samples."""
    samples_elsewhere: tuple[str, ...]
    """The datasets of samples of their own, which nobody deleted."""


def remove(done: Done, requests: Store, results: Store, samples: Store | None = None) -> Removed:
    """Remove the model that an act names, in any letter case. `samples` is a dataset of their own.

    Raises NotPossible if nothing of it is there, and StoreError.
    """
    assert done.act is Act.REMOVE
    asked = Mirror(requests, lambda _, data: read_request(data), index=REQUESTS_INDEX)
    computed = Mirror(results, read_result, index=RESULTS_INDEX)
    first = asked.refresh(), computed.refresh()
    spellings = _spellings(done, requests, *first)
    there = [_requests_of(done.name, first[0]), _results_of(done.name, first[1])]
    if not (any(there) or _for_people(spellings, results) or (samples and _for_people(spellings, samples))):
        raise NotPossible(f"There is nothing of {done.name} on this leaderboard: check the name.")
    runs = _runs(first[1].values[path] for path in there[1] if path in first[1].values)
    number = _remove_requests(done, requests, asked, runs)
    in_samples = _remove_samples(done.name, samples, spellings) if samples else 0
    gone, others = _remove_results(done.name, results, computed, spellings)
    elsewhere = {each.provenance.samples.repo for each in gone if each.provenance.samples}
    left = elsewhere - {None, str(samples) if samples else None}
    return Removed(number, len(gone), others + in_samples, tuple(sorted(filter(None, left))))


def _remove_requests(done: Done, store: Store, mirror: Mirror[Request], known: Collection[datetime]) -> int:
    """Delete the requests and record the act, at a moment after every run that was claimed by then."""
    number = 0

    def decide(reading: Reading[Request]) -> Commit:
        nonlocal number
        gone = _requests_of(done.name, reading)
        runs = [*known, *_runs(reading.values[path] for path in gone if path in reading.values)]
        # A worker may have claimed the model just now, or its clock may be ahead of ours. A time that is
        # further ahead was written by hand, and would hide all that is evaluated from now on.
        at = max([done.at, *(run + MOMENT for run in runs if run - done.at <= CLOCK_SKEW)])
        acts = acts_with(store, reading.snapshot, replace(done, at=at))
        number = len(gone)
        return _commit(
            f"remove {done.name} ({done.by or 'a command'})",
            REQUESTS_INDEX,
            mirror,
            reading,
            gone,
            {ACTS: acts},
        )

    update(store, mirror.refresh, decide)
    return number


def _remove_results(
    name: str, store: Store, mirror: Mirror[Result], spellings: Collection[str]
) -> tuple[list[Result], int]:
    """Delete results, logs and samples; return the readable results, and how many other files there were."""
    found: tuple[list[Result], int] = [], 0

    def decide(reading: Reading[Result]) -> Commit | None:
        nonlocal found
        gone, others = _results_of(name, reading), _for_people(spellings, store)
        readable = [reading.values[path] for path in gone if path in reading.values]
        found = readable, len(others) + len(gone) - len(readable)
        if not (gone or others):
            return None
        return _commit(f"remove {name}", RESULTS_INDEX, mirror, reading, [*gone, *others], {})

    update(store, mirror.refresh, decide)
    return found


def _remove_samples(name: str, store: Store, spellings: Collection[str]) -> int:
    number = 0

    def decide(snapshot: Snapshot) -> Commit | None:
        nonlocal number
        gone = _for_people(spellings, store)
        number = len(gone)
        return Commit(snapshot, f"remove {name}", {}, gone) if gone else None

    update(store, store.snapshot, decide)
    return number


def _commit(
    message: str,
    index: Index[T],
    mirror: Mirror[T],
    reading: Reading[T],
    gone: Collection[str],
    add: Mapping[str, bytes],
) -> Commit:
    """Return a commit that deletes files, and has the index without them if there is one.

    An index of a newer version goes, since only that version can write it.
    """
    files = reading.snapshot.files
    place = place_of(index.path, files)
    if place not in files:
        return Commit(reading.snapshot, message, add, gone)
    mirror.missing_in_the_index(reading)  # which reads it, and so finds out who wrote it
    if mirror.has_newer_index:
        return Commit(reading.snapshot, message, add, [*gone, place])
    kept = {path: blob for path, blob in files.items() if path not in gone and not is_own_path(path)}
    values = {path: value for path, value in reading.values.items() if path in kept}
    return Commit(reading.snapshot, message, {**add, place: index.write(kept, values, mirror.others)}, gone)


def _requests_of(name: str, reading: Reading[Request]) -> set[str]:
    """Return the paths of a model's requests; of those that cannot be read, by their names."""
    return _of(name, reading, lambda path: path.startswith(f"{name}_eval_request_".casefold()))


def _results_of(name: str, reading: Reading[Result]) -> set[str]:
    folder = f"{name}/".casefold()
    return _of(name, reading, lambda path: path.startswith(folder) and "/" not in path.removeprefix(folder))


def _of(name: str, reading: Reading[T], is_named: Callable[[str], bool]) -> set[str]:
    readable = {path for path, each in reading.values.items() if each.model.casefold() == name.casefold()}
    return readable | {path for path in reading.broken if is_named(path.casefold())}


def _spellings(
    done: Done, store: Store, asked: Reading[Request], computed: Reading[Result]
) -> Collection[str]:
    """Return the names that the model's folders may have: as typed, as anywhere in the datasets, and as in
    an earlier removal, after which only logs and samples may be left.
    """
    name = done.name.casefold()
    found = {each.model for reading in (asked, computed) for each in reading.values.values()}
    found |= {
        each.name for each in moderation_to_change(store, asked.snapshot).acts if each.act is Act.REMOVE
    }
    return {done.name, *(each for each in found if each.casefold() == name)}


def _runs(those: Iterable[Request | Result]) -> list[datetime]:
    """Return when these runs began, as far as their names say."""
    return [*filter(None, (from_text(each.run) for each in those if each.run))]


def _for_people(spellings: Iterable[str], store: Store) -> list[str]:
    """Return the paths of a model's logs and samples."""
    return [
        path
        for name in spellings
        for folder, depth in FOR_PEOPLE.items()
        if is_safe_path(f"{folder}/{name}")
        for path in store.listed_below(f"{folder}/{name}")
        if path.removeprefix(f"{folder}/{name}/").count("/") == depth
    ]
