"""The Hub for tests as an OpenID provider: what an application learns of who logs in, and what is refused.

Only here, because the backend's environment has no authlib. tests/whole logs in with a real browser.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from authlib.jose import JsonWebKey, jwt
from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.utils import get_session

from support.hub import Hub, running_hub

pytestmark = pytest.mark.slow

BACK = "http://127.0.0.1:7860/login/callback?_target_url=/"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.add_user("alice", {"acme": "admin", "zoo": "read"})
        hub.log_in_browser("alice")
        yield hub


class App:
    """A registered application that logs its users in."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.id, self.secret = hub.add_oauth_app()

    def page(self, method: str = "GET", **changes: str) -> Any:
        """The Hub's page for who wants to log in, or with POST what its button does."""
        query = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": BACK,
            "scope": "openid profile",
            "state": "a state",
            "nonce": "a nonce",
        }
        address = f"{self.hub.url}/oauth/authorize?{urlencode(query | changes)}"
        return get_session().request(method, address, follow_redirects=False)

    def code(self) -> str:
        """What the application gets when the button was pressed."""
        return parse_qs(urlsplit(self.page("POST").headers["Location"]).query)["code"][0]

    def token(self, code: str, *, secret: str = "", redirect_uri: str = BACK, **changes: str) -> Any:
        """The answer to who brings a code."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, **changes}
        basic = b64encode(f"{self.id}:{secret or self.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}"}
        return get_session().post(f"{self.hub.url}/oauth/token", data=form, headers=headers)

    def claims(self) -> Any:
        """What the ID token says of who logs in. Raises when its signature is wrong."""
        answer = self.token(self.code()).json()
        found = get_session().get(f"{self.hub.url}/.well-known/openid-configuration").json()
        keys = JsonWebKey.import_key_set(get_session().get(found["jwks_uri"]).json())
        return jwt.decode(answer["id_token"], keys)

    def userinfo(self) -> Any:
        """What the Hub says of who logs in when it is asked with the access token."""
        headers = {"Authorization": f"Bearer {self.token(self.code()).json()['access_token']}"}
        return get_session().get(f"{self.hub.url}/oauth/userinfo", headers=headers).json()


@pytest.fixture
def app(hub: Hub) -> App:
    return App(hub)


def test_the_page_names_the_user_and_its_button_leads_back(app: App) -> None:
    assert "<button>Authorize as alice</button>" in app.page().text
    answer = app.page("POST")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{BACK}&code=")
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["state"] == ["a state"]


def test_the_id_token_says_who_logged_in_and_for_whom_it_is(hub: Hub, app: App) -> None:
    claims = app.claims()
    assert {name: claims[name] for name in ("iss", "aud", "nonce", "name", "preferred_username")} == {
        "iss": hub.url,
        "aud": app.id,
        "nonce": "a nonce",
        "name": "Alice",
        "preferred_username": "alice",
    }
    assert claims["profile"] == f"{hub.url}/alice"
    assert claims["exp"] - claims["iat"] == 8 * 60 * 60
    assert "orgs" not in claims


def test_the_access_token_says_the_same_and_reads_what_is_public(hub: Hub, app: App) -> None:
    hub.add_model("acme/open")
    hub.add_model("acme/secret", private=True)
    claims = app.claims()
    assert {name: claims.get(name) for name in app.userinfo()} | {
        "orgs": app.userinfo()["orgs"]
    } == app.userinfo()
    api = HfApi(endpoint=hub.url, token=app.token(app.code()).json()["access_token"])
    who = api.whoami()
    assert (who["type"], who["name"]) == ("user", "alice")
    assert (who["auth"]["type"], sorted(who["auth"])) == ("app_token_as_user", ["expiresAt", "type"])
    api.model_info("acme/open")
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("acme/secret")


def test_the_organisations_are_told_to_who_asks_and_the_roles_perhaps(hub: Hub, app: App) -> None:
    roles = [(org["preferred_username"], org["roleInOrg"]) for org in app.userinfo()["orgs"]]
    assert roles == [("acme", "admin"), ("zoo", "read")]
    hub.log_in_browser("alice", tells_roles=False)
    keys = [sorted(org) for org in app.userinfo()["orgs"]]
    assert keys == [["isEnterprise", "name", "picture", "preferred_username", "sub"]] * 2


def test_another_user_sits_down_at_the_browser_and_nobody_does(hub: Hub, app: App) -> None:
    hub.add_user("bob")
    hub.log_in_browser("bob")
    assert (app.claims()["preferred_username"], app.userinfo()["orgs"]) == ("bob", [])
    hub.log_in_browser(None)
    assert "Nobody is logged in" in app.page().text
    assert app.page("POST").status_code == 400


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"client_id": "<b>"}, "No application has the client_id &#x27;&lt;b&gt;&#x27;."),
        ({"response_type": "token"}, "The response_type must be code"),
        ({"scope": "profile"}, "the scope must have openid in it"),
        ({"redirect_uri": ""}, "There is no redirect_uri."),
    ],
)
def test_an_application_that_is_not_known_or_asks_wrongly_is_told_so(
    app: App, changes: dict[str, str], sentence: str
) -> None:
    for method in ("GET", "POST"):
        answer = app.page(method, **changes)
        assert answer.status_code == 400
        assert sentence in answer.text


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"secret": "another"}, 401, "invalid_client"),
        ({"redirect_uri": "http://127.0.0.1:7860/"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"code": "unknown"}, 400, "invalid_grant"),
    ],
)
def test_a_code_is_for_who_got_it(app: App, changes: dict[str, Any], status: int, error: str) -> None:
    answer = app.token(**({"code": app.code()} | changes))
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_code_is_good_once_and_for_no_other_application(hub: Hub, app: App) -> None:
    code = app.code()
    assert app.token(code).status_code == 200
    assert app.token(code).json()["error"] == "invalid_grant"
    assert App(hub).token(app.code()).json()["error"] == "invalid_grant"


def test_an_application_must_name_itself(hub: Hub) -> None:
    for headers in ({}, {"Authorization": "Basic !"}, {"Authorization": "Bearer x"}):
        answer = get_session().post(f"{hub.url}/oauth/token", headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
