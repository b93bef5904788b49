"""A leaderboard without results, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from support.leaderboard import datasets_in_a_folder
from support.pages import listening, opening, rows
from support.waiting import wait_for

RESULT = """{"config": {"model_name": "acme/first", "model_dtype": "float16", "model_sha": "%s"},
"results": {"tiny_addition": {"acc,none": 0.5}}}""" % ("c" * 40)

CONTROLS = ("#filter-type", "#filter-precision", "#leaderboard", "#leaderboard .table-wrap")


@pytest.mark.slow
def test_an_empty_board_shows_no_table_and_no_search_until_there_is_a_result(
    browser: Browser, tmp_path: Path
) -> None:
    with datasets_in_a_folder(tmp_path) as datasets, datasets.frontend(REFRESH_RATE="0.5") as frontend:
        page = browser.new_page()
        with listening(page):
            with opening(page):
                page.goto(frontend.url)
            expect(page.get_by_text("No results yet")).to_be_visible()
            search, columns = (
                page.get_by_label("Search names and licences"),
                page.get_by_text("More filters, and columns"),
            )
            for hidden in (search, columns, *map(page.locator, CONTROLS)):
                expect(hidden.first).to_be_hidden()
            room = page.locator(".unseen").bounding_box()
            assert room is not None
            assert room["height"] == 0
            datasets.write_request("acme/first", status="FINISHED")
            datasets.write("results", "acme/first/results_2026-01-31T12-00-00.000000.json", RESULT)
            page.locator("#new-results").click()
            expect(search).to_be_visible()
            expect(columns).to_be_visible()
            wait_for(lambda: len(rows(page)) == 1, what="the row")
            expect(page.get_by_text("No results yet")).to_be_hidden()
            grid = page.locator("#leaderboard").bounding_box()
            assert grid is not None
            assert grid["height"] > 60
            expect(page.locator("#leaderboard").get_by_role("link", name="acme/first").last).to_be_visible()
        page.close()
