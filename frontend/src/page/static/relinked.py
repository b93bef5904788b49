"""Makes the links of a page lead to the files of the export, and takes out what needs a server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser

from markupsafe import Markup

ELSEWHERE = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
NEEDS_A_SERVER = ("compare", "files/", "?request=")
"""How the addresses begin of what a folder cannot do. Such a link goes with its text."""

LINKS = {"a": "href", "link": "href", "img": "src", "script": "src"}
"""The attribute of each tag that holds an address."""


def relinked(html: str, targets: Mapping[str, str], *, depth: int) -> Markup:
    """Return a page with the links that it has as a file `depth` folders deep.

    `targets` has the path of each file by the address that the leaderboard's page has for it. Links to other
    sites and within the page stay. A picture from elsewhere becomes a link: a page here loads nothing. Other
    links become text, and those to what only a server can do are taken out.
    """
    parser = _Relinker(targets, "../" * depth)
    parser.feed(html)
    parser.close()
    return Markup("".join(parser.parts))


class _Relinker(HTMLParser):
    """Repeats a page as it is, but for its links."""

    def __init__(self, targets: Mapping[str, str], root: str) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._targets = targets
        self._root = root
        self._is_in_link = False
        self._unlinked = False
        """Whether the tag of the link that is open was left out."""
        self._left_out = False
        """Whether all within the link that is open is left out."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._unlinked = self._left_out = False
            self._is_in_link = True
        address = dict(attrs).get(LINKS.get(tag, "")) if tag in LINKS else None
        if address is None:
            self._write(self.get_starttag_text() or "")
        elif tag == "img" and ELSEWHERE.match(address):
            text = dict(attrs).get("alt") or address
            link = Markup("{}") if self._is_in_link else Markup('<a href="{1}">{0}</a>')
            self._write(link.format(text, address))
        elif (target := self._target(tag, address)) is not None:
            self._write(
                _tag(
                    tag, [*((name, text) for name, text in attrs if name != LINKS[tag]), (LINKS[tag], target)]
                )
            )
        elif tag == "a":
            self._unlinked, self._left_out = True, address.startswith(NEEDS_A_SERVER)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in LINKS:
            self.handle_starttag(tag, attrs)
        else:
            self._write(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        self._is_in_link = self._is_in_link and tag != "a"
        if tag == "a" and self._unlinked:
            self._unlinked = self._left_out = False
        else:
            self._write(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._write(data)

    def handle_entityref(self, name: str) -> None:
        self._write(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._write(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self._write(f"<!{decl}>")

    def _write(self, text: str) -> None:
        if not self._left_out:
            self.parts.append(text)

    def _target(self, tag: str, address: str) -> str | None:
        file = self._targets.get(address)
        if file is not None:
            return self._root + file
        if address.startswith("data:,") and tag == "link":
            return address
        is_elsewhere = tag == "a" and (ELSEWHERE.match(address) or address.startswith("#"))
        return address if is_elsewhere else None


def _tag(tag: str, attributes: list[tuple[str, str | None]]) -> str:
    texts = [
        Markup(" {}").format(name) if value is None else Markup(' {}="{}"').format(name, value)
        for name, value in attributes
    ]
    return f"<{tag}{''.join(texts)}>"
