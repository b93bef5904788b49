"""The check-up on the page: the owner gets it, and nobody else, whatever they call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import gradio as gr
import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from src.doctor.owners import ASKED_OF_ONE, KEPT, KEPT_OF_OWNERS, MOST, Owners
from src.page.checkup import Checkup, shown
from src.page.health import health_route
from src.page.visitors import Visitors
from src.shared.doctor.finding import Finding, Level
from src.shared.stores.hub import Hub as Client
from src.submitting.accounts import Accounts
from src.submitting.limits import Terms
from support.boards import NOW, Leaderboard
from support.hub import Fault, Hub, running_hub
from support.page_requests import page_request

SECRET = "The token of alice in HF_TOKEN may more than it needs."
FINDINGS = [Finding(Level.GREEN, "settings", "Good."), Finding(Level.WARNING, "token", SECRET)]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.add_user("alice", {"acme": "admin"})
        hub.add_user("bob", {"acme": "write"})
        hub.add_user("mallory")
        yield hub


def owners(hub: Hub, namespace: str | None = "acme", **options: Any) -> Owners:
    return Owners(namespace, connect=partial(Client, endpoint=hub.url, patience=0), **options)


def signed_in(login: str | None, token: str | None = None, **options: Any) -> gr.Request:
    request = page_request(login, **options)
    if login and token:
        request.request.scope["session"]["oauth_info"]["access_token"] = token
    return request


def test_the_account_itself_is_the_owner_without_a_call(hub: Hub) -> None:
    hub.calls.reset()
    assert owners(hub, "Alice").include("alice", None)
    assert hub.calls.log == []


def test_an_admin_of_the_organisation_is_an_owner_and_a_member_is_not(hub: Hub) -> None:
    who = owners(hub)
    assert who.include("alice", hub.add_token("alice", "fineGrained"))
    assert not who.include("bob", hub.add_token("bob", "fineGrained"))
    assert not who.include("mallory", hub.add_token("mallory", "fineGrained"))


def test_another_ones_token_makes_nobody_an_owner(hub: Hub) -> None:
    assert not owners(hub).include("mallory", hub.add_token("alice"))


@pytest.mark.parametrize(
    ("login", "token"), [(None, None), (None, "hf_x"), ("", "hf_x"), ("alice", None), ("alice", "hf_unknown")]
)
def test_without_a_login_that_the_hub_confirms_nobody_is(
    hub: Hub, login: str | None, token: str | None
) -> None:
    assert not owners(hub).include(login, token)


def test_without_an_owner_nobody_is(hub: Hub) -> None:
    assert not owners(hub, None).include("alice", hub.add_token("alice"))


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 2, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, time: timedelta) -> None:
        self.now += time + timedelta(seconds=1)


def test_the_hub_is_asked_once_for_a_login_and_again_after_a_while(hub: Hub) -> None:
    time = Time()
    who, token = owners(hub, clock=time), hub.add_token("alice")
    hub.calls.reset()
    assert [who.include("alice", token) for _ in range(3)] == [True] * 3
    assert hub.calls.count(route="whoami") == 1
    time.pass_by(KEPT)
    assert who.include("alice", token)
    assert hub.calls.count(route="whoami") == 2


def test_about_one_login_the_hub_is_not_asked_without_an_end(hub: Hub) -> None:
    who = owners(hub, clock=Time())
    hub.calls.reset()
    assert not any(who.include("mallory", "hf_revoked") for _ in range(ASKED_OF_ONE + 5))
    assert hub.calls.count(route="whoami") == ASKED_OF_ONE


def test_strangers_use_up_nothing_that_the_owner_needs(hub: Hub) -> None:
    time = Time()
    who, token, strangers = owners(hub, clock=time), hub.add_token("alice"), hub.add_token("mallory")
    for number in range(100):
        assert not who.include(f"stranger-{number}", strangers)
        assert not who.include("mallory", "hf_revoked")
    assert who.include("alice", token)
    for number in range(MOST):
        who.include(f"nobody-{number}", None)
    hub.calls.reset()
    assert who.include("alice", token)
    assert hub.calls.log == []


def test_an_owner_stays_one_for_an_hour_in_which_the_hub_does_not_answer(hub: Hub) -> None:
    time = Time()
    who, token = owners(hub, clock=time), hub.add_token("alice")
    assert who.include("alice", token)
    time.pass_by(KEPT)
    for _ in range(ASKED_OF_ONE + 1):
        hub.faults.strike_next(Fault.SERVER_ERROR, route="whoami")
        assert who.include("alice", token)
    time.pass_by(KEPT_OF_OWNERS)
    hub.faults.strike_next(Fault.SERVER_ERROR, route="whoami")
    assert not who.include("alice", token)


def test_a_token_that_tells_too_little_takes_nothing_from_the_one_of_the_page(hub: Hub) -> None:
    who, poor, good = owners(hub, clock=Time()), hub.add_token("mallory"), hub.add_token("alice")
    assert not who.include("alice", poor)
    assert who.include("alice", good)
    hub.calls.reset()
    assert who.include("alice", poor)
    assert not who.include("mallory", poor)
    assert not who.include("mallory", poor)
    assert hub.calls.count(route="whoami") == 1


def test_whose_token_the_hub_refuses_is_an_owner_no_more(hub: Hub) -> None:
    time = Time()
    who, token = owners(hub, clock=time), hub.add_token("alice")
    assert who.include("alice", token)
    time.pass_by(KEPT)
    assert not any(who.include("alice", "hf_revoked") for _ in range(ASKED_OF_ONE + 1))


def test_a_hub_that_does_not_answer_makes_no_owner_and_is_asked_again(hub: Hub) -> None:
    who, token = owners(hub), hub.add_token("alice")
    hub.faults.strike_next(Fault.SERVER_ERROR, route="whoami")
    assert not who.include("alice", token)
    assert who.include("alice", token)


class Calls:
    """The panel on a page of its own, and how often its findings were asked for."""

    def __init__(self, hub: Hub) -> None:
        self.asked = 0
        visitors = Visitors(Accounts())
        with gr.Blocks():
            self.panel = Checkup(self.findings, owners(hub).include, visitors)

    def findings(self) -> list[Finding]:
        self.asked += 1
        return FINDINGS

    def show(self, request: gr.Request) -> str:
        return " ".join(f"{each} {getattr(each, 'label', '')}" for each in self.panel._show(request).values())


def test_by_event_only_the_owner_gets_it(hub: Hub) -> None:
    calls = Calls(hub)
    told = calls.show(signed_in("alice", hub.add_token("alice")))
    assert SECRET in told
    assert "1 green, 1 warning, 0 wrong" in told
    for request in (
        signed_in(None),
        signed_in("mallory", hub.add_token("mallory")),
        signed_in("bob", hub.add_token("bob")),
        signed_in("alice", hub.add_token("alice"), seconds_left=-1),
        signed_in("alice", hub.add_token("alice"), headers={"origin": "https://evil.example"}),
        page_request(headers={"authorization": f"Bearer {hub.add_token('alice')}"}),
        page_request(headers={"x-forwarded-user": "alice"}, query="login=alice"),
    ):
        told = calls.show(request)
        assert SECRET not in told
        assert "warning" not in told
    assert calls.asked == 1


def test_who_has_not_signed_in_costs_nothing_more(hub: Hub) -> None:
    calls = Calls(hub)
    assert list(calls.panel.open(signed_in(None)).values()) == [0]
    assert list(calls.panel.open(signed_in("mallory")).values()) == [1]
    assert calls.asked == 0


def page_for(leaderboard: Leaderboard, hub: Hub) -> gr.Blocks:
    desk = leaderboard.make_desk(leaderboard.requests, terms=Terms(login=True, anonymous=False))
    return leaderboard.page(desk, findings=lambda: FINDINGS, is_owner=owners(hub).include)  # type: ignore[no-any-return]


def test_by_api_nobody_but_the_owner_gets_it(
    leaderboard: Leaderboard, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every function of the page is called with the cookie of each, as Gradio's own session signs it."""
    monkeypatch.setattr(gr.Blocks, "expects_oauth", False)  # the test signs people in itself
    page = page_for(leaderboard, hub)
    site = gr.routes.App.create_app(page)
    site.add_middleware(SessionMiddleware, secret_key="test")
    token = {login: hub.add_token(login) for login in ("alice", "mallory")}

    async def sign_in(request: Request) -> JSONResponse:
        login = request.path_params["login"]
        userinfo = {"name": login, "preferred_username": login, "profile": "", "picture": ""}
        request.session["oauth_info"] = {
            "userinfo": userinfo,
            "expires_at": time.time() + 60,
            "access_token": token[login],
        }
        return JSONResponse({})

    site.router.routes.insert(0, Route("/test/{login}", sign_in))
    numbers = [number for number, function in page.fns.items() if "_show" in str(function.fn)]
    assert len(numbers) == 2

    async def answers(login: str | None) -> str:
        transport = httpx.ASGITransport(site, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            if login:
                await client.get(f"/test/{login}")
            told = [(await client.get("/config")).text, (await client.get("/gradio_api/info")).text]
            for number in numbers:
                body = {"data": [], "fn_index": number, "session_hash": "x"}
                answer = await client.post("/gradio_api/run/predict", json=body)
                assert answer.status_code == 200, answer.text
                told.append(answer.text)
            return " ".join(told)

    assert SECRET in asyncio.run(answers("alice"))
    for other in (None, "mallory"):
        assert SECRET not in asyncio.run(answers(other))


def test_a_page_without_a_login_has_no_checkup(leaderboard: Leaderboard) -> None:
    page = leaderboard.page(findings=lambda: FINDINGS, is_owner=lambda login, token: True)
    assert not [each for each in page.fns.values() if "Checkup" in str(each.fn)]


def test_findings_are_shown_as_text_the_worst_first() -> None:
    told = shown([*FINDINGS, Finding(Level.WRONG, "files", "<script>alert(1)</script> was skipped.")])
    assert "<script>" not in told
    assert told.index("wrong") < told.index("warning") < told.index("green")


# /health


def ask(leaderboard: Leaderboard, now: datetime) -> tuple[int, dict[str, Any]]:
    site = Starlette(routes=[health_route(leaderboard.keeper, timedelta(seconds=30), lambda: now)])

    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://page") as client:
            return await client.get("/health")

    answer = asyncio.run(get())
    return answer.status_code, answer.json()


def test_health_is_well_while_the_datasets_are_read_and_not_before_or_later(leaderboard: Leaderboard) -> None:
    leaderboard.add_request()
    assert ask(leaderboard, NOW)[0] == 503
    leaderboard.keeper.sync()
    status, facts = ask(leaderboard, NOW + timedelta(minutes=5))
    assert (status, facts["is_up_to_date"], facts["pending"], facts["problem"]) == (200, True, 1, "")
    assert facts["last_sync"]
    assert ask(leaderboard, NOW + timedelta(minutes=6))[0] == 503
