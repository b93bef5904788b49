"""When a result is expected, in a real browser; and a board whose limits a dispatcher has published."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from local_leaderboard import Space, running
from support.leaderboard import Datasets, datasets_in_a_folder
from support.pages import listening, opening
from support.waiting import wait_for
from visitor import NoResult, Visitor

HOUR = timedelta(hours=1)
PENDING = "acme/waits_eval_request_False_float16_Original.json"
A_RANGE = "in 40 minutes to 1.5 hours"


def text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def make_model(models: Path, name: str, parameters: int) -> None:
    """A model of which only the header of the weights is there."""
    folder = models / name
    folder.mkdir(parents=True)
    words = "It was made for a test, and says enough of itself to be worth reading. " * 4
    (folder / "README.md").write_text(f"---\nlicense: mit\n---\n# A model\n\n{words}")
    (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    weight = {"dtype": "F16", "shape": [parameters], "data_offsets": [0, 2 * parameters]}
    header = json.dumps({"weight": weight}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)


def write_finished(datasets: Datasets, number: int, now: datetime) -> None:
    """A request whose evaluation took an hour."""
    attempt = {
        "attempt": 1,
        "worker": "w",
        "started": text(now - 2 * HOUR),
        "ended": text(now - HOUR),
        "end": "finished",
    }
    datasets.write_request(f"acme/done-{number}", status="FINISHED", params=1.0, history=[attempt])


def write_pending(datasets: Datasets, model: str, submitted: datetime) -> None:
    datasets.write_request(model, status="PENDING", params=1.0, submitted_time=text(submitted))


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Datasets]:
    """Evaluations that took an hour each, and one request that waits."""
    with datasets_in_a_folder(tmp_path_factory.mktemp("estimates")) as datasets:
        now = datetime.now(UTC)
        datasets.write("results", ".leaderboard/backend.yaml", "tasks:\n- name: tiny_copy\n")
        for number in range(8):
            write_finished(datasets, number, now)
        write_pending(datasets, "acme/waits", now - timedelta(minutes=5))
        make_model(datasets.folder / "models", "acme/new", 1_000_000_000)
        yield datasets


@pytest.fixture(scope="module")
def frontend(datasets: Datasets) -> Iterator[Space]:
    with datasets.frontend(REFRESH_RATE="0.5", HF_HUB_OFFLINE="1") as frontend:
        yield frontend


def test_a_visitor_sees_when_results_are_expected_and_the_open_page_follows(
    browser: Browser, datasets: Datasets, frontend: Space
) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        with listening(page):
            with opening(page):
                page.goto(f"{frontend.url}?request={PENDING}")
            card = page.locator("#request")
            expect(card).to_contain_text(f"The result is expected {A_RANGE}.")
            expect(page.locator("#queue-pending")).to_contain_text("Result expected")
            expect(page.locator("#queue-pending")).to_contain_text(A_RANGE)

            name = page.get_by_label("Model name")
            name.fill("acme/new")
            name.press("Enter")
            form = page.locator("#expected")
            expect(form).to_contain_text("If you submit it now, the result is expected in")
            expect(form).not_to_contain_text(A_RANGE)
            name.fill("")
            name.press("Enter")
            expect(form).to_be_hidden()

            write_pending(datasets, "acme/before", datetime.now(UTC) - timedelta(hours=1))
            expect(card).to_contain_text("position 2")
            expect(card).to_contain_text("The result is expected in")
            expect(card).not_to_contain_text(A_RANGE)
            quiet = page.locator("#request, #queue-pending").locator(
                "[aria-live], [role=status], [role=alert]"
            )
            expect(quiet).to_have_count(0)


def test_the_form_refuses_what_the_hardware_has_no_room_for_that_a_dispatcher_may_start(
    browser: Browser, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    for name, billions in (("huge", 15), ("fits", 9)):
        make_model(data / "models", f"acme/{name}", billions * 1_000_000_000)
    described = data / "results" / ".leaderboard" / "backend.yaml"
    fleet = {
        "FLEET": "local",
        "FLEET_MACHINES": "small: 6 GB; big: 30 GB, $1.20",
        "FLEET_FOLDER": str(tmp_path / "fleet"),
        "TASKS_HARNESS": "tiny_copy",
    }
    with running(data, ("backend",), HF_HUB_OFFLINE="1", REFRESH_RATE="0.5", **fleet):
        wait_for(lambda: described.exists() and "max_workers:" in described.read_text(), what="a description")
    with running(data, ("frontend",), HF_HUB_OFFLINE="1", REFRESH_RATE="0.5") as spaces:
        visitor = Visitor(spaces["frontend"].url)
        with pytest.raises(NoResult, match=r"21\.6 GB"):
            visitor.submit("acme/huge", precision="float16", model_type="pretrained")
        path = visitor.submit("acme/fits", precision="float16", model_type="pretrained")
        [entry] = visitor.queue()
        assert entry["expected"] == (
            "We cannot say yet when: no evaluation has finished on this leaderboard yet."
        )
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(f"{spaces['frontend'].url}?request={path}")
            expect(page.locator("#request")).to_contain_text("Models of its size run on big, $1.20 an hour.")
