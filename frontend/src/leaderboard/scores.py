"""The scores of a column as an array that is read once for all visitors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from src.columns import Column
from src.leaderboard.rows import Standings

Scores = NDArray[np.float64]


def scores_of(standings: Standings, column: Column) -> Scores:
    """Return a column's scores of all rows, nan where there is none."""

    def read() -> Scores:
        try:
            values = list(map(column.value, standings.rows))
        except Exception:  # noqa: BLE001  # it is the owner's; other rows keep their scores
            values = list(map(column.value_of, standings.rows))
        return np.array([value if isinstance(value, float) else np.nan for value in values], dtype=float)

    return standings.derived.once(("scores", column.header), read)
