"""A stranger stores a page with a script in it on a Space: in Chromium, on Spaces with and without doors."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from local_leaderboard import ROOT, Space, running
from support.hub_process import RemoteHub, hub_process
from support.leaderboard import FRONTEND_PYTHON, QUICK, on_the_hub, with_a_login
from support.pages import opening, sign_in

pytestmark = pytest.mark.slow

WITHOUT_DOORS = str(ROOT / "tests" / "support" / "without_doors.py")
SPACES = ("frontend", "backend")
SCRIPT = "window.pwned = 1"
WITHDRAWING = """
    fetch("/gradio_api/call/withdraw", {
        method: "POST",
        headers: {"Content-Type": "application/json"},
        body: JSON.stringify({data: ["PATH"]}),
    }).then(answer => answer.json())
      .then(event => fetch("/gradio_api/call/withdraw/" + event.event_id))
      .then(answer => answer.text())
      .then(text => window.pwned = text)
"""


@dataclass(frozen=True)
class Place:
    """A Hub where bob signs in, and both Spaces with doors and without. The backends evaluate nothing."""

    hub: RemoteHub
    uploads: Path
    """Where Gradio keeps what is uploaded."""
    mended: dict[str, Space]
    unmended: dict[str, Space]

    def add_request(self) -> str:
        """A request of bob's that waits. Returns its path."""
        path = f"bob/model-{uuid4().hex[:8]}_eval_request_False_float16_Original.json"
        content = {
            "model": path.partition("_")[0],
            "precision": "float16",
            "weight_type": "Original",
            "status": "PENDING",
            "params": 1000,
            "submitted_by": "bob",
            "submitted_time": "2026-01-31T12:00:00Z",
        }
        self.hub.do("put", type="dataset", id="acme/requests", files={path: json.dumps(content)})
        return path

    def status(self, path: str) -> str:
        with urllib.request.urlopen(f"{self.hub.url}/datasets/acme/requests/resolve/main/{path}") as answer:
            return str(json.load(answer)["status"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("doors")
    with hub_process(FRONTEND_PYTHON) as hub:
        token = hub.do("add_user", name="alice", organizations={"acme": "admin"})
        hub.do("add_user", name="bob")
        for dataset in ("requests", "results"):
            hub.do("add_repository", type="dataset", id=f"acme/{dataset}", files={"README.md": "# A dataset"})
        settings = on_the_hub(hub, token) | with_a_login(hub) | QUICK
        settings |= {"MAX_MODEL_GB": "1", "GRADIO_TEMP_DIR": str(folder / "uploads")}
        with (
            running(folder / "mended", **settings) as mended,
            running(folder / "unmended", program=WITHOUT_DOORS, **settings | {"WORKER_ID": "b"}) as unmended,
        ):
            yield Place(hub, folder / "uploads", mended, unmended)


def page_with(script: str, url: str) -> bytes:
    """The components of a Space's own page, with a script in the first that holds HTML."""
    with urllib.request.urlopen(f"{url}/config") as answer:
        components = json.load(answer)["components"]
    [first, *_] = [each for each in components if each["type"] == "html"]
    first["props"]["value"] = f"<img src='x' onerror='{script}'>"
    first["props"]["visible"] = True
    return json.dumps(components).encode()


def upload(url: str, content: bytes) -> str:
    """Upload a file as a stranger may. Returns the name of its folder on the server."""
    head = 'Content-Disposition: form-data; name="files"; filename="state.json"\r\nContent-Type: text/plain'
    body = b"--x\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n--x--\r\n"
    sent = {"Content-Type": "multipart/form-data; boundary=x"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/gradio_api/upload", body, sent)) as answer:
        [path] = json.load(answer)
    return Path(path).parent.name


def make_folder_of_stored_pages(url: str) -> None:
    """What Gradio reads stored pages from is there once a visitor has stored one."""
    with urllib.request.urlopen(f"{url}/config") as answer:
        [called, *_] = [each for each in json.load(answer)["dependencies"] if each["backend_fn"]]
    values = [None] * len(called["inputs"])
    body: dict[str, Any] = {"data": values, "fn_index": called["id"], "session_hash": "x"}
    sent = {"Content-Type": "application/json"}
    call = urllib.request.Request(f"{url}/gradio_api/queue/join", json.dumps(body).encode(), sent)
    urllib.request.urlopen(call).close()
    urllib.request.urlopen(f"{url}/gradio_api/deep_link?session_hash=x").close()


def plant(url: str, script: str) -> str:
    """Store a page with a script on a Space without doors. Returns its address."""
    folder = upload(url, page_with(script, url))
    make_folder_of_stored_pages(url)
    return f"{url}/?deep_link=../{folder}"


@contextmanager
def bob_at(browser: Browser, place: Place, url: str) -> Iterator[Page]:
    """A browser in which bob has signed in to a frontend."""
    with browser.new_context() as context:
        page = context.new_page()
        with opening(page):
            page.goto(url)
        page.get_by_role("tab", name="Submit here!").click()
        sign_in(page, place.hub, "bob")
        yield page


@pytest.mark.parametrize("space", SPACES)
def test_without_doors_a_page_that_a_stranger_stores_runs_its_script(
    browser: Browser, place: Place, space: str
) -> None:
    address = plant(place.unmended[space].url, SCRIPT)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(address)
        page.wait_for_function("window.pwned")


@pytest.mark.parametrize("space", SPACES)
def test_with_doors_a_page_that_a_stranger_stores_is_neither_taken_nor_shown(
    browser: Browser, place: Place, space: str
) -> None:
    url = place.mended[space].url
    stored = page_with(SCRIPT, url)
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        upload(url, stored)
    refused.value.close()
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        make_folder_of_stored_pages(url)
    refused.value.close()
    for folder in ("deep_links/one", "hash"):  # as if it had come there in another way
        (place.uploads / folder).mkdir(parents=True, exist_ok=True)
        (place.uploads / folder / "state.json").write_bytes(stored)
    with browser.new_context() as context:
        page = context.new_page()
        for query in ("deep_link=one", "deep_link=../hash", "deep%5Flink=one", "tab=submit&deep_link=one"):
            answer = page.goto(f"{url}/?{query}")
            assert answer
            assert (answer.status, answer.json()) == (404, {"detail": "There is nothing at this address."})
            assert page.evaluate("window.pwned") is None


def test_without_doors_the_script_withdraws_the_request_of_whoever_opens_the_page(
    browser: Browser, place: Place
) -> None:
    url, path = place.unmended["frontend"].url, place.add_request()
    address = plant(url, WITHDRAWING.replace("PATH", path))
    with bob_at(browser, place, url) as page:
        expect(page.locator("#mine").get_by_text(path.partition("_")[0])).to_be_visible()
        page.goto(address)
        page.wait_for_function("window.pwned")
        assert "was withdrawn" in page.evaluate("window.pwned")
    assert place.status(path) == "CANCELLED"


def test_with_doors_the_request_stays(browser: Browser, place: Place) -> None:
    url, path = place.mended["frontend"].url, place.add_request()
    (place.uploads / "deep_links" / "two").mkdir(parents=True, exist_ok=True)
    stored = page_with(WITHDRAWING.replace("PATH", path), url)
    (place.uploads / "deep_links" / "two" / "state.json").write_bytes(stored)
    with bob_at(browser, place, url) as page:
        expect(page.locator("#mine").get_by_text(path.partition("_")[0])).to_be_visible()
        page.goto(f"{url}/?deep_link=two")
        expect(page.get_by_text("There is nothing at this address.")).to_be_visible()
        page.goto(url)
        expect(page.get_by_role("tab", name="Submit here!")).to_be_visible()
        assert page.evaluate("window.pwned") is None
    assert place.status(path) == "PENDING"
