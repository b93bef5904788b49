"""The owner's words on the page, taken from about.py."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from src.shared.errors import ConfigurationError


@dataclass(frozen=True)
class Texts:
    """The owner's texts. They are trusted and shown unchanged."""

    title: str
    """The heading of the page, in HTML."""
    introduction: str
    """Below the heading, in Markdown."""
    benchmarks: str
    """The About tab, in Markdown."""
    queue: str
    """Above the form, in Markdown."""
    citation_label: str
    citation: str
    """What visitors can copy to cite the leaderboard; the page leaves it out if it is empty."""


def read_texts(about: ModuleType) -> Texts:
    """Read the texts of an about.py. Raises ConfigurationError if one is missing."""
    return Texts(
        title=_text(about, "TITLE"),
        introduction=_text(about, "INTRODUCTION_TEXT"),
        benchmarks=_text(about, "LLM_BENCHMARKS_TEXT"),
        queue=_text(about, "EVALUATION_QUEUE_TEXT"),
        citation_label=_text(about, "CITATION_BUTTON_LABEL"),
        citation=_text(about, "CITATION_BUTTON_TEXT"),
    )


def _text(about: ModuleType, name: str) -> str:
    value = getattr(about, name, None)
    if not isinstance(value, str):
        raise ConfigurationError(f'src/about.py has no text {name}: write {name} = """…""" there.')
    return value
