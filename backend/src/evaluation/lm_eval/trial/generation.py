"""The `generation_kwargs` of a task: whether lm_eval and transformers take them, tried on a tiny model."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
from lm_eval.models.huggingface import HFLM
from lm_eval.models.utils import normalize_gen_kwargs
from transformers import GenerationConfig, LogitsProcessorList

from src.evaluation.errors import MOST_TO_WRITE, last_line
from src.evaluation.lm_eval.tasks.configs import Leaf
from src.evaluation.lm_eval.trial.faults import Fault, did_you_mean, fault_at

FIELD = "generation_kwargs"

LENGTHS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
"""lm_eval's names for how many tokens a model may write; the first that is there counts."""

SET_BY_LM_EVAL = {"pad_token_id", "use_cache", "max_length"}
"""lm_eval passes these to `generate` itself. It would take `max_length`, but counts the question in it."""

PLAIN = {*LENGTHS, "until", "do_sample", "temperature"}
"""Settings that are completely checked here: a task with only these needs no try on a model."""

SHORT = 3
"""Tokens that the tiny model writes."""


def known_settings() -> set[str]:
    """What `generation_kwargs` may contain: lm_eval's own names, and those of transformers."""
    of_transformers = {name for name in vars(GenerationConfig()) if not name.startswith("_")}
    return (PLAIN | of_transformers) - SET_BY_LM_EVAL - {"transformers_version"}


def faults_in_generation(leaf: Leaf) -> Iterator[Fault]:
    """The faults of a task's `generation_kwargs`. Only tasks that have models write something use them."""
    settings = leaf.config.get(FIELD)
    if settings is None:
        return
    if not isinstance(settings, Mapping):
        yield fault_at(leaf, f"has `{FIELD}` that are not settings such as `max_gen_toks: 16`", FIELD)
    elif leaf.kind == "generate_until":
        yield from _faults_of_settings(leaf, settings)


def _faults_of_settings(leaf: Leaf, settings: Mapping[str, Any]) -> Iterator[Fault]:
    for wrong in wrong_settings(settings):
        yield _at(leaf, wrong.key, wrong.what, **({"do": wrong.do} if wrong.do else {}))


class WrongSetting(NamedTuple):
    """A setting with which no model can write."""

    key: str
    what: str
    """What is wrong, after "settings that": `contain `top_k: x`, which must be a number`."""
    do: str = ""
    """What to do, if that is not to correct it."""


def wrong_settings(settings: Mapping[str, Any]) -> Iterator[WrongSetting]:
    """Yield what is wrong with settings for writing, or else with which of them transformers fails."""
    found = list(_wrong_by_rules(settings))
    yield from found or _wrong_when_tried(settings)


def _wrong_by_rules(settings: Mapping[str, Any]) -> Iterator[WrongSetting]:
    known = known_settings()
    for key, value in settings.items():
        if key in SET_BY_LM_EVAL:
            yield WrongSetting(key, f"contain `{key}`, which lm_eval sets itself", "remove it")
        elif key not in known:
            what = f"contain `{key}`, which neither lm_eval nor transformers knows{did_you_mean(key, known)}"
            yield WrongSetting(key, what)
        elif (must := _must_be(key, value)) is not None:
            yield WrongSetting(key, f"contain `{key}: {value}`, which must be {must}")
    if settings.get("do_sample") is True and not _number(settings.get("temperature")) > 0:
        yield WrongSetting(
            "temperature" if "temperature" in settings else "do_sample",
            "contain `do_sample: true` without a `temperature` above 0",
            "add one, or set `do_sample: false`",
        )


def _must_be(key: str, value: object) -> str | None:
    """What a setting must be, if it is something else."""
    is_right, must = CHECKS.get(key, (_is_anything, ""))
    return None if is_right(value) else must


def _is_anything(_: object) -> bool:
    return True


def _number(value: object) -> float:
    """A value as the number that lm_eval makes of it; NaN if it can't."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except ValueError:
        return math.nan


def _is_length(value: object) -> bool:
    number = _number(value)
    return value is None or (number.is_integer() and 0 < number <= MOST_TO_WRITE)


def _are_texts(value: object) -> bool:
    """Whether it can end an answer. An empty text would end each after its first token."""
    texts = value if isinstance(value, list) else [value]
    return all(isinstance(each, str) and each for each in texts)


CHECKS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    **dict.fromkeys(LENGTHS, (_is_length, f"a whole number from 1 to {MOST_TO_WRITE:,}")),
    "until": (_are_texts, "a text or a list of texts, none of them empty"),
    "do_sample": (lambda value: value is None or isinstance(value, bool), "true or false"),
    "temperature": (lambda value: math.isfinite(_number(value)), "a number"),
}


def _wrong_when_tried(settings: Mapping[str, Any]) -> Iterator[WrongSetting]:
    if settings.keys() <= PLAIN or (error := error_of(settings)) is None:
        return
    others = [key for key in settings if key not in PLAIN]
    key = next(
        (
            key
            for key in others
            if error_of({name: settings[name] for name in settings if name != key}) is None
        ),
        others[0],
    )
    yield WrongSetting(
        key, f"contain `{key}: {settings[key]}`, with which transformers fails ({last_line(error)})"
    )


def error_of(settings: Mapping[str, Any]) -> Exception | None:
    """What goes wrong when lm_eval has a tiny model continue two texts with these settings."""
    texts = torch.ones(2, 4, dtype=torch.long)
    model = SimpleNamespace(
        model=tiny_model(),
        tokenizer=SimpleNamespace(pad_token_id=0),
        device=torch.device("cpu"),
        mixed_precision_dtype=None,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            given = normalize_gen_kwargs(dict(settings))
            rest = {key: value for key, value in given.items() if key not in ("until", "max_gen_toks")}
            written = HFLM._model_generate(
                model,
                texts,
                texts.shape[1] + SHORT,
                [],
                attention_mask=texts,
                logits_processor=LogitsProcessorList(),
                **rest,
            )
            if len(written.tolist()) != len(texts):
                raise ValueError(f"it gives {len(written)} answers to {len(texts)} questions")
        except Exception as error:  # noqa: BLE001  # transformers raises anything
            return error
    return None


@cache
def tiny_model() -> Any:
    """A model with random weights that writes anything."""
    from transformers import GPT2Config, GPT2LMHeadModel  # it takes two seconds, and few tasks need it

    size = {"n_layer": 1, "n_head": 1, "n_embd": 4, "vocab_size": 8, "n_positions": 64}
    return GPT2LMHeadModel(GPT2Config(**size, bos_token_id=0, eos_token_id=0)).eval()


def _at(leaf: Leaf, key: str, what: str, **more: str) -> Fault:
    return fault_at(leaf, f"has `{FIELD}` that {what}", FIELD, keys=(key,), **more)
