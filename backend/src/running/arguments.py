"""lm_eval's arguments as owners write them: `temperature=0.6,do_sample=true`, JSON, or a Python mapping."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from src.shared.data.run_settings import ATTENTION, DEEPEST, SEEDS
from src.shared.errors import ConfigurationError

Arguments = Mapping[str, Any]
"""Values of JSON by name. Their meaning is lm_eval's."""

LONGEST = 10_000
"""Characters of JSON that a setting may have: it is published, and a part of each kept report's name."""

DEFAULT_SEEDS = tuple(SEEDS.values())
"""lm_eval's seeds of Python, NumPy, PyTorch and the choice of examples."""

DTYPES = ("float32", "float16", "bfloat16")

CHAT_TEMPLATE_ARGS = "chat_template_args"

SETTINGS_OF_THEIR_OWN = {"enable_thinking": "ENABLE_THINKING", "chat_template": "CHAT_TEMPLATE_NAME"}
"""Arguments of a chat template that have a setting, which is checked against the tasks and the models."""

NOT_OF_THE_TEMPLATE = {
    *("self", "conversation", "conversations", "messages", "add_generation_prompt", "continue_final_message"),
    *("tokenize", "sanitize_control_tokens", "padding", "truncation", "max_length", "tokenizer_kwargs"),
    *("return_tensors", "return_dict", "return_assistant_tokens_mask"),
}
"""Arguments of transformers' `apply_chat_template` that never reach the template."""


def read_arguments(value: object, *, setting: str) -> dict[str, Any]:
    """Read arguments in lm_eval's form `name=value,name=value`, as a JSON object, or as a mapping.

    Raises ValueError if they are none of these, or too long, and ConfigurationError if they are nested too
    deeply for a report.
    """
    try:
        if isinstance(value, str):
            value = json.loads(value) if value.lstrip().startswith("{") else _pairs(value)
        if not isinstance(value, Mapping) or not all(isinstance(name, str) and name for name in value):
            raise ValueError("not names with values")
        written = json.dumps(value, allow_nan=False)
    except TypeError as error:  # for what JSON has not
        raise ValueError(str(error)) from error
    except RecursionError:
        raise _too_deep(setting) from None
    if len(written) > LONGEST:
        raise ValueError(f"more than {LONGEST} characters")
    read: dict[str, Any] = json.loads(written)
    if _depth(read) > DEEPEST:
        raise _too_deep(setting)
    return read


def _depth(value: object) -> int:
    """Return how deep objects and lists are nested; 0 for a plain value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def _too_deep(setting: str) -> ConfigurationError:
    return ConfigurationError(
        f"{setting} has objects or lists nested more than {DEEPEST} deep, which a report does not keep: "
        "write it with fewer levels."
    )


def _pairs(text: str) -> dict[str, Any]:
    """Read `name=value` pairs as lm_eval's command line does."""
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    if not all(equals and name.strip() for name, equals, _ in pairs):
        raise ValueError("a part is not name=value")
    return {name.strip(): scalar(value.strip()) for name, _, value in pairs}


def scalar(text: str) -> Any:
    """Return the value that lm_eval makes of a text: true or false, nothing, a number, or the text."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    words: Mapping[str, bool | None] = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for number in (int, float):
        try:
            found = number(text)
        except ValueError:
            continue
        return found if math.isfinite(found) else text
    return text


def read_seeds(value: object) -> tuple[int | None, ...]:
    """Read one seed for everything, or four: of Python, NumPy, PyTorch and the choice of examples.

    `None` leaves one unset. Raises ValueError.
    """
    listed = (
        value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
    )
    seeds = tuple(map(_seed, listed))
    if len(seeds) not in (1, len(DEFAULT_SEEDS)):
        raise ValueError("neither one seed nor four")
    return seeds * (len(DEFAULT_SEEDS) if len(seeds) == 1 else 1)


def _seed(value: object) -> int | None:
    given = value.strip().lower() if isinstance(value, str) else value
    if given in (None, "none"):
        return None
    if isinstance(given, bool) or not isinstance(given, int | str):
        raise ValueError("a seed is not a whole number")
    seed = int(given)
    if not 0 <= seed < 2**32:  # what NumPy takes
        raise ValueError("a seed is out of range")
    return seed


def read_model_args(value: object) -> dict[str, Any]:
    """Read arguments for the model from the list of those that are safe and honest.

    Raises ValueError, and ConfigurationError for what a chat template cannot be told.
    """
    given = read_arguments(value, setting="MODEL_ARGS")
    for name, argument in given.items():
        if name not in MODEL_ARGS or not MODEL_ARGS[name](argument):
            raise ValueError(name)
    for name in given.get(CHAT_TEMPLATE_ARGS, {}):
        _check_template_argument(name)
    return given


def _check_template_argument(name: str) -> None:
    if name in SETTINGS_OF_THEIR_OWN:
        raise ConfigurationError(
            f"MODEL_ARGS has `{name}` in {CHAT_TEMPLATE_ARGS}: remove it there, and set "
            f"{SETTINGS_OF_THEIR_OWN[name]} instead."
        )
    if name in NOT_OF_THE_TEMPLATE:
        raise ConfigurationError(
            f"MODEL_ARGS has `{name}` in {CHAT_TEMPLATE_ARGS}, but that is an argument of transformers, "
            "which no chat template sees: remove it."
        )


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_one_of(*allowed: str) -> Callable[[object], bool]:
    return lambda value: value in allowed


MODEL_ARGS: Mapping[str, Callable[[object], bool]] = {
    "add_bos_token": _is_truth,
    "prefix_token_id": _is_count,
    "logits_cache": _is_truth,
    "truncation": _is_truth,
    "max_batch_size": lambda value: _is_count(value) and value != 0,
    "softmax_dtype": _is_one_of(*DTYPES),
    "mixed_precision_dtype": _is_one_of(*DTYPES),
    CHAT_TEMPLATE_ARGS: lambda value: isinstance(value, Mapping),
    "attn_implementation": _is_one_of(*ATTENTION),
    "parallelize": _is_truth,
}
"""lm_eval's arguments of a model on Hugging Face that owners may set, each with what it must be.

The request decides which model, commit and precision is evaluated. Other settings have names of their own.
`trust_remote_code` is not among them, and nothing that names a file or another repository.
"""
