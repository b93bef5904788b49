"""The calls that the server got: how many of which kind, by whom, on which repository, and when."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum


class Kind(StrEnum):
    """What the Hub counts apart."""

    API = "api"
    """Calls below /api, and those that negotiate an upload."""
    RESOLVE = "resolve"
    """Reading one file."""
    STORAGE = "storage"
    """Large files on their way to and from where they are kept. The Hub does not limit these."""
    ENDPOINTS = "endpoints"
    """Managing Inference Endpoints, which is at another address on the real Hub."""
    PAGE = "pages"
    """What a browser opens, and all that belongs to logging in."""


@dataclass(kw_only=True)
class Call:
    """One call, from when it comes in. `repository` is the name that was used: `datasets/acme/requests`.

    `status` is None until there is an answer, and stays so when the request was lost.
    """

    kind: Kind
    route: str
    method: str
    repository: str | None
    user: str | None
    fault: str | None = None
    status: int | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Calls:
    """All calls since the last reset, the oldest first."""

    log: list[Call] = field(default_factory=list)

    def reset(self) -> None:
        """Begin to count anew."""
        self.log = []

    def matching(self, **wanted: object) -> list[Call]:
        """The calls with these values: `matching(route="commit", repository="datasets/acme/requests")`."""
        return [
            call for call in list(self.log) if all(getattr(call, name) == wanted[name] for name in wanted)
        ]

    def count(self, **wanted: object) -> int:
        """How many calls have these values."""
        return len(self.matching(**wanted))

    def by(self, field_name: str) -> Counter[str | None]:
        """How many calls there are for each value of a field: `by("route")`."""
        return Counter(getattr(call, field_name) for call in list(self.log))
