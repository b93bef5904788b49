"""Puts an adapter onto its base model, as lm_eval does with `peft=`. An incomplete adapter is refused.

peft would fill in what is missing, drop what has no place, and read pickles. So the names and shapes in the
file are compared with what peft expects, before memory is taken for them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from peft import (
    LoraConfig,
    PeftModel,
    PeftModelForCausalLM,
    get_peft_model_state_dict,
    set_peft_model_state_dict,
)
from peft.utils import SAFETENSORS_WEIGHTS_NAME
from safetensors import safe_open
from safetensors.torch import load_file

from src.evaluation.failures import Failed, Step, explained
from src.evaluation.loading.adapter_config import MERGE
from src.evaluation.loading.finite import extremes
from src.evaluation.loading.model_files import fetched
from src.running.job import Job

Shapes = Mapping[str, tuple[int, ...]]
"""The shapes of tensors, by name."""

MOST_TENSORS = 200_000
"""An adapter of all 256 experts in 58 layers of DeepSeek-V3 has 90,000."""

MOST_REPLACED = 1_000
"""The most modules that an adapter may replace. peft looks for each of them among all tensors."""

PREFIX = "base_model.model."
"""Begins the name of each tensor in an adapter's file; the name of its module follows."""


def fetch_adapter(job: Job) -> str:
    """Fetch the weights of the job's adapter, and return their path. Raises `Failed`."""
    with explained(Step.ADAPTER, job):
        path = fetched(job, SAFETENSORS_WEIGHTS_NAME)
        if path is None:
            raise Failed(
                f"{job.model} has no {SAFETENSORS_WEIGHTS_NAME}. An adapter_model.bin is not read, because "
                "it can hold code. Save the adapter again with `save_pretrained` of a recent peft."
            )
        return path


def adapted(job: Job, model: Any, tokenizer: Any, config: Mapping[str, Any], path: str) -> Any:
    """Return the base model with the adapter on it, computed exactly as lm_eval's `peft=` does.

    `config` is the checked configuration, and `path` the file of weights. Raises `Failed`.
    """
    with explained(Step.ADAPTER, job):
        shapes = shapes_in(job, path)
        is_not_larger_than_the_base_model(job, model, shapes)
        saves_only_modules_in_its_file(job, model, config, shapes)
        fit_to_the_tokenizer(job, model, tokenizer)
        adapter = with_empty_weights(model, config)
        matches_the_base_model(job, adapter, tokenizer, shapes)
        tensors = load_file(path)
        fill(job, adapter, tensors)
        tie(job, adapter)
        is_complete_and_finite(job, adapter, tensors)
    return adapter


def shapes_in(job: Job, path: str) -> Shapes:
    """Return the shapes of the tensors in an adapter's file. Only its header is read."""
    with safe_open(path, framework="pt") as file:
        names = file.keys()
        if len(names) > MOST_TENSORS:
            raise Failed(
                f"{job.model} has {len(names):,} tensors in {SAFETENSORS_WEIGHTS_NAME}, but at most "
                f"{MOST_TENSORS:,} are read. {MERGE}"
            )
        return {name: tuple(file.get_slice(name).get_shape()) for name in names}


def is_not_larger_than_the_base_model(job: Job, model: Any, shapes: Shapes) -> None:
    """A larger adapter than its base model is a mistake, or meant to fill the memory."""
    number, of_the_base = sum(map(math.prod, shapes.values())), model.num_parameters()
    if number > of_the_base:
        raise Failed(
            f"{job.model} has {number:,} parameters, more than its base model {job.whole_model.model} with "
            f"{of_the_base:,}. Use a lower rank."
        )


def saves_only_modules_in_its_file(job: Job, model: Any, config: Mapping[str, Any], shapes: Shapes) -> None:
    """peft copies the modules that an adapter replaces as a whole, before it knows whether they are there."""
    names = tuple(config.get("modules_to_save", ()))
    replaced = [module for module, _ in model.named_modules() if module.endswith(names)]  # as peft does
    if len(replaced) > MOST_REPLACED:
        raise Failed(
            f"`modules_to_save` of {job.model} names {len(replaced):,} modules of {job.whole_model.model}, "
            f"but at most {MOST_REPLACED:,} are replaced. {MERGE}"
        )
    held = modules_held(set(replaced), shapes)
    for name in names:
        found = [module for module in replaced if module.endswith(name)]
        if not found:
            raise Failed(
                f"`modules_to_save` of {job.model} names {name}, but {job.whole_model.model} has no such "
                f"module. Remove it from adapter_config.json, or submit another base model."
            )
        lacking = next((module for module in found if module not in held), None)
        if lacking is not None:
            raise Failed(
                f"`modules_to_save` of {job.model} names {name}, but the adapter's weights do not contain "
                f"{lacking}. Save the adapter again with `save_pretrained`."
            )


