"""What the Hub for tests finds out about a model from its files, in the words of the real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.hf_api import ModelInfo

from support.hub import Hub, running_hub

pytestmark = pytest.mark.slow

BASE = "---\nbase_model: acme/base\n---\n"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.add_user("alice", {"acme": "write"})
        yield hub


def described(hub: Hub, **files: Any) -> ModelInfo:
    """A model with these files, `config_json={…}`, as the Hub's client sees it."""
    texts = {
        name.replace("_json", ".json").replace("_jinja", ".jinja").replace("README", "README.md"): content
        if isinstance(content, str)
        else json.dumps(content)
        for name, content in files.items()
    }
    hub.add_model("acme/tiny", texts)
    return HfApi(endpoint=hub.url, token=False).model_info("acme/tiny")


def test_a_chat_template_is_told_from_either_place(hub: Hub) -> None:
    tokenizer = {"chat_template": "{{ a }}", "eos_token": "</s>", "model_max_length": 512}
    info = described(hub, config_json={}, tokenizer_config_json=tokenizer, chat_template_jinja="{{ b }}\n")
    assert info.config == {
        "tokenizer_config": {"chat_template": "{{ a }}", "eos_token": "</s>"},
        "chat_template_jinja": "{{ b }}\n",
    }


def test_an_adapter_is_told_with_its_base_model(hub: Hub) -> None:
    adapter = {"base_model_name_or_path": "acme/base", "task_type": "CAUSAL_LM", "r": 8}
    info = described(hub, adapter_config_json=adapter, README=BASE)
    assert info.config == {"peft": {"base_model_name_or_path": "acme/base", "task_type": "CAUSAL_LM"}}
    assert {"peft", "base_model:acme/base", "base_model:adapter:acme/base"} <= set(info.tags)


def test_a_model_that_brings_code_of_its_own_has_a_tag(hub: Hub) -> None:
    assert "custom_code" in described(hub, config_json={"auto_map": {"AutoModel": "x.Y"}}).tags


@pytest.mark.parametrize(
    ("card", "config", "relations"),
    [
        ("base_model: acme/base", {}, ["finetune:acme/base"]),
        ("base_model: [acme/base, b/c]", {}, ["merge:acme/base", "merge:b/c"]),
        ("base_model: acme/base", {"quantization_config": {"bits": 4}}, ["quantized:acme/base"]),
        ("base_model: acme/base\nbase_model_relation: quantized", {}, ["quantized:acme/base"]),
        ("license: mit", {}, []),
    ],
)
def test_how_a_model_was_made_from_others_is_a_tag(
    hub: Hub, card: str, config: dict[str, object], relations: list[str]
) -> None:
    info = described(hub, config_json=config, README=f"---\n{card}\n---\n")
    wanted = {f"base_model:{each}" for each in relations}
    assert {tag for tag in info.tags if tag.startswith("base_model:") and tag.count(":") == 2} == wanted
    expanded = HfApi(endpoint=hub.url, token=False).model_info("acme/tiny", expand=["baseModels"])
    if relations:
        assert expanded.base_models["relation"] == relations[0].split(":")[0]


def test_a_file_that_makes_no_sense_tells_nothing(hub: Hub) -> None:
    info = described(hub, config_json="{", tokenizer_config_json="[]", adapter_config_json="no JSON")
    assert info.config is None


# Who may read it


def test_whether_a_model_may_be_read_can_be_asked(hub: Hub) -> None:
    hub.add_model("acme/gated", gated="manual")
    hub.add_model("acme/private", private=True)
    member = HfApi(endpoint=hub.url, token=hub.add_token("alice"))
    stranger, nobody = HfApi(endpoint=hub.url, token=hub.add_user("bob")), HfApi(hub.url, token=False)
    for name in ("acme/gated", "acme/private"):
        member.auth_check(name)
    for other in (stranger, nobody):
        with pytest.raises(GatedRepoError):
            other.auth_check("acme/gated")
        for name in ("acme/private", "acme/none"):
            with pytest.raises(RepositoryNotFoundError) as error:
                other.auth_check(name)
            assert not isinstance(error.value, GatedRepoError)


def test_a_token_says_what_it_may_do(hub: Hub) -> None:
    def access(*arguments: Any) -> dict[str, Any]:
        token = hub.add_token("alice", *arguments)
        found: dict[str, Any] = HfApi(endpoint=hub.url, token=token).whoami()["auth"]["accessToken"]
        return found

    for role in ("read", "write"):
        found = access(role)
        assert (found["role"], "fineGrained" in found) == (role, False)
    fine = access("fineGrained")
    assert fine["role"] == "fineGrained"
    assert fine["fineGrained"] == {"canReadGatedRepos": False, "global": [], "scoped": []}
    [scoped] = access("fineGrained", ["datasets/acme/requests"])["fineGrained"]["scoped"]
    assert (scoped["entity"]["type"], scoped["entity"]["name"]) == ("dataset", "acme/requests")
    assert scoped["permissions"] == ["repo.content.read", "repo.write"]


def test_an_unknown_token_is_nobodys(hub: Hub) -> None:
    with pytest.raises(HfHubHTTPError) as error:
        HfApi(endpoint=hub.url, token="hf_unknown").whoami()
    assert error.value.response.status_code == 401
