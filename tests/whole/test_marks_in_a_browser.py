"""Scores that may not be comparable are marked in the table, and say why."""

import json
from pathlib import Path

from playwright.sync_api import Browser, expect

from support.leaderboard import datasets_in_a_folder
from support.pages import listening, opening

TASKS = {"tiny_addition": "acc,none", "tiny_agreement": "acc,none", "tiny_copy": "exact_match,none"}


def test_a_marked_score_says_why_below_the_table_and_under_the_pointer(
    browser: Browser, tmp_path: Path
) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    with datasets_in_a_folder(tmp_path) as datasets, listening(page):
        for hour, version in enumerate([2, 2, 1]):
            result = {
                "config": {"model_name": f"acme/{hour}", "model_dtype": "float32", "model_sha": "c" * 40},
                "results": {task: {metric: 0.5} for task, metric in TASKS.items()},
                "versions": {"tiny_addition": version},
            }
            path = f"acme/{hour}/results_2026-01-31T{10 + hour}-00-00.json"
            datasets.write("results", path, json.dumps(result))
        with datasets.frontend() as frontend:
            with opening(page):
                page.goto(frontend.url)
            reason = "Task version 1; most others have 2."
            expect(page.locator("#marks")).to_have_text(f"¹ {reason}")
            marked = page.locator("#leaderboard td:nth-child(n + 4)[title]")
            expect(marked).to_have_count(1)
            expect(marked).to_have_attribute("title", reason)
            expect(marked).to_contain_text("50.00 ¹")
            page.get_by_role("textbox", name="Search").fill("acme/0")
            expect(page.locator("#marks")).to_have_count(0)
            expect(marked).to_have_count(0)
            page.get_by_role("textbox", name="Search").fill("acme/2")
            expect(marked).to_have_attribute("title", reason)
    page.close()
