"""The board: everything that the page shows at one moment, and when it was read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from src.leaderboard.derived import Derived
from src.leaderboard.rows import Standings
from src.queue.entries import Entry
from src.shared.data.backend_description import BackendDescription
from src.shared.data.request import Request
from src.submitting.submitter import Submitter


@dataclass(frozen=True)
class Board:
    """Everything that the page shows, from one reading of the two datasets.

    `results` are the result files, each by its path and its content's id. `broken` has a sentence for each
    file that could not be understood. `local_models` are the names of models that lie in a local folder.
    `backend` is what the backend says it runs, None while it has said nothing, and `differences` are
    sentences about where that is not what about.py says. `failing_columns` has a sentence for each column
    whose function fails.
    """

    standings: Standings = field(default_factory=Standings)
    queue: tuple[Entry, ...] = ()
    results: frozenset[tuple[str, str]] = frozenset()
    broken: tuple[str, ...] = ()
    local_models: frozenset[str] = frozenset()
    backend: BackendDescription | None = None
    differences: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    """Sentences for the owner about what in about.py has no effect."""
    failing_columns: tuple[str, ...] = ()
    derived: Derived = field(default_factory=Derived, init=False, compare=False, repr=False)

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The queue's requests by path."""
        return self.derived.once("entries", lambda: {entry.path: entry for entry in self.queue})

    @property
    def requests(self) -> Mapping[str, Request]:
        """All requests by path."""
        return self.derived.once("requests", lambda: {entry.path: entry.request for entry in self.queue})

    def entries_of(self, who: Submitter) -> Sequence[Entry]:
        """What somebody with a login submitted, the last first."""
        by_login = self.derived.once("entries by login", lambda: _by_login(self.queue))
        return by_login.get((who.login or "").casefold(), ())


@dataclass(frozen=True)
class Now:
    """The present board, when it was last read (None: not yet), and a sentence while it cannot be.

    `left` is how many files are still to be read of the first reading, which shows what it has until then.
    `cannot_submit` is a sentence while nothing is taken, `created` names datasets that
    were missing and were made just now. `silent_since` is set when requests have waited for long without a
    sign of a worker. `version` goes up with every change of anything but `synced`.
    """

    board: Board = field(default_factory=Board)
    synced: datetime | None = None
    problem: str = ""
    left: int = 0
    cannot_submit: str = ""
    created: tuple[str, ...] = ()
    silent_since: datetime | None = None
    version: int = 0


def new_results(old: Board, new: Board) -> int:
    """How many results a visitor who looks at `old` has not seen."""
    return len(new.results - old.results)


def _by_login(queue: Sequence[Entry]) -> Mapping[str, Sequence[Entry]]:
    """The requests of each login, in lower case; those without one are nobody's."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(queue, key=lambda entry: entry.request.submitted_time, reverse=True):
        if entry.request.submitted_by:
            found[entry.request.submitted_by.casefold()].append(entry)
    return dict(found)
