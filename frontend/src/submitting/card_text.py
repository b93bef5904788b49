"""The words of a model card, without comments, headings and unfilled sections."""

from __future__ import annotations

from collections.abc import Iterator

LONGEST = 20_000
"""How many characters of a card are read. Strangers write cards; whoever has something to
say says it early.
"""

NOT_FILLED_IN = "[More Information Needed]"
"""The Hub's card template has this where the author wrote nothing."""


def words(card: str) -> str:
    """Return the text of a card on one line, in time that grows no faster than the card."""
    uncommented = " ".join(_without_comments(card[:LONGEST]))
    lines = (line for line in uncommented.split("\n") if not line.startswith("#"))
    return " ".join("\n".join(lines).replace(NOT_FILLED_IN, " ").split())


def _without_comments(text: str) -> Iterator[str]:
    """Yield what stands between the comments; one that never ends is text."""
    place = 0
    while (begins := text.find("<!--", place)) >= 0 and (ends := text.find("-->", begins + 4)) >= 0:
        yield text[place:begins]
        place = ends + 3
    yield text[place:]
