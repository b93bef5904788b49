"""A server that is there: its address, its models, and evaluations that ask it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from src.inference.options import Place, read_args, read_image, read_names, read_place
from src.inference.own_server import OwnServer, OwnServerExecutor, Served, ids_in
from src.running.inference import Inference
from src.running.job import End
from src.shared.errors import ConfigurationError
from support.executors import FunctionExecutor
from support.jobs import make_job

COMMIT = "c" * 40


@contextmanager
def answering(
    body: bytes, status: int = 200, headers: dict[str, str] | None = None
) -> Iterator[tuple[str, list[str]]]:
    """A server that answers everything like this. Yields its base address, and the keys that it was shown."""
    keys: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys.append(self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", keys
    finally:
        server.shutdown()
        server.server_close()


def models(*ids: str) -> bytes:
    return json.dumps({"object": "list", "data": [{"id": id, "object": "model"} for id in ids]}).encode()


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://models.acme.org", "https://models.acme.org/v1"),
        ("https://models.acme.org/", "https://models.acme.org/v1"),
        ("https://models.acme.org/v1/", "https://models.acme.org/v1"),
        ("http://localhost:8000/api/v3", "http://localhost:8000/api/v3"),
    ],
)
def test_an_address_is_a_server(given: str, url: str) -> None:
    assert read_place(given) == Place(Inference.SERVER, url)


@pytest.mark.parametrize("given", ["local", " Endpoint "])
def test_a_word_is_a_place(given: str) -> None:
    assert read_place(given) == Place(Inference(given.strip().lower()))


@pytest.mark.parametrize(
    "given",
    [
        "https://me:geheim@models.acme.org/v1",
        "https://models.acme.org/v1?key=geheim",
        "https://models.acme.org/#geheim",
        "geheim",
        "ftp://geheim.acme.org",
        "https://",
        "https://geheim.acme.org:port/v1",
        "https://geheim .acme.org",
        "https://geheim.acme.org/\x00",
    ],
)
def test_what_is_no_plain_address_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_place(given)

    assert "INFERENCE" in str(refused.value)
    assert "geheim" not in str(refused.value)


def test_names_images_and_arguments_are_read() -> None:
    assert read_names("nvidia-L4, us-east-1,") == ("nvidia-l4", "us-east-1")
    assert read_names(["gcp"]) == ("gcp",)
    assert read_image("vllm/vllm-openai:v0.23.0") == "vllm/vllm-openai:v0.23.0"
    assert read_args("--max-model-len 8192 --chat-template 'a b'")[-1] == "a b"
    for wrong in (lambda: read_names("; rm"), lambda: read_image("a b"), lambda: read_args("'open")):
        with pytest.raises(ValueError):
            wrong()


def test_an_id_with_a_commit_is_that_commit_only() -> None:
    served = Served(frozenset({"acme/any", f"acme/exact@{COMMIT}"}))

    assert served.id_of("acme/any", COMMIT) == "acme/any"
    assert served.id_of("acme/exact", COMMIT) == f"acme/exact@{COMMIT}"
    assert served.id_of("acme/exact", "d" * 40) is None
    assert served.has("acme/exact", None)
    assert not served.has("acme/other", None)


def test_a_server_is_asked_with_its_key_and_tells_its_models() -> None:
    with answering(models("acme/one", "acme/two")) as (url, keys):
        server = OwnServer(url, "sk-secret")
        server.refresh()

    assert server.served == Served(frozenset({"acme/one", "acme/two"}))
    assert server.problem is None
    assert keys == ["Bearer sk-secret"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"<html>", 200, "not JSON"),
        (b"{}", 200, "lists no models"),
        (b"[1]", 200, "lists no models"),
        (b"", 401, "status 401"),
        (b"x" * 2_000_000, 200, "too long"),
        (b"[" * 100_000, 200, "not JSON"),
    ],
)
def test_an_answer_that_is_none_is_a_problem_for_the_owner(body: bytes, status: int, says: str) -> None:
    with answering(body, status) as (url, _):
        server = OwnServer(url, "sk-secret")
        server.refresh()

    assert server.served is None
    assert server.problem
    assert says in server.problem
    assert "sk-secret" not in server.problem


def test_the_key_follows_no_redirect() -> None:
    with (
        answering(models("acme/stolen")) as (other, keys),
        answering(b"", 307, {"Location": f"{other}/models"}) as (url, _),
    ):
        server = OwnServer(url, "sk-secret")
        server.refresh()

    assert server.served is None
    assert keys == []


def test_a_server_that_is_gone_is_a_problem_for_the_owner() -> None:
    server = OwnServer("http://127.0.0.1:9/v1", None)
    server.refresh()

    assert server.problem
    assert "cannot be reached" in server.problem


def test_odd_entries_of_the_list_are_left_out() -> None:
    assert ids_in(json.dumps({"data": [{"id": "acme/one"}, {"id": 3}, 4, {}]}).encode()) == {"acme/one"}


def test_a_child_is_told_the_address_and_the_servers_name_for_the_model() -> None:
    children = FunctionExecutor()
    server = OwnServer("https://models.acme.org/v1", None)
    server.served = Served(frozenset({f"org/model@{COMMIT}"}))
    executor = OwnServerExecutor(server, children)
    executor.start("nonce", make_job(""))

    told = children.started[0].server
    assert told
    assert (told.url, told.model, told.is_exact) == (server.url, f"org/model@{COMMIT}", True)
    assert executor.endings()["nonce"].end is End.FINISHED


def test_a_server_that_lost_the_model_after_the_claim_is_the_owners_matter() -> None:
    server = OwnServer("https://models.acme.org/v1", None)
    executor = OwnServerExecutor(server, FunctionExecutor())
    executor.start("nonce", make_job(""))

    assert executor.endings()["nonce"].end is End.WORKER
    assert "the model is not at fault" in executor.endings()["nonce"].message
    executor.forget("nonce")
    assert executor.endings() == {}
