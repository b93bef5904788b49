"""Publishes an evaluation by hand: the result first, then its request, as a worker does.

If the command is killed in between, the same command again finds the result and finishes the request. If
somebody else changed the request meanwhile, they win, and the result is taken back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from src.queue.lifecycle import LeaseTerms, claim, finish, release, taken_runs
from src.queue.publication import result_file
from src.queue.samples import Published, SamplesPublisher
from src.queue.shipped import SET_THE_TASKS, is_made_for_others
from src.queue.validation import of_a_size
from src.running.job import End, Ending
from src.running.suite import Suite
from src.shared.data.names import LOGS_FOLDER, is_for_people, log_path, result_path, samples_folder
from src.shared.data.new_file import path_for
from src.shared.data.reports import read_result
from src.shared.data.request import (
    LEASE_RAN_OUT,
    ORIGINAL,
    Identity,
    Request,
    Status,
    read_request,
    write_request,
)
from src.shared.data.result import UNKNOWN_TIME, Result
from src.shared.errors import NotPossible, StoreError, counted
from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from src.shared.moderation.steps import again, approved
from src.shared.stores.conflicts import Commit, beginning_with, update
from src.shared.stores.mirror import Mirror, Reading
from src.shared.stores.store import Snapshot, Store
from src.shared.times import Clock, from_text, utc_now
from src.shared.wiring import Stores
from src.upkeep.datasets import Say
from src.upkeep.its_request import same_as
from src.upkeep.not_wanted import NotWanted

RUNS = (
    "{model} is being evaluated right now, by the worker {worker}. Wait for its result, or have a maintainer "
    "cancel the request first."
)
CHANGED = (
    "The request of {model} was changed while you evaluated it: it is {status} now ({message}). Your "
    "evaluation was not published. Run the command again if it is still wanted."
)
REMOVED = (
    "{} was removed from this leaderboard while you evaluated it. Your evaluation was not published. Run the "
    "command again if it is still wanted."
)
WITHHELD = (
    "The Hub does not deliver {} of {} at the moment, and somebody else may have changed it. Run the command "
    "again later."
)
BY_HAND = "{} evaluated it by hand."
WAITS = "The result waits for its samples: the next try is in {}. Ctrl-C publishes the result without them."

FIRST_PAUSE_MINUTES, LONGEST_PAUSE_MINUTES = 1, 10
"""Pauses between tries to publish samples double. In all they outlast the Hub's hourly limit of commits."""


@dataclass(frozen=True)
class Place:
    """The place of an evaluation, as it was when the command looked."""

    path: str
    """The request's."""
    before: Request | None
    """The request that is there, if there is one."""
    taken: Collection[str]
    """The runs that have their name already."""
    left: Result | None = None
    """The result of an earlier command that ended before it finished the request."""


