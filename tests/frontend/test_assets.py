"""The owner's pictures are served, and nothing else of the folder or beside it."""

import asyncio
import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from src.page.assets import asset_doors, asset_route
from src.shared.serving.doors import Doors

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "assets"
    (folder / "more").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(b"secret")
    for name in (
        "logo.png",
        "our-logo_2.v3.jpeg",
        "more/x.png",
        ".hidden.png",
        "x.svg",
        "x.html",
        "about.py",
    ):
        (folder / name).write_bytes(PNG)
    (folder / "page.gif").write_bytes(b"<script>alert(1)</script>")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "inside.png").symlink_to(folder / "about.py")
    return folder


def get(folder: Path, address: str, *, has_doors: bool = True) -> httpx.Response:
    middleware = [Middleware(Doors, asset_doors(folder))] if has_doors else []
    site = Starlette(routes=[asset_route(folder)], middleware=middleware)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://page") as client:
            return await client.get(address)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("name", "kind"),
    [("logo.png", "image/png"), ("our-logo_2.v3.jpeg", "image/jpeg"), ("page.gif", "image/gif")],
)
def test_a_picture_is_served_as_nothing_but_a_picture(folder: Path, name: str, kind: str) -> None:
    answer = get(folder, f"/files/assets/{name}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize("has_doors", [True, False])
@pytest.mark.parametrize(
    "path",
    [
        *("", "x.svg", "x.html", "about.py", ".hidden.png", "more/x.png", "more", "nothing.png"),
        *("link.png", "inside.png", "../secret.png", "%2e%2e/secret.png", "..%2fsecret.png"),
        *("logo.PNG", "logo.png%00.png", "logo.png%0a", "./logo.svg", "//etc/passwd", "more%2fx.png", "logo"),
    ],
)
def test_nothing_else_is_served_not_even_without_the_doors(folder: Path, path: str, has_doors: bool) -> None:
    assert get(folder, f"/files/assets/{path}", has_doors=has_doors).status_code == 404


def test_without_pictures_there_is_no_door(tmp_path: Path) -> None:
    assert asset_doors(tmp_path / "assets") == []
    (tmp_path / "README.md").touch()
    assert asset_doors(tmp_path) == []


def test_the_shipped_folder_has_no_pictures_and_the_docs_show_an_address_that_is_served() -> None:
    assert asset_doors() == []
    text = Path("docs/customise.md").read_text()
    [address] = re.findall(r'<img src="(files/assets/[^"]+)"', text)
    assert address == "files/assets/logo.png"