def modules_held(modules: set[str], shapes: Shapes) -> set[str]:
    """Return those of the modules of which a file has tensors."""
    deepest = max((module.count(".") + 1 for module in modules), default=0)
    held: set[str] = set()
    for key in shapes:
        parts = key.removeprefix(PREFIX).split(".", deepest)  # a stranger's key may have any number of parts
        paths = (".".join(parts[:depth]) for depth in range(1, len(parts)))
        held.update(path for path in paths if path in modules)
    return held


def fit_to_the_tokenizer(job: Job, model: Any, tokenizer: Any) -> None:
    """lm_eval cuts the embeddings of an adapter's base model to the size of the base model's tokenizer.

    It would also extend them, with random numbers.
    """
    whole = getattr(model.config, "text_config", None) or model.config
    if len(tokenizer) > whole.vocab_size:
        raise Failed(
            f"The tokenizer of {job.whole_model.model} has {len(tokenizer):,} tokens, but its weights have "
            f"embeddings for {whole.vocab_size:,}. lm_eval would add random ones for an adapter. {MERGE}"
        )
    if len(tokenizer) < whole.vocab_size:
        model.resize_token_embeddings(len(tokenizer))


def with_empty_weights(model: Any, config: Mapping[str, Any]) -> Any:
    """Return the base model with places for the adapter's weights, which take no memory yet."""
    kind = PeftModelForCausalLM if config.get("task_type") else PeftModel
    return kind(model, LoraConfig(**config, inference_mode=True), low_cpu_mem_usage=True)


def matches_the_base_model(job: Job, adapter: Any, tokenizer: Any, shapes: Shapes) -> None:
    """Every tensor must have its place and its shape, and none may be missing."""
    required = get_peft_model_state_dict(adapter, save_embedding_layers=False)
    places = get_peft_model_state_dict(adapter, save_embedding_layers=True)
    missing = sorted(required.keys() - shapes.keys())
    left = sorted(shapes.keys() - places.keys())
    wrong = sorted(
        name for name in shapes.keys() & places.keys() if shapes[name] != tuple(places[name].shape)
    )
    if not (missing or left or wrong):
        return
    base = job.whole_model.model
    raise Failed(
        f"The adapter {job.model} does not fit its adapter_config.json and its base model {base}. Of its "
        f"weights, {len(missing)} are missing, {len(left)} have no place and {len(wrong)} have another "
        f"shape, such as {(missing + left + wrong)[0][:200]}. Save the adapter again with "
        "`save_pretrained`, or submit it with the base model that it was trained on. Its vocabulary must be "
        f"that of the tokenizer of {base}, which has {len(tokenizer):,} tokens."
    )


def fill(job: Job, adapter: Any, tensors: Mapping[str, Any]) -> None:
    """Give the adapter its weights. LoRA's own stay in float32, whatever the precision of the base model."""
    for module in adapter.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            if weight.is_meta:
                place = torch.empty_like(weight, dtype=torch.float32, device=job.device)
                setattr(module, name, torch.nn.Parameter(place, requires_grad=False))
    set_peft_model_state_dict(adapter, dict(tensors))
    adapter.eval()


def tie(job: Job, adapter: Any) -> None:
    """lm_eval ties weights again. With some adapters that fails, or undoes what they change."""
    try:
        adapter.tie_weights()
    except KeyError as error:
        raise Failed(
            f"{job.model} replaces embeddings that its base model {job.whole_model.model} uses twice "
            f"(`tie_word_embeddings`), which lm_eval cannot evaluate. {MERGE}"
        ) from error


def is_complete_and_finite(job: Job, adapter: Any, tensors: Mapping[str, Any]) -> None:
    """The adapter in memory must be the one in the file, without NaN and infinity."""
    loaded = get_peft_model_state_dict(adapter, save_embedding_layers=True)
    for name, tensor in tensors.items():
        if not all(map(math.isfinite, extremes(loaded[name]))):
            raise Failed(
                f"The weights of {job.model} are not all finite numbers in {job.precision}: {name[:200]} "
                "contains NaN or infinity. Upload weights from before the training diverged."
            )
        if not torch.equal(loaded[name], tensor.to(loaded[name])):
            raise Failed(
                f"{job.model} contains two values for one weight of its base model "
                f"{job.whole_model.model}, such as {name[:200]}. {MERGE}"
            )
