"""Checks that nothing in a model's files selects code, or another repository to fetch from.

Much in config.json, generation_config.json and tokenizer_config.json decides how a model is computed, not
what it is. The worker makes that choice. `docs/decisions/0013-…` lists every place in transformers where a
text in a model's files selects code, and what closes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from transformers import GenerationConfig, PretrainedConfig, PreTrainedTokenizerBase
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
from transformers.models.auto.tokenization_auto import tokenizer_class_from_name
from transformers.quantizers.auto import AUTO_QUANTIZATION_CONFIG_MAPPING
from transformers.utils import GENERATION_CONFIG_NAME, SAFE_WEIGHTS_INDEX_NAME, SAFE_WEIGHTS_NAME
from transformers.utils.hub import cached_file
from transformers.utils.peft_utils import find_adapter_config_file

from src.evaluation.failures import Failed
from src.running.job import Job

IMPLEMENTATIONS = {
    "eager",
    "sdpa",
    "flex_attention",
    "flash_attention_2",
    "flash_attention_3",
    "flash_attention_4",
    "paged|eager",
    "paged|sdpa",
    "paged|flash_attention_2",
    "paged|flash_attention_3",
    "paged|flash_attention_4",
    # Of the experts in a layer.
    "batched_mm",
    "grouped_mm",
    "deepgemm",
    "sonicmoe",
}
"""transformers' own names for ways to compute the same thing. Our choice replaces any of them. Any other name
may be that of a repository with code.
"""

CHOOSES_AN_IMPLEMENTATION = re.compile(r"_?(attn|experts)_implementation(_internal)?")

QUANTIZED_BY = {"load_in_4bit", "load_in_8bit"}
"""Settings that mean quantization without naming a method."""

SAFETENSORS = (".safetensors", ".safetensors.index.json")

PART = re.compile(r".*-(\d+)-of-(\d+)\.safetensors")
"""The name of one of several files of weights, with its number and their count."""

GENERATION = (
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
    "num_beams",
    "length_penalty",
    "early_stopping",
    "repetition_penalty",
    "no_repeat_ngram_size",
    "exponential_decay_length_penalty",
    "bad_words_ids",
    "suppress_tokens",
    "begin_suppress_tokens",
    "sequence_bias",
    "renormalize_logits",
    # For a task that samples.
    "do_sample",
    "temperature",
    "top_k",
    "top_p",
    "top_h",
    "min_p",
    "typical_p",
    "epsilon_cutoff",
    "eta_cutoff",
)
"""The settings of generation_config.json that apply: which words a model prefers, and how it ends a text.

The task decides how long an answer may be, and the worker how it is computed. Other settings download code,
need a package, are for models with an encoder, or give something other than one answer per question.
"""


def chooses_no_implementation(job: Job, config: Mapping[str, Any]) -> None:
    """A name with a `/` is a repository on the Hub, and transformers would run its code."""
    for part in parts_of(config):
        for key, value in part.items():
            if not CHOOSES_AN_IMPLEMENTATION.fullmatch(key):
                continue
            foreign = next((name for name in texts_in(value) if name not in IMPLEMENTATIONS), None)
            if foreign is not None:
                raise Failed(
                    f"The config.json of {job.model} sets `{key}` to {foreign[:100]!r}, which names code "
                    "from elsewhere. Such code is not run here. Remove the line; the worker chooses the "
                    "implementation."
                )


def needs_no_code_of_its_own(job: Job, config: Mapping[str, Any]) -> None:
    """A model of a known architecture may contain code. transformers then uses its own code instead."""
    for part in parts_of(config):
        is_known = part.get("model_type") in CONFIG_MAPPING_NAMES or "model_type" not in part
        if "auto_map" in part and not is_known:
            raise Failed(
                f"{job.model} needs code of its own, which is not run here. Submit a model of an "
                "architecture that is part of transformers."
            )


def names_no_other_repository(job: Job, config: Mapping[str, Any]) -> None:
    """A vision part may name a repository, whose files transformers or timm would fetch."""
    for part in parts_of(config):
        is_of_timm = str(part.get("model_type")).startswith("timm")
        for key in ("backbone", "architecture") if is_of_timm else ("backbone",):
            named = part.get(key)
            if isinstance(named, str) and ("/" in named or ":" in named):
                raise Failed(
                    f"The config.json of {job.model} sets `{key}` to {named[:100]!r}, another repository, "
                    "which is not fetched. Replace it with the configuration of this part."
                )


def names_weights_in_safetensors(job: Job, config: Mapping[str, Any]) -> None:
    """`transformers_weights` can name a file other than model.safetensors, even in another format."""
    file = config.get("transformers_weights")
    if file is not None and not (isinstance(file, str) and file.endswith(SAFETENSORS)):
        raise Failed(
            f"The config.json of {job.model} names weights that are not in the safetensors format "
            "(`transformers_weights`). Upload them as model.safetensors, and remove that line."
        )


def comes_without_an_adapter(job: Job, config: Mapping[str, Any]) -> None:
    """Whether transformers applies an adapter depends on a package. It may even use another base model."""
    if find_adapter_config_file(job.weights, revision=revision(job)):
        raise Failed(
            f"{job.model} has both a whole model and an adapter (adapter_config.json), so it is unclear "
            "which "
            "to evaluate. Merge the adapter into the model, or remove its files."
        )


def lists_every_part(job: Job, files: Mapping[str, str]) -> None:
    """The index must list all numbered parts, and no files in another format."""
    names = sorted(set(files.values()))
    if not all(name.endswith(".safetensors") and Path(name).name == name for name in names):
        raise Failed(
            f"The index of the weights of {job.model} lists files that are in another folder, or not in the "
            "safetensors format. Upload all parts of model.safetensors beside it; other formats are not "
            "supported here."
        )
    parts = [(int(found[1]), int(found[2])) for name in names if (found := PART.fullmatch(name))]
    if parts and parts != [(number, len(parts)) for number in range(1, len(parts) + 1)]:
        raise Failed(
            f"{job.model} has no complete weights in the safetensors format: its index does not list "
            f"all the files that belong with {names[-1]}. Upload all parts and the index that "
            "`save_pretrained` writes with them."
        )


def weight_map(job: Job, config: PretrainedConfig) -> dict[str, str]:
    """Return the file of each weight, from the index.

    It is empty if there is a single file, which takes precedence. Raises `Failed` for an invalid index.
    """
    named = getattr(config, "transformers_weights", None)
    alone, index = (SAFE_WEIGHTS_NAME, SAFE_WEIGHTS_INDEX_NAME) if named is None else (None, named)
    path = None if alone and fetched(job, alone) else fetched(job, index)
    if path is None or not path.endswith(".json"):
        return {}
    try:
        return TypeAdapter(dict[str, str]).validate_python(json.loads(Path(path).read_bytes())["weight_map"])
    except (KeyError, TypeError, ValueError) as error:
        raise Failed(
            f"The index of the weights of {job.model} cannot be read. Upload the {SAFE_WEIGHTS_INDEX_NAME} "
            "that `save_pretrained` writes."
        ) from error


def fetched(job: Job, file: str) -> str | None:
    """Fetch a file of the model, and return its path on this machine; None if there is no such file."""
    path: str | None = cached_file(
        job.weights, file, revision=revision(job), _raise_exceptions_for_missing_entries=False
    )
    return path


def revision(job: Job) -> str:
    """Return the model's revision on the Hub. It has no meaning for a local folder."""
    return job.commit or "main"


