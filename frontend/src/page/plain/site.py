"""What the plain page says of the leaderboard, in the owner's words."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

from markupsafe import Markup

from src.page.texts import Texts

LONGEST_INTRODUCTION, LONGEST_DESCRIPTION = 600, 200
"""Characters, on the page and in link previews and search engines."""


@dataclass(frozen=True)
class Site:
    """What every plain page says of the leaderboard."""

    title: str
    """Plain text."""
    introduction: str
    """Plain text."""
    base: str = ""
    """The address of the Space, with a slash at its end; empty where nobody knows it."""
    picture: str = "preview.png"
    """The picture for link previews, relative to the page."""

    @classmethod
    def of(cls, texts: Texts, *, base: str = "", picture: str = "preview.png") -> Site:
        """Return it in the owner's words."""
        title = Markup(texts.title).striptags() or "Leaderboard"
        introduction = _shortened(without_markdown(texts.introduction), LONGEST_INTRODUCTION)
        return cls(title, introduction or title, base, picture)

    @property
    def description(self) -> str:
        """The beginning of the introduction."""
        return _shortened(self.introduction, LONGEST_DESCRIPTION)


def _shortened(text: str, longest: int) -> str:
    return textwrap.shorten(text, longest, placeholder=" …")


def without_markdown(text: str) -> str:
    """Return the words of a text in Markdown and HTML."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"(?m)^\s*(?:#+|[-*+>]|\d+\.)\s+", "", text)
    return Markup(re.sub(r"(?<!\w)[*_`]+|[*_`]+(?!\w)", "", text)).striptags()
