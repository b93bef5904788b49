"""The correlations of the tasks: how much alike each two of them order the models."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from src.leaderboard.charts import FEWEST_MODELS, Correlations, correlations
from src.leaderboard.rows import Standings
from src.page.charts.choice import label
from src.page.charts.drawn import SHOW_TASK, Drawn, Line, Numbers, short
from src.page.charts.figures import DIVERGING, as_json, axis, cells, plain, printable
from src.shared.errors import counted

PIXELS = 26
"""The height of a line."""

UNKNOWN = "n/a"


def draw(standings: Standings) -> Drawn:
    """Return the chart."""
    found = correlations(standings)
    if len(found.tasks) < 2 or found.models.max() < FEWEST_MODELS:
        return Drawn(f"A correlation needs two tasks and {FEWEST_MODELS} models that have scores of both.")
    names, places = [label(task) for task in found.tasks], range(len(found.tasks))
    texts = [[_text(value) for value in line] for line in found.values.tolist()]
    models = [[counted(number, "model") for number in line] for line in found.models.tolist()]
    return Drawn(
        sentence(found, names),
        f"Spearman's rank correlation; {UNKNOWN} under {FEWEST_MODELS} models. "
        "Where lower scores are better, they are turned.",
        Numbers(
            ("Task", *names),
            [
                Line(name, [f"{text} ({number})" for text, number in zip(*each, strict=True)])
                for name, *each in zip(names, texts, found.models.tolist(), strict=True)
            ],
        ),
        SHOW_TASK,
        make_figure=lambda: as_json(
            [
                cells(
                    found.values,
                    texts,
                    colors=DIVERGING,
                    ends=(-1, 1),
                    customdata=[[printable(task.name)] * len(names) for task in found.tasks],
                    hovertext=[
                        [
                            f"{plain(names[one])} and {plain(names[other])}<br>{models[one][other]}"
                            for other in places
                        ]
                        for one in places
                    ],
                )
            ],
            xaxis=axis(names, tickangle=-45),
            yaxis=axis(names, autorange="reversed"),
            height=170 + PIXELS * len(names),
        ),
    )


def sentence(found: Correlations, names: list[str]) -> str:
    """Return what the chart shows: the two tasks that are most alike, and the two that are least."""
    pairs = [pair for pair in combinations(range(len(names)), 2) if not np.isnan(found.values[pair])]
    if not pairs:
        return "No two tasks can be compared: all models have the same score."
    ordered = sorted(pairs, key=lambda pair: found.values[pair])
    told = [
        f"{short(names[one])} and {short(names[other])} ({_text(found.values[one, other])})"
        for one, other in (ordered[-1], ordered[0])
    ]
    most = f"Most alike are {told[0]}"
    return f"{most}." if len(ordered) == 1 else f"{most}, least alike {told[1]}."


def _text(value: float) -> str:
    return UNKNOWN if np.isnan(value) else f"{round(value, 2) + 0.0:.2f}"  # without the sign of -0.00
