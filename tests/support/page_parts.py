"""What a page of Gradio's is made of, and what of it could be asked for a file or an address."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.routes import App
from starlette.endpoints import HTTPEndpoint
from starlette.routing import BaseRoute, Mount


def components(page: gr.Blocks) -> list[Component]:
    return [block for block in page.blocks.values() if isinstance(block, Component)]


def takes_or_shows_files(component: Component) -> bool:
    """Whether what visitors send to it, or what it sends to them, can be a file."""
    schema = json.dumps(component.data_model.model_json_schema()) if component.data_model else ""
    return "FileData" in schema or isinstance(component, gr.FileExplorer)


def routes(page: gr.Blocks) -> list[Any]:
    """Every route of the page's app, those of its routers as well."""
    return list(_flat(App.create_app(page).routes))


def _flat(found: Iterable[BaseRoute]) -> Iterator[Any]:
    for route in found:
        if included := getattr(route, "original_router", None):  # newer fastapi keeps them apart
            yield from _flat(included.routes)
        else:
            yield route


def serves_a_folder(route: Any) -> bool:
    """Whether it is StaticFiles, or another app."""
    return isinstance(route, Mount)


def is_an_endpoint_of_starlettes(route: Any) -> bool:
    endpoint = getattr(route, "endpoint", None)
    return isinstance(endpoint, type) and issubclass(endpoint, HTTPEndpoint)
