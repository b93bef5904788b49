"""What docs/security.md says of the page: it has nothing that the known holes of its packages are in."""

from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from starlette.endpoints import HTTPEndpoint
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from support.boards import Leaderboard
from support.page_parts import (
    components,
    is_an_endpoint_of_starlettes,
    routes,
    serves_a_folder,
    takes_or_shows_files,
)


@pytest.fixture
def page(leaderboard: Leaderboard) -> Any:
    return leaderboard.page()


def test_no_component_takes_or_shows_a_file(page: gr.Blocks) -> None:
    assert len(components(page)) > 20
    assert [each for each in components(page) if takes_or_shows_files(each)] == []


@pytest.mark.parametrize(
    "component", [gr.File, gr.Image, gr.Gallery, gr.Audio, gr.FileExplorer, gr.UploadButton]
)
def test_a_component_that_takes_or_shows_files_would_be_seen(component: Any) -> None:
    assert takes_or_shows_files(component())


def test_no_space_is_loaded_and_so_the_proxy_knows_no_address(page: gr.Blocks) -> None:
    assert page.proxy_urls == set()


def test_no_route_is_of_a_kind_that_starlette_has_holes_in_or_speaks_mcp(page: gr.Blocks) -> None:
    paths = [route.path for route in routes(page)]
    assert "/upload" in paths or "/gradio_api/upload" in paths, "the routes of Gradio's router are missing"
    assert [path for path in paths if "mcp" in path] == []
    assert [route for route in routes(page) if serves_a_folder(route)] == []
    assert [route for route in routes(page) if is_an_endpoint_of_starlettes(route)] == []


def test_such_routes_would_be_seen(tmp_path: Path) -> None:
    assert serves_a_folder(Mount("/files", StaticFiles(directory=tmp_path)))
    assert is_an_endpoint_of_starlettes(Route("/", HTTPEndpoint))


def test_off_a_space_there_is_no_button_that_signs_in_as_the_owner_of_the_machine(page: gr.Blocks) -> None:
    assert not [each for each in components(page) if isinstance(each, gr.LoginButton)]