class ByHand:
    """The two datasets, as a command that evaluates one model uses them."""

    def __init__(
        self,
        stores: Stores,
        suite: Suite,
        *,
        who: str | None,
        worker: str,
        say: Say,
        samples: SamplesPublisher | None = None,
        clock: Clock = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._stores, self._suite = stores, suite
        self._who, self._worker = who, worker
        self._samples = samples or SamplesPublisher(suite.tasks)
        self._clock = clock
        self._say, self._sleep = say, sleep
        self._requests = Mirror(stores.requests, lambda path, data: read_request(data), index=REQUESTS_INDEX)
        self._results = Mirror(stores.results, read_result, index=RESULTS_INDEX)

    def look(self, wanted: Request) -> Place:
        """Return where an evaluation belongs, and whether it is there already.

        Raises NotPossible if it must not be published, and StoreError.
        """
        requests, results = self._requests.refresh_whole(), self._results.refresh_whole()
        for store in filter(None, (self._stores.requests, self._stores.results, self._samples.store)):
            store.check_writing()
        if is_made_for_others(self._suite.tasks, requests.values.values(), results.values.values()):
            raise StoreError(SET_THE_TASKS.format(self._stores.requests))
        not_wanted = NotWanted(self._stores.requests, requests.snapshot)
        not_wanted.check(wanted.model, wanted.base_model)
        found = same_as(wanted, requests.values)
        path = found or path_for(wanted, requests.snapshot.files)
        before = requests.values.get(path)
        self._check_free(before)
        taken = taken_runs(wanted.model, requests.values.values(), results.snapshot.files)
        left = [
            each
            for each in _left_behind(path, before, requests.values.values(), results.values.values())
            if identity_of(each) == wanted.identity
            and not not_wanted.is_of_before_a_removal(each.model, each.began)
        ]
        return Place(path, before, taken, max(left, key=lambda each: each.ended, default=None))

    def claimed(self, wanted: Request, place: Place, *, nonce: str, started: datetime) -> Request:
        """Return the request as it is while this command evaluates it. Nothing of that is written."""
        return self._claimed(wanted, place.before, nonce=nonce, started=started, taken=place.taken)

    def publish(self, running: Request, place: Place, ending: Ending) -> Request:
        """Publish the result with its log, then finish the request, and return it.

        Raises NotPossible if somebody was faster, and StoreError.
        """
        assert running.run and running.lease and ending.report is not None
        self._check_unchanged(running.model, place, self._requests.refresh())
        published = self._published_samples(ending, running)
        now = self._clock()
        data = report_file(ending, running, place.path, self._suite, now=now, samples=published.entry)
        result = result_path(running.model, running.run)
        log = log_path(running.model, running.run, running.attempt) if ending.log else None
        files = {result: data, **(published.files or {}), **({log: ending.log} if log else {})}
        message = f"publish {running.model}, evaluated by hand"
        update(
            self._stores.results,
            beginning_with(self._results.latest, self._results.refresh),
            lambda reading: Commit(reading.snapshot, message, files),
        )
        finished = finish(running, result=result, log=log, now=now)
        try:
            return self._write(self._with_who(finished), place)
        except NotPossible:
            self._take_back(self._stores.results, files, running)
            if self._samples.store and published.entry:
                folder = samples_folder(running.model, running.run, running.attempt)
                self._take_back(self._samples.store, self._samples.store.listed_below(folder), running)
            raise

    def complete(self, wanted: Request, place: Place) -> Request:
        """Finish the request of a result that an earlier command left, and return it.

        Raises NotPossible if somebody was faster, and StoreError.
        """
        left = place.left
        assert left and left.run
        started = left.provenance.started or left.ended
        running = self._claimed(wanted, place.before, nonce="", started=started, taken=(), run=left.run)
        log = log_path(running.model, left.run, left.attempt or running.attempt)
        has_log = log in self._stores.results.listed_below(f"{LOGS_FOLDER}/{running.model}")
        finished = finish(running, result=left.path, log=log if has_log else None, now=left.ended)
        return self._write(self._with_who(finished), place)

    def _published_samples(self, ending: Ending, running: Request) -> Published:
        """Publish the samples. Wait while their dataset cannot be written to, unless interrupted."""
        pause = FIRST_PAUSE_MINUTES
        while (published := self._samples.publish(ending, running)).is_waiting:  # it gives up by itself
            self._say(WAITS.format(counted(pause, "minute")))
            try:
                self._sleep(60.0 * pause)
            except KeyboardInterrupt:  # the evaluation must not be lost with its samples
                return Published()
            pause = min(2 * pause, LONGEST_PAUSE_MINUTES)
        return published

    def _check_free(self, request: Request | None) -> None:
        lease = request.lease if request and request.status is Status.RUNNING else None
        if request and lease and not lease.has_run_out(self._clock()):
            raise NotPossible(RUNS.format(model=request.model, worker=lease.worker))

    def _claimed(
        self,
        wanted: Request,
        before: Request | None,
        *,
        nonce: str,
        started: datetime,
        taken: Collection[str],
        run: str | None = None,
    ) -> Request:
        """Return the request that is there, or the new one, as RUNNING here. It keeps its history."""
        assert wanted.commit
        ready = replace(self._ready(wanted, before, started), run=run, tasks=None)
        return claim(
            ready,
            worker=self._worker,
            nonce=nonce,
            terms=LeaseTerms(),
            now=started,
            commit=wanted.commit,
            taken_runs=taken,
        )

    def _ready(self, wanted: Request, before: Request | None, now: datetime) -> Request:
        """Return a request that waits for a worker."""
        if before is None:
            return wanted
        match before.status:
            case Status.PENDING:
                return before
            case Status.WAITING:
                return approved(before, by=self._who, now=now)
            case Status.RUNNING:
                return release(before, end=End.LOST, message=LEASE_RAN_OUT, log=None, now=now)
            case _:
                return again(before, by=self._who, now=now)

    def _with_who(self, finished: Request) -> Request:
        """Note in the attempt who made it. It stays an attempt: `by` would make it a person's act."""
        *earlier, attempt = finished.history
        noted = replace(attempt, message=BY_HAND.format(self._who or "A maintainer"))
        return replace(finished, history=(*earlier, noted))

    def _check_unchanged(self, model: str, place: Place, reading: Reading[Request]) -> None:
        """Raise NotPossible if the request is not as it was when the command looked.

        Raises StoreError if the Hub withholds it. Another file that it withholds must not cost an evaluation.
        """
        if place.path in reading.undelivered:
            raise StoreError(WITHHELD.format(place.path, self._stores.requests))
        now = reading.values.get(place.path)
        if _state(now) == _state(place.before):
            return
        if now is None:
            raise NotPossible(CHANGED.format(model=model, status="gone", message="somebody deleted it"))
        self._check_free(now)
        message = now.message.rstrip(".")
        raise NotPossible(CHANGED.format(model=model, status=now.status, message=message))

    def _write(self, finished: Request, place: Place) -> Request:
        def decide(reading: Reading[Request]) -> Commit:
            self._check_unchanged(finished.model, place, reading)
            not_wanted = NotWanted(self._stores.requests, reading.snapshot)
            not_wanted.check(finished.model, finished.base_model)
            began = from_text(finished.run or "")
            if began and not_wanted.is_of_before_a_removal(finished.model, began):
                raise NotPossible(REMOVED.format(finished.model))
            message = f"finish {finished.model}, evaluated by hand"
            return Commit(reading.snapshot, message, {place.path: write_request(finished)})

        update(self._stores.requests, self._requests.refresh, decide)
        return finished

    def _take_back(self, store: Store, files: Collection[str], running: Request) -> None:
        """Delete what was published for a request that somebody else took, as far as it is there."""
        message = f"take back {running.model}, evaluated by hand"

        def decide(snapshot: Snapshot) -> Commit | None:
            folders = {path.rpartition("/")[0] for path in files if is_for_people(path)}
            there = {*snapshot.files, *(path for each in folders for path in store.listed_below(each))}
            gone = [path for path in files if path in there]
            return Commit(snapshot, message, {}, gone) if gone else None

        update(store, store.snapshot, decide)


def report_file(
    ending: Ending,
    running: Request,
    path: str,
    suite: Suite,
    *,
    now: datetime,
    samples: Mapping[str, object] | None = None,
) -> bytes:
    """Return the file of an evaluation's result. Raises NotPossible if it is too large to be read again."""
    assert ending.report is not None
    tasks = {task: suite.fewshot(task) for task in suite.tasks}
    data = result_file(ending.report, path=path, request=running, tasks=tasks, now=now, samples=samples)
    sized = of_a_size(ending, len(data))
    if sized.report is None:
        raise NotPossible(sized.message)
    return data


def identity_of(result: Result) -> Identity:
    """Return the identity of the request that a result answers."""
    return Identity(
        result.model,
        result.commit,
        result.precision,
        result.weight_type or ORIGINAL,
        result.use_chat_template,
    )


def _left_behind(
    path: str, before: Request | None, requests: Iterable[Request], results: Iterable[Result]
) -> Iterator[Result]:
    """Yield the results of this request that no request names, and that are newer than all that it went
    through.
    """
    named = {each.result for each in requests}
    times = [each.ended for each in before.history] + [before.submitted] if before else []
    since = max((time for time in times if time), default=UNKNOWN_TIME)
    hidden = before.run if before and before.status is Status.CANCELLED else None
    for result in results:
        is_its_own = result.request == path and result.run not in (None, hidden)
        is_left = result.path not in named and result.provenance.imported is None
        if is_its_own and is_left and result.ended > since:
            yield result


def _state(request: Request | None) -> tuple[object, ...] | None:
    """Return what another person or worker changes when they do something about a request."""
    return (request.status, request.run, request.attempt, request.history) if request else None
