"""What axe finds wrong on a page for people who see little or use no mouse."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SERIOUS = ("serious", "critical")

STILL = """() => document.getAnimations().every(each =>
    each.playState !== "running" || each.effect.getComputedTiming().endTime === Infinity)"""
"""What fades has another contrast for a moment. What moves without an end does not count."""


def violations(page: Page) -> list[str]:
    """What axe finds serious or critical, a line for each element, once nothing fades any more."""
    page.wait_for_function(STILL)
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{each['impact']} {each['id']}: {node['html'][:150]} {node['failureSummary']}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]
