"""The model as lm_eval sees it: it reports progress, refuses NaN, and counts truncated prompts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any

from lm_eval.models.huggingface import HFLM
from transformers import LogitsProcessorList

from src.evaluation.errors import too_long
from src.evaluation.failures import Failed
from src.evaluation.lm_eval.arguments import USED_WHILE_LOADING
from src.evaluation.loading.behaviour import one_at_a_time, writes_in_batches
from src.evaluation.loading.finite import FiniteScores, not_finite
from src.evaluation.progress import ProgressMeter
from src.running.job import End, Job


class MeteredModel(HFLM):  # type: ignore[misc]  # lm_eval carries no types.
    """lm_eval's model, which reports progress, refuses NaN and infinity, and counts truncated prompts."""

    batch_size_per_gpu: int | str

    def __init__(self, job: Job, meter: ProgressMeter, arguments: Mapping[str, Any], **settings: Any) -> None:
        # Otherwise lm_eval takes the decoders of some families for models with an encoder, and leaves the
        # question in their answers.
        given = {name: value for name, value in arguments.items() if name not in USED_WHILE_LOADING}
        super().__init__(backend="causal", **settings, **given)
        self.arguments = arguments
        self._job = job
        self._meter = meter
        self.truncated = 0
        self.set_cache_hook(meter)

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        """Return the log-probability of each continuation, and whether it is the likeliest."""
        self._meter.expect(len(requests))
        with self._within_the_owners_context():
            answers: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm=disable_tqdm)
        self._refuse_what_is_not_finite(value for value, _ in answers)
        return answers

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = True) -> list[float]:
        """Return the log-probability of each whole text."""
        self._meter.expect(len(requests))
        with self._within_the_owners_context():
            answers: list[float] = super().loglikelihood_rolling(requests, disable_tqdm=disable_tqdm)
        self._refuse_what_is_not_finite(answers)
        return answers

    def generate_until(self, requests: list[Any], disable_tqdm: bool = True) -> list[str]:
        """Return what the model generates after each text."""
        self._meter.expect(len(requests))
        alone = one_at_a_time(self, "batch_size_per_gpu", unless=self._writes_in_batches)
        with self._within_the_owners_context(), alone:
            answers: list[str] = super().generate_until(requests, disable_tqdm=disable_tqdm)
        return answers

    def report_again(self) -> None:
        """Report that the task goes on, although no further request was answered."""
        self._meter.finish()

    def tok_batch_encode(
        self, strings: list[str], *args: Any, left_truncate_len: int | None = None, **settings: Any
    ) -> tuple[Any, Any]:
        """Return the tokens of prompts, of which the model reads only the last `left_truncate_len`."""
        if left_truncate_len is not None:
            self.truncated += sum(len(self.tok_encode(each)) > left_truncate_len for each in strings)
        encoded: tuple[Any, Any] = super().tok_batch_encode(
            strings, *args, left_truncate_len=left_truncate_len, **settings
        )
        return encoded

    def _loglikelihood_tokens(
        self, requests: list[tuple[Any, list[int], list[int]]], *args: Any, **settings: Any
    ) -> list[tuple[float, bool]]:
        self.truncated += sum(
            len(prompt) + len(answer) > self.max_length + 1 for _, prompt, answer in requests
        )
        answers: list[tuple[float, bool]] = super()._loglikelihood_tokens(requests, *args, **settings)
        return answers

    def _model_generate(self, context: Any, max_length: int, stop: list[str], **settings: Any) -> Any:
        ends = self.model.generation_config.eos_token_id
        finite = FiniteScores(context.shape[1], ends_in(ends), partial(not_finite, self._job))
        return super()._model_generate(
            context, max_length, stop, logits_processor=LogitsProcessorList([finite]), **settings
        )

    @contextmanager
    def _within_the_owners_context(self) -> Iterator[None]:
        """Blame MAX_LENGTH, where it is less than the model's own context, for texts that are too long."""
        try:
            yield
        except AssertionError as error:
            if "max_length" not in self.arguments or not too_long(error):
                raise
            raise Failed(
                f"The texts of a task are too long for MAX_LENGTH, which is {self.max_length} on this worker."
                " The leaderboard's owner has to set it higher; the model is not at fault.",
                End.WORKER,
            ) from error

    @cached_property
    def _writes_in_batches(self) -> bool:
        return writes_in_batches(self._job, self.model, self.tokenizer)

    def _refuse_what_is_not_finite(self, log_probabilities: Iterable[float]) -> None:
        if not all(map(math.isfinite, log_probabilities)):
            raise not_finite(self._job)


def ends_in(tokens: int | list[int] | None) -> list[int]:
    """Return the tokens that end a text. generation_config.json names one, several or none."""
    return tokens if isinstance(tokens, list) else [] if tokens is None else [tokens]
