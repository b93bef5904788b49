"""The settings of a run besides its tasks: what a command needs to repeat them, and which change scores.

A report may hold anything, so every value is checked and bounded here.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .json_file import Object, as_object, as_text, read_number

Conditions = tuple[tuple[str, str], ...]
"""Settings that change scores and are not at their default: names with values, in the order of the names."""

LM_EVAL, LIGHTEVAL = "lm_eval", "lighteval"
ENGINES = (LM_EVAL, LIGHTEVAL)
"""The programs that can evaluate."""

GEN_KWARGS = "gen_kwargs"
"""lm_eval's setting of how models write."""

MODEL_ARGS = "model_args"

SERVED = "served"
"""The condition of a run whose answers came from a server. Its value is the route that answered."""

COMPLETIONS, CHAT = "completions", "chat"
"""The routes of a server."""

LOCAL = "local"
"""The setting `inference` of a run whose answers the worker computed."""

ATTENTION = ("eager", "sdpa", "flex_attention", "flash_attention_2", "flash_attention_3")
"""The ways to compute attention that no repository brings. Another name could be that of somebody's code."""

SEEDS = {"random": 0, "numpy": 1234, "torch": 1234, "fewshot": 1234}
"""lm_eval's seeds, each with its default."""

LONGEST = 10_000
"""The most characters of a setting that are kept. The worker publishes none that is longer."""

LONGEST_VALUE = 80
"""The most characters of a value among the conditions; the rest of a longer one is a fingerprint."""

MOST_CONDITIONS = 12
"""The most conditions that are kept by name; the others share one fingerprint."""

KEPT_FIRST = {SERVED, GEN_KWARGS, "generation_parameters", "system_instruction", "system_prompt"}
"""The conditions that change scores most."""

OTHERS = "other settings"
"""The name of the conditions that are not kept by name."""

FINGERPRINT_DIGITS = 12
DEEPEST = 4

NAME_THE_MODEL = {"pretrained", "model", "path", "revision", "dtype", "peft", "delta"}
"""Arguments of lm_eval's model that say which model it is. A row has that already."""

NO_EFFECT_ON_SCORES = {
    *("trust_remote_code", "device", "batch_size", "max_batch_size", "parallelize", "logits_cache"),
    *("max_memory_per_gpu", "max_cpu_memory", "offload_folder", "device_map", "device_map_option", "tp_plan"),
    *("use_fast_tokenizer", "cache_dir", "low_cpu_mem_usage", "use_accelerate"),
    *("tensor_parallel_size", "data_parallel_size", "pipeline_parallel_size", "gpu_memory_utilization"),
    *("swap_space", "max_num_seqs", "num_concurrent", "max_retries", "base_url", "api_key", "timeout"),
}
"""Arguments of lm_eval's models that are of the machine."""

NEED_A_CHAT_TEMPLATE = {"enable_thinking", "chat_template_args", "chat_template_name", "fewshot_as_multiturn"}
"""Settings without a meaning where prompts do not go through a chat template."""

LIGHTEVALS_DEFAULTS: Mapping[str, object] = {
    "max_length": None,
    "add_special_tokens": True,
    "skip_special_tokens": True,
    "multichoice_continuations_start_space": None,
    "pairwise_tokenization": False,
}
"""The settings of lighteval's model that change scores, each with its default."""


