"""Blocked and removed models, and blocked users: `.leaderboard/blocked.yaml` in the requests dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..data.reasons import Reasons, read_reasons, reason_for
from ..data.yaml_file import TEXT_LOADER, read_yaml
from ..errors import BadFile

KINDS = ("models", "users", "removed")

REMOVED = "it was removed from this leaderboard"
"""The reason for a removed model, unless the owner gives another one."""


@dataclass(frozen=True)
class Blocklist:
    """Reasons, which may be empty, by name or pattern (`spammers/*`), all in lower case."""

    models: Reasons = field(default_factory=dict)
    users: Reasons = field(default_factory=dict)
    removed: Reasons = field(default_factory=dict)
    """Models whose results are not shown; they cannot be submitted either."""
    broken: str = ""
    """Why the file cannot be understood. Then we cannot tell who is blocked."""

    def model(self, name: str) -> str | None:
        """Return why a model is blocked, or None if it is not."""
        reason = reason_for(self.models, name)
        return (
            reason
            if reason is not None or not self.is_removed(name)
            else reason_for(self.removed, name) or REMOVED
        )

    def is_removed(self, name: str) -> bool:
        """Return whether a model's results are hidden."""
        return bool(self.removed) and reason_for(self.removed, name) is not None

    def user(self, login: str) -> str | None:
        """Return why a user is blocked, or None if they are not."""
        return reason_for(self.users, login)


def read_blocklist(data: bytes) -> Blocklist:
    """Read the list in a file. Raises BadFile if it is not as described in docs/data-format.md."""
    raw = read_yaml(data, TEXT_LOADER)
    if not raw:
        return Blocklist()
    if not isinstance(raw, Mapping) or not set(raw) <= set(KINDS):
        raise BadFile("it may hold only `models:`, `users:` and `removed:`")
    models, users, removed = (read_reasons(raw.get(kind), kind) for kind in KINDS)
    return Blocklist(models=models, users=users, removed=removed)
