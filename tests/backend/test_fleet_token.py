"""FLEET_TOKEN may write the leaderboard's datasets, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from src.fleet.token import problem_of, problem_of_rights
from src.shared.stores.hub import Hub as Client
from support.hub import Fault, Hub, running_hub

DATASETS = ("acme/requests", "acme/results")
BOTH = [f"datasets/{each}" for each in DATASETS]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.add_user("alice", {"acme": "admin"})
        yield hub


def problem(hub: Hub, token: str, code: str | None = None) -> str | None:
    return problem_of(Client(token, endpoint=hub.url, patience=0.1), DATASETS, code)


def test_a_token_that_writes_the_two_datasets_is_right(hub: Hub) -> None:
    assert problem(hub, hub.add_token("alice", "fineGrained", BOTH)) is None


def test_a_token_that_may_do_more_is_refused_with_what_it_may(hub: Hub) -> None:
    one_more = hub.add_token("alice", "fineGrained", [*BOTH, "datasets/acme/private"])
    assert "`repo.content.read of dataset acme/private`" in str(problem(hub, one_more))
    pays = hub.add_token("alice", "fineGrained", BOTH, {"acme": ["job.write"]})
    assert "`job.write of org acme`" in str(problem(hub, pays))
    assert "its role is `write`" in str(problem(hub, hub.add_token("alice", "write")))
    assert "its role is `read`" in str(problem(hub, hub.add_token("alice", "read")))


def test_a_token_that_may_do_too_little_is_refused_with_what_is_missing(hub: Hub) -> None:
    found = problem(hub, hub.add_token("alice", "fineGrained", BOTH[:1]))
    assert found
    assert "may not write acme/results." in found
    assert "Create a fine-grained token" in found


def test_an_unknown_token_is_named(hub: Hub) -> None:
    assert "does not know the token in FLEET_TOKEN" in str(problem(hub, "hf_unknown"))


def test_a_hub_that_does_not_answer_says_nothing_about_the_token(hub: Hub) -> None:
    token = hub.add_token("alice", "fineGrained", BOTH)
    hub.faults.strike_next(Fault.UNAVAILABLE, route="whoami", times=50)
    with pytest.raises(ConnectionError):
        problem(hub, token)


def scope(type: str, name: str, *permissions: str) -> dict[str, object]:
    return {"entity": {"type": type, "name": name}, "permissions": list(permissions)}


@pytest.mark.parametrize(
    ("more", "is_right"),
    [
        ({"scoped": [scope("space", "acme/backend", "repo.content.read")]}, True),
        ({"scoped": [scope("space", "acme/backend", "repo.content.read", "repo.write")]}, False),
        ({"scoped": [scope("space", "acme/other", "repo.content.read")]}, False),
        ({"scoped": [scope("model", "acme/requests", "repo.write")]}, False),
        ({"global": ["inference.serverless.write"]}, False),
        ({"canReadGatedRepos": True}, False),
    ],
)
def test_the_space_with_the_code_may_be_read_and_nothing_else(
    more: dict[str, object], is_right: bool
) -> None:
    both = [scope("dataset", each, "repo.content.read", "repo.write") for each in DATASETS]
    scoped = more.get("scoped", [])
    assert isinstance(scoped, list)
    rights = {"global": [], "canReadGatedRepos": False, **more, "scoped": [*both, *scoped]}
    found = problem_of_rights({"role": "fineGrained", "fineGrained": rights}, DATASETS, "acme/backend")
    assert (found is None) is is_right
