"""Loads a model to evaluate, without running its code. Incomplete models are refused."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import transformers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedTokenizer,
    PreTrainedTokenizerFast,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
from transformers.models.auto.tokenization_auto import get_tokenizer_config

from src.evaluation.failures import Failed, Step, explained
from src.evaluation.loading.adapter_config import read_adapter_config
from src.evaluation.loading.behaviour import BEHAVIOUR_CHECKS
from src.evaluation.loading.calls import all_answered
from src.evaluation.loading.chat import check_chat_template
from src.evaluation.loading.model_files import (
    chooses_no_implementation,
    comes_without_an_adapter,
    generation_settings,
    is_quantized_in_a_known_way,
    lists_every_part,
    names_a_tokenizer,
    names_no_other_repository,
    names_weights_in_safetensors,
    needs_no_code_of_its_own,
    revision,
    weight_map,
)
from src.evaluation.loading.unloaded import Unloaded, unknown_config
from src.evaluation.loading.weights import WEIGHTS_CHECKS, are_in_the_files_of_the_index
from src.running.job import BaseModel, End, Job
from src.shared.data.precision import PRECISIONS

DTYPES = {name: getattr(torch, name) for name in PRECISIONS}

OURS_TO_CHOOSE = {"attn_implementation": None, "experts_implementation": None, "use_kernels": False}
"""Overrides a model's configuration of how it is computed. transformers then chooses the best way it has."""

ANSWERS = {"return_dict": True, "output_attentions": False, "output_hidden_states": False}
"""What a model returns. A model's configuration cannot change this."""


NO_PEFT = (
    "{} is an adapter, and this worker cannot import the package peft. The leaderboard's owner has to "
    "install it, or set ADAPTERS to False; the model is not at fault."
)


class Loaded(NamedTuple):
    """A transformers model and its tokenizer."""

    model: Any
    tokenizer: Any


def load(job: Job) -> Loaded:
    """Load the job's model, small files first; an adapter onto its base model.

    Raises `Failed` if it cannot be evaluated.
    """
    check_precision(job)
    with all_answered(job):
        model, tokenizer = load_adapter(job, job.base) if job.base else load_whole_model(job)
    with explained(Step.BEHAVIOUR, job):
        for check in BEHAVIOUR_CHECKS:
            check(job, model, tokenizer)
    return Loaded(model, tokenizer)


def load_without_weights(job: Job) -> Loaded:
    """Load what is needed of a model that a server runs: its configurations and its tokenizer.

    The server may know architectures and ways of quantization that transformers does not. Raises `Failed`.
    """
    check_precision(job)
    if job.base:
        raise Failed(
            f"{job.model} is an adapter, and this leaderboard's models run on a server, which evaluates "
            "whole models only. Merge it into its base model, and submit that."
        )
    with all_answered(job):
        config = load_configuration(job)
        tokenizer = load_tokenizer(job)
        return Loaded(Unloaded(config, generation_settings(job), job.model), tokenizer)


def check_precision(job: Job) -> None:
    """Raise `Failed` unless this worker evaluates in the job's precision."""
    if job.precision not in PRECISIONS:
        raise Failed(
            f"{job.model} cannot be evaluated in {job.precision}. Submit it in {' or '.join(PRECISIONS)}."
        )


def load_whole_model(job: Job) -> Loaded:
    """Load a model that needs no other."""
    config = load_configuration(job)
    tokenizer = load_tokenizer(job)
    return Loaded(load_weights(job, config), tokenizer)


def load_adapter(job: Job, base: BaseModel) -> Loaded:
    """Load the base model, which must pass every check of a whole model, and put the adapter onto it.

    The tokenizer and its chat template are those of the base model, as in lm_eval.
    """
    try:  # not at the top: an owner may do without peft
        from src.evaluation.loading.adapters import adapted, fetch_adapter
    except ImportError as error:
        raise Failed(NO_PEFT.format(job.model), End.WORKER) from error
    config = read_adapter_config(job, base)
    path = fetch_adapter(job)
    try:
        model, tokenizer = load_whole_model(job.whole_model)
    except Failed as failed:
        if failed.end is not End.REFUSED:
            raise
        raise Failed(f"The base model of {job.model} cannot be evaluated. {failed}") from failed
    return Loaded(adapted(job, model, tokenizer, config, path), tokenizer)


