"""Loading a model to evaluate: none of its own code is run, and what is not whole is refused."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PretrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from src.evaluation.calls import all_answered
from src.evaluation.failures import Failed, Step, explained
from src.job import Job

PRECISIONS = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}


class Loaded(NamedTuple):
    """A model of transformers and its tokenizer."""

    model: Any
    tokenizer: Any


def load(job: Job) -> Loaded:
    """Load what the job names, small files first. Raises `Failed` for what cannot be evaluated."""
    if job.precision not in PRECISIONS:
        raise Failed(
            f"{job.model} cannot be evaluated in {job.precision}. Submit it in {' or '.join(PRECISIONS)}."
        )
    with all_answered(job):
        config = load_configuration(job)
        tokenizer = load_tokenizer(job)
        return Loaded(load_weights(job, config), tokenizer)


def load_configuration(job: Job) -> Any:
    """Read config.json: what it names is checked before transformers makes anything of it."""
    with explained(Step.CONFIGURATION, job):
        named, _ = PretrainedConfig.get_config_dict(job.weights, revision=revision(job))
        for check in CONFIGURATION_CHECKS:
            check(job, named)
        return AutoConfig.from_pretrained(job.weights, revision=revision(job), trust_remote_code=False)


def load_tokenizer(job: Job) -> Any:
    """Load the tokenizer, which has a chat template if the job is to use it."""
    with explained(Step.TOKENIZER, job):
        tokenizer = AutoTokenizer.from_pretrained(
            job.weights, revision=revision(job), trust_remote_code=False
        )
    if job.use_chat_template and not tokenizer.chat_template:
        raise Failed(
            f"{job.model} has no chat template, but was submitted with it. Add one, or submit it without."
        )
    return tokenizer


def load_weights(job: Job, config: Any) -> Any:
    """Load the model in the job's precision onto the job's device."""
    with explained(Step.WEIGHTS, job):
        model, info = AutoModelForCausalLM.from_pretrained(
            job.weights,
            config=config,
            revision=revision(job),
            dtype=PRECISIONS[job.precision],
            device_map=job.device,
            trust_remote_code=False,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # They are refused below, by name.
            output_loading_info=True,
        )
        for check in WEIGHTS_CHECKS:
            check(job, model, info)
    return model


def revision(job: Job) -> str:
    """What the Hub calls this state of the model; for a folder it means nothing."""
    return job.commit or "main"


def names_its_architecture(job: Job, config: dict[str, Any]) -> None:
    """An adapter alone, or a GGUF file, does not."""
    if "model_type" not in config:
        raise Failed(
            f"{job.model} has no config.json that names its architecture (`model_type`). Save the whole "
            "model with `save_pretrained`; merge an adapter into its base model first."
        )


def needs_no_code_of_its_own(job: Job, config: dict[str, Any]) -> None:
    """A model of a known architecture may bring code: transformers then uses its own in place of it."""
    if "auto_map" in config and config["model_type"] not in CONFIG_MAPPING_NAMES:
        raise Failed(
            f"{job.model} needs code of its own, which is not run here. Submit a model of an architecture "
            "that transformers has."
        )


def is_known_to_transformers(job: Job, config: dict[str, Any]) -> None:
    """That is, to the version which this worker has."""
    if config["model_type"] not in CONFIG_MAPPING_NAMES:
        raise Failed(
            f"transformers {transformers.__version__}, which this worker has, does not know the architecture "
            f"`{config['model_type']}` of {job.model}. Correct `model_type` in its config.json, or ask the "
            "leaderboard's owner for a newer version."
        )


def is_a_causal_language_model(job: Job, config: dict[str, Any]) -> None:
    """The tasks ask for the continuation of a text."""
    if config["model_type"] not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise Failed(
            f"{job.model} does not continue text: its architecture is `{config['model_type']}`. Submit a "
            "causal language model."
        )


CONFIGURATION_CHECKS = [
    names_its_architecture,
    needs_no_code_of_its_own,
    is_known_to_transformers,
    is_a_causal_language_model,
]


def has_all_its_weights(job: Job, model: Any, info: dict[str, Any]) -> None:
    """For weights that are missing or of another shape transformers takes random ones, and goes on."""
    lacking = sorted(info["missing_keys"]) + sorted(name for name, *_ in info["mismatched_keys"])
    if lacking:
        raise Failed(
            f"The weights of {job.model} do not fit its config.json: {len(lacking)} are missing or of "
            f"another shape, such as {lacking[0]}. Save both again from one model with `save_pretrained`."
        )


def has_only_numbers(job: Job, model: Any, info: dict[str, Any]) -> None:
    """A model that answers NaN to everything always chooses the first choice, which may be the right one."""
    for name, weight in model.named_parameters():
        if torch.isnan(weight).any():
            raise Failed(
                f"The weights of {job.model} are not all numbers: {name} holds NaN. Upload weights from "
                "before the training diverged."
            )


WEIGHTS_CHECKS = [has_all_its_weights, has_only_numbers]
