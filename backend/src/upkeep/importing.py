"""Publishes results from elsewhere: all results in one commit, then all their requests in another.

If the command is killed in between, importing the same files again completes it. Importing what is there
already changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from src.queue.lifecycle import SENTENCES, taken_runs
from src.shared.data.ends import End
from src.shared.data.names import MAX_BYTES, is_data_path, is_safe_path, result_path
from src.shared.data.new_file import path_for
from src.shared.data.reports import read_result
from src.shared.data.request import (
    IMPORTED,
    LEASE_RAN_OUT,
    Attempt,
    Request,
    Status,
    read_request,
    write_request,
)
from src.shared.data.result import UNKNOWN_TIME, Result
from src.shared.errors import NotPossible
from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from src.shared.moderation.steps import cut_short
from src.shared.stores.conflicts import Commit, update
from src.shared.stores.mirror import Mirror, Reading
from src.shared.times import from_text, to_run, to_text
from src.shared.wiring import Stores
from src.upkeep.checked_report import Checked
from src.upkeep.imported_file import imported_file
from src.upkeep.its_request import same_as
from src.upkeep.not_wanted import NotWanted
from src.upkeep.published_by_hand import RUNS, identity_of
from src.upkeep.score_scales import Scales
from src.upkeep.score_table import parts_of
from src.upkeep.stated import Refused

MOST_FILES = 500
MOST_BYTES = 20_000_000
"""The most that one commit takes, unless a single file is larger."""

TOO_LARGE = "the file to publish would have {:,} bytes, and at most {:,} can be read again"
REMOVED = "{} was removed from this leaderboard in the meantime"
TWICE = (
    "Somebody else is importing the same results: {} is there now. Import the same folders again: nothing is "
    "imported twice."
)
MESSAGE = "Its result was imported{}."


@dataclass(frozen=True)
class Planned:
    """A file that can be imported, and its place."""

    checked: Checked
    request_path: str
    result_path: str
    run: str
    data: bytes | None
    """The file to publish; None if its result is there already, and only its request is missing."""

    @property
    def weight(self) -> int:
        """The bytes that it adds to a commit."""
        return len(self.data or b"")


class Importing:
    """One import: plan each file in turn, then publish them all.

    `scales` are those of the board's scores, with those of the files that are planned.
    """

    def __init__(self, stores: Stores, *, who: str | None, now: datetime) -> None:
        """Read both datasets. Raises StoreError."""
        self._stores = stores
        self._who, self._now = who, now
        self._requests = Mirror(stores.requests, lambda path, data: read_request(data), index=REQUESTS_INDEX)
        self._results = Mirror(stores.results, read_result, index=RESULTS_INDEX)
        self._asked, self._computed = self._requests.refresh_whole(), self._results.refresh_whole()
        self._not_wanted = NotWanted(stores.requests, self._asked.snapshot)
        self.scales = Scales(self._computed.values.values())
        self._planned: list[Planned] = []
        # By model, because each file is compared with what there is of its model.
        self._results_of: defaultdict[str, list[Result]] = defaultdict(list)
        for result in self._computed.values.values():
            self._results_of[result.model].append(result)
        self._requests_of: defaultdict[str, dict[str, Request]] = defaultdict(dict)
        for path, request in self._asked.values.items():
            self._requests_of[request.model][path] = request
        self._taken = set(self._asked.snapshot.files)

    def plan(self, checked: Checked) -> Planned | str:
        """Plan one file, or return where its result is already. Raises Refused."""
        wanted = checked.request
        try:
            self._not_wanted.check(wanted.model, wanted.base_model)
        except NotPossible as error:
            raise Refused(str(error).rstrip(".")) from None
        if there := self._there(checked):
            if not self._lacks_its_request(there):
                return there.path
            return self._kept(Planned(checked, there.request or "", there.path, there.run or "", None))
        path = self._request_path(wanted)
        _check_free(self._asked.values.get(path), self._now)
        run = self._run(wanted.model)
        place = result_path(wanted.model, run)
        if not is_safe_path(place) or not is_data_path(place) or not is_safe_path(path):
            raise Refused(f"{wanted.model} cannot be the name of a folder: rename the model")
        data = imported_file(checked, path=path, run=run, by=self._who, at=self._now)
        if len(data) > MAX_BYTES:
            raise Refused(TOO_LARGE.format(len(data), MAX_BYTES))
        self._requests_of[wanted.model].setdefault(path, wanted)
        self._taken.add(path)
        return self._kept(Planned(checked, path, place, run, data))

    def publish(self) -> Mapping[str, str]:
        """Publish what was planned. Return why a request could not be finished, by its path.

        Of a request that somebody else took meanwhile, the results are taken back. Raises NotPossible if
        somebody else imports the same, and StoreError.
        """
        for chunk in _chunks([each for each in self._planned if each.data is not None]):
            self._publish_results(chunk)
        latest: dict[str, Planned] = {}
        for each in sorted(self._planned, key=lambda each: each.checked.result.ended):
            latest[each.request_path] = each
        lost: dict[str, str] = {}
        everything = list(latest.values())
        for start in range(0, len(everything), MOST_FILES):
            lost |= self._finish_requests(everything[start : start + MOST_FILES])
        gone = [each.result_path for each in self._planned if each.request_path in lost and each.data]
        if gone:
            self._take_back(gone)
        return lost

    def stays_in_the_queue(self, planned: Planned) -> bool:
        """Return whether its request, as it was when the import began, stays in the queue: it is a rerun, or
        its results together lack tasks of the board.
        """
        return self._stays(self._asked.values.get(planned.request_path), planned)

    def _stays(self, request: Request | None, planned: Planned) -> bool:
        if request is None or request.status not in (Status.WAITING, Status.PENDING):
            return False
        path = planned.request_path
        there = [each for each in self._computed.values.values() if each.request == path]
        ours = [each.checked for each in self._planned if each.request_path == path]
        missing = set.intersection(*(set(each.missing) for each in ours))
        return request.is_rerun or any(
            not any(parts_of(task, result, {}) for result in there) for task in missing
        )

    def _kept(self, planned: Planned) -> Planned:
        self._planned.append(planned)
        result, model = planned.checked.result, planned.checked.request.model
        self.scales.add(result)
        if planned.data is not None:
            found = replace(result, path=planned.result_path, request=planned.request_path)
            self._results_of[model].append(found)
        return planned

    def _there(self, checked: Checked) -> Result | None:
        """Return the same result, if it is there already or a file before this one has it."""
        of_the_model = self._results_of[checked.request.model]
        return next((result for result in of_the_model if _is_same(result, checked)), None)

    def _lacks_its_request(self, result: Result) -> bool:
        """Return whether an import was killed before it finished the request of this result."""
        began = from_text(result.run or "")
        if result.provenance.imported is None or result.request is None or began is None:
            return False
        request = self._asked.values.get(result.request)
        imports = [each for each in request.history if each.end == IMPORTED] if request else []
        return not any(each.ended and each.ended >= began for each in imports)

    def _request_path(self, wanted: Request) -> str:
        return same_as(wanted, self._requests_of[wanted.model]) or path_for(wanted, self._taken)

    def _run(self, model: str) -> str:
        """Return a name for a run that began now, which no other result of the model has."""
        taken = taken_runs(model, self._requests_of[model].values(), self._computed.snapshot.files)
        taken |= {each.run for each in self._planned}
        time = self._now
        while to_run(time) in taken:
            time -= timedelta(microseconds=1)
        return to_run(time)

    def _publish_results(self, planned: Collection[Planned]) -> None:
        """Write results. Raises NotPossible if somebody else imported one of them since they were read."""
        ours = {each.result_path for each in self._planned}

        def decide(reading: Reading[Result]) -> Commit:
            new = reading.values.keys() - self._computed.values.keys() - ours
            for path in new:
                if any(_is_same(reading.values[path], each.checked) for each in planned):
                    raise NotPossible(TWICE.format(path))
            files = {each.result_path: each.data or b"" for each in planned}
            return Commit(reading.snapshot, f"import {_results(len(files))}", files)

        update(self._stores.results, self._results.refresh_whole, decide)

    def _finish_requests(self, planned: list[Planned]) -> dict[str, str]:
        lost: dict[str, str] = {}

        def decide(reading: Reading[Request]) -> Commit | None:
            lost.clear()
            # A worker may have published a newer one meanwhile.
            self._computed = self._results.refresh_whole()
            not_wanted = NotWanted(self._stores.requests, reading.snapshot)
            add = {}
            for each in planned:
                before = reading.values.get(each.request_path)
                try:
                    _check_free(before, self._now)
                    not_wanted.check(each.checked.request.model, each.checked.request.base_model)
                    _check_not_removed(each, not_wanted)
                except (Refused, NotPossible) as error:
                    lost[each.request_path] = str(error).rstrip(".")
                    continue
                add[each.request_path] = write_request(self._imported(before, each))
            message = f"finish the requests of {_results(len(add))} from elsewhere"
            return Commit(reading.snapshot, message, add) if add else None

        update(self._stores.requests, self._requests.refresh_whole, decide)
        return lost

    def _imported(self, before: Request | None, planned: Planned) -> Request:
        """Return the request as finished with an imported result. One that is there keeps its history."""
        request = before or replace(
            planned.checked.request, submitted_time=to_text(self._now), submitted_by=self._who
        )
        message = MESSAGE.format(f" by {self._who}" if self._who else "")
        entry = Attempt(request.attempt, "", None, self._now, IMPORTED, message, by=self._who)
        if before and self._stays(before, planned):
            return replace(before, history=(*before.history, entry))
        history = (*request.history, *_cut_short(request, self._now), entry)
        if request.status is Status.FINISHED and before and self._has_a_newer(before, planned):
            return replace(before, history=history)
        return replace(
            request,
            status=Status.FINISHED,
            commit=planned.checked.request.commit,
            run=planned.run,
            attempt=0,
            lease=None,
            progress=None,
            message=SENTENCES[Status.FINISHED],
            history=history,
            result=planned.result_path,
            tasks=None,
        )

    def _has_a_newer(self, request: Request, planned: Planned) -> bool:
        """Return whether a request names a result that counts more than the imported one."""
        its = self._computed.values.get(request.result or "")
        return its is not None and its.ended > planned.checked.result.ended

    def _take_back(self, paths: list[str]) -> None:
        message = f"take back {_results(len(paths))} from elsewhere"
        update(
            self._stores.results,
            self._stores.results.snapshot,
            lambda snapshot: Commit(
                snapshot, message, {}, [each for each in paths if each in snapshot.files]
            ),
        )


def _results(number: int) -> str:
    return "a result" if number == 1 else f"{number:,} results"


def _check_free(request: Request | None, now: datetime) -> None:
    """Raise Refused if a worker evaluates a request right now."""
    lease = request.lease if request and request.status is Status.RUNNING else None
    if request and lease and not lease.has_run_out(now):
        raise Refused(RUNS.format(model=request.model, worker=lease.worker).rstrip("."))


def _check_not_removed(planned: Planned, not_wanted: NotWanted) -> None:
    """Raise Refused if the model was removed since the result was published: it is gone or not shown."""
    began, model = from_text(planned.run), planned.checked.request.model
    if began and not_wanted.is_of_before_a_removal(model, began):
        raise Refused(REMOVED.format(model))


def _cut_short(request: Request, now: datetime) -> list[Attempt]:
    """Return the attempt of a worker that is gone, or that did not notice yet that it was cancelled."""
    if request.status is Status.RUNNING and request.lease:
        return [request.lease.attempt(request.attempt, End.LOST, LEASE_RAN_OUT, ended=now)]
    return cut_short(request, now)


def _is_same(result: Result, checked: Checked) -> bool:
    """Return whether a result is of the same evaluation: of the same time and the same scores."""
    new = checked.result
    return (
        identity_of(result) == checked.request.identity
        and result.scores == new.scores
        and new.ended in (result.ended, UNKNOWN_TIME)
    )


def _chunks(planned: Iterable[Planned]) -> Iterator[list[Planned]]:
    """Yield what goes into one commit each."""
    number = files = size = 0

    def chunk_of(each: Planned) -> int:
        nonlocal number, files, size
        files, size = files + 1, size + each.weight
        if files > 1 and (files > MOST_FILES or size > MOST_BYTES):
            number, files, size = number + 1, 1, each.weight
        return number

    for _, group in groupby(planned, chunk_of):
        yield list(group)
