"""What is known of a model on the Hub, and what is told when it cannot be known."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from src.shared.errors import CannotBeEvaluated, ModelError, ModelIsPrivate, ModelNotFound, RevisionNotFound
from src.shared.models.hub_models import LONGEST_CARD_BYTES, HubModels
from src.shared.stores.hub import Hub as Client
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


@pytest.mark.parametrize("name", ["acme/none", "stranger/private", "a b", "../x", "a/b/c", ""])
def test_a_model_that_is_not_there_or_private_is_not_found(hub: Hub, models: HubModels, name: str) -> None:
    hub.add_model("stranger/private", {"config.json": "{}"}, private=True)
    with pytest.raises(ModelNotFound, match=r"Check its name|write it as organisation/model"):
        models.describe(name, "main")


def test_a_private_model_that_our_token_sees_is_told_apart(hub: Hub, models: HubModels) -> None:
    """Who may learn of it is for the caller to decide: our token sees more than whoever asks."""
    hub.add_model("acme/private", {"config.json": "{}"}, private=True)
    for revision in ("main", "nosuch"):
        with pytest.raises(ModelIsPrivate, match=r"acme/private is private\. Make it public"):
            models.describe("acme/private", revision)


def test_a_gated_model_needs_the_token_of_the_evaluations(hub: Hub, token: str) -> None:
    """Everybody sees that it is there. Whether its files may be read, the token for reading decides alone."""
    gated = hub.add_model("stranger/gated", {"config.json": "{}", "README.md": "Ask."}, gated="auto")
    reader = hub.add_user("reader")
    models = HubModels(Client(token, endpoint=hub.url), Client(reader, endpoint=hub.url))
    with pytest.raises(CannotBeEvaluated, match=r"this leaderboard has no access .* HF_READ_TOKEN"):
        models.describe("stranger/gated", "main")
    with pytest.raises(CannotBeEvaluated, match="is gated"):
        models.card("stranger/gated", "main")
    gated.readers.add("reader")
    assert models.describe("stranger/gated", "main").gated
    assert models.card("stranger/gated", "main") == "Ask."


def test_the_text_of_a_card_is_read_without_its_metadata_and_not_endlessly(
    hub: Hub, models: HubModels
) -> None:
    card = "---\nlicense: mit\n---\n# A model\n" + "x" * 300_000
    repository = hub.add_model("acme/long", {"README.md": card})
    text = models.card("acme/long", repository.head.id)
    assert text.startswith("# A model\nxxx")
    assert len(text) < LONGEST_CARD_BYTES
    hub.add_model("acme/bare", {"config.json": "{}"})
    assert models.card("acme/bare", "main") == ""


@pytest.mark.parametrize("metadata", ["tags: true", "tags: 5\nlicense: mit"])
def test_metadata_that_the_client_trips_over_are_told_in_a_sentence(
    hub: Hub, models: HubModels, metadata: str
) -> None:
    hub.add_model("acme/odd", {"config.json": "{}", "README.md": f"---\n{metadata}\n---\n"})
    with pytest.raises(CannotBeEvaluated, match=r"Correct the metadata at the top of its README\.md"):
        models.describe("acme/odd", "main")


def test_what_a_model_needs_and_has_is_told(hub: Hub, models: HubModels) -> None:
    config = {"architectures": ["OddForCausalLM"], "auto_map": {"AutoModel": "odd.OddForCausalLM"}}
    files = {"config.json": json.dumps(config), "chat_template.jinja": "{{ x }}", "sub/x.bin": "x"}
    hub.add_model("acme/odd", {**files, "README.md": "---\nlicense_name: ours\nlicense_link: LICENSE\n---\n"})
    odd = models.describe("acme/odd", "main")
    assert (odd.needs_remote_code, odd.has_chat_template, odd.license) == (True, True, "ours")
    assert odd.files[1:] == ("README.md", "chat_template.jinja", "config.json")
    hub.add_model("acme/adapter", {"adapter_config.json": '{"base_model_name_or_path": "acme/odd"}'})
    adapter = models.describe("acme/adapter", "main")
    assert (adapter.base_models, adapter.needs_remote_code) == (("acme/odd",), False)


def test_without_a_token_a_missing_model_is_not_found_either(hub: Hub) -> None:
    with pytest.raises(ModelNotFound, match=r"or it is private"):
        HubModels(Client(endpoint=hub.url)).describe("acme/none", "main")


def test_a_missing_revision_is_named(models: HubModels, model: Repository) -> None:
    with pytest.raises(RevisionNotFound, match=r"acme/tiny has no revision nothing: name a branch"):
        models.describe("acme/tiny", "nothing")


def test_a_disabled_model_cannot_be_evaluated(models: HubModels, model: Repository) -> None:
    model.disabled = True
    with pytest.raises(CannotBeEvaluated, match="The Hub has disabled"):
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
