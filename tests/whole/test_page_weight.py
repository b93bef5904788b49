"""What the page weighs for a visitor."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from local_leaderboard import Space
from support.counting_proxy import counting_proxy
from support.leaderboard import Datasets, datasets_in_a_folder
from support.pages import opening

MODELS = {f"acme/model-{place}": 0.1001 + place / 10_000 for place in range(1000) if (place + 1) % 10}
"""Each with a score of its own, of two decimals that do not end in a zero."""


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
    expect(page.get_by_text(f"{len(MODELS):,} models")).to_be_visible(timeout=60_000)  # all is read
    page.close()
    with counting_proxy(frontend.url) as proxy:
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        with opening(page):
            page.goto(proxy.url)
        expect(page.locator("#leaderboard").get_by_text("acme/model-").first).to_be_visible()
        page.close()
        sent = proxy.sent
    [answer] = [line for line in sent.splitlines() if b'"display_value"' in line]
    best = sorted(MODELS, key=lambda model: -MODELS[model])
    for model in best[:100]:
        cell, number = f">{model}<".encode(), f'"{MODELS[model] * 100:.2f}"'.encode()
        assert (answer.count(cell), answer.count(number)) == (1, 1), model
    shown = json.loads(answer.removeprefix(b"data: "))["output"]["data"][0]["data"]
    assert len(shown) == 100
    assert len(answer) < 60_000
    assert [model for model in best[100:] if f">{model}<".encode() in sent] == []
    everything_else = sent.replace(answer, b"")
    assert [model for model in best if f">{model}<".encode() in everything_else] == []
