"""What strangers tried on routes of Gradio that our pages do not use: both Spaces refuse all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from local_leaderboard import Space
from support.leaderboard import Leaderboard, leaderboard_on_a_hub
from support.raw_http import RawAnswer, chunks, raw_call

SPACES = ("frontend", "backend")
NOTHING = {"detail": "There is nothing at this address."}
SOME_BYTES = 5_000_000
"""What the buffers of the two ends may hold while nobody reads."""

KEPT = "keep-alive"
"""The client would like the connection to stay: that it ends is the server's doing."""

MULTIPART = "Content-Type: multipart/form-data; boundary=x"
FILE = b'--x\r\nContent-Disposition: form-data; name="files"; filename="state.json"\r\n\r\n[]\r\n--x--\r\n'
JSON = "Content-Type: application/json"


@pytest.fixture(scope="module")
def leaderboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Leaderboard]:
    """Both Spaces on a Hub, where people sign in."""
    models = tmp_path_factory.mktemp("models")
    with leaderboard_on_a_hub(tmp_path_factory.mktemp("doors"), models, login=True) as leaderboard:
        yield leaderboard


@pytest.fixture(params=SPACES)
def space(request: pytest.FixtureRequest, leaderboard: Leaderboard) -> Space:
    """One after the other."""
    space: Space = getattr(leaderboard, request.param)
    return space


def length(body: bytes) -> str:
    return f"Content-Length: {len(body)}"


def assert_nothing(answer: RawAnswer) -> None:
    assert (answer.status, json.loads(answer.body)) == (404, NOTHING)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/gradio_api/upload"),
        ("POST", "/gradio_api/upload?upload_id=1"),
        ("POST", "/gradio_api/upload/"),
        ("POST", "//gradio_api/upload"),
        ("POST", "/gradio_api//upload"),
        ("POST", "/gradio_api/%75pload"),
        ("POST", "/gradio_api/%2575pload"),
        ("POST", "/gradio_api%2Fupload"),
        ("POST", "/gradio_api/x/../upload"),
        ("POST", "/gradio_api/./upload"),
        ("POST", "/gradio_api\\upload"),
        ("POST", "/Gradio_API/Upload"),
        ("POST", "/gradio_api/upload%00"),
        ("POST", "/upload"),
        ("PUT", "/gradio_api/upload"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/gradio_api/component_server/"),
        ("POST", "/gradio_api/vibe-edit/"),
        ("POST", "/gradio_api/vibe-code/"),
        ("POST", "/gradio_api/stream/1"),
        ("POST", "/gradio_api/mcp/sse"),
        ("POST", "/login"),
        ("GET", "/gradio_api/deep_link?session_hash=x"),
        ("GET", "/gradio_api/upload_progress?upload_id=1"),
    ],
)
def test_a_page_with_a_script_cannot_be_stored(space: Space, method: str, target: str) -> None:
    assert_nothing(raw_call(space.url, method, target, [MULTIPART, length(FILE)], [FILE]))


@pytest.mark.parametrize(
    "target",
    [
        "/?deep_link=../hash",
        "/?deep%5Flink=..%2Fhash",
        "/?__theme=dark&%64eep_link=x",
        "/config?deep_link=../hash",
        "/config/?deep_link=../hash",
        "/?page=x",
        "/theme.css?deep_link=x",
    ],
)
def test_a_page_that_a_stranger_stored_is_not_shown(space: Space, target: str) -> None:
    assert_nothing(raw_call(space.url, "GET", target))


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/gradio_api/upload"),
        ("POST", "/gradio_api/process_recording"),
        ("PUT", "/anything"),
        ("GET", "/gradio_api/file=x"),
    ],
)
def test_an_upload_of_300_mb_is_neither_taken_nor_read(space: Space, method: str, target: str) -> None:
    said = raw_call(space.url, method, target, [MULTIPART, "Content-Length: 300000000"], connection=KEPT)
    assert_nothing(said)
    chunked = raw_call(
        space.url,
        method,
        target,
        [MULTIPART, "Transfer-Encoding: chunked"],
        chunks(300_000_000),
        connection=KEPT,
    )
    assert_nothing(chunked)
    assert chunked.sent < SOME_BYTES


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/"),
        ("HEAD", "/"),
        ("GET", "/config"),
        ("GET", "/theme.css"),
        ("POST", "/gradio_api/queue/join"),
    ],
)
def test_no_body_larger_than_a_form_is_read_on_any_route(space: Space, method: str, target: str) -> None:
    said = raw_call(space.url, method, target, [JSON, "Content-Length: 65537"], connection=KEPT)
    assert said.status == 413
    chunked = raw_call(
        space.url, method, target, [JSON, "Transfer-Encoding: chunked"], chunks(300_000_000), connection=KEPT
    )
    assert chunked.status == 413
    assert chunked.sent < SOME_BYTES


