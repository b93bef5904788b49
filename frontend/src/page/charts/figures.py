"""Figures for plotly, as JSON. Their texts and lines take the theme's colors from the page's style sheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from src.page.charts.drawn import short

INDIGO, ORANGE, GRAY = "#6366f1", "#d97706", "#8b93a5"
"""Each stands out by 3 to 1 on a light and on a dark page."""

SCALE = [[0, "#f5f7ff"], [1, "#a5b4fc"]]
DIVERGING = [[0, "#fdba74"], [0.5, "#f8fafc"], [1, "#a5b4fc"]]
DARK = "#1f2937"
"""The colors from the worst to the best and from -1 to 1, and a color that can be read on all of them."""

LAYOUT: dict[str, Any] = {
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"family": "system-ui, sans-serif", "size": 12},
    "margin": {"l": 48, "r": 12, "t": 12, "b": 48},
    "legend": {"orientation": "h", "x": 0, "y": -0.18, "yanchor": "top"},
    "hovermode": "closest",
    "hoverlabel": {
        "bgcolor": DARK,
        "bordercolor": DARK,
        "font": {"color": "#ffffff"},
        "align": "left",
    },
    "dragmode": False,
    "height": 480,
    "template": {},  # that of plotly has 7 kB
}
CONFIG = {"displayModeBar": False}

LONGEST_LABEL = 18
"""The letters of a name beside an axis."""

LONGEST_TITLE = 40
"""The letters of the title of an axis."""


def as_json(traces: Sequence[dict[str, Any]], **layout: Any) -> str:
    """Return a figure. plotly is imported here: it would slow down the start of the Space."""
    import plotly.graph_objects as go

    figure = go.Figure(traces, {**LAYOUT, **layout})
    return orjson.dumps({**figure.to_dict(), "config": CONFIG}, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def named(references: Iterable[str], rest: str) -> dict[str, Any]:
    """Return what makes each point tell its row: to a script as it is, and in a hover, above the rest.

    A name is sent a second time only where some is not harmless.
    """
    names = list(map(printable, references))
    texts = list(map(plain, names))
    name, shown = ("%{customdata}", {}) if texts == names else ("%{text}", {"text": texts})
    return {"customdata": names, "hovertemplate": f"{name}<br>{rest}<extra></extra>", **shown}


def plain(text: str) -> str:
    """Return a text as plotly shows it unchanged: it reads texts as HTML."""
    return escape(printable(text), quote=False)


def printable(text: str) -> str:
    """Return a text without halves of a surrogate pair, which JSON cannot hold."""
    return text.encode("utf-8", "replace").decode()


def label(name: str) -> str:
    """Return a name as it stands beside an axis: a model's without its organisation."""
    return plain(short(name.rpartition("/")[2] or name, LONGEST_LABEL))


def axis(names: Sequence[str], **more: Any) -> dict[str, Any]:
    """Return an axis of names. By number: plotly would merge those that look the same."""
    return {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": list(map(label, names)),
        "showgrid": False,
        "zeroline": False,
        "automargin": True,
        **more,
    }


def axis_title(name: str) -> dict[str, str]:
    """Return the title of an axis."""
    return {"text": plain(short(name, LONGEST_TITLE))}


def cells(
    values: NDArray[np.float64],
    texts: list[list[str]],
    *,
    colors: list[Any],
    ends: tuple[float, float],
    **more: Any,
) -> dict[str, Any]:
    """Return colored cells with a text in each. `more` has what each tells a script and a hover."""
    return {
        "type": "heatmap",
        "z": values.round(3),
        "text": texts,
        "texttemplate": "%{text}",
        "textfont": {"size": 10, "color": DARK},
        "hovertemplate": "%{hovertext}<br>%{text}<extra></extra>",
        "colorscale": colors,
        "zmin": ends[0],
        "zmax": ends[1],
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        **more,
    }
