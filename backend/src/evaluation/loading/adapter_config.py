"""Reads an adapter's adapter_config.json by an allow-list. Only checked values reach peft.

Some of peft's settings import a module by name, are regular expressions, or change the base model's weights.
`docs/decisions/0020-…` lists what is accepted and what is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from huggingface_hub import HfApi
from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError
from pydantic import (
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
)

from src.evaluation.failures import Failed, Step, explained
from src.evaluation.loading.model_files import fetched
from src.running.job import BaseModel, Job
from src.shared.data.json_file import read_object
from src.shared.errors import shown, unquoted
from src.shared.models.model_source import ADAPTER_CONFIG, is_a_note_of

LARGEST_RANK = 1_024
LARGEST_ALPHA = 65_536
MOST_NAMES = 2_000
MOST_KEYS = 1_000
MOST_SAVED = 100
"""peft compares each name, key and saved module with each module of the base model."""
LAST_LAYER = 9_999

COMMIT = re.compile(r"[0-9a-f]{40}")

MERGE = "Merge the adapter into its base model and submit the whole model."
"""What to do about an adapter of a kind that is not evaluated."""

# peft treats some lists, and the keys of patterns, as regular expressions. A plain name means itself in both.
Name = Annotated[StrictStr, Field(pattern=r"^\w+(\.\w+)*$", max_length=200)]
Names = Annotated[list[Name], Field(max_length=MOST_NAMES)]
FewNames = Annotated[list[Name], Field(max_length=MOST_SAVED)]
Rank = Annotated[StrictInt, Field(ge=1, le=LARGEST_RANK)]
Alpha = Annotated[StrictInt | StrictFloat, Field(gt=0, le=LARGEST_ALPHA, allow_inf_nan=False)]
Layer = Annotated[StrictInt, Field(ge=0, le=LAST_LAYER)]


ClassName = Annotated[
    StrictStr, Field(pattern=r"^(transformers\.models\.\w+\.modeling_\w+|[A-Z]\w*)$", max_length=200)
]


class Setting(NamedTuple):
    """What a key of adapter_config.json may hold."""

    kind: Any
    """Its type, for pydantic."""
    words: str
    """The same in words, after `it must be`."""


YES_OR_NO = Setting(StrictBool, "true or false")
PLAIN_NAMES = Setting(Names | None, "a list of modules' names in letters, digits, `_` and `.`")

TO_PEFT = {
    "task_type": Setting(Literal["CAUSAL_LM"] | None, "CAUSAL_LM"),
    "r": Setting(Rank, f"a whole number from 1 to {LARGEST_RANK:,}"),
    "rank_pattern": Setting(
        Annotated[dict[Name, Rank], Field(max_length=MOST_KEYS)] | None,
        f"ranks from 1 to {LARGEST_RANK:,} by at most {MOST_KEYS:,} names of modules",
    ),
    "lora_alpha": Setting(Alpha, f"a number above 0, at most {LARGEST_ALPHA:,}"),
    "alpha_pattern": Setting(
        Annotated[dict[Name, Alpha], Field(max_length=MOST_KEYS)] | None,
        f"numbers above 0, at most {LARGEST_ALPHA:,}, by at most {MOST_KEYS:,} names of modules",
    ),
    "target_modules": Setting(
        Annotated[list[Name], Field(min_length=1, max_length=MOST_NAMES)] | Literal["all-linear"],
        "a list of modules' names in letters, digits, `_` and `.`, or `all-linear`",
    ),
    "exclude_modules": PLAIN_NAMES,
    "modules_to_save": Setting(FewNames | None, PLAIN_NAMES.words),
    "layers_to_transform": Setting(
        Layer | Annotated[list[Layer], Field(max_length=MOST_NAMES)] | None, "the numbers of layers"
    ),
    "layers_pattern": Setting(Name | FewNames | None, PLAIN_NAMES.words),
    "bias": Setting(Literal["none", "all", "lora_only"], "none, all or lora_only"),
    "fan_in_fan_out": YES_OR_NO,
    "use_rslora": YES_OR_NO,
    "use_dora": YES_OR_NO,
    "lora_bias": YES_OR_NO,
}
"""The keys that peft gets."""

NOT_TO_PEFT = {
    "init_lora_weights": Setting(
        Literal["gaussian", "orthogonal"] | StrictBool | None,
        "true, false, gaussian or orthogonal, because others change the weights of the base model. Convert "
        "the adapter to plain LoRA: save it with `path_initial_model_for_weight_conversion`",
    ),
    "auto_mapping": Setting(
        dict[Literal["base_model_class", "parent_library", "unsloth_fixed"], ClassName | StrictBool] | None,
        "a class of transformers. Remove it, and set `task_type` to CAUSAL_LM",
    ),
    "megatron_core": Setting(Literal["megatron.core"] | None, "megatron.core, because peft would import it"),
}
"""The keys whose only harmless values mean nothing once the adapter is trained."""

WITHOUT_EFFECT = {
    "base_model_name_or_path",  # Compared with the request's base model.
    "revision",  # The same.
    "peft_type",  # Checked first.
    "peft_version",
    "inference_mode",
    "lora_dropout",  # Only for training.
    "qalora_group_size",  # Only with `use_qalora`.
}
"""The keys that change nothing in an evaluation, whatever they hold."""


def read_adapter_config(job: Job, base: BaseModel) -> dict[str, Any]:
    """Return the settings of the job's adapter that peft gets.

    Raises `Failed` for an adapter that is not LoRA, that has a setting outside the allow-list, or that was
    trained on another base model.
    """
    with explained(Step.ADAPTER_CONFIG, job):
        path = fetched(job, ADAPTER_CONFIG)
        if path is None:
            raise Failed(
                f"{job.model} was submitted as an adapter but has no {ADAPTER_CONFIG}. Upload the one that "
                "`save_pretrained` of peft writes, or submit it as a whole model."
            )
        config = read_object(Path(path).read_bytes())
        is_lora(job, config)
        is_for_the_base_model(job, base, config)
        for key, value in config.items():
            has_only_allowed_settings(job, key, value)
    return {key: config[key] for key in TO_PEFT if config.get(key) is not None}


def is_lora(job: Job, config: Mapping[str, object]) -> None:
    """Only LoRA is compared with what lm_eval computes."""
    kind = config.get("peft_type")
    if kind != "LORA":
        raise Failed(
            f"{job.model} is an adapter of the kind {shown(str(kind))} (`peft_type` in {ADAPTER_CONFIG}), "
            f"but only LORA is evaluated here. {MERGE}"
        )
    if not config.get("target_modules"):
        raise Failed(
            f"The {ADAPTER_CONFIG} of {job.model} names no `target_modules`, so it is unclear which modules "
            "it changes. Save the adapter again with a recent peft."
        )


def is_for_the_base_model(job: Job, base: BaseModel, config: Mapping[str, object]) -> None:
    """The request and the adapter must agree on the base model, as far as the adapter says.

    It may name a folder of the machine that trained it, which says nothing.
    """
    note = str(config.get("base_model_name_or_path") or "")
    is_of_another = not (is_a_note_of(note, base.model) or is_a_note_of(note, base.weights))
    if is_of_another and present_name(note, base) != base.weights:
        raise Failed(
            f"{job.model} was trained on {shown(note)} (`base_model_name_or_path` in {ADAPTER_CONFIG}), but "
            f"was submitted with the base model {base.model}. Submit it with the one that it was trained "
            "on, or correct the file."
        )
    revision = config.get("revision")
    if isinstance(revision, str) and COMMIT.fullmatch(revision) and revision != base.commit:
        raise Failed(
            f"{job.model} was trained on the commit {revision} of {base.model} (`revision` in "
            f"{ADAPTER_CONFIG}), but was submitted with the commit {base.commit}. Submit it with the base "
            f"model {base.model}@{revision}."
        )


def present_name(name: str, base: BaseModel) -> str | None:
    """Return the name that the Hub has today for a model, or None. A local base model has only one name."""
    if Path(base.weights).is_absolute():
        return None
    try:
        return str(HfApi().model_info(name).id)
    except (RepositoryNotFoundError, HFValidationError):
        return None


def has_only_allowed_settings(job: Job, key: str, value: object) -> None:
    """Refuse a setting outside the allow-list, unless it is switched off."""
    setting = TO_PEFT.get(key) or NOT_TO_PEFT.get(key)
    if key in WITHOUT_EFFECT or (setting is None and is_off(value)):
        return
    if setting is None:
        raise Failed(
            f"The {ADAPTER_CONFIG} of {job.model} uses `{unquoted(key)}`, which is not evaluated here. "
            f"{MERGE}"
        )
    try:
        TypeAdapter(setting.kind, config=ConfigDict(strict=True)).validate_python(value)
    except ValidationError:
        raise Failed(
            f"The {ADAPTER_CONFIG} of {job.model} sets `{key}` to {shown(str(value))}. It must be "
            f"{setting.words}."
        ) from None


def is_off(value: object) -> bool:
    """Return whether a setting is not used."""
    return value is None or value is False or value in ("", [], {})
