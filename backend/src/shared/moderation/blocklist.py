"""Who and what may not be submitted: the owner's `.leaderboard/blocked.yaml`, and what maintainers did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from ..data.reasons import Reasons, finder, read_reasons
from ..data.yaml_file import TEXT_LOADER, read_yaml
from ..errors import BadFile
from .acts import Act, Moderation

KINDS = ("models", "users", "removed")

HIDDEN = "it was removed from this leaderboard"
"""The reason for a model that the owner hides with `removed:`, unless they give another one."""

CLOSED = "Submissions are closed: {}."

ACTS_BROKEN = (
    "The file of maintainers' acts, .leaderboard/acts.json in the requests dataset, cannot be read: {}. "
    "Submissions are closed until it is fixed."
)
AS_BEFORE = "The acts that were read before still count."
UNKNOWN = "Until then this page may show models that were hidden."


@dataclass(frozen=True)
class Blocklist:
    """Reasons, which may be empty, by name or pattern (`spammers/*`), all in lower case."""

    models: Reasons = field(default_factory=dict)
    users: Reasons = field(default_factory=dict)
    hidden: Reasons = field(default_factory=dict)
    """Models whose results are not shown; they cannot be submitted either."""
    broken: str = ""
    """Why the file cannot be understood. Then we cannot tell who is blocked."""
    closed: str = ""
    """Why the board takes no submissions at all, in a sentence; empty while it does."""

    def model(self, name: str) -> str | None:
        """Return why a model is blocked, or None if it is not."""
        blocked, hidden = self._blocked(name), self._hidden(name)
        return blocked if blocked is not None or hidden is None else hidden or HIDDEN

    def is_hidden(self, name: str) -> bool:
        """Return whether a model's results are hidden."""
        return self._hidden(name) is not None

    def user(self, login: str) -> str | None:
        """Return why a user is blocked, or None if they are not."""
        return finder(self.users)(login)

    @cached_property
    def _blocked(self) -> Callable[[str], str | None]:
        return finder(self.models)

    @cached_property
    def _hidden(self) -> Callable[[str], str | None]:
        return finder(self.hidden)


def read_blocklist(data: bytes) -> Blocklist:
    """Read the list in a file. Raises BadFile if it is not as described in docs/data-format.md."""
    raw = read_yaml(data, TEXT_LOADER)
    if not raw:
        return Blocklist()
    if not isinstance(raw, Mapping) or not set(raw) <= set(KINDS):
        raise BadFile("it may hold only `models:`, `users:` and `removed:`")
    models, users, hidden = (read_reasons(raw.get(kind), kind) for kind in KINDS)
    return Blocklist(models=models, users=users, hidden=hidden)


def with_acts(by_hand: Blocklist, moderation: Moderation) -> Blocklist:
    """Return the owner's list with what maintainers blocked, hid and closed. The owner's reasons win."""
    return replace(
        by_hand,
        models=united(by_hand.models, moderation.reasons(Act.BLOCK)),
        users=united(by_hand.users, moderation.reasons(Act.BLOCK_USER)),
        hidden=united(by_hand.hidden, moderation.reasons(Act.HIDE)),
        closed=why_closed(moderation),
    )


def united(by_hand: Reasons, by_acts: Reasons) -> Reasons:
    """Return the owner's list and that of the acts as one. The owner's comes first."""
    return {**by_hand, **{name: reason for name, reason in by_acts.items() if name not in by_hand}}


def why_closed(moderation: Moderation) -> str:
    """Return why maintainers take no submissions, in sentences; empty while they do."""
    if moderation.broken:
        return f"{ACTS_BROKEN.format(moderation.broken)} {AS_BEFORE if moderation.acts else UNKNOWN}"
    return CLOSED.format(moderation.closed.reason.removesuffix(".")) if moderation.closed else ""
