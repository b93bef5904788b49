"""The owner's words on the page, taken from about.py."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from src.shared.errors import ConfigurationError


@dataclass(frozen=True)
class Texts:
    """What the owner says on the page: HTML in `title`, Markdown elsewhere. It is trusted as it is."""

    title: str
    introduction: str
    benchmarks: str
    queue: str
    citation_label: str
    citation: str


def read_texts(about: ModuleType) -> Texts:
    """The texts in an about.py under their old names. Raises ConfigurationError when one is missing."""
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
