"""Checks that a model was loaded completely: exactly the weights in its files, unchanged."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from safetensors import safe_open

from src.evaluation.failures import Failed
from src.evaluation.loading.finite import extremes
from src.evaluation.loading.model_files import fetched
from src.running.job import Job

COMPUTED = re.compile(
    r"(^|[._])("
    r"inv_freq|cos_cached|sin_cached|position_ids|num_batches_tracked|relative_position_index|causal_mask"
    r"|embed_positions\.weights|(attn|attention|crossattention)\.(bias|masked_bias)|masked_bias"
    r"|[kv]_scale|kv_scale|(encoder|decoder)\.version"
    r")$"
)
"""Weights that older versions of transformers saved but that follow from config.json: masks, positions, the
frequencies of rotary embeddings. Also scales for an eight-bit cache, which is not used here.
"""

BESIDE = {
    # Heads from training, beside the one for generation. A classifier's head is not among them.
    *("v", "value", "relationship", "pooler"),
    # Modules that predict several words ahead.
    *("mtp", "nextn", "medusa", "eagle", "draft"),
    # The parts of a multimodal model that see, hear and speak.
    *("vision", "visual", "vit", "vqmodel", "image", "audio", "speech", "video", "codec"),
    *("talker", "token2wav", "code2wav", "qformer"),
    *("modal", "projector", "connector", "aligner", "resampler", "perceiver", "merger"),
}
"""Words in the names of modules that may exist beside a language model."""

GUESSES_AHEAD = "eh_proj"
"""Found only in a layer that predicts the word after the next. It follows the layers of the model."""


def has_all_its_weights(job: Job, model: Any, info: dict[str, Any]) -> None:
    """transformers replaces weights that are missing or have another shape with random ones."""
    lacking = sorted(info["missing_keys"]) + sorted(name for name, *_ in info["mismatched_keys"])
    if lacking:
        raise Failed(
            f"The weights of {job.model} do not match its config.json: {len(lacking)} are missing or have "
            f"another shape, such as {lacking[0]}. Save both again from one model with `save_pretrained`."
        )


def leaves_nothing_out(job: Job, model: Any, info: dict[str, Any]) -> None:
    """transformers drops weights that config.json has no place for. It might load two layers of four."""
    left_out = sorted(set(info["unexpected_keys"]) - set(harmless(model, info["unexpected_keys"])))
    if left_out:
        raise Failed(
            f"The config.json and the weights of {job.model} describe different models: {len(left_out)} of "
            f"the weights have no place in it, such as {left_out[0]}. Save both again from one model with "
            "`save_pretrained`."
        )


def harmless(model: Any, names: Collection[str]) -> Iterator[str]:
    """Yield the weights of a checkpoint that the language model does not need."""
    modules = {name for name, _ in model.named_modules()}
    ahead = {name.partition(f".{GUESSES_AHEAD}.")[0] for name in names if f".{GUESSES_AHEAD}." in name}
    for name in names:
        path = name.split(".")
        known = next(count for count in range(len(path) - 1, -1, -1) if ".".join(path[:count]) in modules)
        is_in_a_layer = any(map(str.isdigit, path[:known]))
        is_beside = not is_in_a_layer and not BESIDE.isdisjoint(path[known].split("_"))
        if COMPUTED.search(name) or is_beside or ".".join(path[: known + 1]) in ahead:
            yield name


def ties_weights_that_agree(job: Job, model: Any, info: dict[str, Any]) -> None:
    """config.json may declare two weights to be the same, although the files contain two that differ.

    transformers keeps both, but lm_eval ties them again, and one would be lost.
    """
    tied = model.get_expanded_tied_weights_keys(all_submodels=True)
    for name, other in tied.items():
        if model.get_parameter_or_buffer(name) is not model.get_parameter_or_buffer(other):
            raise Failed(
                f"The config.json of {job.model} declares that {name} and {other} are the same, but its "
                "weights contain two that differ. Set `tie_word_embeddings` to false in it, or remove the "
                "one that is not used."
            )


def has_only_numbers(job: Job, model: Any, info: dict[str, Any]) -> None:
    """A model that only gives NaN always chooses the first choice, which may be right.

    Buffers may contain infinity, because some hold limits.
    """
    named = [(name, weight, False) for name, weight in model.named_parameters()]
    named += [(name, buffer, True) for name, buffer in model.named_buffers()]
    for name, numbers, is_buffer in named:
        found = next((each for each in extremes(numbers) if not math.isfinite(each)), None)
        if found is None or (is_buffer and not math.isnan(found)):
            continue
        raise Failed(
            f"The weights of {job.model} are not all finite numbers in {job.precision}: {name} contains "
            f"{'NaN' if math.isnan(found) else 'infinity'}. Submit it in a precision with a larger range, or "
            "upload weights from before the training diverged."
        )


def are_in_the_files_of_the_index(job: Job, model: Any, files: Mapping[str, str]) -> None:
    """If an index names weights that none of its files contains, a part of the model was not uploaded.

    Weights of the loaded model are not missing: an index may name one that is tied to another.
    """
    held = {name for file in set(files.values()) for name in names_in(job, file)}
    lacking = {name for name in files.keys() - held if not is_in(model, name)}
    if lost := sorted(lacking - set(harmless(model, lacking))):
        raise Failed(
            f"The index of the weights of {job.model} names {len(lost)} weights that none of its files "
            f"contains, such as {lost[0]}. Upload all parts and the index that `save_pretrained` writes with "
            "them."
        )


def is_in(model: Any, name: str) -> bool:
    """Return whether a model has a weight of this name, with or without the model's prefix."""
    prefix = f"{model.base_model_prefix}."
    return not {name, prefix + name, name.removeprefix(prefix)}.isdisjoint(model.state_dict())


def names_in(job: Job, file: str) -> Collection[str]:
    """Return the names of the weights in a file that is already fetched."""
    with safe_open(fetched(job, file), framework="pt") as weights:
        names: list[str] = weights.keys()
    return names


WEIGHTS_CHECKS = [has_all_its_weights, leaves_nothing_out, ties_weights_that_agree, has_only_numbers]
