"""Gradio's own button logs in with the Hub of the tests, in a real browser."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from local_leaderboard import OF_ANOTHER_LEADERBOARD, Space, free_port, stop, wait_until_open
from support.hub_process import RemoteHub, hub_process
from support.leaderboard import FRONTEND_PYTHON

APP = """
from __future__ import annotations

import os

import gradio as gr
import httpx


def organizations_of(token: gr.OAuthToken) -> str:
    url, headers = os.environ["OPENID_PROVIDER_URL"], {"Authorization": f"Bearer {token.token}"}
    orgs = httpx.get(f"{url}/oauth/userinfo", headers=headers).json()["orgs"]
    return ", ".join(f"{org['preferred_username']} ({org['roleInOrg']})" for org in orgs) or "nothing"


def greeting(profile: gr.OAuthProfile | None, token: gr.OAuthToken | None) -> str:
    if profile is None or token is None:
        return "Nobody is here"
    return f"{profile.name} is {profile.username} of {organizations_of(token)}"


with gr.Blocks() as demo:
    gr.LoginButton()
    label = gr.Markdown()
    demo.load(greeting, None, label)
demo.launch()
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[RemoteHub]:
    with hub_process(FRONTEND_PYTHON) as hub:
        hub.do("add_user", name="alice", organizations={"acme": "admin", "zoo": "read"})
        hub.do("add_user", name="bob")
        yield hub


@pytest.fixture(scope="module")
def app(hub: RemoteHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """The app, in a process that takes itself for a Space of this Hub."""
    folder = tmp_path_factory.mktemp("app")
    (folder / "app.py").write_text(APP)
    client_id, secret = hub.do("add_oauth_app")
    port = free_port(7870)
    variables = {key: value for key, value in os.environ.items() if not OF_ANOTHER_LEADERBOARD.match(key)}
    variables |= {
        "SYSTEM": "spaces",
        "SPACE_ID": "acme/leaderboard",
        "OAUTH_CLIENT_ID": client_id,
        "OAUTH_CLIENT_SECRET": secret,
        "OAUTH_SCOPES": "openid profile",
        "OPENID_PROVIDER_URL": hub.url,
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
    }
    log = folder / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [FRONTEND_PYTHON, "app.py"], cwd=folder, env=variables, stdout=file, stderr=subprocess.STDOUT
        )
    space = Space("app", f"http://127.0.0.1:{port}", log, process)
    try:
        wait_until_open(space)
        yield space
    finally:
        stop(space)


@pytest.fixture
def page(browser: Browser, app: Space) -> Iterator[Page]:
    """The app's page in a browser that has never been there."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(app.url)
    yield page
    context.close()


def log_in(page: Page, name: str) -> None:
    page.get_by_role("button", name="Sign in with Hugging Face").click()
    page.get_by_role("button", name=f"Authorize as {name}").click()


def log_out(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Logout ({name})").click()


def test_one_user_logs_in_and_out_and_then_another(page: Page, hub: RemoteHub) -> None:
    for name, greeting in [
        ("alice", "Alice is alice of acme (admin), zoo (read)"),
        ("bob", "Bob is bob of nothing"),
    ]:
        expect(page.get_by_text("Nobody is here")).to_be_visible()
        hub.do("log_in_browser", user=name)
        log_in(page, name)
        expect(page.get_by_text(greeting)).to_be_visible()
        log_out(page, name)
    expect(page.get_by_text("Nobody is here")).to_be_visible()


def test_of_what_the_address_asked_for_the_first_thing_survives(
    page: Page, hub: RemoteHub, app: Space
) -> None:
    """Gradio's button does not encode the address to which it comes back. A link of one's own can."""
    hub.do("log_in_browser", user="alice")
    page.goto(f"{app.url}/?first=1&second=2")
    log_in(page, "alice")
    page.wait_for_url(f"{app.url}/?first=1")
    log_out(page, "alice")
    expect(page.get_by_text("Nobody is here")).to_be_visible()

    page.goto(f"{app.url}/login/huggingface?_target_url=%2F%3Ffirst%3D1%26second%3D2")
    page.get_by_role("button", name="Authorize as alice").click()
    page.wait_for_url(f"{app.url}/?first=1&second=2")
    expect(page.get_by_text("Alice is alice")).to_be_visible()


def test_who_is_not_logged_in_at_the_hub_learns_so(page: Page, hub: RemoteHub) -> None:
    hub.do("log_in_browser", user=None)
    page.get_by_role("button", name="Sign in with Hugging Face").click()
    expect(page.get_by_text("Nobody is logged in at the Hub")).to_be_visible()
