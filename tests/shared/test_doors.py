"""What the doors let through: a route on the list, a body of some size, a redirect that stays on the host."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette._utils import get_route_path
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from src.shared.serving.doors import (
    FILE,
    LARGEST_BODY,
    NOT_FOUND,
    Door,
    Doors,
    hide_tracebacks,
    is_own_path,
    origin_of,
    route_path,
)
from src.shared.serving.folder_files import PATH
from support.asgi import Answer, call
from support.processor_time import processor_seconds

OPEN = [
    Door(("GET",), "/", "the page"),
    Door(("GET",), r"/config", "read"),
    Door(("GET",), f"/assets/{FILE}", "scripts"),
    Door(("GET",), f"/files/results{PATH}", "data"),
    Door(("GET", "POST"), "/gradio_api/queue/join", "events"),
    Door(("GET",), "/logout", "signs out"),
]
HUB = "https://hub.test"
CLOSED = (404, {"detail": NOT_FOUND.detail})


@dataclass
class Inside:
    """An app behind the doors that answers everything, and keeps what reached it."""

    scopes: list[Scope] = field(default_factory=list)
    body: bytes = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        if scope["type"] == "http":
            self.body = await Request(scope, receive).body()
            await PlainTextResponse("inside")(scope, receive, send)


def behind(app: ASGIApp) -> Doors:
    return Doors(app, OPEN, {HUB})


def said(answer: Answer) -> tuple[int, dict[str, str]]:
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/config"),
        ("GET", "/assets/Index-CDBfCghh.js"),
        ("GET", "/files/results/acme/tiny/results_2026-01-31T12:00:00.json"),
        ("GET", "/gradio_api/queue/join"),
        ("POST", "/gradio_api/queue/join"),
    ],
)
def test_what_is_on_the_list_is_answered(method: str, path: str) -> None:
    assert call(behind(Inside()), path, method).body == b"inside"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/upload"),
        ("POST", "/config"),
        ("HEAD", "/config"),
        ("OPTIONS", "/config"),
        ("get", "/config"),
        ("PROPFIND", "/"),
        *(
            ("GET", path)
            for path in [
                "",
                "config",
                "//config",
                "/config/",
                "/config//",
                "//",
                "/./config",
                "/x/../config",
                "/config/..",
                "/config/.",
                "/Config",
                "/CONFIG",
                "/config\\",
                "\\config",
                "/config\x00",
                "/config\n",
                "/config ",
                " /config",
                "/config;x",
                "/config?x",
                "/%63onfig",
                "/%2563onfig",
                "/con\u017fig",
                "/\uff43onfig",
                "/config\u200b",
                "/gradio_api/config",
                "/gradio_api//queue/join",
                "/queue/join",
                "http://host/config",
                "/assets/",
                "/assets/..",
                "/assets/../config",
                "/assets/..js",
                "/assets/.hidden",
                "/assets/a..js",
                "/assets/a/b.js",
                "/assets/a\\b.js",
                "/assets/%2e%2e",
                "/assets/a.js\n",
                "/assets/a.js\x00",
                "/files/results",
                "/files/results/",
                "/files/results/../x",
                "/files/results/a/../b",
                "/files/results/a//b",
                "/files/results/.leaderboard/lock",
                "/files/results/a\\b",
                "/files/results/%2e%2e/b",
                "/files/results/a\nb",
                "/files/requests/a.json",
            ]
        ),
    ],
)
def test_everything_else_is_404_however_it_is_spelled(method: str, path: str) -> None:
    inside = Inside()
    assert said(call(behind(inside), path, method)) == CLOSED
    assert inside.scopes == []


@given(st.text(), st.sampled_from(["", "/", "/config", "/assets/a.js"]))
def test_no_text_before_or_after_an_open_path_opens_another(text: str, path: str) -> None:
    for each in {text + path, path + text}:
        expected = each in ("/", "/config") or each == f"/assets/{each.removeprefix('/assets/')}"
        inside = Inside()
        if said_inside := call(behind(inside), each).body == b"inside":
            assert expected
        assert bool(inside.scopes) == said_inside


@given(
    st.lists(st.sampled_from(["/", "lb", "/lb", "config", "http:", "."])).map("".join),
    st.sampled_from(["", "/lb", "/lb/", "/", "lb", "/lb/lb", "http://host/lb"]),
)
def test_the_path_is_the_one_by_which_the_router_finds_its_route(path: str, root_path: str) -> None:
    scope = {"path": path, "root_path": root_path}
    assert route_path(scope) == get_route_path(scope)


@pytest.mark.parametrize(
    "path", ["/lb/gradio_api/upload", "/gradio_api/upload", "/lb/lb/config", "/lb", "/lbx"]
)
def test_the_prefix_of_a_proxy_opens_nothing(path: str) -> None:
    assert said(call(behind(Inside()), path, root_path="/lb")) == CLOSED


@pytest.mark.parametrize("path", ["/lb/config", "/config", "/lb/"])
def test_behind_a_prefix_the_same_is_open(path: str) -> None:
    assert call(behind(Inside()), path, root_path="/lb").body == b"inside"


@pytest.mark.parametrize(
    "query",
    [
        "deep_link=../hash",
        "deep_link",
        "deep_link=",
        "deep%5Flink=x",
        "deep%5flink=x",
        "%64eep_lin%6B=x",
        "tab=submit&deep_link=x",
        "&&deep_link=x",
        "deep_link=&deep_link=x",
        "a=b=c&deep_link=x&",
        "page=x",
        "p%61ge=x",
    ],
)
@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/queue/join"])
def test_a_page_that_a_visitor_has_stored_cannot_be_asked_for(path: str, query: str) -> None:
    inside = Inside()
    assert said(call(behind(inside), path, query=query)) == CLOSED
    assert inside.scopes == []


@pytest.mark.parametrize(
    "query",
    ["", "tab=submit", "deep_links=x", "Deep_link=x", "x=deep_link", "deep%255Flink=x", "deep+link=x"],
)
def test_other_parameters_arrive_as_they_were_sent(query: str) -> None:
    inside = Inside()
    call(behind(inside), "/", query=query)
    assert inside.scopes[0]["query_string"] == query.encode()


@given(st.lists(st.sampled_from(["deep", "_", "%5F", "link", "=", "&", ";", "%", "+", "x", "%26", "\xe9"])))
def test_a_closed_parameter_is_what_the_app_would_read_as_one(parts: list[str]) -> None:
    query = "".join(parts)
    is_closed = call(behind(Inside()), "/", query=query).status == 404
    assert is_closed == ("deep_link" in QueryParams(query.encode("latin-1")))


def test_websockets_are_refused_and_the_lifespan_passes() -> None:
    inside, sent = Inside(), []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    for kind in ("websocket", "lifespan", "something.new"):
        asyncio.run(behind(inside)({"type": kind, "path": "/"}, receive, send))
    assert sent == ["websocket.close"]
    assert [scope["type"] for scope in inside.scopes] == ["lifespan"]


# Bodies


def pieces(total: int, *, each: int = 1000) -> Iterator[bytes]:
    for start in range(0, total, each):
        yield b"x" * min(each, total - start)


@pytest.mark.parametrize(
    "length", [str(LARGEST_BODY + 1), "300000000", "9" * 30, "9" * 5000, "-1", "1e3", "x", ""]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_body_that_is_said_to_be_too_large_is_not_read(method: str, length: str) -> None:
    inside = Inside()
    answer = call(
        behind(inside),
        "/gradio_api/queue/join",
        method,
        body=pieces(10**6),
        headers={"Content-Length": length},
    )
    assert (answer.status, answer.taken, inside.scopes) == (413, 0, [])
    assert "64 KiB" in json.loads(answer.body)["detail"]
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("headers", [{"Transfer-Encoding": "chunked"}, {"Content-Length": "10"}, {}])
def test_a_body_is_counted_as_it_comes_whatever_was_said(headers: dict[str, str]) -> None:
    inside = Inside()
    answer = call(behind(inside), "/gradio_api/queue/join", "POST", body=pieces(10**9), headers=headers)
    assert (answer.status, inside.body) == (413, b"")
    assert LARGEST_BODY < answer.taken <= LARGEST_BODY + 1000


def test_a_body_of_the_largest_size_passes_whole() -> None:
    inside = Inside()
    headers = {"Content-Length": str(LARGEST_BODY)}
    answer = call(
        behind(inside), "/gradio_api/queue/join", "POST", body=pieces(LARGEST_BODY), headers=headers
    )
    assert (answer.body, len(inside.body)) == (b"inside", LARGEST_BODY)
    assert "connection" not in answer.headers


def test_an_app_that_goes_on_after_too_much_is_not_heard() -> None:
    async def stubborn(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        assert (await receive())["type"] == "http.disconnect"
        await PlainTextResponse("taken, all the same")(scope, receive, send)

    answer = call(behind(stubborn), "/gradio_api/queue/join", "POST", body=pieces(10**9))
    assert answer.status == 413
    assert len(answer.messages) == 2
    assert answer.taken <= LARGEST_BODY + 1000


def test_a_body_that_no_app_looks_at_is_counted_all_the_same() -> None:
    chunked = {"Transfer-Encoding": "chunked"}
    early = PlainTextResponse("early")
    answer = call(behind(early), "/", body=pieces(10**9), headers=chunked)
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert answer.taken <= LARGEST_BODY + 1000
    assert call(behind(early), "/", body=pieces(10_000), headers=chunked).body == b"early"


def test_whoever_waits_for_the_client_to_go_still_hears_of_it() -> None:
    heard = []

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        heard.extend([(await receive())["type"] for _ in range(3)])
        await PlainTextResponse("heard")(scope, receive, send)

    call(behind(waits), "/", gone_after=2)
    assert heard == ["http.request", "http.request", "http.disconnect"]


def test_too_much_after_the_answer_has_begun_ends_it() -> None:
    async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
        async def parts() -> Iterator[bytes]:
            yield b"begun"
            while (await receive())["type"] != "http.disconnect":
                pass

        await StreamingResponse(parts())(scope, lambda: asyncio.sleep(3600), send)  # type: ignore[arg-type]

    answer = call(behind(streaming), "/gradio_api/queue/join", "POST", body=pieces(10**9))
    assert (answer.status, answer.body) == (200, b"begun")
    assert answer.taken <= LARGEST_BODY + 1000


@pytest.mark.parametrize(
    ("headers", "closes"),
    [
        ({}, False),
        ({"Content-Length": "0"}, False),
        ({"Content-Length": "5"}, True),
        ({"Transfer-Encoding": "x"}, True),
    ],
)
def test_a_refusal_ends_the_connection_where_a_body_would_still_come(
    headers: dict[str, str], closes: bool
) -> None:
    answer = call(behind(Inside()), "/gradio_api/upload", "POST", body=pieces(10), headers=headers)
    assert (answer.status, answer.taken, "connection" in answer.headers) == (404, 0, closes)


# Redirects

AWAY = [
    "https://example.org",
    "http://example.org",
    "//example.org",
    "///example.org",
    "/\\example.org",
    "\\/example.org",
    "\\\\example.org",
    "/\t/example.org",
    "/\n/example.org",
    "\t//example.org",
    " //example.org",
    "/\x00/example.org",
    "/%2Fexample.org",
    "/%2f%2fexample.org",
    "/%5Cexample.org",
    "/%09/example.org",
    "/%252Fexample.org",
    "/a//example.org",
    "/.//example.org",
    "/..//example.org",
    "/;@example.org",
    "/\u2028/example.org",
    "/\uff0fexample.org",
    "/?\\\x85",
    "javascript:alert(1)",
    "data:text/html,x",
    "https:example.org",
    "https:/example.org",
    "HTTPS://EXAMPLE.ORG",
    "ftp://example.org",
    "example.org",
    "@example.org",
    ".example.org",
    "?a=b",
    "",
    "*",
]
OWN = [
    "/",
    "/?tab=submit",
    "/?request=acme/m_eval_request_False_float16_Original.json&tab=submit",
    "/?q=a b&ö=%20",
    "/?next=https://example.org",
    "/#x",
    "/config",
    "/gradio_api/queue/data?x=//y",
]


@pytest.mark.parametrize("target", AWAY)
@pytest.mark.parametrize("other", ["", "_target_url=/&", "%5Ftarget_url=/x&a=b&"])
def test_a_target_on_another_host_becomes_the_page(target: str, other: str) -> None:
    inside = Inside()
    query = f"{other}{QueryParams([('_target_url', target)])}"
    call(behind(inside), "/logout", query=query)
    arrived = QueryParams(inside.scopes[0]["query_string"])
    assert arrived["_target_url"] == "/"
    assert all(is_own_path(value) for value in arrived.getlist("_target_url"))
    assert arrived.get("a") == ("b" if "a=b" in other else None)


@pytest.mark.parametrize("query", ["_target_url=//x&_target_url=/y", "_target_url=/y&_target_url=//x"])
def test_each_of_several_targets_is_looked_at(query: str) -> None:
    inside = Inside()
    call(behind(inside), "/logout", query=query)
    assert sorted(QueryParams(inside.scopes[0]["query_string"]).getlist("_target_url")) == ["/", "/y"]


@pytest.mark.parametrize("target", OWN)
def test_a_target_on_the_own_host_is_kept(target: str) -> None:
    inside = Inside()
    call(behind(inside), "/logout", query=str(QueryParams([("_target_url", target)])))
    assert QueryParams(inside.scopes[0]["query_string"])["_target_url"] == target


def test_what_browsers_make_of_an_own_path_is_on_the_own_host() -> None:
    """Node.js reads addresses as browsers do."""
    if not shutil.which("node"):
        pytest.skip("node is missing: install Node.js 18 or newer")
    parts = [
        "/",
        "\\",
        ".",
        "..",
        "@",
        ":",
        "?",
        "#",
        "%2F",
        "%5C",
        "\t",
        " ",
        "a",
        "http:",
        "\u3002",
        "[",
        "~",
    ]
    texts = {"".join(each) for length in range(5) for each in itertools.product(parts, repeat=length)}
    own = sorted(filter(is_own_path, (f"/{text}" for text in texts)))
    assert len(own) > 1000
    script = """
        const texts = JSON.parse(require("fs").readFileSync(0));
        console.log(texts.filter(each => new URL(each, "https://own.test/a/b?c").origin !== "https://own.test").length);
    """
    ran = subprocess.run(
        ["node", "-e", script], input=json.dumps(own), capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "0"


@pytest.mark.parametrize(
    "location",
    [
        *(each for each in AWAY if each.isascii() and each.isprintable()),
        f"{HUB}@example.org/",
        f"{HUB}.example.org/",
        f"{HUB}:444/",
        f"{HUB}\\@example.org/",
        "http://hub.test/",
        "https://[::1",
        "https://leaderboard.test/",
    ],
)
def test_a_redirect_to_another_host_is_not_passed_on(location: str) -> None:
    async def redirect(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("away", 302, {"Location": location, "Set-Cookie": "a=b"})(scope, receive, send)

    answer = call(behind(redirect), "/logout", headers={"Host": "leaderboard.test"})
    assert said(answer) == CLOSED
    assert set(answer.headers) == {"content-type", "content-length"}


@pytest.mark.parametrize(
    "location",
    [
        "/",
        "/login/huggingface?_target_url=%2F",
        "/?x=y",
        f"{HUB}/oauth/authorize?a=b",
        HUB,
        "HTTPS://HUB.test/",
    ],
)
def test_a_redirect_to_the_page_or_to_the_login_is_passed_on(location: str) -> None:
    answer = call(behind(RedirectResponse(location)), "/logout")
    assert (answer.status, answer.headers["location"]) == (307, location)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://huggingface.co", "https://huggingface.co"),
        ("HTTP://127.0.0.1:8000/path", "http://127.0.0.1:8000"),
        ("huggingface.co", None),
        ("/login", None),
        ("javascript://huggingface.co", None),
        ("https://", None),
        ("https://a@huggingface.co", None),
        ("https://[", None),
    ],
)
def test_the_origin_of_an_address(address: str, origin: str | None) -> None:
    assert origin_of(address) == origin


# Errors, and time


def test_an_error_shows_nothing_of_the_inside_once_tracebacks_are_hidden() -> None:
    def fail(request: Request) -> Response:
        raise ValueError("a secret")

    site = Starlette(debug=True, routes=[Route("/", fail)])
    site.add_middleware(Doors, doors=OPEN)  # type: ignore[arg-type]
    shown, hidden = Answer(), Answer()
    with pytest.raises(ValueError, match="a secret"):
        call(site, "/", answer=shown)
    hide_tracebacks(site)
    with pytest.raises(ValueError, match="a secret"):  # the server logs it
        call(site, "/", answer=hidden)
    assert b"a secret" in shown.body
    assert (hidden.status, hidden.body) == (500, b"Internal Server Error")
    assert said(call(site, "/gradio_api/upload")) == CLOSED


def test_an_error_after_the_answer_has_begun_reaches_the_server() -> None:
    async def breaks_off(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("midway")

    with pytest.raises(ValueError, match="midway"):
        call(behind(breaks_off), "/")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/assets/" + "a" * 65_000 + "!", ""),
        ("/assets/" + "a." * 32_000 + "!", ""),
        ("/assets/" + "a-" * 32_000 + "/", ""),
        ("/files/results" + "/a" * 32_000 + "/", ""),
        ("/files/results/" + "." * 65_000, ""),
        ("/files/results/" + " ," * 32_000 + "\n", ""),
        ("/", "_target_url=" + "/a" * 32_000 + "!"),
        ("/", "_target_url=/" + "a" * 65_000 + "%"),
        ("/", "_target_url=/?" + "a" * 65_000 + "\\"),
        ("/", "a&" * 32_000 + "deep_link"),
        ("/", "%61" * 20_000),
    ],
)
def test_no_address_takes_long(path: str, query: str) -> None:
    """The server takes at most 64 KiB of it. What is not linear would take minutes."""
    assert processor_seconds(lambda: call(behind(Inside()), path, query=query)) < 1
