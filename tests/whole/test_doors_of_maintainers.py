"""Each act of maintainers by each door is refused for everybody else and writes nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from local_leaderboard import Space
from support.hub_process import RemoteHub
from support.leaderboard import Datasets, datasets_on_a_hub, with_a_login
from support.waiting import PATIENCE

STEPS = {"approve": "WAITING", "reject": "WAITING", "cancel": "PENDING", "again": "FAILED"}
"""The acts on requests, each with a status of a request that it is possible for."""

ACTS = {
    "flag": "acme/one",
    "unflag": "acme/flagged",
    "hide": "acme/one",
    "show": "acme/hidden",
    "block": "acme/one",
    "unblock": "acme/blocked",
    "block user": "dave",
    "unblock user": "spam-bot",
    "remove": "acme/gone",
    "close": "",
    "open": "",
}
"""All other acts, each with what it is about."""

AGAIN = {"rerun missing": "", "rerun older": "acme/one", "rerun all": ""}
"""What is computed again: of all models, or of one."""

EVERY = [*STEPS, *ACTS, *AGAIN]
IN_FORCE = {"flag": "acme/flagged", "hide": "acme/hidden", "block": "acme/blocked", "block user": "spam-bot"}
REFUSED = "Only maintainers of this leaderboard can do this."
NOT_A_USERS = ("The Hub does not accept the token", "the Authorization header was issued to an app")
NOT_DIRECTLY = "does not accept direct HTTP POST requests"
"""Gradio's answer about a function that queues."""

SECRET = "only maintainers read this reason"
PRESS, DO, PRESS_AGAIN = "press", "do", "press again"
"""The function of the buttons, that of the form, and that of what is computed again."""


def path_of(act: str) -> str:
    return f"acme/for-{act}_eval_request_False_float16_Original.json"


def target_of(act: str) -> str:
    return path_of(act) if act in STEPS else (ACTS | AGAIN)[act]


def state(*, closed: bool = False) -> dict[str, str]:
    """The files of the requests dataset: a request for each step, and something to undo for each act."""
    files = {
        path_of(act): json.dumps(
            {"model": f"acme/for-{act}", "precision": "float16", "weight_type": "Original", "status": status}
            | {"submitted_by": "mallory", "submitted_time": "2026-02-01T12:00:00Z", "format": 1}
        )
        for act, status in STEPS.items()
    }
    gone = {"model": "acme/gone", "precision": "float16", "weight_type": "Original", "status": "FINISHED"}
    files["acme/gone_eval_request_False_float16_Original.json"] = json.dumps(gone | {"format": 1})
    names = IN_FORCE | ({"close": ""} if closed else {})
    acts = [
        {"act": act, "name": name, "reason": SECRET, "by": "bob", "at": "2026-02-01T12:00:00Z"}
        for act, name in names.items()
    ]
    files[".leaderboard/acts.json"] = json.dumps({"format": 1, "acts": acts})
    return files


@dataclass
class Person:
    """Somebody with a browser or a program."""

    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Place:
    """A frontend on a Hub. alice owns it, bob is a maintainer by name, mallory has only an account."""

    frontend: Space
    hub: RemoteHub
    datasets: Datasets
    people: dict[str, Person] = field(default_factory=dict)

    def write(self, files: Mapping[str, str]) -> None:
        self.hub.do("put", type="dataset", id="acme/requests", files=dict(files))

    def read(self) -> dict[str, str]:
        """All files of the requests dataset, besides indexes."""
        api = f"{self.hub.url}/api/datasets/acme/requests"
        names = [each["rfilename"] for each in httpx.get(api, timeout=PATIENCE).json()["siblings"]]
        return {
            name: httpx.get(
                f"{self.hub.url}/datasets/acme/requests/resolve/main/{name}", timeout=PATIENCE
            ).text
            for name in names
            if name.endswith(".json")
        }

    def client(self, who: Person) -> httpx.Client:
        cookie = "; ".join(f"{name}={value}" for name, value in who.cookies.items())
        headers = who.headers | ({"Cookie": cookie} if cookie else {})
        return httpx.Client(base_url=self.frontend.url, headers=headers, timeout=PATIENCE)

    def signed_in(self, login: str) -> dict[str, str]:
        """The cookie of a browser in which somebody has signed in; it is only for secure addresses."""
        self.hub.do("log_in_browser", user=login)
        with httpx.Client(timeout=PATIENCE) as browser:
            first = browser.get(f"{self.frontend.url}/login/huggingface")
            back = browser.post(first.headers["location"]).headers["location"]
            answer = browser.get(back, headers={"Cookie": first.headers["set-cookie"].partition(";")[0]})
            name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
            return {name: value}

    def functions(self, client: httpx.Client) -> dict[str, dict[str, Any]]:
        """The functions of the tab by their name in Python, as a stranger finds them in the page's config."""
        config = client.get("/config").json()
        ids = {each.get("props", {}).get("elem_id"): each["id"] for each in config["components"]}
        found: dict[str, dict[str, Any]] = {}
        for each in config["dependencies"]:
            if ids["maintain-action"] in each["inputs"]:
                found[PRESS] = each
            elif (
                len(each["inputs"]) > 3
                and ids["act"] in each["inputs"]
                and ids["maintained"] in each["outputs"]
            ):
                found[DO] = each
            elif len(each["inputs"]) > 3 and ids["again"] in each["inputs"]:
                found[PRESS_AGAIN] = each
        assert set(found) == {PRESS, DO, PRESS_AGAIN}
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with datasets_on_a_hub(tmp_path_factory.mktemp("data")) as datasets:
        hub = datasets.hub
        assert hub
        for name in ("bob", "mallory"):
            hub.do("add_user", name=name)
        hub.do("put", type="dataset", id="acme/requests", files=state())
        # A worker's description, so that the queue is known for ours.
        settings = with_a_login(hub) | {"MAINTAINERS": "Bob", "REFRESH_RATE": "3600"}
        with datasets.frontend(**settings) as frontend:
            yield Place(frontend, hub, datasets)


