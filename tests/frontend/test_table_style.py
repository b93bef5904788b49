"""The component's style sheet is served without the fonts in it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from src.page.table import STYLE
from src.page.table_style import ADDRESS, table_style_routes, without_fonts


def get(site: Starlette, headers: Mapping[str, str] | None = None) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://page") as client:
            return await client.get(ADDRESS, headers=headers)

    return asyncio.run(ask())


@pytest.fixture
def site() -> Starlette:
    return Starlette(routes=table_style_routes())


def test_the_style_sheet_has_every_rule_but_the_fonts(site: Starlette) -> None:
    answer = get(site)
    original = STYLE.read_text(encoding="utf-8")
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert len(original) > 1_000_000  # else there is nothing to do any more
    assert len(answer.text) < 100_000
    assert "@font-face" not in answer.text
    assert "data:font" not in answer.text
    kept = re.sub(r"@font-face\{.*?\}", "", original)
    assert answer.text == kept
    assert answer.text.count("{") == answer.text.count("}") > 500


def test_a_browser_that_has_it_is_not_sent_it_again(site: Starlette) -> None:
    tag = get(site).headers["ETag"]
    for known in (tag, f"W/{tag}"):
        again = get(site, {"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert get(site, {"If-None-Match": '"another"'}).status_code == 200


def test_a_component_without_this_file_is_left_to_gradio(tmp_path: Path) -> None:
    site = Starlette(routes=table_style_routes(tmp_path / "style.css"))
    assert get(site).status_code == 404


@pytest.mark.parametrize(
    ("css", "left"),
    [
        ("a{b:c}@font-face{font-family:X;src:url(data:font/woff2;base64,AA==)}d{e:f}", "a{b:c}d{e:f}"),
        ("@font-face {\n  src: url(x);\n}\na { b: c }", "\na { b: c }"),
        ("a{b:c}", "a{b:c}"),
        ("@font-face{src:url(x)", "@font-face{src:url(x)"),
    ],
)
def test_only_whole_font_rules_are_removed(css: str, left: str) -> None:
    assert without_fonts(css) == left
