"""The doors of the backend: of all that the running app serves, only what is on the list can be called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
import httpx
import pytest
from fastapi import FastAPI
from starlette.middleware import Middleware

import app
from src.page.doors import open_doors
from src.page.page import build_page
from src.settings import Settings
from src.shared.serving.doors import LAUNCH, PAGE, Door, Doors
from src.shared.serving.launch import launch
from src.worker import make_worker
from support.processes import free_port
from support.routes import Call, calls, closed, is_on_the_list
from support.waiting import PATIENCE


@dataclass(frozen=True)
class Place:
    """A backend whose page is served, with its list. Its worker does not tick."""

    site: FastAPI
    url: str
    open: list[Door]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("data")
    port = free_port()
    settings = Settings(
        leaderboard_data_dir=str(folder), gradio_server_name="127.0.0.1", gradio_server_port=port
    )
    worker = make_worker(settings)
    page = build_page(worker.reconciler, worker.ticker, worker.announcer, worker.stores)
    site = app.serve(page, settings, worker)
    yield Place(site, f"http://127.0.0.1:{port}", open_doors(settings, worker.stores))
    page.close()
    worker.close()


def test_every_route_of_the_running_app_is_closed_unless_it_is_on_the_list(place: Place) -> None:
    every = calls(place.site)
    assert len(every) >= 70
    unlisted = [call for call in every if not is_on_the_list(call, place.open)]
    assert len(unlisted) >= 50
    assert closed(place.url, unlisted) == unlisted
    for path in ("upload", "deep_link", "file=1", "proxy=1", "component_server", "run/1", "call/1", "info"):
        assert any(call.path == f"/gradio_api/{path}" for call in unlisted), path


def test_the_api_and_the_login_of_the_frontend_are_closed(place: Place) -> None:
    foreign = [
        Call("POST", "/gradio_api/run/predict"),
        Call("POST", "/gradio_api/call/submit"),
        Call("GET", "/gradio_api/heartbeat/1"),
        Call("GET", "/monitoring/summary"),
        Call("GET", "/login/huggingface"),
        Call("GET", "/logout"),
    ]
    assert closed(place.url, foreign) == foreign


def test_a_route_that_comes_later_is_closed(place: Place) -> None:
    async def anything() -> str:
        return "open"

    place.site.add_api_route("/gradio_api/later", anything, methods=["GET", "DELETE"])
    later = [Call("DELETE", "/gradio_api/later"), Call("GET", "/gradio_api/later")]
    assert set(later) <= set(calls(place.site))
    assert closed(place.url, later) == later


def test_what_app_py_adds_is_open(place: Place, tmp_path: Path) -> None:
    assert httpx.get(f"{place.url}/health", timeout=PATIENCE).json()["is_ticking"] is False
    assert any(door.path.startswith("/files/results") for door in place.open)


@pytest.mark.parametrize("missing", LAUNCH, ids=lambda door: door.path)
def test_gradio_does_not_start_without_the_doors_of_its_launch(missing: Door) -> None:
    with gr.Blocks(analytics_enabled=False) as page:
        gr.Markdown("A page.")
    open_ = [door for door in (*LAUNCH, *PAGE) if door != missing]
    with pytest.raises(Exception, match="localhost"):
        launch(
            page,
            quiet=True,
            server_port=free_port(),
            app_kwargs={"middleware": [Middleware(Doors, open_)]},
        )
    page.close()
