"""Fifty people with tokens submit the same ten models at once at two frontends: each is in the queue once."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from local_leaderboard import Space
from support.crowds import Crowd, crowd_on_a_hub
from support.waiting import PATIENCE

PEOPLE, MODELS = 50, 10
ONLY_WITH_A_LOGIN = {
    "ANONYMOUS_SUBMISSIONS": "false",
    "RATE_LIMIT_QUOTA": str(MODELS),
    "REFRESH_RATE": "1",
}


class Submission(NamedTuple):
    """What one person hands in, and where."""

    login: str
    token: str
    model: str
    frontend: Space


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    with crowd_on_a_hub(tmp_path, **ONLY_WITH_A_LOGIN) as crowd:
        yield crowd


def add_people(crowd: Crowd) -> dict[str, str]:
    """New users, each with a fine-grained token that may do nothing."""
    logins = [f"person-{number}" for number in range(PEOPLE)]
    for login in logins:
        crowd.hub.do("add_user", name=login)
    return {login: crowd.hub.do("add_token", user=login, role="fineGrained") for login in logins}


def submit(frontend: Space, model: str, **headers: str) -> dict[str, Any]:
    """What the endpoint answers."""
    body = json.dumps({"data": [model, None, None, "float32", None, None, None]}).encode()
    sent = {"Content-Type": "application/json", **headers}
    call = urllib.request.Request(f"{frontend.url}/gradio_api/run/submit", body, sent)
    with urllib.request.urlopen(call, timeout=PATIENCE) as answer:
        [outcome] = json.load(answer)["data"]
    return dict(outcome)


@pytest.mark.slow
def test_of_fifty_who_submit_the_same_ten_models_each_model_is_in_the_queue_once(crowd: Crowd) -> None:
    models, people = crowd.add_models(MODELS), add_people(crowd)
    frontends = [crowd.start_frontend(name) for name in ("frontend-1", "frontend-2")]
    everything = [(login, token, model) for login, token in people.items() for model in models]
    Random(0).shuffle(everything)
    submissions = [Submission(*each, frontends[number % 2]) for number, each in enumerate(everything)]

    def hand_in(each: Submission) -> dict[str, Any]:
        return submit(each.frontend, each.model, Authorization=f"Bearer {each.token}")

    with ThreadPoolExecutor(PEOPLE) as at_once:
        answers = list(at_once.map(hand_in, submissions))

    requests = crowd.files("requests")
    assert sorted(request["model"] for request in requests.values()) == sorted(models)
    taken = {
        answer["request"]: each for each, answer in zip(submissions, answers, strict=True) if answer["ok"]
    }
    assert Counter(answer["ok"] for answer in answers) == {True: MODELS, False: PEOPLE * MODELS - MODELS}
    assert {path: request["submitted_by"] for path, request in requests.items()} == {
        path: each.login for path, each in taken.items()
    }
    path_of = {request["model"]: path for path, request in requests.items()}
    others = [(each, answer) for each, answer in zip(submissions, answers, strict=True) if not answer["ok"]]
    for each, answer in others:
        assert "was already submitted and is PENDING" in answer["message"], answer
        assert answer["request"] == path_of[each.model]
        assert path_of[each.model] in answer["message"]
    told = crowd.all_that_is_told(frontends) + json.dumps(answers)
    assert "wrote acme/model-" in told
    assert [login for login, token in people.items() if token in told] == []
    assert crowd.variables["HF_TOKEN"] not in told


def test_without_a_token_or_with_an_unknown_one_nothing_is_submitted(crowd: Crowd) -> None:
    [model] = crowd.add_models(1)
    frontend = crowd.start_frontend("frontend")
    assert "Submissions without a login are switched off" in submit(frontend, model)["message"]
    forged = submit(frontend, model, Authorization="Bearer hf_unknown_secret")
    assert "The Hub does not accept the token in the Authorization header" in forged["message"]
    assert crowd.files("requests") == {}
    assert "hf_unknown_secret" not in crowd.all_that_is_told([frontend]) + json.dumps(forged)
