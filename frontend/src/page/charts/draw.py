"""Which chart a choice means, and the charts of the present board: each is made once for all visitors."""

from __future__ import annotations

from threading import Lock

from cachetools import LRUCache

from src.leaderboard.rows import Standings
from src.page.charts import correlation, cost, heat_map, over_time, size
from src.page.charts.choice import Choice, Kind
from src.page.charts.drawn import Drawn

MOST_KEPT = 40
"""The most charts that are kept. Each has up to 300 kB."""


def draw(standings: Standings, choice: Choice) -> Drawn:
    """Return a chart."""
    match choice.kind:
        case Kind.SIZE:
            return size.draw(standings, choice.column)
        case Kind.COST:
            return cost.draw(standings, choice.column)
        case Kind.TIME:
            return over_time.draw(standings, choice.column)
        case Kind.HEAT_MAP:
            return heat_map.draw(standings)
        case Kind.CORRELATION:
            return correlation.draw(standings)


class KeptCharts:
    """Keeps the latest charts of one board: a new one makes them all old. One is made at a time."""

    def __init__(self) -> None:
        self._of: Standings | None = None
        self._made: LRUCache[tuple[Kind, str], Drawn] = LRUCache(MOST_KEPT)
        self._lock = Lock()

    def drawn(self, standings: Standings, choice: Choice) -> Drawn:
        """Return a chart, made once for all who ask."""
        key = (choice.kind, choice.column.name if choice.kind.has_a_column else "")
        with self._lock:
            if standings is not self._of:
                self._of = standings
                self._made.clear()
            if key not in self._made:
                self._made[key] = made = draw(standings, choice)
                _ = made.figure  # made here, so that nobody makes it a second time
            return self._made[key]
