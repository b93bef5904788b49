"""What docs/security.md says of the backend: it uses nothing that the known holes of its packages are in."""

import importlib.util
import sys
from datetime import timedelta
from pathlib import Path

import gradio as gr
import pytest

from src.evaluation.evaluating import evaluate
from src.page.page import build_page
from src.queue.ticker import Ticker
from src.shared.wiring import Stores
from src.suite.announcer import Announcer
from support.executors import FunctionExecutor
from support.jobs import make_job
from support.page_parts import (
    components,
    is_an_endpoint_of_starlettes,
    routes,
    serves_a_folder,
    takes_or_shows_files,
)
from support.queues import SUITE, AnyModel, Queue
from support.sources import ROOT
from support.tiny_model import make_tiny_model


@pytest.fixture
def page(queue: Queue) -> gr.Blocks:
    announcer = Announcer(queue.results, FunctionExecutor(), SUITE)
    stores = Stores(queue.requests, queue.results, AnyModel())
    return build_page(queue.worker(), Ticker(timedelta(hours=1)), announcer, stores)


def test_no_component_takes_or_shows_a_file(page: gr.Blocks) -> None:
    assert components(page)
    assert [each for each in components(page) if takes_or_shows_files(each)] == []


def test_no_space_is_loaded_and_so_the_proxy_knows_no_address(page: gr.Blocks) -> None:
    assert page.proxy_urls == set()


def test_no_route_is_of_a_kind_that_starlette_has_holes_in_or_speaks_mcp(page: gr.Blocks) -> None:
    paths = [route.path for route in routes(page)]
    assert "/upload" in paths or "/gradio_api/upload" in paths, "the routes of Gradio's router are missing"
    assert [path for path in paths if "mcp" in path] == []
    assert [route for route in routes(page) if serves_a_folder(route)] == []
    assert [route for route in routes(page) if is_an_endpoint_of_starlettes(route)] == []


def test_an_evaluation_keeps_no_answers_in_pickles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "backend")
    model = make_tiny_model(tmp_path / "models" / "good")
    evaluate(make_job(model, tasks=("tiny_copy",), limit=2), lambda progress: None)
    assert "lm_eval.api.model" in sys.modules
    assert "sqlitedict" not in sys.modules


@pytest.mark.parametrize("package", ["lm_eval", "transformers", "src"])
def test_nothing_loads_a_checkpoint_by_the_index_that_accelerate_trusts(package: str) -> None:
    spec = importlib.util.find_spec(package)
    assert spec
    assert spec.submodule_search_locations
    files = [file for folder in spec.submodule_search_locations for file in Path(folder).rglob("*.py")]
    assert len(files) > 20
    trusting = ("load_checkpoint_in_model", "load_checkpoint_and_dispatch", "load_and_quantize_model")
    assert [
        file for file in files if any(each in file.read_text(encoding="utf-8") for each in trusting)
    ] == []
