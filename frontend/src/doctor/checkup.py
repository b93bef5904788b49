"""The check-up itself: what the Hub, the two datasets and the owner's files say. It only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from src.board.board import Board
from src.board.keeper import Keeper
from src.settings import Settings
from src.shared.doctor.card import check_card, read_head
from src.shared.doctor.contents import Contents, check_contents
from src.shared.doctor.datasets import check_dataset, check_visibility
from src.shared.doctor.finding import Finding, green, status, warning, wrong
from src.shared.doctor.other_space import check_other_space
from src.shared.doctor.token import check_read_token, check_token
from src.shared.errors import BadFile
from src.shared.process.steady import steady_now
from src.shared.stores.hub import brief_hub
from src.shared.stores.whose import Role, Whose
from src.shared.times import utc_now
from src.shared.version import VERSION
from src.shared.wiring import Stores

SPACE = Path(__file__).resolve().parents[2]
"""The folder of this Space."""

KEPT = timedelta(seconds=5)
"""How long findings count: who presses *Check again* has just mended something."""

NO_LOGIN = (
    "README.md lacks `hf_oauth: true` and ANONYMOUS_SUBMISSIONS is not true, so nobody can submit on the "
    "page. Add the line to its head, or set ANONYMOUS_SUBMISSIONS to true."
)
NOT_GIVEN = (
    "README.md has `hf_oauth: true`, but the Hub has not given this Space a login. Do a factory rebuild in "
    "the Space's settings."
)
ANYBODY = (
    "ANONYMOUS_SUBMISSIONS is true on a Space, so anybody can fill the queue without a login. Unset it, "
    "unless that is what you want."
)
NEVER_ANNOUNCED = (
    "No backend has published what it runs. Start the backend Space, or `python -m src.worker` on your own "
    "machine, with the same OWNER, QUEUE_REPO and RESULTS_REPO."
)
NOT_TRIED = (
    "The backend's tasks have not passed a trial. A worker tries them when it starts, and `python -m "
    "src.suite` in the backend does so by hand."
)


@dataclass
class Doctor:
    """Checks one frontend. `stores` must be opened to look only."""

    settings: Settings
    stores: Stores
    keeper: Keeper
    about_settings: Sequence[Finding] = ()
    """What was found when the settings were read."""
    space: Path = SPACE
    clock: Callable[[], datetime] = utc_now
    steady: Callable[[], datetime] = steady_now
    _lock: Lock = field(default_factory=Lock, repr=False)
    _latest: tuple[datetime, list[Finding]] | None = field(default=None, repr=False)

    def latest(self) -> Sequence[Finding]:
        """Return findings that are at most some seconds old."""
        with self._lock:
            now = self.steady()
            if self._latest is None or now - self._latest[0] > KEPT:
                self._latest = (now, self.check_up())
            return self._latest[1]

    def check_up(self) -> list[Finding]:
        """Check everything. On the Hub this takes about ten calls, and it writes nothing."""
        return [
            *self.about_settings,
            *of_the_tokens(self.settings),
            *of_the_datasets(self.settings, self.stores, is_used=self._has_a_worker()),
            *of_the_login(self.settings, self.space),
            *check_card(self.space, is_a_leaderboard=True),
            *self._of_the_board(),
        ]

    def _has_a_worker(self) -> bool:
        """Return whether a worker has ever described itself, taken or evaluated something here."""
        board = self.keeper.now.board
        return board.backend is not None or any(
            each.lease or each.history for each in board.requests.values()
        )

    def _of_the_board(self) -> Iterator[Finding]:
        now, results = self.keeper.now, self.keeper.results_now
        if not now.synced:  # the check of the datasets has said why
            return
        board = now.board
        contents = Contents(
            requests=board.requests,
            models=[result.model for result in results.values.values()],
            broken=board.broken,
            files=frozenset(results.snapshot.files),
        )
        most_gb = board.backend.max_model_gb if board.backend else None
        yield from check_contents(contents, self.clock(), most_gb=most_gb)
        yield from of_the_board(board)
        yield from check_other_space(self.settings, board.backend.space if board.backend else None)


def of_the_tokens(settings: Settings) -> Iterator[Finding]:
    """Yield findings about the tokens, where the data is on the Hub."""
    if not settings.is_on_the_hub:
        return
    yield from check_token(
        brief_hub(settings.hf_token), (settings.requests_dataset, settings.results_dataset)
    )[1]
    yield from check_read_token(brief_hub(settings.hf_read_token, token_name="HF_READ_TOKEN"))


def of_the_datasets(settings: Settings, stores: Stores, *, is_used: bool) -> Iterator[Finding]:
    """Yield findings about whether the datasets can be used, and whose they are."""
    whose = Whose(Role.FRONTEND, settings.space_id, stores.space_name, must_write=False)
    both = (stores.requests, stores.results)
    found = [each for store in both for each in check_dataset(store, whose, is_used=is_used)]
    yield from found
    if not status(found):
        yield from check_visibility(brief_hub(settings.hf_token), both)


def of_the_login(settings: Settings, space: Path) -> Iterator[Finding]:
    """Yield findings about who may submit."""
    try:
        is_wanted = read_head(space).get("hf_oauth") is True
    except BadFile:
        return  # the check of the card has said so
    anybody = settings.takes_anonymous_submissions
    if not anybody and not is_wanted:
        yield wrong("login", NO_LOGIN)
    elif not settings.is_a_space:
        yield green("login", "On this machine there is none." if not anybody else "Anybody may submit here.")
    elif is_wanted and not settings.has_a_login:
        yield wrong("login", NOT_GIVEN)
    elif anybody:
        yield warning("login", ANYBODY)
    else:
        yield green("login", "People sign in with their account of the Hub.")


def of_the_board(board: Board) -> Iterator[Finding]:
    """Yield findings about about.py, the columns, and the backend's tasks."""
    yield from (warning("about.py", sentence) for sentence in board.hints)
    yield from (wrong("columns", sentence) for sentence in board.failing_columns)
    yield from (warning("scores", sentence) for sentence in board.standings.doubts)
    backend = board.backend
    if backend is None:
        yield warning("backend", NEVER_ANNOUNCED)
        return
    differences = [each for each in board.differences if each not in backend.problems]
    yield from (wrong("tasks", sentence) for sentence in backend.problems)
    yield from (warning("about.py", sentence) for sentence in differences)
    if not backend.problems and backend.tried is None:
        yield warning("tasks", NOT_TRIED)
    elif not backend.problems:
        yield green("tasks", f"The backend has tried all {len(backend.tasks)}.")
    if not differences:
        yield green("about.py", "It agrees with what the backend runs.")
    if backend.version == VERSION:
        yield green("version", f"Both Spaces run version {VERSION}.")
