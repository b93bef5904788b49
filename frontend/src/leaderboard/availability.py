"""Which models of the leaderboard are still on the Hub, and their tags: checked in the background, the oldest
check first, and kept in `.leaderboard/availability.csv` of the results dataset.
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from src.shared.data.model_name import is_model_name
from src.shared.data.names import AVAILABILITY, left_behind, place_of
from src.shared.data.request import CLOCK_SKEW
from src.shared.errors import BadFile, Conflict, LeaderboardError
from src.shared.models.model_source import KEPT_TAGS, Presence
from src.shared.process.steady import steady_now
from src.shared.stores.store import Store
from src.shared.times import Clock, from_text, to_text, utc_now

log = logging.getLogger(__name__)

BATCH = 100
"""Verdicts at a time, one call each: a tenth of what a free account may do in five minutes."""

INSPECTION_SECONDS = 300.0
CHECKED_AGAIN_AFTER = timedelta(hours=6)
WRITTEN_EVERY = timedelta(minutes=30)

FIELDS = ("model", "checked", "available", "tags")
TRUTHS = {"true": True, "false": False}
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Verdict:
    """The Hub's answer about a model, and when it came."""

    checked: datetime
    presence: Presence


Verdicts = Mapping[str, Verdict]
"""By the model's name."""


class Inspector:
    """Checks whether models are still on the Hub.

    `ask` asks the Hub. It returns None if the Hub does not say, and raises ModelError if it cannot be asked
    now.
    """

    def __init__(
        self,
        results: Store,
        ask: Callable[[str], Presence | None],
        models: Callable[[], Collection[str]],
        *,
        clock: Clock = utc_now,
        steady: Clock = steady_now,
    ) -> None:
        self.presences: Mapping[str, Presence] = MappingProxyType({})
        self._results = results
        self._ask = ask
        self._models = models
        self._clock, self._steady = clock, steady
        self._checks: dict[str, Verdict] = {}
        self._asked: dict[str, datetime] = {}
        """When this process last asked about a model, by the steady clock."""
        self._is_loaded = False
        self._written = steady()
        self._has_news = False

    def inspect(self) -> None:
        """Verdict the next models, and write down what is known when it is time. It fails in the log only."""
        try:
            if not self._is_loaded:
                self._take_over(_written(self._results))
                self._is_loaded = True
            self._check()
            if self._has_news and self._steady() - self._written >= WRITTEN_EVERY:
                self._write()
        except LeaderboardError as error:
            log.warning("could not go on checking what is available: %s", error)

    def _check(self) -> None:
        now, since = self._clock(), self._steady()
        asked = {model: now - (since - time) for model, time in self._asked.items()}
        times = {model: check.checked for model, check in self._checks.items()} | asked
        try:
            for model in due(self._models(), times, now):
                presence = self._ask(model)
                self._asked[model] = self._steady()
                if presence is not None:
                    if not presence.is_available and (last := self._checks.get(model)):
                        presence = presence._replace(tags=last.presence.tags)  # it was what it was
                    self._checks[model] = Verdict(self._clock(), presence)
                    self._has_news = True
        finally:
            self._publish()

    def _publish(self) -> None:
        found = {model: check.presence for model, check in self._checks.items()}
        if found != self.presences:
            self.presences = MappingProxyType(found)

    def _take_over(self, checks: Verdicts) -> None:
        """Take over what another frontend, or this one before its restart, found out later than we did."""
        for model, check in checks.items():
            if _is_ahead(check.checked, self._clock()):
                continue
            if model not in self._checks or check.checked > self._checks[model].checked:
                self._checks[model] = check
        self._publish()

    def _write(self) -> None:
        snapshot = self._results.snapshot()
        self._take_over(_written(self._results))
        wanted = set(self._models())
        kept = {model: check for model, check in self._checks.items() if model in wanted}
        try:
            self._results.commit(
                add={AVAILABILITY: write_verdicts(kept)},
                delete=left_behind([AVAILABILITY], snapshot.files),
                message="Write down what is available",
                parent=snapshot,
            )
        except Conflict:  # next time
            return
        self._written, self._has_news = self._steady(), False


def read_presences(results: Store) -> Mapping[str, Presence]:
    """Return what is written down about each model. Raises StoreError."""
    return {model: check.presence for model, check in _written(results).items()}


def _written(results: Store) -> Verdicts:
    snapshot = results.snapshot()
    place = place_of(AVAILABILITY, snapshot.files)
    if place not in snapshot.files:
        return {}
    data = results.read(snapshot, [place])[place]
    return {} if isinstance(data, BadFile) else read_verdicts(data)


def due(models: Iterable[str], times: Mapping[str, datetime], now: datetime) -> list[str]:
    """The models to ask about next: those never asked about (`times` has the others), then the oldest.

    A time that has not come yet is from a wrong clock, and counts as never.
    """
    known = {model: time for model, time in times.items() if not _is_ahead(time, now)}
    checked = {model: known.get(model, NEVER) for model in models}
    old = [model for model, time in checked.items() if now - time >= CHECKED_AGAIN_AFTER]
    return sorted(filter(is_model_name, old), key=lambda model: (checked[model], model))[:BATCH]


def _is_ahead(time: datetime, now: datetime) -> bool:
    return time - now > CLOCK_SKEW


def read_verdicts(data: bytes) -> dict[str, Verdict]:
    """The checks in a file; a line that cannot be understood is left out: its model is checked again."""
    checks = {}
    for line in csv.DictReader(io.StringIO(data.decode("utf-8", "replace"))):
        time = from_text(line.get("checked") or "")
        truth = TRUTHS.get(line.get("available") or "")
        if time and truth is not None and line.get("model"):
            tags = KEPT_TAGS.intersection((line.get("tags") or "").split())
            checks[line["model"]] = Verdict(time, Presence(truth, tags))
    return checks


def write_verdicts(checks: Verdicts) -> bytes:
    """The file of these checks, in the order of the names."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(FIELDS)
    for model, check in sorted(checks.items()):
        truth, tags = str(check.presence.is_available).lower(), " ".join(sorted(check.presence.tags))
        lines.writerow([model, to_text(check.checked), truth, tags])
    return text.getvalue().encode()
