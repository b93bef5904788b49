"""A model whose weights are on a server: what engines read of a model besides its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, PretrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

from src.evaluation.failures import Failed
from src.running.job import Job

OF_TEXT = ("text_config", "llm_config", "language_config")
"""Where the configuration of a model for more than text has that of its language model."""

VOCABULARY, POSITIONS = "vocab_size", "max_position_embeddings"

CONTEXT = ("n_positions", POSITIONS, "n_ctx")
"""The names under which lm_eval and lighteval look for a model's context."""

LARGEST = 2**40
"""No model has a vocabulary or a context as large."""


class Unloaded:
    """Stands in the place of a transformers model. It has its configurations and computes nothing."""

    device = torch.device("cpu")
    """Where prompts are made."""

    def __init__(self, config: Any, generation_config: Any, name: str) -> None:
        self.config = config
        self.generation_config = generation_config
        self.name_or_path = name

    def get_input_embeddings(self) -> Any:
        """Return embeddings for as many tokens as the model has, without their numbers."""
        return nn.Embedding(self.config.get_text_config().vocab_size, 1, device="meta")

    @property
    def lacks_context(self) -> bool:
        """Whether neither its files nor transformers say how many tokens it reads at once."""
        text = self.config.get_text_config()
        is_unknown = isinstance(self.config, UnknownConfig)
        return is_unknown and all(getattr(text, name, None) is None for name in CONTEXT)

    def set_context(self, tokens: int) -> None:
        """Let its configuration say how many tokens it reads at once."""
        setattr(self.config.get_text_config(), POSITIONS, tokens)


class UnknownConfig(PretrainedConfig):  # type: ignore[misc]  # transformers' types are not read.
    """The configuration of an architecture that transformers does not know, as config.json has it."""

    def get_text_config(self, *args: Any, **settings: Any) -> Any:
        """Return the part that is about text, or else the whole."""
        return self.__dict__.get(OF_TEXT[0]) or self


def unknown_config(job: Job, named: Mapping[str, Any]) -> UnknownConfig:
    """Return a configuration with what engines read of one. Raises `Failed` if it lacks that."""
    settings = dict(named)
    part = next((named[name] for name in OF_TEXT if isinstance(named.get(name), dict)), None)
    settings.pop(OF_TEXT[0], None)
    if part is not None:
        settings[OF_TEXT[0]] = config_of_text({VOCABULARY: named.get(VOCABULARY), **part})
    config: UnknownConfig = UnknownConfig.from_dict(settings)
    text = config.get_text_config()
    check_number(job, text, VOCABULARY, is_needed=True)
    for name in CONTEXT:
        check_number(job, text, name)
    return config


def config_of_text(part: Mapping[str, Any]) -> Any:
    """Return the configuration of a language model within another model, which transformers may know."""
    settings = {name: value for name, value in part.items() if value is not None}
    kind = settings.get("model_type")
    if isinstance(kind, str) and kind in CONFIG_MAPPING_NAMES:
        return AutoConfig.for_model(**settings)
    return PretrainedConfig.from_dict(settings)


def check_number(job: Job, config: Any, name: str, *, is_needed: bool = False) -> None:
    """Raise `Failed` unless a configuration has a number of tokens here, or nothing where none is needed."""
    value = getattr(config, name, None)
    if value is None and not is_needed:
        return
    if type(value) is not int or not 0 < value < LARGEST:
        raise Failed(
            f"The config.json of {job.model} has no number of tokens as `{name}`. Correct it, for example by "
            "saving the model again with `save_pretrained`."
        )
