"""No door is spare: a browser, a client of Gradio's or curl uses each, and they ask for nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from gradio_client import Client
from playwright.sync_api import Browser, Page, expect

from local_leaderboard import ENVIRONMENTS, ROOT, running
from support.counting_proxy import CountingProxy, counting_proxy
from support.hub_process import RemoteHub, hub_process
from support.leaderboard import FRONTEND_PYTHON, QUICK, on_the_hub, with_a_login
from support.pages import opening, sign_in
from support.waiting import PATIENCE

pytestmark = pytest.mark.slow

LIST_DOORS = str(ROOT / "tests" / "support" / "list_doors.py")
NO_MCP, NOT_INSTALLED = "/gradio_api/mcp/sse", "/manifest.json"
"""What is asked for and not there: the view "Use via API" looks for a server for MCP, and a page can only be
installed as an app where it is a Space.
"""


@dataclass
class Visited:
    """A Space behind a proxy that sees what is asked for; `refused` is what browsers could not have."""

    proxy: CountingProxy
    doors: list[dict[str, Any]]
    refused: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return self.proxy.url

    def unused(self) -> list[str]:
        """The doors that nobody has gone through."""
        calls = {(method, unquote(urlsplit(target).path)) for method, target in self.proxy.calls}
        return [
            f"{method} {door['path']} ({door['reason']})"
            for door in self.doors
            for method in door["methods"]
            if not any(method == used and re.fullmatch(door["path"], path) for used, path in calls)
        ]

    @contextmanager
    def page(self, browser: Browser) -> Iterator[Page]:
        """A page of a browser that has never been there."""
        with browser.new_context() as context:
            page = context.new_page()
            page.on("response", lambda answer: self._note(answer.status, answer.url))
            yield page

    def _note(self, status: int, url: str) -> None:
        if status >= 400 and url.startswith(self.url):
            self.refused.add(urlsplit(url).path)


def doors_of(space: str, variables: dict[str, str]) -> list[dict[str, Any]]:
    """The list of a Space under these settings."""
    python = str(ENVIRONMENTS / space / "bin" / "python")
    environment = os.environ | variables
    said = subprocess.run(
        [python, LIST_DOORS], cwd=ROOT / space, env=environment, capture_output=True, text=True, check=True
    )
    doors: list[dict[str, Any]] = json.loads(said.stdout)
    return doors


@contextmanager
def visited(folder: Path, **settings: str) -> Iterator[dict[str, Visited]]:
    """Both Spaces behind proxies, by their names."""
    variables = {"LEADERBOARD_DATA_DIR": str(folder)} | settings
    with (
        running(folder, **settings) as spaces,
        counting_proxy(spaces["frontend"].url) as to_the_frontend,
        counting_proxy(spaces["backend"].url) as to_the_backend,
    ):
        yield {
            "frontend": Visited(to_the_frontend, doors_of("frontend", variables)),
            "backend": Visited(to_the_backend, doors_of("backend", variables)),
        }


@pytest.fixture(scope="module")
def in_a_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Visited]]:
    """On somebody's machine, with the results of the seeds, and an evaluation that failed."""
    folder = tmp_path_factory.mktemp("folder")
    for dataset, seed in {"requests": "eval-queue-seed", "results": "eval-results-seed"}.items():
        shutil.copytree(ROOT / seed, folder / dataset)
    [finished] = (folder / "requests" / "demo").glob("adder_*")
    failed = json.loads(finished.read_text()) | {"precision": "float16", "status": "FAILED"}
    finished.with_name(finished.name.replace("float32", "float16")).write_text(json.dumps(failed))
    with visited(folder, HF_HUB_OFFLINE="1", **QUICK) as spaces:
        yield spaces


@pytest.fixture(scope="module")
def hub() -> Iterator[RemoteHub]:
    with hub_process(FRONTEND_PYTHON) as hub:
        hub.do("add_user", name="bob")
        yield hub


