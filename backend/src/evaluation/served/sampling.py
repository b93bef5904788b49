"""How a model writes, in the terms of OpenAI's routes and vLLM's additions to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WHEN_SAMPLING = ("temperature", "top_p", "top_k", "min_p")
"""What applies only if answers are drawn at random. The names are the same everywhere."""

ALWAYS = ("repetition_penalty",)

OURS = {
    *("until", "do_sample", "use_cache"),
    *("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens"),
}
"""What the engine itself, or this client, does with an answer."""

NEUTRAL: Mapping[str, object] = {"num_beams": 1, "num_return_sequences": 1, "num_beam_groups": 1}
"""Settings of transformers that change nothing with these values."""


def not_served(settings: Mapping[str, Any]) -> list[str]:
    """Return the names of settings that a server has no way to follow."""
    known = {*WHEN_SAMPLING, *ALWAYS, *OURS}
    return [
        name
        for name, value in settings.items()
        if value is not None and name not in known and not (name in NEUTRAL and value == NEUTRAL[name])
    ]


def preferred(config: object) -> dict[str, Any]:
    """Return what a model's own generation_config.json prefers, as far as a server can follow it."""
    names = (*WHEN_SAMPLING, *ALWAYS)
    return {name: value for name in names if (value := getattr(config, name, None)) is not None}


def sampling(settings: Mapping[str, Any], seed: int | None) -> dict[str, object]:
    """Return a server's settings for those of transformers. Without `do_sample` it takes the likeliest."""
    is_random = bool(settings.get("do_sample"))
    names = (*WHEN_SAMPLING, *ALWAYS) if is_random else ALWAYS
    found: dict[str, object] = {name: settings[name] for name in names if settings.get(name) is not None}
    if is_random and seed is not None:
        found["seed"] = seed
    return found