def load_configuration(job: Job) -> Any:
    """Read config.json, and check it before transformers uses it."""
    with explained(Step.CONFIGURATION, job):
        named, _ = PretrainedConfig.get_config_dict(job.weights, revision=revision(job))
        for check in CONFIGURATION_CHECKS:
            if job.server is None or check not in ABOUT_TRANSFORMERS:
                check(job, named)
        if named["model_type"] not in CONFIG_MAPPING_NAMES:
            return unknown_config(job, named)
        return AutoConfig.from_pretrained(
            job.weights, revision=revision(job), trust_remote_code=False, **ANSWERS
        )


def load_tokenizer(job: Job) -> Any:
    """Load the tokenizer. If the job uses its chat template, check that it works."""
    with explained(Step.TOKENIZER, job):
        for check in TOKENIZER_CHECKS:
            check(job, get_tokenizer_config(job.weights, revision=revision(job)))
        tokenizer = AutoTokenizer.from_pretrained(
            job.weights, revision=revision(job), trust_remote_code=False, **chosen(job, "add_bos_token")
        )
    if not isinstance(tokenizer, PreTrainedTokenizer | PreTrainedTokenizerFast):
        raise Failed(
            f"The tokenizer of {job.model} is of a kind that lm_eval cannot use. Save it again as a "
            "tokenizer.json with `save_pretrained`."
        )
    if tokenizer.eos_token_id is None:
        raise Failed(
            f"The tokenizer of {job.model} has no token for the end of a text (`eos_token`), but the tasks "
            "need one. Name one in tokenizer_config.json."
        )
    if job.use_chat_template:
        check_chat_template(job, tokenizer)
    return tokenizer


def chosen(job: Job, name: str) -> dict[str, Any]:
    """Return an argument of the model that the owner has set, by its name, or nothing."""
    given = job.model_args or {}
    return {name: given[name]} if name in given else {}


def load_weights(job: Job, config: Any) -> Any:
    """Load the model in the job's precision onto the job's device."""
    with explained(Step.WEIGHTS, job):
        files = weight_map(job, config)
        lists_every_part(job, files)
        model, info = AutoModelForCausalLM.from_pretrained(
            job.weights,
            config=config,
            revision=revision(job),
            dtype=DTYPES[job.precision],
            device_map="auto" if chosen(job, "parallelize").get("parallelize") else job.device,
            trust_remote_code=False,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # They are refused below, by name.
            output_loading_info=True,
            generation_config=generation_settings(job),
            **OURS_TO_CHOOSE | chosen(job, "attn_implementation"),
        )
        for check in WEIGHTS_CHECKS:
            check(job, model, info)
        are_in_the_files_of_the_index(job, model, files)
    # It was loaded as a model that continues text, whatever its configuration says.
    model.config.is_encoder_decoder = False
    return model


def names_its_architecture(job: Job, config: dict[str, Any]) -> None:
    """An adapter without its base model, or a GGUF file, does not name its architecture."""
    if "model_type" not in config:
        raise Failed(
            f"{job.model} has no config.json that names its architecture (`model_type`). Save the whole "
            "model with `save_pretrained`; merge an adapter into its base model first."
        )


def is_known_to_transformers(job: Job, config: dict[str, Any]) -> None:
    """Check that this worker's version of transformers knows the architecture."""
    if config["model_type"] not in CONFIG_MAPPING_NAMES:
        raise Failed(
            f"This worker's transformers {transformers.__version__} does not know the architecture "
            f"`{config['model_type']}` of {job.model}. Correct `model_type` in its config.json, or ask the "
            "leaderboard's owner for a newer version."
        )


def is_a_causal_language_model(job: Job, config: dict[str, Any]) -> None:
    """The tasks need a model that continues text."""
    if config["model_type"] not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise Failed(
            f"{job.model} is not a causal language model: its architecture is `{config['model_type']}`. "
            "Submit "
            "a model that continues text."
        )


CONFIGURATION_CHECKS = [
    names_its_architecture,
    needs_no_code_of_its_own,
    is_known_to_transformers,
    is_a_causal_language_model,
    chooses_no_implementation,
    names_no_other_repository,
    names_weights_in_safetensors,
    is_quantized_in_a_known_way,
    names_a_tokenizer,
    comes_without_an_adapter,
]

ABOUT_TRANSFORMERS = (
    is_known_to_transformers,
    is_a_causal_language_model,
    is_quantized_in_a_known_way,
)
"""Checks of what transformers can load. They do not apply to a model that a server runs."""

TOKENIZER_CHECKS = [names_a_tokenizer]
"""Checks of tokenizer_config.json."""
