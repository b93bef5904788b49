"""Who somebody is, is what the Hub said of a login or a token, and nothing that they say themselves."""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import gradio as gr
import pytest

from src.page.visitors import Visitors
from src.shared.stores.hub import Hub as Client
from src.submitting.accounts import NOT_ACCEPTED, OF_AN_APP, Accounts, NotRecognised
from src.submitting.submitter import ANONYMOUS, Submitter
from support.hub import Fault, Hub, running_hub
from support.page_requests import page_request

OWN_HOST = "leaderboard.test"
SPACE_HOSTS = frozenset({"acme-leaderboard.hf.space", "board.acme.example"})
UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.add_user("alice", {"acme": "admin", "zoo": "read"})
        hub.add_user("bob")
        yield hub


@pytest.fixture
def visitors(hub: Hub) -> Visitors:
    return Visitors(Accounts(partial(Client, endpoint=hub.url, patience=0)), SPACE_HOSTS)


def bearing(token: str, login: str | None = None, *, scheme: str = "Bearer ", **headers: str) -> gr.Request:
    """A call with a token, perhaps by somebody who has signed in as well."""
    return page_request(login, headers={"authorization": f"{scheme}{token}", **headers})


def refusal(visitors: Visitors, request: gr.Request) -> str:
    with pytest.raises(NotRecognised) as error:
        visitors.submitter(request)
    return str(error.value)


# Signed in


def test_who_has_signed_in_is_who_the_hub_said(visitors: Visitors) -> None:
    for tell in (visitors.signed_in, visitors.submitter):
        assert tell(page_request("alice")) == Submitter("alice")
        assert tell(page_request()) == ANONYMOUS


def test_signing_in_asks_the_hub_nothing_more(hub: Hub, visitors: Visitors) -> None:
    hub.calls.reset()
    visitors.submitter(page_request("alice"))
    assert hub.calls.log == []


@pytest.mark.parametrize("seconds_left", [-1, -8 * 3600])
def test_a_login_that_has_run_out_counts_no_more(visitors: Visitors, seconds_left: float) -> None:
    assert visitors.signed_in(page_request("alice", seconds_left=seconds_left)) == ANONYMOUS


@pytest.mark.parametrize("expires_at", [None, 0, ""])
def test_a_login_without_an_end_does_not_count(visitors: Visitors, expires_at: Any) -> None:
    request = page_request("alice")
    request.request.scope["session"]["oauth_info"]["expires_at"] = expires_at
    assert visitors.signed_in(request) == ANONYMOUS


def test_a_page_without_a_login_has_no_session(visitors: Visitors) -> None:
    request = page_request()
    del request.request.scope["session"]
    assert visitors.submitter(request) == ANONYMOUS


# From which page


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://leaderboard.test.evil.example",
        "https://leaderboard.test@evil.example",
        "https://evil.example/leaderboard.test",
        "https://evil.example?leaderboard.test",
        "https://leaderboard.test:8443",
        "https://hf.space",
        "https://other.hf.space",
        "null",
        "",
        "leaderboard.test",
        "file://",
    ],
)
def test_a_call_from_another_page_is_nobodys_although_the_cookie_comes_along(
    visitors: Visitors, origin: str
) -> None:
    assert visitors.submitter(page_request("alice", headers={"origin": origin})) == ANONYMOUS


@pytest.mark.parametrize("host", [OWN_HOST, *sorted(SPACE_HOSTS)])
def test_a_call_from_a_page_of_the_space_counts(visitors: Visitors, host: str) -> None:
    request = page_request("alice", headers={"origin": f"https://{host}"})
    assert visitors.submitter(request) == Submitter("alice")


def test_behind_a_proxy_only_the_hosts_of_the_space_and_the_one_that_was_asked_count(hub: Hub) -> None:
    visitors = Visitors(Accounts(partial(Client, endpoint=hub.url)))
    asked = {"origin": "https://acme-leaderboard.hf.space"}
    assert visitors.submitter(page_request("alice", headers=asked)) == ANONYMOUS
    forwarded = {**asked, "x-forwarded-host": "acme-leaderboard.hf.space"}
    assert visitors.submitter(page_request("alice", headers=forwarded)) == ANONYMOUS
    assert visitors.submitter(page_request("alice", headers={**asked, "host": asked["origin"][8:]})).login


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-user": "alice"},
        {"x-hf-user": "alice", "remote-user": "alice"},
        {"cookie": "session=alice; oauth_info=alice"},
        {"authorization": "alice"},
        {"authorization": "Basic YWxpY2U6aHVudGVy"},
        {"x-ip-token": "alice"},
    ],
)
def test_no_other_header_makes_somebody_of_nobody(visitors: Visitors, headers: dict[str, str]) -> None:
    assert visitors.submitter(page_request(headers=headers, query="login=alice")) == ANONYMOUS


# With a token


