"""The table in a real browser: search, filters, columns, sorting, new results, themes, phones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from local_leaderboard import Space
from support.leaderboard import Datasets, datasets_in_a_folder, datasets_on_a_hub
from support.pages import listening, opening, rows
from support.waiting import PATIENCE_IN_MS

COMMIT = "c" * 40
MODELS: dict[str, dict[str, Any]] = {
    "acme/big": {"model_type": "🟢 : pretrained", "params": 70.0, "license": "mit", "score": 0.9},
    "acme/half": {"model_type": "🔶 : fine-tuned", "params": 35.0, "license": "apache-2.0", "score": 0.8},
    "other/small": {"model_type": "🟢 : pretrained", "params": 0.5, "license": "mit", "score": 0.7},
    "other/unknown": {"model_type": "⭕ : instruction-tuned", "params": 0, "license": "", "score": 0.6},
}


def write(
    datasets: Datasets, model: str, *, precision: str = "float16", hour: int = 12, **facts: Any
) -> None:
    """Put a finished request and its result into the datasets, as an owner would by hand."""
    facts = {"model_type": "", "params": 1.0, "license": "mit", "score": 0.5} | facts
    score = facts.pop("score")
    result = {
        "config": {"model_name": model, "model_dtype": precision, "model_sha": COMMIT},
        "results": {
            "tiny_addition": {"acc,none": score},
            "tiny_agreement": {"acc,none": score},
            "tiny_copy": {"exact_match,none": score},
        },
    }
    datasets.write_request(model, precision=precision, status="FINISHED", **facts)
    datasets.write("results", f"{model}/results_2026-01-31T{hour}-00-00.000000.json", json.dumps(result))


@pytest.fixture(
    scope="module", params=[datasets_in_a_folder, pytest.param(datasets_on_a_hub, marks=pytest.mark.slow)]
)
def datasets(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Datasets]:
    """Four models, one of them in two precisions, and one that is no longer on the Hub."""
    with request.param(tmp_path_factory.mktemp("table")) as datasets:
        for model, facts in MODELS.items():
            write(datasets, model, **facts)
        write(datasets, "acme/big", precision="bfloat16", hour=13, **MODELS["acme/big"] | {"score": 0.85})
        write(datasets, "gone/model", score=0.1, still_on_hub=False)
        yield datasets


@pytest.fixture(scope="module")
def frontend(datasets: Datasets) -> Iterator[Space]:
    """A frontend on these models."""
    with datasets.frontend(REFRESH_RATE="0.5") as frontend:
        yield frontend


@pytest.fixture
def page(browser: Browser, frontend: Space) -> Iterator[Page]:
    """The table's tab, filled; no error of ours may appear on its console."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    with listening(page):
        with opening(page):
            page.goto(frontend.url)
        expect(page.locator("#leaderboard").get_by_text("acme/big").first).to_be_visible()
        yield page
    page.close()


def models(page: Page) -> list[str]:
    """The model names of the lines that are shown, from the top."""
    return [found[0] for row in rows(page) if (found := re.search(r"\w+/\w+", row))]


def expect_models(page: Page, *names: str) -> None:
    """Wait until exactly these models are shown, in this order."""
    page.wait_for_function(
        """names => {
            const table = document.querySelector('#leaderboard svelte-virtual-table-viewport table')
            const lines = table.querySelectorAll('tbody tr')
            const found = [...lines].map(line => (line.innerText.match(/\\w+\\/\\w+/) || [''])[0])
            return JSON.stringify(found.filter(name => name)) === JSON.stringify(names)
        }""",
        arg=list(names),
        timeout=PATIENCE_IN_MS,
    )


