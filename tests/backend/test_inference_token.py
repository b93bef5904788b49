"""The token for calling models: it may do that and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from src.inference.hosting import Hosting
from src.inference.token import problem_of, problem_of_rights
from src.settings import Settings
from src.shared.environment import read_settings
from src.shared.errors import ConfigurationError
from src.shared.stores.hub import Hub
from support.hub import Fault, running_hub
from support.queues import Clock

CALLS = "inference.endpoints.infer.write"


def fine_grained(*permissions: str, scoped: tuple[str, ...] = ()) -> dict[str, object]:
    entity = {"type": "org", "name": "acme"}
    scopes = [{"entity": entity, "permissions": list(scoped)}] if scoped else []
    return {"role": "fineGrained", "fineGrained": {"global": list(permissions), "scoped": scopes}}


def with_gated(token: dict[str, Any]) -> dict[str, Any]:
    return {**token, "fineGrained": {**token["fineGrained"], "canReadGatedRepos": True}}


def test_a_token_must_be_for_the_account_that_has_the_endpoints() -> None:
    for_acme = fine_grained(scoped=(CALLS,))

    assert problem_of_rights(for_acme, "Acme") is None
    assert problem_of_rights(fine_grained(CALLS), "acme") is None
    assert "of another" in (problem_of_rights(for_acme, "another") or "")
    assert "of acme" in (problem_of_rights(fine_grained("inference.serverless.write"), "acme") or "")


def test_a_token_that_may_only_call_is_right() -> None:
    assert problem_of_rights(fine_grained(scoped=(CALLS,))) is None
    assert problem_of_rights(fine_grained(CALLS, "inference.serverless.write")) is None


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ({"role": "write"}, "its role is `write`"),
        ({"role": "read"}, "its role is `read`"),
        ({}, "its role is `unknown`"),
        (fine_grained(scoped=(CALLS, "repo.write")), "`repo.write`"),
        (fine_grained("inference.endpoints.write"), "`inference.endpoints.write`"),
        (with_gated(fine_grained(CALLS)), "`canReadGatedRepos`"),
        (fine_grained(), "may not call"),
        ({"role": "fineGrained", "fineGrained": {"scoped": "odd", "global": 3}}, "may not call"),
    ],
)
def test_any_other_token_is_a_problem_with_a_remedy(token: dict[str, object], says: str) -> None:
    problem = problem_of_rights(token)

    assert problem
    assert says in problem
    assert "Create a fine-grained token" in problem


def test_an_unknown_token_is_a_problem_and_a_hub_that_is_away_is_not() -> None:
    with running_hub() as there:
        hub = Hub("hf_unknown", endpoint=there.url, patience=0)
        assert "does not know the token" in (problem_of(hub) or "")
        there.faults.strike_next(Fault.UNAVAILABLE)
        with pytest.raises(ConnectionError):
            problem_of(hub)


def test_nothing_is_claimed_before_the_token_was_found_right() -> None:
    answers: list[str | Exception | None] = [ConnectionError("busy"), "It may do too much.", None]

    def check() -> str | None:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    hosting = Hosting(check_token=check)
    assert not hosting.may_claim()
    for problems, may_claim in ((1, False), (1, False), (0, True)):
        hosting.refresh()
        assert (len(hosting.problems), hosting.may_claim()) == (problems, may_claim)
    hosting.refresh()
    assert answers == []


def test_the_tokens_rights_are_looked_at_again_every_hour() -> None:
    """What was right an hour ago is not held up by a busy Hub."""
    answer: list[str | Exception | None] = [None]
    clock, asked = Clock(), []

    def check() -> str | None:
        asked.append(clock.now)
        if isinstance(answer[0], Exception):
            raise answer[0]
        return answer[0]

    hosting = Hosting(check_token=check, clock=clock)
    for now, may_claim, calls in (
        (None, True, 1),
        (ConnectionError("busy"), True, 1),
        (ConnectionError("busy"), True, 2),
        ("It may do too much.", False, 3),
        (None, True, 4),
    ):
        answer[0] = now
        hosting.refresh()
        assert (hosting.may_claim(), len(asked)) == (may_claim, calls)
        clock.move(minutes=40)


ENDPOINT = {"INFERENCE": "endpoint", "OWNER": "acme", "HF_TOKEN": "hf_writes", "INFERENCE_TOKEN": "hf_calls"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"INFERENCE_TOKEN": "hf_writes"}, "the same token as HF_TOKEN"),
        ({"INFERENCE_TOKEN": ""}, "needs two secrets"),
        ({"HF_TOKEN": ""}, "needs two secrets"),
        ({"INFERENCE_TOKEN": "hf calls"}, "characters that no token has"),
        ({"LEADERBOARD_DATA_DIR": "/data"}, "the data is in a local folder"),
        ({"INFERENCE": "http://models.acme.org"}, "unencrypted"),
        ({"MAX_EMPTY_ANSWERS": "2"}, "a share from 0 to 1"),
        ({"INFERENCE_API": "speech"}, "`completions` or `chat`"),
        ({"ENDPOINT_ARGS": "'open"}, "arguments such as"),
    ],
)
def test_settings_that_cannot_be_right_are_refused_at_the_start(changes: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_settings(Settings, None, ENDPOINT | changes)

    assert says in str(refused.value)
    assert "hf_writes" not in str(refused.value)


def test_the_settings_of_endpoints_are_read() -> None:
    settings = read_settings(
        Settings, None, {**ENDPOINT, "ENDPOINT_HARDWARE": "nvidia-l4", "MAX_ENDPOINTS": "3"}
    )

    assert settings.endpoint_hardware == ("nvidia-l4",)
    assert settings.slots == 3
    assert settings.namespace_of_endpoints == "acme"
    assert settings.largest_model(10**9) is None


def test_a_key_may_go_to_this_machine_unencrypted() -> None:
    environment = {"INFERENCE": "http://127.0.0.1:8000", "INFERENCE_TOKEN": "sk-key", "OWNER": "acme"}

    assert read_settings(Settings, None, environment).inference.url == "http://127.0.0.1:8000/v1"