@pytest.mark.parametrize("role", ["read", "write", "fineGrained"])
def test_whose_token_it_is_the_hub_is_asked_once(hub: Hub, visitors: Visitors, role: str) -> None:
    token = hub.add_token("alice", role)
    hub.calls.reset()
    assert visitors.submitter(bearing(token)) == Submitter("alice", frozenset({"acme", "zoo"}))
    assert [call.route for call in hub.calls.log] == ["whoami"]


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_the_token_wins_over_the_login(hub: Hub, visitors: Visitors, scheme: str) -> None:
    request = bearing(hub.add_token("bob"), "alice", scheme=scheme)
    assert visitors.submitter(request) == Submitter("bob")
    assert visitors.signed_in(request) == Submitter("alice")


def test_a_token_counts_from_any_page_because_no_browser_sends_it_by_itself(
    hub: Hub, visitors: Visitors
) -> None:
    request = bearing(hub.add_token("bob"), "alice", origin="https://evil.example")
    assert visitors.submitter(request) == Submitter("bob")


def test_a_revoked_token_is_refused_although_it_counted_a_moment_ago(hub: Hub, visitors: Visitors) -> None:
    token = hub.add_token("bob")
    visitors.submitter(bearing(token))
    hub.accounts.revoke(token)
    assert refusal(visitors, bearing(token)) == NOT_ACCEPTED


@pytest.mark.parametrize("token", ["hf_unknown", "x" * 200])
def test_an_unknown_token_is_refused_and_the_login_does_not_step_in(visitors: Visitors, token: str) -> None:
    assert refusal(visitors, bearing(token, "alice")) == NOT_ACCEPTED
    assert "https://huggingface.co/settings/tokens." in NOT_ACCEPTED


@pytest.mark.parametrize(
    "token", ["", " ", "x" * 4001, "x" * 1_000_000, "hf_ä", "hf_a b", "hf_\u202e", "hf_\n"]
)
def test_what_cannot_be_a_token_is_refused_without_a_call(hub: Hub, token: str) -> None:
    hub.calls.reset()
    with pytest.raises(NotRecognised) as error:
        Accounts(partial(Client, endpoint=hub.url)).of_token(token)
    assert str(error.value) == NOT_ACCEPTED
    assert hub.calls.log == []


class OfAnOrganisation(Client):
    """A Hub where every token is an organisation's, which the Hub of the tests has none of."""

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return {"type": "org", "name": "acme"}


def test_an_organisations_token_is_nobodys() -> None:
    message = refusal(Visitors(Accounts(OfAnOrganisation)), bearing("hf_acme", "alice"))
    assert (
        message == "The token in the Authorization header does not belong to a person. Use one of your own."
    )


def test_a_token_of_another_app_that_a_user_signed_in_to_is_nobodys(hub: Hub, visitors: Visitors) -> None:
    assert refusal(visitors, bearing(hub.add_app_token("bob"), "alice")) == OF_AN_APP
    assert "https://huggingface.co/settings/tokens." in OF_AN_APP


class SaysNotWhichKind(Client):
    """A Hub that does not say what kind of token it is asked about."""

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return {"type": "user", "name": "bob", "orgs": []}


def test_a_token_of_an_unknown_kind_is_nobodys() -> None:
    assert refusal(Visitors(Accounts(SaysNotWhichKind)), bearing("hf_bob", "alice")) == OF_AN_APP


def test_a_hub_that_cannot_be_reached_is_said_as_such() -> None:
    visitors = Visitors(Accounts(partial(Client, endpoint=UNREACHABLE, patience=0)))
    message = refusal(visitors, bearing("hf_secret", "alice"))
    assert f"Cannot ask the Hub whose token this is: {UNREACHABLE} cannot be reached." in message


@pytest.mark.parametrize(
    "fault", [Fault.SERVER_ERROR, Fault.LOST_ANSWER, Fault.CUT_ANSWER, Fault.BAD_GATEWAY]
)
def test_a_hub_that_fails_is_not_taken_for_a_wrong_token(hub: Hub, visitors: Visitors, fault: Fault) -> None:
    hub.faults.strike_next(fault, route="whoami")
    message = refusal(visitors, bearing(hub.add_token("bob")))
    assert message.startswith("Cannot ask the Hub whose token this is: ")
    assert message.endswith(".")


# Secrets


def test_a_token_is_in_no_message_and_no_log(
    hub: Hub, visitors: Visitors, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good, unknown = hub.add_token("bob"), "hf_unknown_secret"
    unreachable = Visitors(Accounts(partial(Client, endpoint=UNREACHABLE, patience=0)))
    told = [refusal(visitors, bearing(unknown)), refusal(unreachable, bearing(good))]
    told += [repr(visitors.submitter(bearing(good))), repr(visitors)]
    hub.faults.strike_next(Fault.SERVER_ERROR, route="whoami")
    told.append(refusal(visitors, bearing(good)))
    told += [f"{record.getMessage()} {record.exc_info} {record.args}" for record in caplog.records]
    assert caplog.records
    assert [text for text in told for token in (good, unknown) if token in text] == []


def test_an_error_about_a_token_carries_none_in_its_causes(hub: Hub, visitors: Visitors) -> None:
    """A traceback that is logged somewhere shows the causes too."""
    with pytest.raises(NotRecognised) as error:
        visitors.submitter(bearing("hf_unknown_secret"))
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__
