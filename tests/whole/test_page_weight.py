"""What the page weighs for a visitor."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from gradio_client import Client
from playwright.sync_api import Browser, Response, expect

from bench.pages import make_leaderboard, served
from local_leaderboard import Space
from support.counting_proxy import counting_proxy, joined
from support.leaderboard import Datasets, datasets_in_a_folder
from support.pages import opening
from support.waiting import PATIENCE

MODELS = {f"acme/model-{place}": 0.1001 + place / 10_000 for place in range(1000) if (place + 1) % 10}
"""Each with a score of its own, of two decimals that do not end in a zero."""

UNCOMPRESSED = {"Accept-Encoding": "identity"}

LARGEST_ANSWER = 60_000
"""Bytes on the wire of what a key in the search is answered with."""

LARGEST_FIRST_LOAD = 700_000
"""Bytes on the wire until the table is there, a third of it the component's script."""


@pytest.fixture(scope="module")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """A frontend on many results."""
    with datasets_in_a_folder(tmp_path_factory.mktemp("weight")) as datasets:
        for model, score in MODELS.items():
            write(datasets, model, round(score, 4))
        with datasets.frontend(REFRESH_RATE="0.5") as frontend:
            yield frontend


def write(datasets: Datasets, model: str, score: float) -> None:
    result = {
        "config": {"model_name": model, "model_dtype": "float16", "model_sha": "c" * 40},
        "results": {
            "tiny_addition": {"acc,none": score},
            "tiny_agreement": {"acc,none": 0.5},
            "tiny_copy": {"exact_match,none": 0.5},
        },
    }
    datasets.write("results", f"{model}/results_2026-01-31T12-00-00.000000.json", json.dumps(result))


def test_26_of_a_large_table_a_visitor_is_sent_the_first_hundred_rows_once(
    browser: Browser, frontend: Space
) -> None:
    """Defect 26: the whole table travels to each visitor."""
    page = browser.new_page()
    page.goto(frontend.url)
    expect(page.get_by_text(f"{len(MODELS):,} models")).to_be_visible()  # all is read
    page.close()
    with counting_proxy(frontend.url) as proxy:
        page = browser.new_page(viewport={"width": 1400, "height": 1000}, extra_http_headers=UNCOMPRESSED)
        with opening(page):
            page.goto(proxy.url)
        expect(page.locator("#leaderboard").get_by_text("acme/model-").first).to_be_visible()
        page.close()
        sent = proxy.sent
    events = [line for line in sent.splitlines() if line.startswith(b"data: ")]
    [answer] = [event for event in events if b'"display_value"' in event]
    best = sorted(MODELS, key=lambda model: -MODELS[model])
    for model in best[:100]:
        cell, number = f">{model}<".encode(), f'"{MODELS[model] * 100:.2f}"'.encode()
        assert (answer.count(cell), answer.count(number)) == (1, 1), model
    shown = json.loads(answer.removeprefix(b"data: "))["output"]["data"][0]["data"]
    assert len(shown) == 100
    assert len(answer) < LARGEST_ANSWER
    assert [model for model in best[100:] if f">{model}<".encode() in sent] == []
    everything_else = sent.replace(answer, b"")
    assert [model for model in best if f">{model}<".encode() in everything_else] == []


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """A frontend with thirty tasks. An answer has a hundred rows, whatever their number."""
    folder = tmp_path_factory.mktemp("wide")
    make_leaderboard(folder, models=200, organizations=20, tasks=30)
    with served("many_tasks_app", folder, tasks=30) as frontend:
        yield frontend


def test_a_key_in_the_search_and_the_first_load_are_small_on_the_wire_with_thirty_tasks(
    browser: Browser, wide: Space
) -> None:
    table = "#leaderboard svelte-virtual-table-viewport table"
    with counting_proxy(wide.url) as proxy:
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        with opening(page):
            page.goto(proxy.url)
        expect(page.get_by_text("200 models")).to_be_visible()
        expect(page.locator(table).get_by_text("/model-").first).to_be_visible()
        loaded = list(proxy.pieces)
        page.get_by_role("textbox", name="Search").press_sequentially("1")
        expect(page.locator("#active")).to_contain_text("Search: 1")
        answer = joined(proxy.pieces[len(loaded) :])
        page.close()
    assert b"content-encoding: gzip" in answer
    assert 2_000 < len(answer) < LARGEST_ANSWER
    assert len(joined(loaded)) < LARGEST_FIRST_LOAD


def test_nothing_that_the_page_loads_as_text_comes_uncompressed(browser: Browser, wide: Space) -> None:
    loaded: list[Response] = []
    page = browser.new_page()
    page.on("response", lambda answer: loaded.append(answer))
    with opening(page):
        page.goto(wide.url)
    large = [
        answer
        for answer in loaded
        if answer.headers.get("content-type", "").startswith(("text/", "application/json"))
        and "/heartbeat/" not in answer.url
        and int(answer.headers.get("content-length", "1000")) >= 500
    ]
    page.close()
    assert [answer.url for answer in large if "content-encoding" not in answer.headers] == []
    kinds = {answer.headers["content-type"].partition(";")[0] for answer in large}
    assert kinds >= {"text/html", "text/css", "text/javascript", "text/event-stream"}


def test_programs_read_compressed_answers(wide: Space) -> None:
    """Gradio's client accepts gzip by itself, curl does if it is told to."""
    client = Client(wide.url, verbose=False, httpx_kwargs={"timeout": PATIENCE})
    assert len(client.predict(api_name="/leaderboard")["rows"]) == 200
    call = f"{wide.url}/gradio_api/call/leaderboard"
    event = httpx.post(call, json={"data": []}, timeout=PATIENCE).json()["event_id"]
    url = f"{call}/{event}"
    said = subprocess.run(["curl", "-sS", "--compressed", url], capture_output=True, check=True, text=True)
    [data] = [line for line in said.stdout.splitlines() if line.startswith("data: ")]
    [answer] = json.loads(data.removeprefix("data: "))
    assert len(answer["rows"]) == 200
