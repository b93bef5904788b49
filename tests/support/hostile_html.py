"""Whether a template lets anything through that should be text: its HTML as a parser reads it."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from jinja2 import nodes
from jinja2.meta import find_undeclared_variables

from src.shared.serving.templates import Templates

HARMLESS = "a harmless text"
HOSTILE = "<script>alert(1)</script>\"' onclick='x' {{ 7 * 7 }}{% if %}</td></div>&lt;"

FILTERS = {"join", "select", "length"}
"""Those that templates use; all leave text as text. `safe` must not become one of them."""


class Parsed(HTMLParser):
    """The tags of a piece of HTML with the names of their attributes, and all that is text for a reader."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, ...]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, *(name for name, _ in attrs)))
        self.texts += [value or "" for _, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}",))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def names_in(folder: Path) -> set[str]:
    """The templates of a folder."""
    return {path.name for path in folder.iterdir()}


def read_by(templates: Templates) -> set[str]:
    """The templates that were rendered or imported so far."""
    cache = templates.environment.cache
    return {name for _, name in cache} if cache else set()


def needed(templates: Templates, folder: Path) -> dict[str, set[str]]:
    """The values that each template must be given; one that only holds macros needs none."""
    return {name: find_undeclared_variables(_parsed(templates, folder / name)) for name in names_in(folder)}


def lets_markup_in(templates: Templates, file: Path) -> bool:
    """Whether a template itself says that a text needs no escaping."""
    tree = _parsed(templates, file)
    filters = {each.name for each in tree.find_all(nodes.Filter)}
    return not filters <= FILTERS or any(tree.find_all(nodes.ScopedEvalContextModifier))


def _parsed(templates: Templates, file: Path) -> nodes.Template:
    return templates.environment.parse(file.read_text(encoding="utf-8"))
