"""What the Hub finds out about a model from its files: size, architecture, library, tags."""

from __future__ import annotations

import json
from collections import Counter
from math import prod
from typing import Any

from .card import card_of, texts
from .git_objects import Blob, Commit
from .repository import Repository

HEADER_LENGTH_BYTES = 8
CONFIG_FIELDS = ("architectures", "model_type", "auto_map", "quantization_config")


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
    """The part of `config.json` that the Hub tells."""
    config = _json_object(repository, commit, "config.json")
    return None if config is None else {name: config[name] for name in CONFIG_FIELDS if name in config}


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
    card = card_of(repository, commit) or {}
    names = texts(card.get("base_model"))
    relation = card.get("base_model_relation") or "finetune"
    return {"relation": relation, "models": [{"id": name} for name in names]} if names else None


def tags_of(repository: Repository, commit: Commit) -> list[str]:
    """The tags that the card gives, and those that the Hub makes of what else it finds."""
    card = card_of(repository, commit) or {}
    tags = [library_of(repository, commit)] if repository.name.type == "model" else []
    tags += [*texts(card.get("tags")), *texts(card.get("language"))]
    tags += [f"base_model:{name}" for name in texts(card.get("base_model"))]
    tags += [f"license:{name}" for name in texts(card.get("license"))]
    return [*dict.fromkeys(filter(None, tags)), "region:us"]


def _json_object(repository: Repository, commit: Commit, path: str) -> dict[str, Any] | None:
    file = commit.tree.find(path)
    if not isinstance(file, Blob):
        return None
    try:
        value = json.loads(repository.content(file))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
