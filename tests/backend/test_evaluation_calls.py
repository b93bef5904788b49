"""A model is neither refused nor evaluated while the Hub has not answered all that was asked of it."""

from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx
import pytest
from huggingface_hub import get_session

from src.evaluation.failures import Failed
from src.evaluation.loading.calls import all_answered
from src.running.job import End
from support.jobs import make_job

JOB = make_job("org/model")
NOBODY = "http://127.0.0.1:9"
"""Where nobody listens."""


class Answers(BaseHTTPRequestHandler):
    """Answers with the status that the path names; /flaky is too busy the first time."""

    asked = 0

    def do_GET(self) -> None:
        Answers.asked += 1
        status = (503 if Answers.asked == 1 else 200) if self.path == "/flaky" else int(self.path[1:])
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Log nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    Answers.asked = 0
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def call(url: str) -> None:
    """Call as the Hub's client does, and go on as transformers does if there is no answer."""
    with suppress(httpx.ConnectError):
        get_session().get(url)


@pytest.mark.parametrize("status", [200, 401, 403, 404])
def test_an_answer_is_an_answer(status: int, hub: str) -> None:
    with all_answered(JOB):
        call(f"{hub}/{status}")
    with pytest.raises(Failed, match="has no weights"), all_answered(JOB):
        call(f"{hub}/{status}")
        raise Failed("org/model has no weights")


@pytest.mark.parametrize("status", [429, 500, 503, None])
def test_a_model_is_not_refused_for_what_the_hub_did_not_give(status: int | None, hub: str) -> None:
    with pytest.raises(Failed, match="The Hub did not answer while") as failed, all_answered(JOB):
        call(f"{hub}/{status}" if status else NOBODY)
        raise Failed("org/model has no weights")
    assert failed.value.end is End.UNREACHABLE


def test_a_model_is_not_evaluated_without_what_the_hub_did_not_give() -> None:
    with pytest.raises(Failed, match="The Hub did not answer") as failed, all_answered(JOB):
        call(NOBODY)
    assert failed.value.end is End.UNREACHABLE


def test_a_call_that_was_answered_in_the_end_is_answered(hub: str) -> None:
    with all_answered(JOB):
        call(f"{hub}/flaky")
        call(f"{hub}/flaky")
    assert Answers.asked == 2


@pytest.mark.parametrize("error", [Failed("no memory", End.OUT_OF_MEMORY), ZeroDivisionError()])
def test_another_failure_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, all_answered(JOB):
        call(NOBODY)
        raise error
    assert raised.value is error


def test_calls_after_it_are_not_noted() -> None:
    with all_answered(JOB):
        pass
    call(NOBODY)
    with all_answered(JOB):
        pass