class RunConditions(NamedTuple):
    """What another run must share with one to be comparable with it."""

    always: Conditions = ()
    in_chat: Conditions | None = None
    """Those that matter only with a chat template; None for a run without."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """The settings of a run of lm_eval, as its command line takes them. An empty text stands for none."""

    gen_kwargs: str = ""
    """JSON, as are the other arguments."""
    system_instruction: str = ""
    fewshot_as_multiturn: bool | None = None
    chat_template_name: str = ""
    metadata: str = ""
    model_args: str = ""
    """The arguments of the model besides its name, commit and precision."""
    bootstrap_iters: int | None = None
    lost: tuple[str, ...] = ()
    """The names of settings that are too long or too odd to be kept."""


def read_run_settings(report: Object, *, config: Object, model_args: Object, ours: Object) -> RunSettings:
    """Return the settings in a report of lm_eval. `ours` is the section that our worker adds."""
    told = as_object(ours.get("settings"))
    further = {name: value for name, value in model_args.items() if _is_further(name, value)}
    written = {
        GEN_KWARGS: _as_json(arguments(config.get(GEN_KWARGS))),
        "metadata": _as_json(as_object(told.get("metadata"))),
        MODEL_ARGS: _as_json(further),
    }
    instruction = as_text(report.get("system_instruction"))
    is_lost = len(instruction) > LONGEST or bool(report.get("system_instruction_sha") and not instruction)
    multiturn, iterations = report.get("fewshot_as_multiturn"), read_number(config.get("bootstrap_iters"))
    return RunSettings(
        **{name: text or "" for name, text in written.items()},
        system_instruction="" if is_lost else instruction,
        fewshot_as_multiturn=multiturn if isinstance(multiturn, bool) else None,
        chat_template_name=as_text(told.get("chat_template_name"))[:LONGEST_VALUE],
        bootstrap_iters=None if iterations is None else int(iterations),
        lost=(
            *(name for name, text in written.items() if text is None),
            *(["system_instruction"] if is_lost else []),
        ),
    )


def conditions_of_lm_eval(
    report: Object, *, config: Object, model_args: Object, ours: Object, in_chat: bool
) -> RunConditions:
    """Return the conditions in a report of lm_eval: what our worker says, or else what lm_eval says.

    Our worker says how all models are run. lm_eval's `max_length` depends on the model's own context, and it
    does not name all settings.
    """
    told = ours.get("settings")
    values = _as_told(told) if isinstance(told, dict) else _as_reported(report, config)
    values["system_instruction"] = _fingerprint_of_instruction(report)
    further = as_object(values.pop(MODEL_ARGS, model_args))
    others = NAME_THE_MODEL | NO_EFFECT_ON_SCORES
    values |= {name: value for name, value in further.items() if name not in others}
    values[SERVED] = _served(ours)
    return _conditions(values, in_chat=in_chat)


def _as_told(told: Object) -> dict[str, object]:
    """Return the settings of the suite that change scores. Examples are turns unless it says otherwise."""
    seeds = told.get("seeds")
    return {
        **{name: told.get(name) for name in (GEN_KWARGS, "chat_template_name", "metadata")},
        **{name: told.get(name) for name in ("enable_thinking", "think_end_token", "max_length")},
        "fewshot_as_multiturn": False if told.get("fewshot_as_multiturn") is False else None,
        "seed": ",".join(map(_text, seeds)) if isinstance(seeds, list) else None,
        MODEL_ARGS: as_object(told.get(MODEL_ARGS)),
    }


def _as_reported(report: Object, config: Object) -> dict[str, object]:
    """Return the settings of one of lm_eval's own reports, besides the arguments of the model."""
    seeds = {name: config.get(f"{name}_seed", default) for name, default in SEEDS.items()}
    return {
        GEN_KWARGS: arguments(config.get(GEN_KWARGS)),
        "fewshot_as_multiturn": False if report.get("fewshot_as_multiturn") is False else None,
        "seed": None if seeds == SEEDS else ",".join(map(_text, seeds.values())),
    }


def _served(ours: Object) -> object:
    """Return which route of a server answered, or None if the worker computed the answers."""
    told, served = as_object(ours.get("settings")), as_object(ours.get(SERVED))
    inference = told.get("inference", served.get("inference"))
    if inference in (None, LOCAL):
        return None
    return told.get("inference_api") or served.get("api") or COMPLETIONS


def conditions_of_lighteval(model_config: Object, ours: Object) -> RunConditions:
    """Return the conditions in a report of lighteval. It writes greedily unless a temperature is given.

    `ours` is the section that our worker adds.
    """
    values = {
        name: value
        for name, default in LIGHTEVALS_DEFAULTS.items()
        if (value := model_config.get(name, default)) != default
    }
    writing = {
        name: value
        for name, value in as_object(model_config.get("generation_parameters")).items()
        if (name, value) != ("temperature", 0)
    }
    prompt = as_text(model_config.get("system_prompt"))
    values |= {"generation_parameters": writing, "system_prompt": fingerprint(prompt) if prompt else None}
    values[SERVED] = _served(ours)
    return _conditions(values, in_chat=False)


