"""A model is evaluated whole: weights that its config.json has no place for are not left out silently."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForImageTextToText,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from src.evaluation.failures import Failed
from src.evaluation.loading.loading import load
from src.running.job import End
from support.broken_models import WEIGHTS, edited, replaced, reweighted
from support.families import LOOK_AHEAD, MADE, make_family, sizes
from support.jobs import make_job
from support.tiny_model import byte_tokenizer, make_tiny_model

INDEX = f"{WEIGHTS}.index.json"
FIRST, SECOND = (f"model-0000{number}-of-00002.safetensors" for number in (1, 2))
ONE = torch.ones(1)


@pytest.fixture(scope="session")
def good_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("models") / "good", num_hidden_layers=4)


@pytest.fixture
def model(good_model: Path, tmp_path: Path) -> Path:
    return shutil.copytree(good_model, tmp_path / "model")


def added(*names: str) -> Callable[[Path], None]:
    def add(weights: dict[str, Any]) -> None:
        weights |= {name: ONE.clone() for name in names}

    return reweighted(add)


def test_four_layers_are_not_evaluated_as_two(model: Path) -> None:
    edited("config.json", num_hidden_layers=2)(model)
    with pytest.raises(Failed) as failed:
        load(make_job(model))
    assert failed.value.end is End.REFUSED
    assert str(failed.value) == (
        "The config.json and the weights of org/model describe different models: 18 of the weights have no "
        "place in it, such as model.layers.2.input_layernorm.weight. Save both again from one model with "
        "`save_pretrained`."
    )


@pytest.mark.parametrize(
    "name",
    [
        "model.layers.4.mlp.up_proj.weight",
        "model.layers.0.self_attn.q_proj.bias",
        "model.layers.0.self_attn.q_norm.weight",
        "model.layers.3.mlp.up_proj.lora_A.weight",
        "model.layers.0.mlp.up_proj.weight_scale",
        "model.layers.0.vision.weight",
        "model.norm.bias",
        "model.embed_positions.weight",
        "model.encoder.layers.0.self_attn.k_proj.weight",
        "transformer.h.0.attn.c_attn.weight",
        "lm_head.bias",
        "score.weight",
        "classifier.weight",
        "something",
    ],
)
def test_a_part_of_the_model_that_would_be_left_out_is_named(name: str, model: Path) -> None:
    added(name)(model)
    with pytest.raises(Failed, match=rf"1 of the weights have no place in it, such as \S*{name}\."):
        load(make_job(model))


@pytest.mark.parametrize(
    "names",
    [
        ["model.layers.0.self_attn.rotary_emb.inv_freq", "rotary_emb.cos_cached"],
        [
            "model.layers.0.attn.bias",
            "model.layers.0.attn.masked_bias",
            "model.layers.1.attention.masked_bias",
        ],
        ["model.embeddings.position_ids", "model.layers.1.attn.causal_mask"],
        ["model.layers.0.self_attn.k_scale", "model.layers.0.self_attn.v_scale"],
        ["v_head.summary.weight", "v_head.summary.bias"],
        ["mtp.layers.0.mlp.up_proj.weight", "mtp.norm.weight"],
        ["model.layers.4.eh_proj.weight", "model.layers.4.mlp.up_proj.weight", "model.layers.4.enorm.weight"],
        ["vision_tower.layers.0.weight", "multi_modal_projector.linear_1.weight", "image_newline"],
        ["model.visual.blocks.0.attn.qkv.weight", "model.audio_tower.layers.0.fc1.weight"],
        ["pooler.dense.weight", "medusa_head.0.weight"],
    ],
    ids=lambda names: names[0],
)
def test_what_stands_beside_a_language_model_may_be_left_out(names: list[str], model: Path) -> None:
    added(*names)(model)
    load(make_job(model))


def test_the_other_heads_of_a_bert_may_be_left_out(tmp_path: Path) -> None:
    model = make_family("bert", tmp_path)
    added("bert.pooler.dense.weight", "cls.seq_relationship.weight", "bert.embeddings.position_ids")(model)
    load(make_job(model))


def test_a_layer_more_that_does_not_guess_ahead_is_a_layer_of_the_model(model: Path) -> None:
    added("model.layers.4.eh_proj.weight", "model.layers.5.mlp.up_proj.weight")(model)
    with pytest.raises(Failed, match=r"1 of the weights have no place in it, such as model\.layers\.5\."):
        load(make_job(model))


@pytest.mark.parametrize("family", ["gpt2", "gpt_neox", "opt", "bloom", "phi", "mamba", "mixtral"])
def test_layers_that_the_configuration_forgets_are_found_in_every_family(family: str, tmp_path: Path) -> None:
    model = make_family(family, tmp_path)
    config = json.loads((model / "config.json").read_text())
    [layers] = config.keys() & {"num_hidden_layers", "n_layer"}
    edited("config.json", **{layers: 1}, layer_types=None)(model)
    with pytest.raises(Failed, match="describe different models"):
        load(make_job(model))


def test_experts_that_the_configuration_forgets_are_found(tmp_path: Path) -> None:
    model = make_family("mixtral", tmp_path)
    edited("config.json", num_local_experts=2)(model)
    with pytest.raises(Failed, match="do not match its config"):
        load(make_job(model))


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(set(MADE) - LOOK_AHEAD))
def test_a_good_model_of_every_family_is_loaded(family: str, tmp_path: Path) -> None:
    load(make_job(make_family(family, tmp_path)))


def saved(auto: Any, family: str, folder: Path) -> Path:
    """A model of another class of this family, which has more than the one that continues text."""
    config_class = CONFIG_MAPPING[family]
    auto.from_config(config_class(**sizes(config_class))).save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.parametrize("family", ["llama4", "qwen3_5", "gemma3", "git"])
def test_the_language_model_of_one_that_sees_is_evaluated(family: str, tmp_path: Path) -> None:
    load(make_job(saved(AutoModelForImageTextToText, family, tmp_path)))


@pytest.mark.parametrize("family", ["bart", "prophetnet", "marian"])
def test_a_half_of_a_model_with_an_encoder_is_refused(family: str, tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"config\.json"):
        load(make_job(saved(AutoModelForSeq2SeqLM, family, tmp_path)))


@pytest.mark.parametrize("family", ["gpt2", "gemma", "llama"])
def test_a_classifier_is_no_language_model(family: str, tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"config\.json"):
        load(make_job(saved(AutoModelForSequenceClassification, family, tmp_path)))


def test_weights_that_are_declared_the_same_but_differ_are_refused(model: Path) -> None:
    edited("config.json", tie_word_embeddings=True)(model)
    with pytest.raises(
        Failed, match=r"lm_head\.weight and model\.embed_tokens\.weight are the same, but its"
    ):
        load(make_job(model))


@pytest.mark.parametrize("removed", [None, "lm_head.weight", "model.embed_tokens.weight"])
def test_weights_that_are_the_same_may_be_there_once_or_twice(removed: str | None, model: Path) -> None:
    def tie(weights: dict[str, Any]) -> None:
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
        weights.pop(removed, None)

    reweighted(tie)(model)
    edited("config.json", tie_word_embeddings=True)(model)
    loaded = load(make_job(model)).model
    assert loaded.lm_head.weight is loaded.model.embed_tokens.weight


@pytest.mark.parametrize("content", [b"{}", b'{"base_model_name_or_path": "org/base"}', b"not JSON"])
def test_a_whole_model_with_an_adapter_beside_it_is_refused(content: bytes, model: Path) -> None:
    replaced("adapter_config.json", content)(model)
    with pytest.raises(Failed, match=r"org/model has both a whole model and an adapter"):
        load(make_job(model))


@pytest.fixture
def parts(model: Path) -> Path:
    """The model with its weights in two files."""
    weights = load_file(model / WEIGHTS)
    (model / WEIGHTS).unlink()
    names = sorted(weights)
    place = dict.fromkeys(names[:20], FIRST) | dict.fromkeys(names[20:], SECOND)
    for file in (FIRST, SECOND):
        held = {name: weight for name, weight in weights.items() if place[name] == file}
        save_file(held, model / file, metadata={"format": "pt"})
    write_index(model, place)
    return model


def write_index(model: Path, place: object) -> None:
    (model / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": place}))


def index_of(model: Path) -> dict[str, Any]:
    place: dict[str, Any] = json.loads((model / INDEX).read_text())["weight_map"]
    return place


def test_a_model_in_several_files_is_loaded(parts: Path) -> None:
    load(make_job(parts))


def test_an_index_may_name_a_weight_that_is_the_same_as_another(parts: Path) -> None:
    """As those have that were converted from another format."""
    edited("config.json", tie_word_embeddings=True)(parts)
    weights = load_file(parts / FIRST)
    del weights["lm_head.weight"]
    save_file(weights, parts / FIRST, metadata={"format": "pt"})
    assert index_of(parts)["lm_head.weight"] == FIRST
    write_index(parts, index_of(parts) | {"model.layers.0.self_attn.rotary_emb.inv_freq": FIRST})
    load(make_job(parts))


def test_weights_in_one_file_are_taken_without_the_index_beside_it(model: Path) -> None:
    write_index(model, {"model.norm.weight": "not there.bin"})
    load(make_job(model))


def test_an_index_that_the_configuration_names_is_checked_too(parts: Path) -> None:
    (parts / INDEX).rename(parts / "best.safetensors.index.json")
    edited("config.json", transformers_weights="best.safetensors.index.json")(parts)
    load(make_job(parts))
    index = json.loads((parts / "best.safetensors.index.json").read_text())
    index["weight_map"]["more"] = "more.bin"
    (parts / "best.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(Failed, match="lists files that are in another folder"):
        load(make_job(parts))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda place: {name: file for name, file in place.items() if file == FIRST},
            "not list all the files that belong with model-00001-of-00002",
        ),
        (
            lambda place: place | {"more": "model-00003-of-00003.safetensors"},
            "not list all the files that belong with model-00003-of-00003",
        ),
        (
            lambda place: place | {"model.layers.4.norm.weight": SECOND},
            "none of its files contains, such as model.layers.4",
        ),
        (
            lambda place: place | {"more": "more.bin"},
            "are in another folder, or not in the safetensors format",
        ),
        (
            lambda place: place | {"more": "../more.safetensors"},
            "are in another folder, or not in the safetensors",
        ),
        (
            lambda place: place | {"more": "/etc/more.safetensors"},
            "are in another folder, or not in the safetensors",
        ),
        (lambda place: place | {"more": 1}, "The index of the weights of org/model cannot be read"),
        (lambda place: [], "The index of the weights of org/model cannot be read"),
        (lambda place: place | {"more": "more.safetensors"}, "no complete weights in the safetensors format"),
    ],
    ids=[
        "lacks a file",
        "has files of another count",
        "names a weight that is nowhere",
        "another format",
        "outside",
        "elsewhere",
        "a number",
        "a list",
        "a file that is not there",
    ],
)
def test_an_index_that_is_not_of_these_files_is_refused(
    change: Callable[[dict[str, Any]], object], sentence: str, parts: Path
) -> None:
    write_index(parts, change(index_of(parts)))
    with pytest.raises(Failed, match=sentence):
        load(make_job(parts))


def test_half_a_model_whose_index_and_configuration_agree_is_refused(parts: Path) -> None:
    """As if the other files had been lost, and the configuration made to fit what is left."""
    weights = load_file(parts / FIRST) | load_file(parts / SECOND)
    kept = {
        name: weight
        for name, weight in weights.items()
        if ".layers.2." not in name and ".layers.3." not in name
    }
    save_file(kept, parts / FIRST, metadata={"format": "pt"})
    write_index(parts, dict.fromkeys(kept, FIRST))
    edited("config.json", num_hidden_layers=2)(parts)
    with pytest.raises(Failed, match="not list all the files that belong with model-00001-of-00002"):
        load(make_job(parts))
