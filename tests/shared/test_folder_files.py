"""The files of a local dataset over HTTP: what it can have, as text, and nothing else."""

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from src.shared.serving.folder_files import file_routes
from src.shared.stores.folder_store import FolderStore


@pytest.fixture
def site(tmp_path: Path) -> Starlette:
    folder = tmp_path / "results"
    for path, text in {
        "acme/tiny/results_1.json": "{}",
        "logs/acme/tiny/1 2.txt": "evaluated",
        ".logs/acme/tiny/1.txt": "evaluated",
        ".leaderboard/backend.yaml": "tasks: []",
        "acme/page.html": "<script>alert(1)</script>",
        ".leaderboard/lock": "",
        "acme/.env": "SECRET=1",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    stores = FolderStore(folder, web="files/results"), FolderStore(tmp_path / "not-served")
    return Starlette(routes=file_routes(*stores))


def get(site: Starlette, address: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://page") as client:
            return await client.get(address)

    return asyncio.run(ask())


def test_a_file_is_found_at_the_address_that_the_store_gives(site: Starlette, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "results", web="files/results")
    for path, kind in {
        "acme/tiny/results_1.json": "application/json",
        "logs/acme/tiny/1 2.txt": "text/plain",
        ".logs/acme/tiny/1.txt": "text/plain",
        ".leaderboard/backend.yaml": "text/plain",
    }.items():
        answer = get(site, f"/{store.address(path)}")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith(kind)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_what_a_browser_could_run_is_text(site: Starlette) -> None:
    assert get(site, "/files/results/acme/page.html").headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    "path",
    [
        ".leaderboard/lock",
        ".leaderboard/../.leaderboard/lock",
        "acme/.env",
        "link.txt",
        "../secret.txt",
        "%2e%2e/secret.txt",
        "acme/..%2f..%2fsecret.txt",
        "nothing.txt",
        "acme",
    ],
)
def test_nothing_else_is_served(site: Starlette, path: str) -> None:
    assert get(site, f"/files/results/{path}").status_code == 404


@pytest.mark.parametrize("path", ["../secret.txt", ".leaderboard/lock", "a//b", "logs/\u202e.txt"])
def test_a_path_that_no_file_can_have_has_no_address(tmp_path: Path, path: str) -> None:
    assert FolderStore(tmp_path, web="files/results").address(path) is None
