"""The picture for link previews: the leaderboard's title and its best models, drawn from the standings."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from src.leaderboard.rows import Row, Standings
from src.leaderboard.view import OPENING, view
from src.page.assets import ADDRESS, FOLDER, KINDS
from src.page.plain.kept import Answer

PNG = "image/png"

WIDTH, HEIGHT, MARGIN = 1200, 630, 80
"""Pixels: what link previews are made for."""

MODELS = 5
"""How many models it shows."""

LONGEST = {"title": 30, "model": 44}
"""Characters that have room."""

SHADES = 32
"""A sixth of the bytes, and nobody sees it."""

PAPER, TITLE, TEXT, BAR = "#0f172a", "#ffffff", "#e2e8f0", "#4f46e5"


def owners_picture(folder: Path = FOLDER) -> str | None:
    """Return the address of the owner's own picture, `assets/preview.png`, relative to the page."""
    names = [f"preview.{end}" for end in KINDS]
    return next((f"{ADDRESS}/{name}" for name in names if (folder / name).is_file()), None)


def preview(standings: Standings, *, title: str) -> Answer:
    """Return the picture as PNG."""
    from PIL import Image, ImageDraw  # gradio has imported it

    picture = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((MARGIN, 70), _written(title, "title") or "Leaderboard", fill=TITLE, font=_font(64))
    _draw_models(draw, view(standings, OPENING).rows[:MODELS])
    file = io.BytesIO()
    picture.quantize(SHADES).save(file, "PNG", optimize=True)
    return Answer(file.getvalue(), PNG)


def _draw_models(draw: Any, rows: Sequence[Row]) -> None:
    font, room = _font(34), WIDTH - 2 * MARGIN
    largest = max((abs(row.average) for row in rows if row.average), default=1.0)
    longest = max(largest, 100.0)
    for place, row in enumerate(rows):
        top = 190 + 80 * place
        bar = max(0.0, (row.average or 0.0) / longest)
        draw.rectangle((MARGIN, top, MARGIN + room * bar, top + 62), fill=BAR)
        draw.text((MARGIN + 20, top + 12), _written(row.model, "model"), fill=TEXT, font=font)
        average = (
            "" if row.average is None else f"{row.average:.2f}" if largest < 1e6 else f"{row.average:.3g}"
        )
        draw.text((WIDTH - MARGIN - 20, top + 12), average, fill=TEXT, font=font, anchor="ra")


def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _written(text: str, kind: str) -> str:
    """Return the part of a text that the font can write: it has Latin letters."""
    latin = " ".join("".join(letter for letter in text if letter.isprintable() and letter < "\u0180").split())
    longest = LONGEST[kind]
    return latin if len(latin) <= longest else f"{latin[:longest]}…"
