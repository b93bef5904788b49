"""The owner's texts in Markdown as HTML, for pages where no script turns them into it."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markupsafe import Markup


def as_html(text: str) -> Markup:
    """Return the HTML of an owner's text. The HTML within it stays, as on the leaderboard's own page."""
    return Markup(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))
