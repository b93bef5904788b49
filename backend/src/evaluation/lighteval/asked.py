"""What lighteval asks a model, whoever computes the answers: its prompts, its tokens, and sound answers."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd
import torch
from lighteval.models.abstract_model import ModelConfig
from lighteval.models.model_output import ModelResponse
from lighteval.models.transformers.transformers_model import TransformersModel
from lighteval.tasks.prompt_manager import PromptManager
from lighteval.tasks.requests import Doc

from src.evaluation.failures import Failed
from src.evaluation.loading.finite import not_finite
from src.evaluation.loading.loading import Loaded
from src.evaluation.progress import ProgressMeter
from src.running.job import End, Job


class NoCache:
    """Takes the place of lighteval's cache of answers, which it keeps below a folder named as the model."""

    def _init_registry(self, registry: Any) -> None:
        """Do nothing. lighteval calls this before it asks a model."""


class AskedModel(TransformersModel):  # type: ignore[misc]  # lighteval's types are not read.
    """lighteval's model without the part that answers, which a subclass has."""

    def __init__(self, job: Job, meter: ProgressMeter, loaded: Loaded, config: ModelConfig) -> None:
        # As in `from_model`, which would load the tokenizer again, ask the Hub, and make a cache.
        self._job = job
        self._meter = meter
        self.truncated = 0
        self.config = config
        self.transformers_config = loaded.model.config
        self.model_name = job.model
        self.model_sha = job.commit or ""
        self.accelerator = None
        self.multichoice_continuations_start_space = config.multichoice_continuations_start_space
        self._add_special_tokens = config.add_special_tokens
        self.skip_special_tokens = config.skip_special_tokens
        self.pairwise_tokenization = config.pairwise_tokenization
        self._max_length = self._init_max_length()
        self._tokenizer = prepared(loaded.tokenizer, self._max_length)
        self.use_chat_template = job.use_chat_template
        self.prompt_manager = PromptManager(
            use_chat_template=job.use_chat_template,
            tokenizer=self._tokenizer,
            system_prompt=config.system_prompt,
        )
        self._cache = NoCache()

    def cleanup(self) -> None:
        """Keep the model for the next task. lighteval calls this after each."""

    @property
    def disable_tqdm(self) -> bool:
        """Draw no progress bars."""
        return True

    def prompt(self, doc: Doc) -> str:
        """Return what the model reads of a question, with the examples before it."""
        prompt: str = self.prompt_manager.prepare_prompt(doc)
        return prompt

    def _checked(self, docs: Sequence[Doc], answers: Sequence[ModelResponse]) -> list[ModelResponse]:
        """Return the answers as lighteval's command line has them. Raise `Failed` if they are not sound."""
        if len(answers) != len(docs):
            raise Failed(
                f"The evaluation has answers to {len(answers)} of {len(docs)} questions, so nothing was "
                "published.",
                End.INVALID,
            )
        if not all(math.isfinite(number) for answer in answers for number in answer.logprobs):
            raise not_finite(self._job)
        return [as_from_its_cache(answer) for answer in answers]


def prepared(tokenizer: Any, max_length: int) -> Any:
    """Return the tokenizer, set up as lighteval sets up its own."""
    tokenizer.padding_side = tokenizer.truncation_side = "left"
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.model_max_length = max_length
    return tokenizer


def as_from_its_cache(answer: ModelResponse) -> ModelResponse:
    """Return an answer as lighteval reads it again from its cache, which its command line always does.

    Tensors become lists, and numbers have ten decimals.
    """
    row = pd.Series({"sample": listed(asdict(answer))})
    return ModelResponse(**json.loads(row.to_json())["sample"])


def listed(value: Any) -> Any:
    """Return a value with lists in place of tensors."""
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: listed(each) for key, each in value.items()}
    return [listed(each) for each in value] if isinstance(value, list | tuple) else value
