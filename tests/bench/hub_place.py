"""The two datasets of a leaderboard on a Hub in another process, and frontends that start on them."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from bench.corpora import Corpus, Files
from bench.figures import say, timed
from src.board.keeper import Keeper
from src.leaderboard.merging import standings
from src.leaderboard.rows import Standings
from src.shared.data.reports import read_result
from src.shared.data.request import read_request
from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from src.shared.stores.budgets import READS_WINDOW, ReadBudget
from src.shared.stores.hub import Hub
from src.shared.stores.hub_store import HubStore
from src.shared.times import utc_now
from src.tasks import Task
from support.hub_process import RemoteHub

LIMITS = {"api": 1_000, "resolve": 5_000}
"""What a free account has in five minutes."""

NO_LIMITS: Mapping[str, int] = {}


@dataclass(frozen=True)
class Calls:
    """What a step cost: calls that the Hub limits, reads of files among them, refused ones, seconds.

    `waited` is for how long the frontend would have waited for the Hub's windows.
    """

    all: int
    reads: int
    refused: int
    seconds: float
    waited: timedelta


@dataclass
class Place:
    """The datasets `acme/requests` and `acme/results`. Time can be skipped, here and on the Hub."""

    hub: RemoteHub
    tasks: tuple[Task, ...]
    token: str = ""
    _skipped: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        """The time, with what was skipped."""
        return utc_now() + self._skipped

    def start(self) -> Keeper:
        """A frontend that has not read anything yet."""
        client = Hub(self.token, endpoint=self.hub.url, clock=self.now, reads=ReadBudget(clock=self.now))
        return Keeper(
            HubStore(client, "acme/requests", index=REQUESTS_INDEX),
            HubStore(client, "acme/results", index=RESULTS_INDEX),
            self.tasks,
            clock=self.now,
            steady=self.now,
        )

    def put(self, requests: Files, results: Files) -> None:
        """Commit files to the datasets, as somebody else."""
        for name, files in (("requests", requests), ("results", results)):
            texts = {path: data.decode() for path, data in files.items()}
            if texts:
                self.hub.do("put", type="dataset", id=f"acme/{name}", files=texts)

    def measured(self, keeper: Keeper) -> Calls:
        """Bring a frontend up to date, through as many of the Hub's windows as that takes."""
        self.hub.do("reset_calls")
        seconds, waited = timed(keeper.sync), timedelta()
        while keeper.now.problem:
            if "rate limit" not in keeper.now.problem:
                raise AssertionError(keeper.now.problem)
            say(f"  {keeper.now.problem} {len(keeper.now.board.standings.rows)} rows are shown.")
            self.skip(READS_WINDOW)
            waited += READS_WINDOW
            seconds += timed(keeper.sync)
        calls = [call for call in self.hub.do("calls") if call["kind"] != "storage"]
        kinds = Counter(call["kind"] for call in calls)
        refused = sum(call["status"] == 429 for call in calls)
        return Calls(len(calls), kinds["resolve"], refused, seconds, waited)

    def skip(self, time: timedelta) -> None:
        """Let time pass."""
        self._skipped += time
        self.hub.do("skip_time", seconds=time.total_seconds())

    def limit(self, limits: Mapping[str, int]) -> None:
        """Let the Hub allow so many calls, as if none had been made."""
        self.hub.do("limit_calls", **limits)
        self.skip(READS_WINDOW)


@contextmanager
def corpus_on(hub: RemoteHub, corpus: Corpus, *, has_logs: bool = True) -> Iterator[Place]:
    """A leaderboard that was never indexed."""
    with tempfile.TemporaryDirectory() as folder:
        requests, results = Path(folder, "requests"), Path(folder, "results")
        corpus.write(requests, results, has_logs=has_logs)
        for place in (requests, results):
            hub.do("add_repository", type="dataset", id=f"acme/{place.name}", folder=str(place))
    yield Place(hub, corpus.columns, hub.do("add_user", name="alice", organizations={"acme": "write"}))


def expected(corpus: Corpus, *more: tuple[Files, Files]) -> Standings:
    """The table that the files make, read without any store."""
    files = [(each.request, each.result) for each in corpus.evaluated()] + list(more)
    requests = {path: read_request(data) for request, _ in files for path, data in request.items()}
    results = {path: read_result(path, data) for _, result in files for path, data in result.items()}
    return standings(corpus.columns, requests, results.values())