def people(place: Place) -> dict[str, Person]:
    """Everybody who is no maintainer, in every disguise."""
    if not place.people:
        token = {
            name: place.hub.do("add_token", user=name, role="fineGrained") for name in ("bob", "mallory")
        }
        bob = place.signed_in("bob")
        forged = base64.b64encode(json.dumps({"oauth_info": {"userinfo": {"name": "bob"}}}).encode()).decode()
        tampered = {name: f"{value[:-4]}AAAA" for name, value in bob.items()}
        bearer = "Authorization"
        place.people = {
            "nobody": Person(),
            "mallory, signed in": Person(place.signed_in("mallory")),
            "mallory, by token": Person(headers={bearer: f"Bearer {token['mallory']}"}),
            "a token of nobody": Person(headers={bearer: "Bearer hf_nobody"}),
            "an app that bob signed in to": Person(
                headers={bearer: f"Bearer {place.hub.do('add_app_token', user='bob')}"}
            ),
            "mallory's token in bob's browser": Person(bob, {bearer: f"Bearer {token['mallory']}"}),
            "a forged cookie": Person(dict.fromkeys(bob, f"{forged}.AAAA.AAAA")),
            "a tampered cookie": Person(tampered),
            "bob's cookie from another page": Person(bob, {"Origin": "https://evil.example"}),
            "forged headers": Person(
                headers={"X-Forwarded-User": "bob", "Remote-User": "bob", "X-HF-User": "bob"}
            ),
            "bob, signed in": Person(bob),
            "bob, by token": Person(headers={bearer: f"Bearer {token['bob']}"}),
        }
    return place.people


STRANGERS = [
    "nobody",
    "mallory, signed in",
    "mallory, by token",
    "a token of nobody",
    "an app that bob signed in to",
    "a forged cookie",
    "a tampered cookie",
    "bob's cookie from another page",
    "forged headers",
]
BY_PAGE_TOO = [*STRANGERS, "bob, by token"]
"""The page's own functions know nobody by a token."""

BY_API_TOO = [*STRANGERS, "mallory's token in bob's browser"]


def pressed(act: str) -> str:
    return json.dumps([act, target_of(act), 0, "It is spam."])


def values(name: str, function: Mapping[str, Any], act: str) -> list[Any]:
    """What the page would send to a function, and a forged user besides."""
    form = [act, target_of(act), "It is spam.", ACTS.get(act, "")]
    asked = [act, target_of(act), f"{act} {target_of(act)}"]
    first = {PRESS: [pressed(act)], DO: form, PRESS_AGAIN: asked}[name]
    return [*first, *["" for _ in function["inputs"][len(first) :]]]


def streamed(client: httpx.Client, session: str) -> str:
    """What the queue answers to a session, until it is done."""
    told = ""
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as events:
        for line in events.iter_lines():
            told += f"{line}\n"
            if "process_completed" in line or "close_stream" in line:
                break
    return told


def by_index(client: httpx.Client, number: int, data: list[Any], **others: Any) -> str:
    body = {"data": data, "fn_index": number, "session_hash": "forged", **others}
    return client.post("/gradio_api/run/predict", json=body).text


def by_queue(client: httpx.Client, number: int, data: list[Any], session: str) -> str:
    body = {"data": data, "fn_index": number, "session_hash": session, "username": "bob", "trigger_id": None}
    answer = client.post("/gradio_api/queue/join", json=body)
    return streamed(client, session) if answer.status_code == 200 else answer.text


