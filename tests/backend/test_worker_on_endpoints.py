"""The worker's own command, with real evaluations on endpoints that a Hub starts: scores, faults, tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import constants

from src.shared.data.names import BACKEND_DESCRIPTION
from src.shared.data.request import Attempt, Status
from support.boards_on_endpoints import RESULTS, Board
from support.hub import Hub, running_hub
from support.hub.endpoints import Trouble
from support.spy.spy import MARK
from support.waiting import wait_for

STRICT = {"MAX_EMPTY_ANSWERS": "0.01"}

pytestmark = pytest.mark.slow

SPY = Path(__file__).parents[1] / "support" / "spy"
QUESTIONS = {"TASKS_HARNESS": "tiny_agreement, tiny_copy", "LIMIT": "12", "MAX_EMPTY_ANSWERS": "1"}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running_hub() as hub:
        monkeypatch.setattr(constants, "INFERENCE_ENDPOINTS_ENDPOINT", f"{hub.url}/v2")
        yield hub


@pytest.fixture
def board(hub: Hub, tmp_path: Path) -> Board:
    return Board(hub, tmp_path)


def result(board: Board, path: str) -> dict[str, Any]:
    request = board.request(path)
    assert request.status is Status.FINISHED, request.message
    found: dict[str, Any] = json.loads(board.hub.get(RESULTS).read(str(request.result)))
    return found


def test_a_model_on_an_endpoint_has_the_scores_of_a_local_run_and_says_what_served_it(board: Board) -> None:
    path = board.submit()
    board.drain(INFERENCE="local", **QUESTIONS)
    local = result(board, path)["results"]
    board.again(path)
    board.drain(**QUESTIONS)
    served = result(board, path)

    assert served["results"] == local
    ours = served["leaderboard"]
    assert ours["served"]["inference"] == "endpoint"
    assert ours["served"]["image"].startswith("vllm/vllm-openai")
    assert ours["served"]["is_exact"] is True
    assert ours["served"]["price"] > 0
    assert ours["settings"]["inference"] == "endpoint"
    assert "GB" in ours["hardware"]
    assert "torch" not in ours["versions"]
    assert board.hub.endpoints.of("acme") == []
    (endpoint,) = board.hub.endpoints.all
    assert 0 < endpoint.dollars <= board.spent()
    described = yaml.safe_load(board.hub.get(RESULTS).read(BACKEND_DESCRIPTION))
    assert described["max_model_gb"] > 100


def first_attempt(board: Board, path: str, **variables: str) -> Attempt:
    """Run the worker until the first attempt has ended, and stop it."""
    with board.working(**{**QUESTIONS, **variables}) as log:
        wait_for(lambda: board.request(path).history, what=f"the end of an attempt; see {log}")
    attempt = board.request(path).history[0]
    assert board.hub.endpoints.of("acme") == []
    assert sum(each.dollars for each in board.hub.endpoints.all) <= 100
    assert board.results() == []
    return attempt


@pytest.mark.parametrize(
    ("trouble", "end", "says"),
    [
        (Trouble.SOLD_OUT, "no hardware", "was not free for 0.05 minutes"),
        (Trouble.STUCK, "stuck", "did not start within 0.05 minutes"),
        (Trouble.FAILING, "crashed", "failed to start"),
    ],
)
def test_an_endpoint_that_never_starts(board: Board, trouble: Trouble, end: str, says: str) -> None:
    path = board.submit()
    board.hub.endpoints.trouble_next(trouble, times=10)
    attempt = first_attempt(board, path, ENDPOINT_START_MINUTES="0.05")

    assert attempt.end == end
    assert says in attempt.message


@pytest.mark.parametrize(
    ("order", "variables", "end", "says"),
    [
        ({"command": "die_after", "answers": 8}, {}, "crashed", "failed during the evaluation"),
        ({"fault": "null", "every": 1, "route": "completions"}, STRICT, "invalid", "empty"),
        ({"fault": "empty", "every": 2, "route": "completions"}, STRICT, "invalid", "empty"),
        ({"fault": "invalid json", "every": 1, "route": "completions"}, {}, "worker at fault", ""),
        ({"fault": "other model", "every": 1, "route": "models"}, {}, "worker at fault", "name"),
        ({"fault": "no logprobs", "every": 1, "route": "completions"}, {}, "worker at fault", "log-prob"),
    ],
    ids=["dies", "null", "empty", "nonsense", "another model", "no log-probabilities"],
)
def test_a_server_that_does_not_answer_as_it_should(
    board: Board, order: dict[str, Any], variables: dict[str, str], end: str, says: str
) -> None:
    path = board.submit()
    order = {"command": "faults", **order}
    board.hub.endpoints.tell_next(**order)
    attempt = first_attempt(board, path, **variables)

    assert attempt.end == end, attempt.message
    assert says in attempt.message


def test_an_account_without_a_payment_method_is_told_to_its_owner_and_the_model_waits(board: Board) -> None:
    path = board.submit()
    board.hub.endpoints.can_pay = False
    attempt = first_attempt(board, path)

    assert attempt.end == "worker at fault"
    assert "settings/billing" in attempt.message
    assert board.request(path).status is Status.PENDING
    assert board.hub.endpoints.all == []


def test_a_worker_that_is_stopped_deletes_its_endpoint_first(board: Board) -> None:
    path = board.submit()
    board.hub.endpoints.trouble_next(Trouble.STUCK)
    with board.working(**QUESTIONS):
        wait_for(lambda: board.hub.endpoints.of("acme"), what="the endpoint")

    assert board.hub.endpoints.of("acme") == []
    assert board.request(path).history[-1].end == "stopped"


def test_a_withdrawn_request_costs_no_more(board: Board) -> None:
    path = board.submit()
    board.hub.endpoints.trouble_next(Trouble.STUCK)
    with board.working(**QUESTIONS):
        wait_for(lambda: board.hub.endpoints.of("acme"), what="the endpoint")
        board.edit(path, replace(board.request(path), status=Status.CANCELLED))
        wait_for(lambda: not board.hub.endpoints.of("acme"), what="its deletion")


def test_only_the_token_that_calls_is_in_a_child_a_log_or_a_result(hub: Hub, board: Board) -> None:
    """The spy looks for tokens that begin like the worker's, also in the worker's memory."""
    decoy = replace(hub.accounts.tokens[board.token], value="hf_decoy0123456789")
    hub.accounts.tokens[decoy.value] = decoy
    path = board.submit()
    output = board.drain(HF_TOKEN=decoy.value, TASKS_DIR=str(SPY), TASKS_HARNESS="spy", MAX_EMPTY_ANSWERS="1")

    assert board.request(path).status is Status.FINISHED, board.request(path).message
    log = hub.get(RESULTS).read(str(board.request(path).history[-1].log)).decode()
    found = [json.loads(line.partition(MARK)[2]) for line in log.splitlines() if MARK in line]
    assert found
    assert not any(found), found
    everything = b"".join(data for name in ("requests", "results") for data in board.files(name).values())
    for secret in (decoy.value, board.calling):
        assert secret not in output
        assert secret.encode() not in everything
    (endpoint,) = hub.endpoints.all
    assert decoy.value not in json.dumps(endpoint.body)


def test_a_server_that_is_there_serves_its_own_models_only(board: Board) -> None:
    """The worker never makes an endpoint; here it calls one that somebody else made."""
    served, missing = board.submit("acme/served"), board.submit("acme/missing")
    board.make_endpoint("by-hand", "acme/served")
    url = wait_for(lambda: board.hub.endpoints.get("acme", "by-hand").url, what="the server")
    board.drain(INFERENCE=f"{url}/v1", **QUESTIONS)

    assert result(board, served)["leaderboard"]["served"]["inference"] == "server"
    assert "leaderboard's server" in board.request(missing).message
    assert [each.name for each in board.hub.endpoints.of("acme")] == ["by-hand"]
