"""A server of OpenAI's routes whose every answer a test decides, and that notes what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

from src.running.inference import Server

MODEL = "org/model@abc"


@dataclass(frozen=True)
class Asked:
    """One call."""

    route: str
    body: dict[str, Any]
    token: str | None


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One answer: an object for JSON, or bytes as they are. `endless` repeats it for ever, after a pause."""

    content: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    endless: bool = False
    pause: float = 0
    """Seconds."""


Script = Callable[[Asked], Answered]


@dataclass
class Scripted:
    """The running server."""

    url: str
    asked: list[Asked]

    @property
    def server(self) -> Server:
        """The server as a job names it."""
        return Server(url=self.url, model=MODEL, is_exact=True)


def the_models(*names: str, context: int | None = None) -> Answered:
    """Return the answer of `/v1/models`."""
    return Answered(content={"data": [{"id": name, "max_model_len": context} for name in names]})


def a_rating(prompt: list[int], own: float | None = -1.0, best: float = -0.5) -> Answered:
    """Return a completion that repeats its prompt, each token with the same log-probability."""
    tokens = [f"t{each}" for each in prompt]
    rated = {
        "tokens": [*tokens, "next"],
        "token_logprobs": [None, *([own] * (len(tokens) - 1)), -0.1],
        "top_logprobs": [None, *({each: own, "other": best} for each in tokens[1:]), {"next": -0.1}],
    }
    return a_text("".join(tokens) + "next", logprobs=rated)


def a_text(text: str | None, *, reason: str = "stop", logprobs: object = None) -> Answered:
    """Return a completion."""
    choice = {"text": text, "finish_reason": reason, "logprobs": logprobs}
    return Answered(content={"model": MODEL, "choices": [choice]})


def a_reply(text: str | None, *, reason: str = "stop") -> Answered:
    """Return what a model says in a conversation."""
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": reason}
    return Answered(content={"model": MODEL, "choices": [choice]})


def sound(asked: Asked) -> Answered:
    """Answer as a server should that runs MODEL."""
    if asked.route == "/v1/models":
        return the_models(MODEL)
    if asked.route == "/v1/chat/completions":
        return a_reply("an answer")
    return a_rating(asked.body["prompt"]) if asked.body.get("echo") else a_text("an answer")


@contextmanager
def scripted_server(script: Script = sound) -> Iterator[Scripted]:
    """Run a server that answers what the script says."""
    asked: list[Asked] = []
    lock = Lock()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, body: dict[str, Any]) -> None:
            call = Asked(self.path, body, self.headers.get("Authorization"))
            with lock:
                asked.append(call)
                answered = script(call)
            content = answered.content
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(answered.status)
            for name, value in answered.headers.items():
                self.send_header(name, value)
            self.send_header("Connection", "close")
            if not answered.endless:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.close_connection = True
            try:
                self.wfile.write(data)
                while answered.endless:
                    Event().wait(answered.pause)
                    self.wfile.write(data)
            except (BrokenPipeError, ConnectionResetError):
                pass

        def log_message(self, *args: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield Scripted(f"http://127.0.0.1:{server.server_port}/v1", asked)
        finally:
            server.shutdown()
            thread.join()
