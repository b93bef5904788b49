"""What the Hub finds out about a model from its files: size, architecture, library, tags."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from math import prod
from typing import Any

from .card import card_of, texts
from .git_objects import Blob, Commit
from .repository import Repository

HEADER_LENGTH_BYTES = 8
CONFIG_FIELDS = ("architectures", "model_type", "auto_map", "quantization_config")
TOKENIZER_FIELDS = ("bos_token", "chat_template", "eos_token", "pad_token", "unk_token")
ADAPTER_FIELDS = ("base_model_name_or_path", "task_type")


def safetensors_of(repository: Repository, commit: Commit) -> dict[str, Any] | None:
    """Numbers of parameters by their type, from the headers of all safetensors files in the root folder."""
    counts: Counter[str] = Counter()
    for name, entry in commit.tree.walk(recursive=False):
        if name.endswith(".safetensors") and isinstance(entry, Blob):
            counts.update(_parameters(repository.content(entry)))
    return {"parameters": dict(counts), "total": counts.total()} if counts else None


def _parameters(data: bytes) -> Counter[str]:
    """Of one safetensors file; none when its header makes no sense."""
    end = HEADER_LENGTH_BYTES + int.from_bytes(data[:HEADER_LENGTH_BYTES], "little")
    counts: Counter[str] = Counter()
    try:
        header = json.loads(data[HEADER_LENGTH_BYTES:end])
        for name, tensor in header.items():
            if name != "__metadata__":
                counts[tensor["dtype"]] += prod(tensor["shape"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return Counter()
    return counts


def config_of(repository: Repository, commit: Commit) -> dict[str, Any] | None:
    """What the Hub tells of the files that say how to load the model; None if there is none of them."""
    config = _fields(repository, commit, "config.json", CONFIG_FIELDS)
    parts: dict[str, Any] = {
        "tokenizer_config": _fields(repository, commit, "tokenizer_config.json", TOKENIZER_FIELDS),
        "chat_template_jinja": _text(repository, commit, "chat_template.jinja"),
        "peft": _fields(repository, commit, "adapter_config.json", ADAPTER_FIELDS),
    }
    known = {name: part for name, part in parts.items() if part is not None}
    return None if config is None and not known else {**(config or {}), **known}


def library_of(repository: Repository, commit: Commit) -> str | None:
    """The library that loads the model: what the card says, else what the files look like."""
    named = (card_of(repository, commit) or {}).get("library_name")
    if isinstance(named, str):
        return named
    if commit.tree.find("adapter_config.json"):
        return "peft"
    return "transformers" if commit.tree.find("config.json") else None


def pipeline_of(repository: Repository, commit: Commit) -> str | None:
    """The task: what the card says, else text generation for a causal language model."""
    named = (card_of(repository, commit) or {}).get("pipeline_tag")
    if isinstance(named, str):
        return named
    architectures = (config_of(repository, commit) or {}).get("architectures")
    causal = any(name.endswith("ForCausalLM") for name in texts(architectures))
    return "text-generation" if causal else None


def base_models_of(repository: Repository, commit: Commit) -> dict[str, Any] | None:
    """The models from which this one was made, in the form of the Hub's API."""
    names = texts((card_of(repository, commit) or {}).get("base_model"))
    if not names:
        return None
    return {"relation": relation_of(repository, commit), "models": [{"id": name} for name in names]}


def relation_of(repository: Repository, commit: Commit) -> str:
    """How a model was made from its base models: what the card says, else what the files look like."""
    card = card_of(repository, commit) or {}
    if isinstance(card.get("base_model_relation"), str):
        return str(card["base_model_relation"])
    if commit.tree.find("adapter_config.json"):
        return "adapter"
    if len(texts(card.get("base_model"))) > 1:
        return "merge"
    is_gguf = any(name.endswith(".gguf") for name, _ in commit.tree.walk(recursive=False))
    is_quantized = "quantization_config" in (config_of(repository, commit) or {})
    return "quantized" if is_gguf or is_quantized else "finetune"


def tags_of(repository: Repository, commit: Commit) -> list[str]:
    """The tags that the card gives, and those that the Hub makes of what else it finds."""
    card = card_of(repository, commit) or {}
    tags = [library_of(repository, commit)] if repository.name.type == "model" else []
    tags += [*texts(card.get("tags")), *texts(card.get("language"))]
    if "auto_map" in (config_of(repository, commit) or {}):
        tags.append("custom_code")
    for name in texts(card.get("base_model")):
        tags += [f"base_model:{name}", f"base_model:{relation_of(repository, commit)}:{name}"]
    tags += [f"license:{name}" for name in texts(card.get("license"))]
    return [*dict.fromkeys(filter(None, tags)), "region:us"]


def _fields(repository: Repository, commit: Commit, path: str, names: Iterable[str]) -> dict[str, Any] | None:
    """Some fields of a file in JSON; None when it holds no object."""
    value = _json_object(repository, commit, path)
    return None if value is None else {name: value[name] for name in names if name in value}


def _text(repository: Repository, commit: Commit, path: str) -> str | None:
    file = commit.tree.find(path)
    return repository.content(file).decode("utf-8", "replace") if isinstance(file, Blob) else None


def _json_object(repository: Repository, commit: Commit, path: str) -> dict[str, Any] | None:
    file = commit.tree.find(path)
    if not isinstance(file, Blob):
        return None
    try:
        value = json.loads(repository.content(file))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