@pytest.fixture(scope="module")
def on_a_hub(hub: RemoteHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Visited]]:
    """Spaces where people sign in."""
    token = hub.do("add_user", name="alice", organizations={"acme": "admin"})
    settings = on_the_hub(hub, token) | with_a_login(hub) | QUICK
    with visited(tmp_path_factory.mktemp("hub"), **settings) as spaces:
        yield spaces


def open_every_tab(page: Page) -> None:
    for tab in ("About", "Submit here!", "LLM Benchmark"):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel").locator("visible=true").first).to_be_visible()


def see_the_api(page: Page) -> None:
    page.get_by_role("button", name="Use via API").click()
    expect(page.get_by_text("API documentation")).to_be_visible()
    expect(page.get_by_role("heading", name="API name: /withdraw")).to_be_visible()


def install(page: Page) -> None:
    """Do as Chromium does before it offers to install the page as an app."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Page.getAppManifest")
    devtools.send("Page.getInstallabilityErrors")
    devtools.detach()


def lose_the_server(page: Page) -> None:
    """Let the page wait for the answer to an event in vain: it asks whether the server is back."""
    page.route("**/queue/data*", lambda route: route.abort("connectionreset"))
    page.reload()
    expect(page.get_by_text("Connection re-established")).to_be_visible()
    page.unroute_all()


def call_from_python(url: str) -> None:
    client = Client(url, verbose=False, httpx_kwargs={"timeout": PATIENCE})
    assert client.predict(api_name="/leaderboard")["headers"][0] == "Rank"
    job = client.submit(api_name="/queue")
    assert isinstance(job.result(), list)
    client.close()


def call_with_curl(url: str, *, in_one_step: bool) -> None:
    """The two ways of docs/api.md, whose own examples are tested in test_api_examples.py."""
    address = f"{url}/gradio_api/call/leaderboard"
    event = json.loads(curl(address, body='{"data": []}'))["event_id"]
    assert '"Rank"' in curl(f"{address}/{event}")
    if in_one_step:
        assert '"Rank"' in curl(f"{url}/gradio_api/run/leaderboard", body='{"data": []}')
    assert json.loads(curl(f"{url}/monitoring/summary")) == {"functions": {}}  # it tells nothing of the calls


def read_the_plain_page(browser: Browser, frontend: Visited) -> None:
    """A browser opens it with all that it links to, and a program looks whether something has changed."""
    with frontend.page(browser) as page:
        page.goto(f"{frontend.url}/table")
        expect(page.get_by_role("table")).to_be_visible()
        for name in ("CSV", "JSON", "Parquet"):
            file = page.get_by_role("link", name=name, exact=True).first
            assert page.request.get(f"{frontend.url}/{file.get_attribute('href')}").ok, name
        picture = page.locator('meta[property="og:image"]').get_attribute("content")
        details = ("task/Addition", "compare", "charts", "chart/size.svg")
        for path in ("table", "leaderboard", "badge/demo/adder.svg", picture, *details):
            for method in ("GET", "HEAD"):
                assert page.request.fetch(f"{frontend.url}/{path}", method=method).ok, path


def watch(frontend: Visited) -> None:
    """Ask for its health and whether its page is there, as monitors do."""
    curl(frontend.url, "--head")
    assert json.loads(curl(f"{frontend.url}/health"))["is_up_to_date"]


def curl(address: str, *options: str, body: str | None = None) -> str:
    if not shutil.which("curl"):
        pytest.skip("curl is missing: install it")
    more = ["-H", "Content-Type: application/json", "-d", body] if body else []
    command = ["curl", "--fail", "--silent", "--show-error", "--max-time", "30", address, *options, *more]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_each_door_of_a_frontend_on_a_machine_is_used(
    browser: Browser, in_a_folder: dict[str, Visited]
) -> None:
    frontend = in_a_folder["frontend"]
    with frontend.page(browser) as page:
        with opening(page):
            page.goto(f"{frontend.url}/?__theme=dark&__sign=abc&logs=container")
        expect(page.locator("#leaderboard").get_by_text("demo/adder").first).to_be_visible()
        open_every_tab(page)
        page.get_by_role("tab", name="Submit here!").click()
        page.get_by_label("Model name").fill("demo/nothing")
        page.get_by_role("button", name="Submit", exact=True).click()
        expect(page.locator("#error-model")).to_contain_text("demo/nothing")
        page.get_by_role("button", name="Finished").click()
        for link in ("request", "result", "log"):
            file = page.locator("#queue-finished").get_by_role("link", name=link, exact=True).first
            assert page.request.get(f"{frontend.url}/{file.get_attribute('href')}").ok, link
        install(page)
        lose_the_server(page)
        see_the_api(page)
    read_the_plain_page(browser, frontend)
    call_from_python(frontend.url)
    call_with_curl(frontend.url, in_one_step=True)
    watch(frontend)
    assert frontend.unused() == []
    assert frontend.refused <= {NO_MCP, NOT_INSTALLED}


def test_each_door_of_a_frontend_where_people_sign_in_is_used(
    browser: Browser, on_a_hub: dict[str, Visited], hub: RemoteHub
) -> None:
    frontend = on_a_hub["frontend"]
    with frontend.page(browser) as page:
        with opening(page):
            page.goto(f"{frontend.url}/?__theme=dark&__sign=abc&logs=container")
        open_every_tab(page)
        page.get_by_role("tab", name="Submit here!").click()
        sign_in(page, hub, "bob")
        expect(page.locator("#checkup")).to_have_count(0)
        page.get_by_role("button", name="Logout (bob)").click()
        expect(page.get_by_role("button", name="Sign in with Hugging Face")).to_be_visible()
        install(page)
        lose_the_server(page)
        see_the_api(page)
    read_the_plain_page(browser, frontend)
    call_from_python(frontend.url)
    call_with_curl(frontend.url, in_one_step=False)
    watch(frontend)
    assert frontend.unused() == []
    assert frontend.refused <= {NO_MCP}


def test_the_owner_who_signs_in_sees_the_check_up_and_can_repeat_it(
    browser: Browser, on_a_hub: dict[str, Visited], hub: RemoteHub
) -> None:
    frontend = on_a_hub["frontend"]
    with frontend.page(browser) as page:
        with opening(page):
            page.goto(frontend.url)
        expect(page.locator("#checkup")).to_have_count(0)
        page.get_by_role("tab", name="Submit here!").click()
        sign_in(page, hub, "alice")
        checkup = page.locator("#checkup")
        checkup.get_by_role("button", name="For you, the owner").click()
        expect(checkup).to_contain_text("The token in HF_TOKEN may do everything that alice may.")
        checkup.get_by_role("button", name="Check again").click()
        expect(checkup).to_contain_text("Both Spaces run version")


@pytest.mark.parametrize("place", ["in_a_folder", "on_a_hub"])
def test_each_door_of_a_backend_is_used(browser: Browser, place: str, request: pytest.FixtureRequest) -> None:
    backend: Visited = request.getfixturevalue(place)["backend"]
    with backend.page(browser) as page:
        page.goto(f"{backend.url}/?__theme=dark&__sign=abc&logs=container")
        expect(page.get_by_text("last checked the queue")).to_be_visible()
        expect(page.get_by_text("Use via API")).to_have_count(0)
        install(page)
        for log in page.get_by_role("link", name="log", exact=True).all():
            assert page.request.get(f"{backend.url}/{log.get_attribute('href')}").ok
        lose_the_server(page)
    curl(backend.url, "--head")
    with urllib.request.urlopen(f"{backend.url}/health") as answer:
        assert json.load(answer)["is_ticking"]
    with pytest.raises(ValueError, match="There is nothing at this address"):
        # It reads what the page is made of, and that it has no API.
        Client(backend.url, verbose=False, httpx_kwargs={"timeout": PATIENCE})
    assert backend.unused() == []
    assert backend.refused <= ({NOT_INSTALLED} if place == "in_a_folder" else set())