def test_a_length_that_is_a_lie_does_not_help(space: Space) -> None:
    body = b'{"data": []}'
    headers = [JSON, "Content-Length: 10"]
    answer = raw_call(
        space.url, "POST", "/gradio_api/queue/join", headers, [body * 10_000] * 1000, connection=KEPT
    )
    assert answer.status == 422  # ten bytes are no JSON
    assert answer.sent < SOME_BYTES
    both = [JSON, "Content-Length: 10", "Transfer-Encoding: chunked"]
    twice = [JSON, "Content-Length: 10", "Content-Length: 300000000"]
    for headers in (both, twice):
        answer = raw_call(
            space.url, "POST", "/gradio_api/queue/join", headers, chunks(300_000_000), connection=KEPT
        )
        assert answer.status in (400, 413)
        assert answer.sent < SOME_BYTES


def test_a_form_of_ordinary_size_passes(leaderboard: Leaderboard) -> None:
    body = json.dumps({"data": ["acme/" + "m" * 1000, None, None, None, None, None, None]}).encode()
    target = "/gradio_api/call/submit"
    for answer in (
        raw_call(leaderboard.frontend.url, "POST", target, [JSON, length(body)], [body]),
        raw_call(
            leaderboard.frontend.url,
            "POST",
            target,
            [JSON, "Transfer-Encoding: chunked"],
            chunks(len(body), body),
        ),
    ):
        assert (answer.status, list(json.loads(answer.body))) == (200, ["event_id"])


AWAY = [
    "https://example.org",
    "https:example.org",
    "//example.org",
    "/\\example.org",
    "/%5Cexample.org",
    "/%2F%2Fexample.org",
    "/\t/example.org",
    "/\r\n/example.org",
    "\\\\example.org",
    "///example.org",
    "javascript:alert(1)",
    "HTTPS://EXAMPLE.ORG",
    "",
]


@pytest.mark.parametrize("target", AWAY)
def test_signing_in_and_out_sends_nobody_to_another_host(leaderboard: Leaderboard, target: str) -> None:
    url = leaderboard.frontend.url
    for spelled in (
        f"_target_url={quote(target)}",
        f"x=y&%5Ftarget_url={quote(target)}&_target_url={quote(target)}",
    ):
        out = raw_call(url, "GET", f"/logout?{spelled}")
        assert (out.status, out.headers["location"]) == (307, "/")
        to_the_hub = raw_call(url, "GET", f"/login/huggingface?{spelled}").headers["location"]
        assert leaderboard.hub
        assert to_the_hub.startswith(f"{leaderboard.hub.url}/oauth/authorize?")
        [back] = parse_qs(urlsplit(to_the_hub).query)["redirect_uri"]
        assert back == f"{url}/login/callback?_target_url=%2F"
        again = raw_call(url, "GET", f"/login/callback?code=x&state=x&{spelled}").headers["location"]
        assert again == "/login/huggingface?_nb_redirects=1&_target_url=%2F"