def names_a_tokenizer(job: Job, config: Mapping[str, Any]) -> None:
    """transformers loads any of its classes by this name, even one that reads other files or runs code."""
    name = config.get("tokenizer_class")
    if name is None or is_tokenizer(name):
        return
    raise Failed(
        f"The tokenizer_config.json or config.json of {job.model} names something that is not a tokenizer: "
        f"`tokenizer_class` is {str(name)[:100]!r}. Correct it, for example by saving the tokenizer again "
        "with `save_pretrained`."
    )


def is_tokenizer(name: object) -> bool:
    """Return whether transformers has a tokenizer of this name, or nothing, in which case it picks one."""
    if not isinstance(name, str):
        return False
    found: Any = tokenizer_class_from_name(name)
    return found is None or (isinstance(found, type) and issubclass(found, PreTrainedTokenizerBase))


def is_quantized_in_a_known_way(job: Job, config: Mapping[str, Any]) -> None:
    """transformers treats weights as not quantized if it does not know the method."""
    for part in parts_of(config):
        quantization = part.get("quantization_config")
        if isinstance(quantization, Mapping):
            method = quantization.get("quant_method")
            is_known = method in AUTO_QUANTIZATION_CONFIG_MAPPING or not QUANTIZED_BY.isdisjoint(quantization)
            if not is_known:
                raise Failed(
                    f"The weights of {job.model} are quantized in a way that transformers does not know: "
                    f"`quant_method` is {str(method)[:100]!r}. Submit the model without quantization."
                )


def generation_settings(job: Job) -> GenerationConfig:
    """Return the model's settings for generation that apply. Old models have them in config.json."""
    path = fetched(job, GENERATION_CONFIG_NAME)
    try:
        if path is None:
            settings, _ = PretrainedConfig.get_config_dict(job.weights, revision=revision(job))
        else:
            settings = TypeAdapter(dict[str, Any]).validate_json(Path(path).read_bytes())
        return GenerationConfig(**{key: value for key, value in settings.items() if key in GENERATION})
    except (TypeError, ValueError) as error:
        raise Failed(
            f"The generation_config.json of {job.model} cannot be read. Correct it, or remove it."
        ) from error


def parts_of(config: object) -> Iterator[Mapping[str, Any]]:
    """Yield a configuration, and those of the model's parts within it, at any depth."""
    if isinstance(config, Mapping):
        yield config
    inner = config.values() if isinstance(config, Mapping) else config if isinstance(config, list) else ()
    for each in inner:
        yield from parts_of(each)


def texts_in(value: object) -> Iterator[str]:
    """Yield the texts in a value: itself, or the values of a mapping from a model's parts."""
    match value:
        case str():
            yield value
        case Mapping():
            yield from (text for each in value.values() for text in texts_in(each))