def arguments(given: object) -> Object:
    """Return lm_eval's arguments: an object, or a text `name=value,name=value`."""
    if isinstance(given, dict):
        return given
    parts = (part.partition("=") for part in as_text(given).split(","))
    pairs = [(name.strip(), value.strip()) for name, _, value in parts if name.strip()]
    return {name: value if name in NAME_THE_MODEL else _plain(value) for name, value in pairs}


def _fingerprint_of_instruction(report: Object) -> str | None:
    """Return the first digits of the system instruction's fingerprint; None without one."""
    instruction, sha = (
        as_text(report.get("system_instruction")),
        as_text(report.get("system_instruction_sha")),
    )
    if instruction:
        return fingerprint(instruction)
    return sha[:FINGERPRINT_DIGITS] or None


def fingerprint(text: str) -> str:
    """Return the first digits of a text's fingerprint, as lm_eval computes it."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:FINGERPRINT_DIGITS]


def _is_further(name: str, value: object) -> bool:
    """Return whether a command has to name an argument of the model. `trust_remote_code` never helps."""
    return name not in {"", *NAME_THE_MODEL, "trust_remote_code"} and _plain(value) is not None


def _conditions(values: Mapping[str, object], *, in_chat: bool) -> RunConditions:
    if not any(values.values()) and False not in values.values():  # nearly always, and results are many
        return RunConditions((), () if in_chat else None)
    given = {name: value for name, value in values.items() if _plain(value) is not None}
    found = sorted((_shown(name), text) for name, value in given.items() if (text := _shown(value)))
    return RunConditions(
        _bounded([each for each in found if each[0] not in NEED_A_CHAT_TEMPLATE]),
        tuple(each for each in found if each[0] in NEED_A_CHAT_TEMPLATE) if in_chat else None,
    )


def _bounded(found: Sequence[tuple[str, str]]) -> Conditions:
    """Return the conditions, with one fingerprint in place of those that are too many."""
    named = [each for each in found if each[0] != OTHERS]  # a report may use any name
    named.sort(key=lambda each: each[0] not in KEPT_FIRST)
    kept = named[:MOST_CONDITIONS]
    others = [*named[MOST_CONDITIONS:], *(each for each in found if each[0] == OTHERS)]
    if not others:
        return tuple(sorted(kept))
    value = f"{len(others)} ({fingerprint(json.dumps(others))})"
    return tuple(sorted([*kept, (OTHERS, value)]))


def _shown(value: object) -> str:
    """Return how a name or a value reads. A fingerprint tells what is cut or odd from what reads the same."""
    text = ", ".join(_pairs(value)) if isinstance(value, Mapping) else _text(value)
    shown = "".join(letter if letter.isprintable() else "?" for letter in text[:LONGEST_VALUE])
    return text if shown == text else f"{shown}… ({fingerprint(text)})"


def _pairs(value: Object) -> Iterator[str]:
    for name, each in sorted(value.items()):
        if _plain(each) is not None:
            yield f"{name}={_text(each)}"


def _text(value: object) -> str:
    """Return the one text for a value, whether a report has it as JSON or as `name=value`."""
    value = _plain(value)
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, int | float | str):
        return str(value)
    try:
        return json.dumps(value, sort_keys=True)
    except RecursionError:
        return "nested too deeply"


def _plain(value: object) -> object:
    """Return the value that a text stands for: a truth value, a number, nothing, or the text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    words: Mapping[str, bool | None] = {"true": True, "false": False, "none": None, "null": None}
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    number = read_number(value)
    if number is None:
        return value if isinstance(value, str) else None
    return int(number) if number.is_integer() else number


def _as_json(values: Object) -> str | None:
    """Return values as JSON, an empty text for none, or None if they are too long or too odd."""
    if not values:
        return ""
    if not _is_simple(values, DEEPEST):
        return None
    text = json.dumps(values)
    return text if len(text) <= LONGEST else None


def _is_simple(value: object, depth: int) -> bool:
    """Return whether a value is JSON of finite numbers that is not nested deeply."""
    if isinstance(value, Mapping):
        return depth > 0 and all(_is_simple(each, depth - 1) for each in value.values())
    if isinstance(value, list):
        return depth > 0 and all(_is_simple(each, depth - 1) for each in value)
    return not isinstance(value, float) or math.isfinite(value)
