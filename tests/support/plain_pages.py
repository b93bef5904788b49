"""Pages as a browser without scripts reads them: tables, links and forms."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import httpx
from starlette.applications import Starlette

from src.page.details.routes import details_routes
from src.page.plain.routes import plain_routes
from src.page.plain.site import Site
from support.boards import NOW, TEXTS

SITE = Site.of(TEXTS, base="https://board.example/")

VOID = ("meta", "link", "input", "base", "br", "img")


@dataclass(frozen=True)
class PlainClient:
    """Calls an app without a server and without doors, always in the same event loop."""

    client: httpx.AsyncClient
    runner: asyncio.Runner

    def get(self, path: str, **headers: str) -> httpx.Response:
        """The answer to one call. `if_none_match` is the header If-None-Match."""
        return self.at_once([path], **headers)[0]

    def at_once(self, paths: Sequence[str], **headers: str) -> list[httpx.Response]:
        """The answers to calls that come at the same time."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def ask() -> list[httpx.Response]:
            return await asyncio.gather(*(self.client.get(path, headers=named) for path in paths))

        return self.runner.run(ask())


@contextmanager
def plain_client(keeper: Any, site: Site = SITE) -> Iterator[PlainClient]:
    """A client of the routes of the plain page and of the details."""
    app = Starlette(routes=[*plain_routes(keeper, site, clock=lambda: NOW), *details_routes(keeper, site)])
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page")
    with asyncio.Runner() as runner:
        yield PlainClient(client, runner)
        runner.run(client.aclose())


@dataclass
class Element:
    """A tag with its attributes and its text."""

    tag: str
    attributes: dict[str, str]
    within: tuple[str, ...]
    """The tags around it."""
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.parts).split())


class PlainPage(HTMLParser):
    """The elements of a page in their order. Cells and rows end where the next ones begin, as in browsers.

    A name's text is without the link to its details.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th", "tr", "tbody"):
            self._leave(
                *{"tr": ("td", "th", "tr"), "tbody": ("td", "th", "tr", "thead")}.get(tag, ("td", "th"))
            )
        within = tuple(each.tag for each in self._open)
        element = Element(tag, {name: value or "" for name, value in attrs}, within)
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if any(each.tag == tag for each in self._open):
            while self._open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        for element in reversed(self._open):
            element.parts.append(data)
            if element.attributes.get("aria-label", "").startswith("Details of"):
                break  # the name beside it ends before it

    def _leave(self, *tags: str) -> None:
        while self._open and self._open[-1].tag in tags:
            self._open.pop()

    def all(self, tag: str, *, within: str = "", **attributes: str) -> list[Element]:
        """The elements with this tag, within another, with these attributes."""
        return [
            each
            for each in self.elements
            if each.tag == tag
            and (not within or within in each.within)
            and attributes.items() <= each.attributes.items()
        ]

    @property
    def headers(self) -> list[Element]:
        return self.all("th", scope="col")

    @property
    def rows(self) -> list[list[str]]:
        """The text of each cell of the body."""
        lines: list[list[str]] = []
        for each in self.elements:
            if each.tag == "tr" and "tbody" in each.within:
                lines.append([])
            elif each.tag in ("td", "th") and "tbody" in each.within:
                lines[-1].append(each.text)
        return lines

    def column(self, header: str) -> list[str]:
        """The texts of a column."""
        place = [each.text for each in self.headers].index(header)
        return [row[place] for row in self.rows]

    def link(self, text: str) -> str:
        """Where the first link whose text begins like this leads."""
        return next(each.attributes["href"] for each in self.all("a") if each.text.startswith(text))

    def sorting_link(self, header: str) -> str:
        """Where a header leads."""
        return next(each.attributes["href"] for each in self.all("a", within="thead") if each.text == header)

    def sent(self, **changed: Sequence[str]) -> str:
        """The query that a browser sends with the form; `changed` are fields that a visitor has changed."""
        pairs: list[tuple[str, str]] = []
        for each in self.elements:
            name, kind = each.attributes.get("name", ""), each.attributes.get("type", "")
            if "form" not in each.within or not name or name in changed:
                continue
            if each.tag == "input" and (kind != "checkbox" or "checked" in each.attributes):
                pairs.append((name, each.attributes.get("value", "")))
            elif each.tag == "select":
                chosen = [one for one in self.all("option") if "selected" in one.attributes]
                pairs.append((name, chosen[0].attributes["value"]))
        return urlencode(pairs + [(name, value) for name, values in changed.items() for value in values])
