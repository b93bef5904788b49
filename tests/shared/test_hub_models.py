"""What is known of a model on the Hub, and what is told when it cannot be known."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from src.shared.errors import CannotBeEvaluated, ModelError, ModelNotFound, RevisionNotFound
from src.shared.hub import Hub as Client
from src.shared.hub_models import HubModels
from support.factories import make_model_folder
from support.hub import Fault, Hub, Repository, running_hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


@pytest.fixture
def token(hub: Hub) -> str:
    return hub.add_user("alice", {"acme": "write"})


@pytest.fixture
def model(hub: Hub, tmp_path: Path) -> Repository:
    card = "license: [mit, apache-2.0]\nbase_model: acme/base"
    return hub.add_model("acme/tiny", make_model_folder(tmp_path, "acme/tiny", card=card), likes=3)


@pytest.fixture
def models(hub: Hub, token: str) -> HubModels:
    return HubModels(Client(token, endpoint=hub.url, sleep=lambda _: None))


def test_one_call_tells_what_is_known_of_a_model(hub: Hub, models: HubModels, model: Repository) -> None:
    facts = models.describe("acme/tiny", "main")
    assert (facts.name, facts.commit, facts.location) == ("acme/tiny", model.head.id, "acme/tiny")
    assert (facts.params, facts.dtype, facts.likes, facts.gated) == (200, "F32", 3, False)
    assert (facts.license, facts.base_models) == ("mit, apache-2.0", ("acme/base",))
    assert facts.architecture == "LlamaForCausalLM"
    assert [call.route for call in hub.calls.log] == ["info"]


def test_a_revision_is_resolved_to_its_commit(models: HubModels, model: Repository) -> None:
    old = model.head.id
    model.history.point("refs/tags/v1", old)
    model.put({"new.txt": "new"})
    for revision in ("v1", old, old[:8]):
        assert models.describe("acme/tiny", revision).commit == old
    assert models.describe("acme/tiny", "main").commit == model.head.id


@pytest.mark.parametrize("name", ["acme/old", "ACME/Tiny"])
def test_a_model_is_called_what_the_hub_calls_it_now(hub: Hub, models: HubModels, name: str) -> None:
    hub.add_model("acme/old" if name == "acme/old" else "acme/tiny", {"config.json": "{}"})
    if name == "acme/old":
        hub.rename("model", "acme/old", "acme/tiny")
    assert models.describe(name, "main").name == "acme/tiny"


def test_a_model_of_which_nothing_is_known_has_gaps_and_no_zeros(hub: Hub, models: HubModels) -> None:
    hub.add_model("acme/bare", {"notes.txt": "no config, no card, no weights"})
    facts = models.describe("acme/bare", "main")
    assert (facts.params, facts.dtype, facts.license, facts.base_models, facts.architecture) == (
        *(None, None, ""),
        (),
        None,
    )


@pytest.mark.parametrize(
    "name", ["acme/none", "stranger/private", "acme/private", "a b", "../x", "a/b/c", ""]
)
def test_a_model_that_is_not_there_or_private_is_not_found(hub: Hub, models: HubModels, name: str) -> None:
    """Our own private models too: our token sees more than whoever asks."""
    for private in ("stranger/private", "acme/private"):
        hub.add_model(private, {"config.json": "{}"}, private=True)
    with pytest.raises(ModelNotFound, match=r"check its name|write it as organisation/model"):
        models.describe(name, "main")


def test_without_a_token_a_missing_model_is_not_found_either(hub: Hub) -> None:
    with pytest.raises(ModelNotFound, match=r"or it is private"):
        HubModels(Client(endpoint=hub.url)).describe("acme/none", "main")


def test_a_missing_revision_is_named(models: HubModels, model: Repository) -> None:
    with pytest.raises(RevisionNotFound, match=r"acme/tiny has no revision nothing: name a branch"):
        models.describe("acme/tiny", "nothing")


def test_a_disabled_model_cannot_be_evaluated(models: HubModels, model: Repository) -> None:
    model.disabled = True
    with pytest.raises(CannotBeEvaluated, match="disabled by the Hub"):
        models.describe("acme/tiny", "main")


def test_our_own_bad_token_is_not_taken_for_a_missing_model(
    hub: Hub, models: HubModels, model: Repository, token: str
) -> None:
    hub.accounts.revoke(token)
    with pytest.raises(ModelError, match="the Hub does not accept the token in HF_TOKEN") as error:
        models.describe("acme/tiny", "main")
    assert not isinstance(error.value, ModelNotFound)


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.RATE_LIMITED, Fault.LOST_REQUEST])
def test_a_passing_fault_is_outlived(hub: Hub, models: HubModels, model: Repository, fault: Fault) -> None:
    hub.faults.strike_next(fault, times=2)
    assert models.describe("acme/tiny", "main").commit == model.head.id


def test_a_hub_that_cannot_be_reached_is_not_taken_for_a_missing_model(token: str) -> None:
    models = HubModels(Client(token, endpoint="http://127.0.0.1:9", patience=0))
    with pytest.raises(ModelError, match=r"Cannot look up acme/tiny: .* cannot be reached") as error:
        models.describe("acme/tiny", "main")
    assert not isinstance(error.value, ModelNotFound)