def search(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Search")


def open_rarer_controls(page: Page) -> None:
    page.get_by_role("button", name="More filters, and columns").click()
    expect(page.get_by_label("Size from")).to_be_visible()


ALL = ("acme/big", "acme/big", "acme/half", "other/small", "other/unknown")


def test_search_while_typing_finds_models_and_licences_but_never_markup(page: Page) -> None:
    expect_models(page, *ALL)
    search(page).press_sequentially("other")
    expect_models(page, "other/small", "other/unknown")
    search(page).fill("license: apache; small")
    expect_models(page, "acme/half", "other/small")
    search(page).fill("https://huggingface.co/acme/half")
    expect_models(page, "acme/half")
    search(page).fill("href")
    expect_models(page)
    search(page).fill("")
    expect_models(page, *ALL)


def test_the_rank_does_not_change_under_search(page: Page) -> None:
    search(page).fill("small")
    expect_models(page, "other/small")
    assert rows(page)[0].split()[0] == "4"


def test_each_filter(page: Page) -> None:
    page.locator("#filter-type input").click()
    page.get_by_role("option", name="fine-tuned").click()
    expect_models(page, "acme/half")
    page.locator("#filter-type input").press("Backspace")
    expect_models(page, *ALL)
    page.keyboard.press("Escape")
    page.locator("#filter-precision input").click()
    page.get_by_role("option", name="bfloat16").click()
    expect_models(page, "acme/big")
    page.locator("#filter-precision input").press("Backspace")
    page.keyboard.press("Escape")
    open_rarer_controls(page)
    page.get_by_label("Size to").fill("1")
    expect_models(page, "other/small")
    page.get_by_label("Include unknown sizes").check()
    expect_models(page, "other/small", "other/unknown")
    page.get_by_label("Include unknown sizes").uncheck()
    expect_models(page, "other/small")
    page.get_by_label("Size to").fill("")
    page.get_by_label("Size from").fill("50")
    expect_models(page, "acme/big", "acme/big")


def test_a_model_that_is_no_longer_on_the_hub_is_hidden_until_it_is_asked_for(page: Page) -> None:
    open_rarer_controls(page)
    search(page).fill("gone")
    expect_models(page)
    page.get_by_label("No longer on the Hub").uncheck()
    expect_models(page, "gone/model")
    expect(page.locator("#leaderboard").get_by_role("link", name="gone/model")).to_have_count(0)


def test_the_column_picker_adds_and_removes_columns_and_never_the_model(page: Page) -> None:
    header = page.locator("#leaderboard svelte-virtual-table-viewport table thead")
    open_rarer_controls(page)
    page.get_by_label("Hub License").check()
    expect(header).to_contain_text("Hub License")
    page.get_by_role("checkbox", name="Addition", exact=True).uncheck()
    expect(header).not_to_contain_text("Addition")
    first = page.locator("#leaderboard svelte-virtual-table-viewport table tbody tr").first
    for kept in ("90.00", "mit"):
        expect(first).to_contain_text(kept)
    expect(page.get_by_role("checkbox", name="Model", exact=True)).to_have_count(0)


def header(page: Page, name: str) -> Locator:
    return page.locator("#leaderboard svelte-virtual-table-viewport table thead th").filter(has_text=name)


def test_a_press_on_a_header_puts_the_best_first_and_an_unknown_one_last(page: Page) -> None:
    size = header(page, "#Params (B)")
    expect(header(page, "Rank")).to_have_attribute("aria-sort", "ascending")
    size.click()
    expect_models(page, "acme/big", "acme/big", "acme/half", "other/small", "other/unknown")
    expect(size).to_have_attribute("aria-sort", "descending")
    size.press("Enter")
    expect_models(page, "other/small", "acme/half", "acme/big", "acme/big", "other/unknown")
    expect(size).to_have_attribute("aria-sort", "ascending")
    expect(header(page, "Rank")).to_have_attribute("aria-sort", "none")


def test_a_second_press_counts_though_the_first_is_not_answered_yet(page: Page) -> None:
    header(page, "#Params (B)").dblclick()
    expect_models(page, "other/small", "acme/half", "acme/big", "acme/big", "other/unknown")
    expect(header(page, "#Params (B)")).to_have_attribute("aria-sort", "ascending")


def test_a_sorted_table_stays_sorted_under_a_search_a_filter_and_other_columns(page: Page) -> None:
    header(page, "#Params (B)").click()
    header(page, "#Params (B)").click()
    expect_models(page, "other/small", "acme/half", "acme/big", "acme/big", "other/unknown")
    search(page).fill("mit")
    expect_models(page, "other/small", "acme/big", "acme/big")
    open_rarer_controls(page)
    page.get_by_role("checkbox", name="Precision", exact=True).uncheck()
    expect_models(page, "other/small", "acme/big", "acme/big")
    expect(header(page, "#Params (B)")).to_have_attribute("aria-sort", "ascending")


def test_what_is_chosen_is_in_the_address_and_opens_again_elsewhere(browser: Browser, page: Page) -> None:
    open_rarer_controls(page)
    search(page).fill("mit")
    page.get_by_label("Size to").fill("70")
    header(page, "Addition").click()
    header(page, "Addition").click()
    expect_models(page, "other/small", "acme/big", "acme/big")
    expect(page).to_have_url(re.compile(r"\?q=mit&size=\.\.70&sort=Addition&worst_first=yes$"))
    other = browser.new_page()
    with opening(other):
        other.goto(page.url)
    expect_models(other, "other/small", "acme/big", "acme/big")
    expect(search(other)).to_have_value("mit")
    open_rarer_controls(other)
    expect(other.get_by_label("Size to")).to_have_value("70")
    other.close()


def test_back_and_forward_go_through_the_views(page: Page) -> None:
    header(page, "#Params (B)").click()
    expect_models(page, "acme/big", "acme/big", "acme/half", "other/small", "other/unknown")
    expect(page).to_have_url(re.compile("sort="))
    header(page, "#Params (B)").click()
    expect_models(page, "other/small", "acme/half", "acme/big", "acme/big", "other/unknown")
    expect(page).to_have_url(re.compile("worst_first"))
    page.go_back()
    expect_models(page, "acme/big", "acme/big", "acme/half", "other/small", "other/unknown")
    page.go_back()
    expect(header(page, "Rank")).to_have_attribute("aria-sort", "ascending")
    page.go_forward()
    expect(header(page, "#Params (B)")).to_have_attribute("aria-sort", "descending")


def test_back_and_forward_go_through_the_tabs_of_the_views(page: Page) -> None:
    header(page, "#Params (B)").click()
    expect(page).to_have_url(re.compile("sort="))
    page.get_by_role("tab", name="About").click()
    expect(page).to_have_url(re.compile("tab=about"))
    page.go_back()
    expect(page.get_by_role("tab", name="LLM Benchmark")).to_have_attribute("aria-selected", "true")
    expect(header(page, "Rank")).to_have_attribute("aria-sort", "ascending")
    page.go_forward()
    expect(page.get_by_role("tab", name="About")).to_have_attribute("aria-selected", "true")


def chips(page: Page) -> Locator:
    return page.locator("#active button")


def test_what_is_active_is_shown_as_chips_that_one_press_takes_back(page: Page) -> None:
    search(page).fill("other")
    page.locator("#filter-sizes").get_by_label("≤ 3 B").check()
    expect_models(page, "other/small")
    expect(chips(page)).to_have_count(3)
    chips(page).filter(has_text="Size: ≤ 3 B").click()
    expect_models(page, "other/small", "other/unknown")
    expect(page.locator("#filter-sizes").get_by_label("≤ 3 B")).not_to_be_checked()
    chips(page).filter(has_text="Clear all").click()
    expect_models(page, *ALL)
    expect(search(page)).to_have_value("")
    expect(chips(page)).to_have_count(0)


def test_when_nothing_is_found_the_page_says_what_to_take_back(page: Page) -> None:
    search(page).fill("half mit")
    expect_models(page)
    expect(page.get_by_text("No model fits all of these.")).to_be_visible()
    search(page).fill("acme")
    page.locator("#filter-license input").click()
    page.get_by_role("option", name="No licence stated").click()
    page.keyboard.press("Escape")
    expect_models(page)
    expect(chips(page).first).to_contain_text("(3 models without it)")
    chips(page).first.click()
    expect_models(page, "acme/big", "acme/big", "acme/half")


def test_new_results_wait_for_a_click_and_then_are_searched_and_filtered_too(
    page: Page, datasets: Datasets
) -> None:
    search(page).fill("acme")
    page.locator("#filter-precision input").click()
    page.get_by_role("option", name="float16", exact=True).click()
    page.keyboard.press("Escape")
    expect_models(page, "acme/big", "acme/half")
    write(datasets, "acme/new", score=0.95)
    write(datasets, "other/new", score=0.95)
    notice = page.get_by_role("button", name="2 new results · Show")
    expect(notice).to_be_visible()
    assert models(page) == ["acme/big", "acme/half"]
    notice.click()
    expect_models(page, "acme/new", "acme/big", "acme/half")
    expect(search(page)).to_have_value("acme")
    expect(notice).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_each_tab_in_both_themes_and_widths(
    browser: Browser, frontend: Space, theme: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    with listening(page):
        with opening(page):
            page.goto(f"{frontend.url}?__theme={theme}")
        for tab, content in {
            "LLM Benchmark": "acme/big",
            "About": "How it works",
            "Submit here!": "Model name",
        }.items():
            page.get_by_role("tab", name=tab).click()
            expect(page.get_by_text(content).locator("visible=true").first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.body.classList.contains('dark')") == (theme == "dark")
    page.close()


def test_the_about_tab_gives_the_commands_that_compute_a_row_again(page: Page) -> None:
    page.get_by_role("tab", name="About").click()
    expect(page.get_by_role("region", name="The tests")).to_contain_text("tiny_addition")
    page.get_by_label("Model", exact=True).fill("other/small")
    expect(page.locator("#reproduction textarea")).to_have_value(re.compile("# other/small, float16"))
    page.get_by_label("Model", exact=True).fill("nobody")
    expect(page.locator("#reproduction textarea")).to_have_value(
        re.compile("No model's name or licence contains this")
    )


def test_the_owner_is_told_where_the_backend_and_about_py_do_not_agree(
    page: Page, datasets: Datasets
) -> None:
    description = "tasks: [{name: anli_r1, num_fewshot: 5}]\nlimit: 20\n"
    datasets.write("results", ".leaderboard/backend.yaml", description)
    told = page.get_by_text("the backend and src/about.py do not agree")
    expect(told).to_be_visible()
    told.click()
    expect(page.get_by_text("The backend evaluates anli_r1, which no column shows.")).to_be_visible()
    datasets.delete("results", ".leaderboard/backend.yaml")
    expect(told).to_be_hidden()


def test_every_control_can_be_reached_with_the_keyboard(page: Page) -> None:
    focused = "document.activeElement"
    reached: set[str] = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                f"[{focused}.ariaLabel, {focused}.innerText, {focused}.closest('label')?.innerText].join(' ')"
            )
        )
    text = " | ".join(reached)
    for control in ("LLM Benchmark", "Search", "Type", "Precision", "More filters, and columns"):
        assert control in text, text


def test_the_table_is_one_tab_stop_and_the_arrows_move_inside(page: Page) -> None:
    rank = header(page, "Rank")
    rank.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    cell = page.locator("#leaderboard svelte-virtual-table-viewport tbody tr").first.locator("td").nth(2)
    expect(cell).to_be_focused()
    stops = page.locator("#leaderboard svelte-virtual-table-viewport").locator("[tabindex='0']")
    expect(stops).to_have_count(1)
    expect(page.locator("#leaderboard .table-wrap > table")).to_have_attribute("aria-hidden", "true")


def test_a_score_has_a_bar_as_long_as_it_is_high_and_a_name_its_whole_title(page: Page) -> None:
    lines = page.locator("#leaderboard svelte-virtual-table-viewport tbody tr")
    line = lines.filter(has_text="acme/big").filter(has_text="90.00").locator("td")
    expect(line.nth(2)).to_have_attribute("title", "acme/big")
    expect(line.nth(4)).to_have_text("90.00")
    expect(line.nth(4)).to_have_attribute("style", re.compile(r"--score: 90\b"))
    assert "--score" not in (line.nth(0).get_attribute("style") or "")


def test_the_link_of_a_view_can_be_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    search(page).fill("acme/half")
    expect_models(page, "acme/half")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    assert page.url.endswith("?q=acme%2Fhalf")
