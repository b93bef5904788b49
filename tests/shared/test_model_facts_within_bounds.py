"""What strangers write into their models is cut to what a model can have, before it is kept or shown."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.hf_api import ModelInfo

from src.shared.errors import CannotBeEvaluated
from src.shared.models.folder_models import FolderModels
from src.shared.models.hub_models import _facts
from src.shared.models.model_source import (
    LONGEST_CARD_BYTES,
    MOST_FILES,
    ModelFacts,
    quantization_in,
    within_bounds,
)
from src.shared.stores.hub import Hub as Client
from support.factories import make_model_folder
from support.hub import Hub, running_hub
from support.processor_time import processor_seconds

MANY = 10_000


def facts(**told: Any) -> ModelFacts:
    """Of a model of which the Hub tells this."""
    known = {"id": "acme/tiny", "sha": "0" * 40, "siblings": [{"rfilename": "config.json"}]}
    return within_bounds(_facts(ModelInfo(**{**known, **told})))


HOSTILE: dict[str, dict[str, Any]] = {
    "tags": {"tags": ["x" * 5000] * MANY},
    "licences": {"cardData": {"license": ["mit" * 1000] * MANY}},
    "a licence's name": {"cardData": {"license_name": "x" * 1_000_000, "license_link": "y"}},
    "base models": {"cardData": {"base_model": [f"{'x' * 1000}/{number}" for number in range(MANY)]}},
    "classes": {"config": {"architectures": ["X" * 1_000_000] * 10}},
    "lists of classes": {"config": {"architectures": [["X"] * MANY] * 10, "auto_map": {"x": "y" * 9_999}}},
    "an adapted model": {"config": {"peft": {"base_model_name_or_path": "x" * 1_000_000}}},
    "a chat template": {"config": {"tokenizer_config": {"chat_template": "{{" * 500_000}}},
    "a type": {"safetensors": {"parameters": {"F" * 1_000_000: 1}, "total": 1}},
    "a large size": {"safetensors": {"parameters": {"F32": 10**400}, "total": 10**400}},
    "a negative size": {"safetensors": {"parameters": {"F32": -1}, "total": -1}},
    "files in folders": {"siblings": [{"rfilename": f"{'x' * 200}/{place}"} for place in range(10 * MANY)]},
    "files": {"siblings": [{"rfilename": f"{place}.bin"} for place in range(MOST_FILES)]},
}


@pytest.mark.parametrize("told", HOSTILE.values(), ids=HOSTILE.keys())
def test_facts_stay_small(told: dict[str, Any]) -> None:
    found = facts(**told)
    texts = [found.license, found.architecture or "", found.dtype or "", *found.base_models, *found.tags]
    assert max(map(len, texts)) <= 200
    assert len(found.base_models) <= 20
    assert len(found.tags) <= 1000
    assert found.params is None or 0 < found.params < 10**15


def test_more_files_than_can_be_looked_at_are_refused_with_a_sentence() -> None:
    with pytest.raises(CannotBeEvaluated, match=r"acme/tiny has 10,001 files in its root folder.*fewer"):
        facts(siblings=[{"rfilename": str(number)} for number in range(MOST_FILES + 1)])


def test_what_is_within_bounds_stays_as_it_is() -> None:
    found = facts(
        tags=["dpo"],
        cardData={"license": "mit", "base_model": "acme/base"},
        safetensors={"parameters": {"BF16": 7_000_000_000}, "total": 7_000_000_000},
        config={"architectures": ["LlamaForCausalLM"]},
    )
    assert (found.tags, found.license, found.base_models) == (("dpo",), "mit", ("acme/base",))
    assert (found.params, found.dtype, found.architecture) == (7_000_000_000, "BF16", "LlamaForCausalLM")


@pytest.mark.parametrize(
    "metadata",
    [
        "a: b\n" * 1_000_000,
        "[" * 100_000,
        "- " * 100_000,
        "x: &x [" + "a," * 50_000 + "]\ny: [" + "*x," * 20_000 + "]",
        "license: " + "'" * 100_000,
        "\n" * 1_000_000,
        "? " * 50_000,
        "tags:\n" + "- a\n" * 100_000,
    ],
    ids=["long", "brackets", "dashes", "aliases", "quotes", "lines", "keys", "tags"],
)
def test_the_card_of_a_local_model_is_read_in_little_time(tmp_path: Path, metadata: str) -> None:
    folder = make_model_folder(tmp_path, "acme/tiny")
    (folder / "README.md").write_text(f"---\n{metadata}\n---\nIt is small.")
    models = FolderModels(tmp_path)
    assert processor_seconds(lambda: models.describe("acme/tiny")) < 1
    assert len(models.card("acme/tiny")) <= LONGEST_CARD_BYTES


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


def test_of_a_long_file_only_the_beginning_is_taken_though_all_is_sent(hub: Hub) -> None:
    """A server or a proxy may not know how to send a part."""
    hub.add_model("acme/tiny", {"config.json": json.dumps({"x": "y" * 3_000_000})})
    client = Client(endpoint=hub.url, sleep=lambda _: None)
    whole = (
        f"{hub.url}/api/models/acme/tiny/tree/main?recursive=true&expand=false"  # of this it sends no parts
    )
    assert len(client.get(whole, most=5)) == 5
    assert client.get(whole, most=100_000) == client.get(whole)
    part = client.get(f"{hub.url}/acme/tiny/resolve/main/config.json", most=1000)
    assert part == b'{"x": "' + b"y" * 993


@pytest.mark.parametrize(
    ("config", "method"),
    [
        ({}, None),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "gptq"),
        ({"quantization_config": {"quant_method": "awq"}}, "awq"),
        ({"quantization_config": {"load_in_4bit": True}}, "bitsandbytes"),
        ({"quantization_config": {"load_in_8bit": True}}, "bitsandbytes"),
        ({"quantization_config": {"bits": 4}}, ""),
        ({"quantization_config": "gptq"}, None),
        ({"quantization_config": {"quant_method": ["gptq"]}}, ""),
    ],
)
def test_a_config_says_how_the_weights_are_quantized(config: dict[str, object], method: str | None) -> None:
    assert quantization_in(config) == method
