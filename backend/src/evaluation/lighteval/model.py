"""The model as lighteval sees it: loaded by us, it reports progress and refuses NaN."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property, partial
from typing import Any

import pandas as pd
import torch
from lighteval.models.model_output import ModelResponse
from lighteval.models.transformers.transformers_model import TransformersModel, TransformersModelConfig
from lighteval.tasks.prompt_manager import PromptManager
from lighteval.tasks.requests import Doc
from transformers import LogitsProcessorList

from src.evaluation.devices import batch_size
from src.evaluation.failures import Failed
from src.evaluation.loading.behaviour import one_at_a_time, writes_in_batches
from src.evaluation.loading.finite import FiniteScores, not_finite
from src.evaluation.loading.loading import Loaded
from src.evaluation.loading.model_files import revision
from src.evaluation.progress import ProgressMeter
from src.running.job import End, Job


class NoCache:
    """Takes the place of lighteval's cache of answers, which it keeps below a folder named as the model."""

    def _init_registry(self, registry: Any) -> None:
        """Do nothing. lighteval calls this before it asks a model."""


class MeteredModel(TransformersModel):  # type: ignore[misc]  # lighteval's types are not read.
    """lighteval's model around one that we loaded. It reports progress and refuses NaN and infinity."""

    def __init__(self, job: Job, meter: ProgressMeter, loaded: Loaded) -> None:
        # As in `from_model`, which would load the tokenizer again, ask the Hub, and make a cache.
        self._job = job
        self._meter = meter
        self._in_flight = 0
        self.truncated = 0
        self.config = configuration(job)
        self.transformers_config = loaded.model.config
        self.model = loaded.model.eval()
        torch.set_grad_enabled(False)
        self.model_name = job.model
        self.model_sha = job.commit or ""
        self.accelerator = None
        self._device = job.device
        self.multichoice_continuations_start_space = self.config.multichoice_continuations_start_space
        self._add_special_tokens = self.config.add_special_tokens
        self.skip_special_tokens = self.config.skip_special_tokens
        self.pairwise_tokenization = self.config.pairwise_tokenization
        self.batch_size = self.config.batch_size
        self.continuous_batching = self.config.continuous_batching
        self.generation_config_dict = self.config.generation_parameters.to_transformers_dict()
        self._max_length = self._init_max_length()
        self._tokenizer = prepared(loaded.tokenizer, self._max_length)
        self.use_chat_template = job.use_chat_template
        self.prompt_manager = PromptManager(
            use_chat_template=job.use_chat_template,
            tokenizer=self._tokenizer,
            system_prompt=self.config.system_prompt,
        )
        self._cache = NoCache()

    def cleanup(self) -> None:
        """Keep the model for the next task. lighteval calls this after each."""

    @property
    def disable_tqdm(self) -> bool:
        """Draw no progress bars."""
        return True

    def greedy_until(self, docs: list[Doc]) -> list[ModelResponse]:
        """Return what the model generates after each prompt."""
        alone = one_at_a_time(self.config, "batch_size", unless=self._writes_in_batches)
        with alone, self._metered(docs):
            self.truncated += sum(map(self._is_truncated, docs))
            return self._checked(docs, self._padded_greedy_until(docs))

    def loglikelihood(self, docs: list[Doc]) -> list[ModelResponse]:
        """Return the log-probability of each choice after its prompt."""
        with self._metered(docs):
            return self._checked(docs, self._loglikelihood_tokens(docs))

    def loglikelihood_rolling(self, docs: list[Doc]) -> list[ModelResponse]:
        """Return the log-probability of whole texts."""
        with self._metered(docs):
            return self._checked(docs, self._loglikelihood_tokens(docs, rolling=True))

    def prepare_batch_logprob(
        self,
        tokenized_contexts: list[list[list[int]]],
        tokenized_continuations: list[list[list[int]]],
        max_context: int | None = None,
    ) -> Any:
        """Return a batch to rate. lighteval calls this just before the model computes it."""
        self._begin_batch(len(tokenized_contexts))
        batch = super().prepare_batch_logprob(tokenized_contexts, tokenized_continuations, max_context)
        self.truncated += sum(count > 0 for count in batch.truncated)
        return batch

    def _generate(self, continuous_batching: bool, **settings: Any) -> list[ModelResponse]:
        """Generate texts for a batch. `generation_config_dict` is what lighteval passes on to `generate`."""
        batch = settings["batch"]
        self._begin_batch(len(batch.input_ids))
        finite = FiniteScores(
            batch.input_ids.shape[1], [self._tokenizer.eos_token_id], partial(not_finite, self._job)
        )
        self.generation_config_dict["logits_processor"] = LogitsProcessorList([finite])
        answers: list[ModelResponse] = super()._generate(continuous_batching, **settings)
        return answers

    @contextmanager
    def _metered(self, docs: Sequence[Doc]) -> Iterator[None]:
        self._meter.expect(len(docs))
        yield
        self._begin_batch(0)

    def _begin_batch(self, questions: int) -> None:
        """Count the batch before as answered."""
        if self._in_flight:
            self._meter.count(self._in_flight)
        self._in_flight = questions

    @cached_property
    def _writes_in_batches(self) -> bool:
        return writes_in_batches(self._job, self.model, self._tokenizer)

    def _is_truncated(self, doc: Doc) -> bool:
        prompt = self.prompt_manager.prepare_prompt(doc)
        tokens = self._tokenizer.encode(prompt, add_special_tokens=self.add_special_tokens)
        return bool(len(tokens) > self._max_length)

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


def configuration(job: Job) -> TransformersModelConfig:
    """Return how lighteval's command line would be told to load this model. Nothing is loaded with it."""
    size = batch_size(job)
    return TransformersModelConfig(
        model_name=job.model,
        revision=revision(job),
        dtype=job.precision,
        device=job.device,
        batch_size=None if size.startswith("auto") else int(size),
        override_chat_template=job.use_chat_template,
    )


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