def test_signing_out_goes_back_to_where_one_was(leaderboard: Leaderboard) -> None:
    answer = raw_call(leaderboard.frontend.url, "GET", "/logout?_target_url=/?tab=submit&request=a/b.json")
    assert answer.headers["location"] == "/?tab=submit"


def test_the_backend_redirects_nobody(leaderboard: Leaderboard) -> None:
    for path in ("logout", "login/huggingface", "login/callback", "login"):
        assert_nothing(raw_call(leaderboard.backend.url, "GET", f"/{path}?_target_url=https://example.org"))


@pytest.mark.parametrize(
    "target",
    [
        "/gradio_api/file=https://example.org/x",
        "/gradio_api/file=http://169.254.169.254/latest/meta-data",
        "/gradio_api/file%3Dhttps://example.org/x",
        "/gradio_api/file=%68ttps://example.org/x",
        "/gradio_api/file=//example.org/x",
        "/gradio_api/file/https://example.org/x",
        "/gradio_api/file=/etc/passwd",
        "/file=https://example.org/x",
        "//gradio_api/file=https://example.org/x",
        "/gradio_api/proxy=https://example.hf.space/x",
        "/gradio_api/proxy=http://169.254.169.254/",
        "/proxy=https://example.hf.space/x",
        "/monitoring/x",
        "/svelte/../../../etc/passwd",
        "/static/fonts/x",
        "/static/%2e%2e/index.html",
        "/assets/..%2f..%2findex.html",
        "/assets/%2e%2e/index.html",
        "/gradio_api/custom_component/0/client/component/index.js",
        "/pwa_icon/100000",
        "/robots.txt",
        "/openapi.json",
        "/gradio_api/openapi.json",
        "/gradio_api/token",
        "/gradio_api/dev/reload",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_address_that_a_stranger_gives_is_fetched_or_redirected_to(
    space: Space, method: str, target: str
) -> None:
    answer = raw_call(space.url, method, target)
    assert answer.status == 404
    assert int(answer.headers["content-length"]) == len(json.dumps(NOTHING, separators=(",", ":")))
    assert "location" not in answer.headers


def test_a_websocket_is_refused(space: Space) -> None:
    upgrade = [
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
    ]
    assert raw_call(space.url, "GET", "/gradio_api/stream/1", upgrade, connection="Upgrade").status == 403


@pytest.mark.parametrize(
    "headers",
    [
        ["X-Forwarded-Host: evil.example/'\"<script>"],
        ["X-Forwarded-Host: [::1"],
        ["X-Forwarded-Host: a:b:c"],
        ["X-Forwarded-Prefix: /gradio_api/upload", "X-Original-URL: /gradio_api/upload"],
        ["X-HTTP-Method-Override: POST", "X-Method-Override: DELETE"],
        ["X-Forwarded-Proto: javascript", "X-Forwarded-For: 127.0.0.1"],
        ["X-Gradio-Server: http://evil.example", "X-Gradio-Port: 1"],
    ],
)
def test_no_header_opens_a_door_or_shows_the_inside(space: Space, headers: list[str]) -> None:
    assert_nothing(raw_call(space.url, "POST", "/gradio_api/upload", headers))
    page = raw_call(space.url, "GET", "/", headers)
    assert page.status in (200, 500)
    assert b"Traceback" not in page.body
    assert b"<script>'" not in page.body


def test_a_function_that_there_is_not_shows_nothing_of_the_inside(leaderboard: Leaderboard) -> None:
    body = b'{"data": [], "fn_index": 123456}'
    headers = [JSON, length(body)]
    answer = raw_call(leaderboard.frontend.url, "POST", "/gradio_api/run/predict", headers, [body])
    assert (answer.status, answer.body) == (404, b'{"detail":"There is no such function."}')


def test_an_error_before_the_doors_shows_nothing_of_the_inside(space: Space) -> None:
    """Gradio looks for the header Host wherever there is the header Origin."""
    answer = raw_call(space.url, "GET", "/", ["Origin: http://evil.example"], version="1.0", host=False)
    assert (answer.status, answer.body) == (500, b"Internal Server Error")
