"""What strangers wrote into the datasets stays text in a real browser, and the page stays usable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Page, TimeoutError, expect

from local_leaderboard import Space
from support.leaderboard import Datasets, datasets_in_a_folder, datasets_on_a_hub
from support.pages import listening, opening, rows

ELSEWHERE = "evil.example"
LONG = "long " * 2_000
HOSTILE = [
    "<script>window.pwned = 1; alert(1)</script>",
    f'<img src="http://{ELSEWHERE}/a.png" onerror="window.pwned = 1; alert(1)">',
    '"><svg onload="window.pwned = 1; alert(1)">',
    "[link](javascript:window.pwned=1)",
    '<a href="javascript:window.pwned=1">link</a>',
    f"![image](http://{ELSEWHERE}/b.png)",
    f'<iframe src="http://{ELSEWHERE}/c" srcdoc="<script>parent.pwned = 1</script>"></iframe>',
    f"</style><style>@import url(http://{ELSEWHERE}/d)</style>",
    "\u202egnp.exe\u202c\u200f\u2066",
    "$$\\href{javascript:window.pwned=1}{x}$$ {{7*7}} ${window.pwned=1} =1+1",
    LONG,
    "x" * 10_000,
]
STATUSES = ["PENDING", "RUNNING", "FINISHED", "FAILED"]


def write_request(datasets: Datasets, name: str, model: str, text: str, status: str) -> None:
    """A request that holds a text wherever a text can be."""
    fields = ("revision", "base_model", "precision", "weight_type", "model_type", "license", "message")
    lease = {
        "worker": text,
        "nonce": text,
        "started": "2026-01-31T12:00:00Z",
        "renewed": "2026-01-31T12:00:00Z",
        "until": "2026-01-31T13:00:00Z",
    }
    content = dict.fromkeys(fields, text) | {"model": model, "status": status, "architectures": [text]}
    content |= {"submitted_time": "2026-01-31T12:00:00Z", "params": 1.0, "submitted_by": text}
    if status == "RUNNING":
        content |= {"lease": lease, "progress": {"task": text, "done": 1, "total": 2}}
    datasets.write("requests", f"{name}_{status}.json", json.dumps(content))


def write_result(datasets: Datasets, name: str, model: str, text: str, score: float) -> None:
    config = {"model_name": model, "model_dtype": text, "model_sha": text}
    metrics = {"acc,none": score, "exact_match,none": score}
    results = {task: metrics for task in ("tiny_addition", "tiny_agreement", "tiny_copy")}
    content = {"config": config, "results": results, "versions": {text: text}}
    datasets.write("results", f"{name}/results_2026-01-31T12-00-00.json", json.dumps(content))


def write_description(datasets: Datasets) -> None:
    """What a backend says it runs, with a text wherever a text can be."""
    tasks = [
        {
            "name": "tiny_addition" if number == 0 else text,
            **dict.fromkeys(("kind", "version", "file"), text),
            "metrics": [{"key": text}],
            "datasets": [text, f"javascript://{text}"],
            "parts": [text],
        }
        for number, text in enumerate(HOSTILE)
    ]
    texts = dict.fromkeys(("device", "batch_size", "include_path"), HOSTILE[0])
    versions = {text[:500]: text for text in HOSTILE}  # YAML has no longer keys
    description = {"tasks": tasks, "problems": HOSTILE, "versions": versions, **texts}
    datasets.write("results", ".leaderboard/backend.yaml", json.dumps(description))


@pytest.fixture(
    scope="module", params=[datasets_in_a_folder, pytest.param(datasets_on_a_hub, marks=pytest.mark.slow)]
)
def frontend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """A frontend on one good model and on many that want to harm."""
    with request.param(tmp_path_factory.mktemp("hostile")) as datasets:
        write_result(datasets, "acme/good", "acme/good", "float16", 0.99)
        for number, text in enumerate(HOSTILE):
            for status in STATUSES:
                write_request(datasets, f"bad-{number}", text, text, status)
            write_result(datasets, f"bad-{number}", text, text, 0.5)
            write_request(datasets, f"plain-{number}", f"acme/plain-{number}", text, "FINISHED")
            write_result(datasets, f"plain-{number}", f"acme/plain-{number}", text, 0.4)
        write_description(datasets)
        datasets.write("requests", "<img src=x onerror=alert(1)>.json", "broken")
        with datasets.frontend(REFRESH_RATE="5") as frontend:
            yield frontend


def open_columns(page: Page) -> None:
    """On a busy machine a click may come before the page listens."""
    for _ in range(3):
        page.get_by_role("button", name="More filters, and columns").click()
        with suppress(TimeoutError):
            page.get_by_role("checkbox", name="Type", exact=True).wait_for(timeout=10_000)
            return


def submit_what_would_harm(page: Page) -> None:
    """It is refused beside the field and below the form, as text."""
    for text in HOSTILE[:3]:
        name = page.get_by_label("Model name")
        name.fill(text[:190])
        name.press("Enter")
        expect(page.locator("#error-model")).to_contain_text(text[:20])
        page.get_by_role("button", name="Submit", exact=True).click()
        expect(page.locator("#submission, #error-model").first).to_contain_text(text[:20])


def use_everything(page: Page, width: int) -> None:
    """Open every tab and accordion, and show every column."""
    main_table = page.locator("#leaderboard")
    expect(main_table.get_by_text("acme/good").first).to_be_visible()
    open_columns(page)
    for column in ("Type", "Architecture", "Weight type", "Hub License", "Hub ❤️", "Model sha"):
        page.get_by_role("checkbox", name=column, exact=True).check()
    expect(main_table.locator("thead").last).to_contain_text("Model sha")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_text("skipped because they cannot be understood").click()
    page.get_by_text("do not agree").click()
    page.get_by_role("tab", name="About").click()
    expect(page.get_by_role("region", name="The tests")).to_contain_text("<script>window.pwned")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("tab", name="Submit here!").click()
    submit_what_would_harm(page)
    for status in STATUSES:
        cell = page.locator(f"#queue-{status.lower()} td").first
        closed = page.locator("button.label-wrap:not(.open)").filter(has_text=f"{status.capitalize()} (")
        if closed.count():
            closed.click()
        expect(cell).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("tab", name="LLM Benchmark").click()
    page.get_by_role("textbox", name="Search").fill("acme/good")
    expect(main_table.get_by_text("acme/plain-1").locator("visible=true")).to_have_count(0)
    assert "99.00" in rows(page)[0]


@pytest.mark.parametrize("width", [1400, 390])
def test_nothing_that_strangers_wrote_runs_or_loads_and_the_page_stays_usable(
    browser: Browser, frontend: Space, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 1000})
    dialogs: list[str] = []
    elsewhere: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: elsewhere.append(request.url) if ELSEWHERE in request.url else None)
    with listening(page):
        with opening(page):
            page.goto(frontend.url)
        use_everything(page, width)
        harmful = "a[href^='javascript' i], iframe[srcdoc], #leaderboard img, [onerror], [onload]"
        assert page.locator(harmful).count() == 0
        assert page.evaluate("window.pwned") is None
        assert (dialogs, elsewhere) == ([], [])
    page.close()
