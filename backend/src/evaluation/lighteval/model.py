"""The model as lighteval sees it: loaded by us, it reports progress and refuses NaN."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any

import torch
from lighteval.models.model_output import ModelResponse
from lighteval.models.transformers.transformers_model import TransformersModelConfig
from lighteval.tasks.requests import Doc
from transformers import LogitsProcessorList

from src.evaluation.devices import batch_size
from src.evaluation.lighteval.asked import AskedModel
from src.evaluation.loading.behaviour import one_at_a_time, writes_in_batches
from src.evaluation.loading.finite import FiniteScores, not_finite
from src.evaluation.loading.loading import Loaded
from src.evaluation.loading.model_files import revision
from src.evaluation.progress import ProgressMeter
from src.running.job import Job


class MeteredModel(AskedModel):
    """lighteval's model around one that we loaded. It reports progress and refuses NaN and infinity."""

    def __init__(self, job: Job, meter: ProgressMeter, loaded: Loaded) -> None:
        config = configuration(job)
        super().__init__(job, meter, loaded, config)
        self._in_flight = 0
        self.model = loaded.model.eval()
        torch.set_grad_enabled(False)
        self._device = job.device
        self.batch_size = config.batch_size
        self.continuous_batching = config.continuous_batching
        self.generation_config_dict = config.generation_parameters.to_transformers_dict()

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
