"""The doors of the frontend: of all that the running app serves, only what is on the list can be called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import gradio.oauth
import httpx
import pytest
from fastapi import APIRouter, FastAPI
from gradio.routes import templates
from jinja2 import FileSystemLoader
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route

import app
from src.page.doors import ENDPOINTS, IN_ONE_STEP, LOGIN, doors, open_doors
from src.settings import Settings
from src.shared.serving.doors import LAUNCH, PAGE, Door, Doors
from src.shared.serving.launch import launch
from src.shared.wiring import open_stores
from support.asgi import call
from support.boards import Leaderboard
from support.processes import free_port
from support.routes import Call, calls, closed, is_on_the_list
from support.waiting import PATIENCE

OAUTH = {
    "OAUTH_CLIENT_ID": "client",
    "OAUTH_CLIENT_SECRET": "secret",
    "OAUTH_SCOPES": "openid profile",
    "OPENID_PROVIDER_URL": "https://hub.test",
}
A_SPACE = {"SYSTEM": "spaces", "SPACE_ID": "acme/leaderboard"}


@dataclass(frozen=True)
class Place:
    """A frontend that runs, with its list."""

    site: FastAPI
    url: str
    open: list[Door]
    page: gr.Blocks


@contextmanager
def frontend(folder: Path, **settings: Any) -> Iterator[Place]:
    """The frontend as app.py serves it, with its data in a folder."""
    port = free_port()
    chosen = Settings(
        leaderboard_data_dir=str(folder), gradio_server_name="127.0.0.1", gradio_server_port=port, **settings
    )
    stores, leaderboard = open_stores(chosen), Leaderboard(folder)
    desk = leaderboard.make_desk(leaderboard.requests, terms=chosen.terms)
    page = leaderboard.page(desk)
    site = app.serve(page, chosen, stores, [])
    try:
        yield Place(site, f"http://127.0.0.1:{port}", open_doors(chosen, stores), page)
    finally:
        page.close()


@pytest.fixture(params=["on a machine", "on a Space with a login"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A frontend on somebody's machine, and one that is a Space where people sign in."""
    settings: dict[str, Any] = {}
    if request.param != "on a machine":
        for name, value in A_SPACE.items():
            monkeypatch.setenv(name, value)
        for name, value in OAUTH.items():
            monkeypatch.setattr(gradio.oauth, name, value)
        settings = {name.lower(): value for name, value in (OAUTH | A_SPACE).items()}
    with frontend(tmp_path, **settings) as place:
        yield place


def test_every_route_of_the_running_app_is_closed_unless_it_is_on_the_list(place: Place) -> None:
    every = calls(place.site)
    assert len(every) >= 70
    unlisted = [call for call in every if not is_on_the_list(call, place.open)]
    assert len(unlisted) >= 50
    assert closed(place.url, unlisted) == unlisted
    for path in (
        "upload",
        "deep_link",
        "file=1",
        "file/1",
        "proxy=1",
        "component_server",
        "stream/1",
        "cancel",
    ):
        assert any(call.path == f"/gradio_api/{path}" for call in unlisted), path


def test_a_route_that_comes_later_is_closed(place: Place) -> None:
    async def anything() -> str:
        return "open"

    router = APIRouter(prefix="/gradio_api")
    router.add_api_route("/later", anything, methods=["GET", "PUT"])
    place.site.include_router(router)
    place.site.add_api_route("/gradio_api/upload/later", anything)
    place.site.router.routes.append(Mount("/mounted", routes=[Route("/app", anything)]))
    later = [
        Call("GET", "/gradio_api/later"),
        Call("PUT", "/gradio_api/later"),
        Call("GET", "/gradio_api/upload/later"),
        Call("GET", "/mounted/app"),
    ]
    assert set(later) <= set(calls(place.site))
    assert closed(place.url, later) == later


def test_what_app_py_adds_is_open(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "requests" / "acme" / "m_eval_request_False_float16_Original.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    address = f"{place.url}/files/requests/{path.relative_to(tmp_path / 'requests').as_posix()}"
    assert httpx.get(address, timeout=PATIENCE).text == "{}"


def test_the_first_call_after_the_launch_meets_all_that_app_py_adds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[int] = []
    launch = gr.Blocks.launch

    def launch_and_call(page: gr.Blocks, **options: Any) -> tuple[FastAPI, str, str]:
        site, url, share = launch(page, **options)
        assert "cdnjs" not in httpx.get(url, timeout=PATIENCE).text
        met.append(httpx.get(f"{url}iframe-resizer.js", timeout=PATIENCE).status_code)
        return site, url, share

    monkeypatch.setattr(gr.Blocks, "launch", launch_and_call)
    monkeypatch.setattr(templates.env, "loader", FileSystemLoader(Path(gradio.__file__).parent / "templates"))
    with frontend(tmp_path):
        assert met == [200]


def test_the_endpoints_on_the_list_are_those_of_the_page(place: Place) -> None:
    named = {str(each.get("api_name")) for each in place.page.config["dependencies"] if each["show_api"]}
    assert named == set(ENDPOINTS.strip("(?:)").split("|"))


def test_without_a_login_its_routes_are_closed(tmp_path: Path) -> None:
    with frontend(tmp_path) as place:
        login = [Call("GET", f"/{path}") for path in ("login/huggingface", "login/callback", "logout")]
        assert closed(place.url, login) == login


def test_a_space_has_no_door_for_calls_in_one_step_and_a_hub_store_none_for_files() -> None:
    space = Settings(space_id="acme/leaderboard", system="spaces")
    open_ = open_doors(space, open_stores(space))
    assert not {*IN_ONE_STEP, *LOGIN} & {*open_}
    assert not [door for door in open_ if door.path.startswith("/files")]


@pytest.mark.parametrize(
    ("location", "status"),
    [
        ("https://hub.test/oauth/authorize?x=y", 307),
        ("https://acme-leaderboard.hf.space/login/huggingface", 307),
        ("https://board.example/login/huggingface", 307),
        ("https://acme-leaderboard.hf.space,board.example/login", 404),
        ("https://hub.test.evil.example/", 404),
        ("http://hub.test/", 404),
    ],
)
def test_the_login_may_redirect_to_the_hub_and_to_the_spaces_own_hosts(location: str, status: int) -> None:
    given = {name.lower(): value for name, value in (OAUTH | A_SPACE).items()}
    space = Settings(**given, space_host="acme-leaderboard.hf.space,board.example")
    [middleware] = doors(space, open_stores(space))
    behind = middleware.cls(RedirectResponse(location), *middleware.args, **middleware.kwargs)
    assert call(behind, "/logout").status == status


@pytest.mark.parametrize("missing", LAUNCH, ids=lambda door: door.path)
def test_gradio_does_not_start_without_the_doors_of_its_launch(missing: Door) -> None:
    open_ = [door for door in (*LAUNCH, *PAGE) if door != missing]
    with gr.Blocks(analytics_enabled=False) as page:
        gr.Markdown("A page.")
    middleware = [Middleware(Doors, open_)]
    with pytest.raises(Exception, match="localhost"):
        launch(
            page,
            quiet=True,
            server_port=free_port(),
            app_kwargs={"middleware": middleware},
        )
    page.close()
