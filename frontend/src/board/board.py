"""The board: everything that the page shows at one moment, and when it was read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from src.leaderboard.derived import Derived
from src.leaderboard.rows import Standings
from src.queue.entries import Entry, Group
from src.queue.outlook import Outlook
from src.shared.data.backend_description import BackendDescription
from src.shared.data.names import BLOCKLIST
from src.shared.data.reasons import Reasons
from src.shared.data.request import Request
from src.shared.moderation.acts import Moderation
from src.shared.moderation.blocklist import Blocklist
from src.shared.times import utc_now
from src.submitting.submitter import Submitter


@dataclass(frozen=True)
class Board:
    """Everything that the page shows, from one reading of the two datasets."""

    standings: Standings = field(default_factory=Standings)
    queue: tuple[Entry, ...] = ()
    results: frozenset[tuple[str, str]] = frozenset()
    """The result files: the path and the content's id of each."""
    broken: tuple[str, ...] = ()
    """A sentence for each file that cannot be understood."""
    local_models: frozenset[str] = frozenset()
    """The names of the models in a local folder."""
    backend: BackendDescription | None = None
    """What the backend runs; None until it has published a description."""
    differences: tuple[str, ...] = ()
    """Sentences for the owner about where the backend and about.py disagree."""
    hints: tuple[str, ...] = ()
    """Sentences for the owner about what in about.py has no effect."""
    failing_columns: tuple[str, ...] = ()
    """A sentence for each column whose function fails."""
    moderation: Moderation = field(default_factory=Moderation)
    """What maintainers did, and what of it is in force."""
    blocked_by_hand: Blocklist = field(default_factory=Blocklist)
    """The owner's own list of models and users."""
    blocklist_path: str = BLOCKLIST
    """Where that list is, or would be."""
    flagged_by_hand: Reasons = field(default_factory=dict)
    """The owner's own list of flagged models."""
    as_of: datetime = field(default_factory=utc_now, compare=False)
    """The moment from which its estimates count."""
    derived: Derived = field(default_factory=Derived, init=False, compare=False, repr=False)

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The queue's requests by path."""
        return self.derived.once("entries", lambda: {entry.path: entry for entry in self.queue})

    @property
    def requests(self) -> Mapping[str, Request]:
        """All requests by path."""
        return self.derived.once("requests", lambda: {entry.path: entry.request for entry in self.queue})

    @property
    def outlook(self) -> Outlook:
        """When its requests will have their results."""
        return self.derived.once("outlook", lambda: Outlook(self.requests, self.as_of, self.backend))

    @property
    def has_an_outlook(self) -> bool:
        """Whether anything runs or waits, so that estimates grow old."""
        return any(entry.group in (Group.RUNNING, Group.PENDING) for entry in self.queue[:1])

    def entries_of(self, who: Submitter) -> Sequence[Entry]:
        """Return what a login submitted, the newest first."""
        by_login = self.derived.once("entries by login", lambda: _by_login(self.queue))
        return by_login.get((who.login or "").casefold(), ())


@dataclass(frozen=True)
class Now:
    """The present board, and how current it is."""

    board: Board = field(default_factory=Board)
    synced: datetime | None = None
    """When the datasets were last read; None before the first time."""
    problem: str = ""
    """Why the datasets cannot be read; empty while they can."""
    left: int = 0
    """How many files the first reading has still to read. The board shows what has been read so far."""
    cannot_submit: str = ""
    """Why submissions are closed; empty while they are open."""
    created: tuple[str, ...] = ()
    """The datasets that were missing and have just been created."""
    silent_since: datetime | None = None
    """Since when requests have waited without a sign of a worker; None while that is not long."""
    version: int = 0
    """Goes up whenever anything but `synced` changes."""


def new_results(old: Board, new: Board) -> int:
    """Return how many results a visitor who sees `old` has not seen."""
    return len(new.results - old.results)


def _by_login(queue: Sequence[Entry]) -> Mapping[str, Sequence[Entry]]:
    """Group the requests by login, in lower case. Requests without a login are left out."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(queue, key=lambda entry: entry.request.submitted_time, reverse=True):
        if entry.request.submitted_by:
            found[entry.request.submitted_by.casefold()].append(entry)
    return dict(found)