def by_call(client: httpx.Client, act: str) -> str:
    data = [act, target_of(act), "It is spam."]
    answer = client.post("/gradio_api/call/maintain", json={"data": data, "username": "bob", "user": "bob"})
    if answer.status_code != 200:
        return answer.text
    return client.get(f"/gradio_api/call/maintain/{answer.json()['event_id']}").text


@pytest.mark.parametrize("who", BY_PAGE_TOO)
def test_by_the_pages_own_functions_nobody_else_does_anything(place: Place, who: str) -> None:
    """By index, in the queue and without it, for every act, with a forged name in the payload."""
    person, before = people(place)[who], place.read()
    with place.client(person) as client:
        functions = place.functions(client)
        for act in EVERY:
            for name, function in functions.items():
                data = values(name, function, act)
                told = by_index(client, function["id"], data, username="bob", request={"username": "bob"})
                assert NOT_DIRECTLY in told, (act, name, told)
                told = by_queue(client, function["id"], data, f"s{len(who)}{EVERY.index(act)}{name}")
                assert REFUSED in told, (act, name, told)
                assert SECRET not in told
    assert place.read() == before


@pytest.mark.parametrize("who", BY_API_TOO)
def test_by_the_endpoint_nobody_else_does_anything(place: Place, who: str) -> None:
    before = place.read()
    with place.client(people(place)[who]) as client:
        for act in EVERY:
            told = by_call(client, act)
            assert any(each in told for each in (REFUSED, *NOT_A_USERS)), (act, told)
            by_name = {"data": [pressed(act), "", ""], "api_name": "press", "fn_index": None}
            answer = client.post("/gradio_api/queue/join", json=by_name | {"session_hash": "x"})
            assert answer.status_code >= 400, act
            data = {"data": [act, target_of(act), "It is spam."]}
            answer = client.post("/gradio_api/run/maintain", json=data)
            assert answer.status_code == 404, act  # on a Space; see test_maintain_tab.py for others
    assert place.read() == before


@pytest.mark.parametrize(
    "path",
    ["run/maintain/", "api/maintain", "call/maintain/", "run/press", "call/press", "call/do", "run/do"],
)
def test_no_other_address_leads_there(place: Place, path: str) -> None:
    with place.client(people(place)["bob, signed in"]) as client:
        answer = client.post(f"/gradio_api/{path}", json={"data": ["flag", "acme/one", "It is spam."]})
        assert answer.status_code in (404, 405)


@pytest.mark.parametrize("who", BY_PAGE_TOO)
def test_no_function_of_the_page_sends_others_what_is_on_the_tab(place: Place, who: str) -> None:
    with place.client(people(place)[who]) as client:
        config = client.get("/config").json()
        told = [json.dumps(config), client.get("/").text, client.get("/gradio_api/info").text]
        for each in config["dependencies"]:
            if each["backend_fn"] and not each["show_api"]:
                data = ["" for _ in each["inputs"]]
                told.append(by_index(client, each["id"], data))
    found = [each[:300] for each in told if SECRET in each]
    assert found == []


def test_a_maintainer_is_sent_it(place: Place) -> None:
    """So the test before looks for what is there."""
    with place.client(people(place)["bob, signed in"]) as client:
        config = client.get("/config").json()
        told = [
            by_index(client, each["id"], ["" for _ in each["inputs"]])
            for each in config["dependencies"]
            if each["backend_fn"] and not each["show_api"]
        ]
    assert [each for each in told if SECRET in each]


@pytest.mark.parametrize("who", ["bob, signed in", "bob, by token"])
@pytest.mark.parametrize("act", [*STEPS, *ACTS])
def test_a_maintainer_does_each_act(place: Place, who: str, act: str) -> None:
    """On the page by the login, in a program by the token."""
    place.write(state(closed=act == "open"))
    before = place.read()
    with place.client(people(place)[who]) as client:
        if who == "bob, by token":
            told = by_call(client, act)
        else:
            function = place.functions(client)[PRESS]
            told = by_queue(client, function["id"], values(PRESS, function, act), f"bob{EVERY.index(act)}")
    assert REFUSED not in told
    after = place.read()
    if act in STEPS:
        request = json.loads(after[path_of(act)])
        assert request["history"][-1]["by"] == "bob"
        assert request["status"] != STEPS[act]
    else:
        last = json.loads(after[".leaderboard/acts.json"])["acts"][-1]
        assert (last["act"], last["name"], last["by"]) == (act, ACTS[act], "bob")
    assert after != before


def test_the_owner_is_one_without_being_named(place: Place) -> None:
    place.write(state())
    with place.client(Person(place.signed_in("alice"))) as client:
        function = place.functions(client)[PRESS]
        told = by_queue(client, function["id"], values(PRESS, function, "flag"), "alice")
    assert REFUSED not in told
    assert json.loads(place.read()[".leaderboard/acts.json"])["acts"][-1]["by"] == "alice"
