"""The heat map: the scores of the best models on every task, each colored within the range of its task."""

from __future__ import annotations

import numpy as np

from src.columns import score
from src.leaderboard.charts import heat_map
from src.leaderboard.rows import Standings
from src.page.charts.choice import label
from src.page.charts.drawn import Drawn, Line, Numbers, references, short
from src.page.charts.figures import SCALE, as_json, axis, cells, plain, printable
from src.shared.errors import counted

PIXELS = 26
"""The height of a line."""


def draw(standings: Standings) -> Drawn:
    """Return the chart."""
    chart = heat_map(standings)
    if not chart.rows:
        return Drawn("No model has a score of a single task yet.")
    names, tasks = references(standings, chart.rows), [label(task) for task in chart.tasks]
    texts = [["" if np.isnan(value) else score(value) for value in line] for line in chart.scores.tolist()]
    total = counted(len(standings.rows), "model")
    return Drawn(
        f"The best {len(names)} of {total} on {counted(len(tasks), 'task')}; the first is {short(names[0])}.",
        "A darker cell is nearer to the best score of its task among all models.",
        Numbers(
            ("Model", *tasks),
            [Line(name, cells, name) for name, *cells in zip(names, *texts, strict=True)],
        ),
        make_figure=lambda: as_json(
            [
                cells(
                    chart.relative,
                    texts,
                    colors=SCALE,
                    ends=(0, 1),
                    customdata=[list(map(printable, names))] * len(tasks),
                    hovertext=[[f"{plain(name)}<br>{plain(task)}" for name in names] for task in tasks],
                )
            ],
            xaxis=axis(names, tickangle=-45),
            yaxis=axis(tasks, autorange="reversed"),
            height=170 + PIXELS * len(tasks),
        ),
    )
