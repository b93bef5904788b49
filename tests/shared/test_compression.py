"""What is compressed, for whom, and that every event of a stream can be read at once."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from src.shared.serving.compression import Compression, takes_gzip
from support.asgi import Answer, call

TEXT = "What a page says. " * 500
EVENTS = [f"data: {json.dumps({'number': number, 'text': TEXT})}\n\n" for number in range(3)]
GZIP = {"Accept-Encoding": "gzip, deflate, br"}


def get(app: ASGIApp, path: str = "/", headers: Mapping[str, str] = GZIP) -> Answer:
    return call(Compression(app), path, headers=headers)


async def events(scope: Scope, receive: Receive, send: Send) -> None:
    """Send a stream as Gradio's queue does. Starlette's own would wait for the client to leave."""
    headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for event in EVENTS:
        await send({"type": "http.response.body", "body": event.encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("made", [HTMLResponse(TEXT), JSONResponse({"text": TEXT})])
def test_a_whole_answer_is_compressed_and_says_how_long_it_is(made: Response) -> None:
    answer = get(made)
    assert gzip.decompress(answer.body) == made.body
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["vary"] == "Accept-Encoding"
    assert len(answer.body) < len(made.body) / 10


def test_a_large_answer_is_compressed_while_others_are_answered() -> None:
    large = JSONResponse({"rows": [f"{number:x}" for number in range(500_000)]})
    begun: list[int] = []
    answer = Answer()

    async def both() -> None:
        loop = asyncio.get_running_loop()

        async def wait() -> None:
            while not answer.messages:
                begun.append(len(answer.messages))
                await asyncio.sleep(0)

        waiting = loop.create_task(wait())
        await asyncio.sleep(0)
        begun.clear()
        await Compression(large)(scope, nothing, send)
        await waiting

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"accept-encoding", b"gzip")]}

    async def nothing() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        answer.messages.append(message)

    asyncio.run(both())
    assert begun  # somebody else had a turn meanwhile
    assert gzip.decompress(answer.body) == large.body


def test_each_event_can_be_read_as_soon_as_it_has_come() -> None:
    answer = get(events, "/gradio_api/queue/data")
    assert answer.headers["content-encoding"] == "gzip"
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    pieces = [message["body"] for message in answer.messages[1:]]
    assert [reader.decompress(piece).decode() for piece in pieces] == [*EVENTS, ""]
    assert reader.eof


def test_a_stream_of_events_begins_before_its_first_event() -> None:
    """A client that waits for the first event must know that its call has arrived."""
    begun: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        begun.extend(answer.messages)
        await send({"type": "http.response.body", "body": b""})

    answer = Answer()
    call(Compression(app), "/gradio_api/queue/data", headers=GZIP, answer=answer)
    assert [message["type"] for message in begun] == ["http.response.start"]


def test_a_file_that_is_sent_in_pieces(tmp_path: Path) -> None:
    log = tmp_path / "attempt.log"
    log.write_text("one more line\n" * 100_000)
    answer = get(FileResponse(log, media_type="text/plain"), "/files/results/attempt.log")
    assert gzip.decompress(answer.body) == log.read_bytes()
    assert "content-length" not in answer.headers


def test_the_end_of_a_stream_is_the_end_of_its_gzip() -> None:
    assert gzip.decompress(get(events).body).decode() == "".join(EVENTS)


@pytest.mark.parametrize(
    ("made", "path", "why"),
    [
        (HTMLResponse("short"), "/", "it is short"),
        (Response(b"x" * 10_000, media_type="image/png"), "/files/assets/logo", "pictures are compressed"),
        (Response(b"x" * 10_000, media_type="application/octet-stream"), "/i.parquet", "so are tables"),
        (HTMLResponse(TEXT, headers={"Content-Encoding": "br"}), "/", "it is compressed already"),
        (Response(TEXT, 206, {"Content-Range": "bytes 0-9/10"}, "text/plain"), "/", "it is a part"),
        (JSONResponse({"text": TEXT}), "/files/results/a.json", "Gradio compresses it with Brotli"),
        (events, "/gradio_api/heartbeat/x", "it has no content"),
        (Response(status_code=304, headers={"ETag": '"x"'}), "/", "it has no body"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_what_stays_as_it_is(made: ASGIApp, path: str, why: str) -> None:
    compressed, plain = get(made, path), call(made, path)
    assert compressed.messages == plain.messages


def test_a_client_that_does_not_accept_gzip_gets_the_text() -> None:
    assert get(HTMLResponse(TEXT), headers={}).body.decode() == TEXT
    assert get(events, headers={"Accept-Encoding": "identity"}).body.decode() == "".join(EVENTS)


def test_an_answer_that_is_broken_off_before_its_first_piece() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        raise ValueError("no")

    answer = Answer()
    with pytest.raises(ValueError, match="no"):
        call(Compression(app), "/", headers=GZIP, answer=answer)
    assert answer.messages == []  # so that the server can answer 500


def test_other_kinds_of_calls_pass() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def nothing(*_: object) -> Message:
        return {}

    asyncio.run(Compression(app)({"type": "lifespan"}, nothing, nothing))  # type: ignore[arg-type]
    assert seen == ["lifespan"]


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("identity, gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("br", False),
        ("xgzip", False),
        ("", False),
    ],
)
def test_a_weight_of_nothing_is_a_refusal(accepted: str, taken: bool) -> None:
    assert takes_gzip(accepted) is taken
