"""How many models have a score in columns that are new: when the owner may take one into the average."""

from __future__ import annotations

from collections.abc import Iterator

from src.leaderboard.rows import Standings

OUTSIDE = (
    "{} stands outside the average: {:,} of {:,} models have a score. To let it count, delete "
    "in_average=False from its line in src/about.py."
)
TOO_FEW = (
    "{} counts for the average, but only {:,} of {:,} models have a score: the others have no average and no "
    "rank. Write in_average=False into its line in src/about.py until more of them have one."
)


def new_columns(standings: Standings) -> Iterator[str]:
    """Yield a sentence for the owner about each column outside the average, and about each in it that far
    fewer models have a score for than for others.
    """
    total = len(standings.rows)
    scored = [
        sum(row.scores[place] is not None for row in standings.rows) for place in range(len(standings.tasks))
    ]
    for column, number in zip(standings.tasks, scored, strict=True):
        name = column.task.col_name
        if not column.task.in_average:
            yield OUTSIDE.format(name, number, total)
        elif number * 2 < total <= max(scored) * 2 and number * 2 < max(scored):
            yield TOO_FEW.format(name, number, total)
