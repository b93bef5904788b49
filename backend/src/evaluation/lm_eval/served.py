"""The model as lm_eval sees it while a server runs it: prompts are made here, exactly as for a model here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from lm_eval.models.utils import (
    handle_stop_sequences,
    normalize_gen_kwargs,
    postprocess_generated_text,
    resolve_max_length,
)

from src.evaluation.errors import TOO_MUCH_TO_WRITE, TooLong, too_long
from src.evaluation.failures import NO_EMBEDDING, Failed
from src.evaluation.lm_eval.arguments import embeddings, model_args
from src.evaluation.lm_eval.model import MeteredModel
from src.evaluation.loading.copies import load_a_sound_copy
from src.evaluation.loading.loading import Loaded, load_without_weights
from src.evaluation.loading.model_files import revision
from src.evaluation.progress import ProgressMeter
from src.evaluation.served.client import ServedModel
from src.evaluation.served.connecting import connect
from src.evaluation.served.context import take_the_servers_context
from src.evaluation.served.conversations import check_template
from src.evaluation.served.decoding import drops_a_space
from src.evaluation.served.sampling import not_served, preferred, sampling
from src.running.inference import Api
from src.running.job import End, Job

ALL_AT_ONCE = 1_000_000
"""lm_eval's batch size: how many questions it hands over at once. The client asks a few at a time."""

BESIDE_A_RATED_TEXT = 2
"""Tokens for which a server needs room: the last one, which no prompt here has, and one that it writes."""


class ServedLm(MeteredModel):
    """lm_eval's model, whose ratings and texts come from a server."""

    def __init__(
        self,
        job: Job,
        meter: ProgressMeter,
        arguments: Mapping[str, Any],
        loaded: Loaded,
        served: ServedModel,
    ) -> None:
        super().__init__(
            job,
            meter,
            arguments,
            pretrained=loaded.model,
            tokenizer=loaded.tokenizer,
            revision=revision(job),
            batch_size=ALL_AT_ONCE,
        )
        check_thinking(self.think_end_token)
        self._is_rolling = False
        self.served = served
        own = resolve_max_length(loaded.model.config, loaded.tokenizer)
        self._room = self.served.context or own
        self._is_limited_by_the_server = self._room < self.max_length
        if self._is_limited_by_the_server:
            self._max_length = self._room
            self.arguments = {**self.arguments, "max_length": self._room}

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        """Return the log-probability of each continuation, and whether it is the likeliest."""
        with self._rating():
            return super().loglikelihood(requests, disable_tqdm=disable_tqdm)

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = True) -> list[float]:
        """Return the log-probability of each whole text."""
        self._is_rolling = True  # lm_eval counts whole texts, of which the server rates parts
        try:
            with self._rating():
                return super().loglikelihood_rolling(requests, disable_tqdm=disable_tqdm)
        finally:
            self._is_rolling = False

    def generate_until(self, requests: list[Any], disable_tqdm: bool = True) -> list[str]:
        """Return what the model writes after each text."""
        self._meter.expect(len(requests))
        alike: dict[str, list[int]] = {}
        for number, request in enumerate(requests):
            alike.setdefault(json.dumps(request.args[1], sort_keys=True, default=str), []).append(number)
        answers: dict[int, str] = {}
        with self._within_the_owners_context():
            for numbers in alike.values():
                texts = [requests[number].args[0] for number in numbers]
                written = self._write(texts, requests[numbers[0]].args[1])
                answers |= dict(zip(numbers, written, strict=True))
        return [answers[number] for number in range(len(requests))]

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """Return the prompt of a conversation: its turns as JSON where the template is the server's."""
        if self._job.inference_api is Api.COMPLETIONS:
            prompt: str = super().apply_chat_template(chat_history, add_generation_prompt)
            return prompt
        if not add_generation_prompt:
            raise Failed(
                "A task begins the model's answer (`gen_prefix`), which a chat API does not take. The "
                "leaderboard's owner has to remove the task, or set INFERENCE_API to completions; the model "
                "is not at fault.",
                End.WORKER,
            )
        return json.dumps(chat_history, ensure_ascii=False)

    def get_model_info(self) -> dict[str, Any]:
        """Return what is known of the model without its weights."""
        return {"model_dtype": self._job.precision, "model_revision": self.revision, "model_sha": ""}

    def _write(self, texts: Sequence[str], asked: Mapping[str, Any]) -> list[str]:
        settings: dict[str, Any] = dict(normalize_gen_kwargs(dict(asked), self.max_gen_toks))
        check_settings(settings)
        own = preferred(self.model.generation_config)  # which transformers follows too
        eos = self.tok_decode(self.eot_token_id, skip_special_tokens=False)
        until = handle_stop_sequences(settings["until"], eos=eos)
        how = {
            "max_tokens": settings["max_gen_toks"],
            "stop": until,
            **sampling({**own, **settings}, seed=self._job.seeds[2]),
        }
        written = self._converse(texts, how) if self._is_chat else self._continue(texts, how)
        return [
            postprocess_generated_text(self._as_decoded_here(each), until, self.think_end_token)
            for each in written
        ]

    def _as_decoded_here(self, text: str) -> str:
        """Return an answer as lm_eval decodes it: alone, and not as a part of the whole text."""
        return text.removeprefix(" ") if self._drops_a_space else text

    @cached_property
    def _drops_a_space(self) -> bool:
        return drops_a_space(self.tokenizer)

    def _continue(self, texts: Sequence[str], how: dict[str, Any]) -> list[str]:
        longest = self.max_length - how["max_tokens"]
        if longest <= 0:
            raise TooLong(
                f"{TOO_MUCH_TO_WRITE} ({how['max_tokens']}) must be less than the model's maximum sequence "
                f"length ({self.max_length})."
            )
        prompts = [self._prompt(text, longest) for text in texts]
        self._check_tokens(prompts)
        return self.served.write(prompts, **how)

    def _prompt(self, text: str, longest: int) -> list[int]:
        """Return a prompt's tokens, as lm_eval makes those of a text alone."""
        tokens, _ = self.tok_batch_encode([text], left_truncate_len=longest, truncation=self.truncation)
        prompt: list[int] = tokens[0].tolist()
        return prompt

    def _converse(self, texts: Sequence[str], how: dict[str, Any]) -> list[str]:
        template: dict[str, Any] = {}
        if self.chat_template_args:
            template = {"chat_template_kwargs": dict(self.chat_template_args)}
        return self.served.chat([turns_of(text) for text in texts], **how, **template)

    def _loglikelihood_tokens(
        self, requests: list[tuple[Any, list[int], list[int]]], *args: Any, **settings: Any
    ) -> list[tuple[float, bool]]:
        if self._is_chat:
            raise Failed(
                "A task rates given texts, which a chat API cannot. The leaderboard's owner has to remove "
                "the task, or set INFERENCE_API to completions; the model is not at fault.",
                End.WORKER,
            )
        longest = self.max_length + 1
        prompts, starts = [], []
        for _, context, continuation in requests:
            assert context and continuation, "a text without tokens cannot be rated"
            if len(continuation) >= longest:
                raise TooLong(f"{len(continuation)} tokens are to be rated, but only {longest - 1} fit")
            whole = context + continuation
            self.truncated += len(whole) > longest
            prompts.append(whole[-longest:])
            starts.append(len(prompts[-1]) - len(continuation))
        self._check_tokens(prompts)
        ratings = self.served.rate(prompts, starts)
        return [(sum(each.log_probabilities), each.is_greedy) for each in ratings]

    def _check_tokens(self, prompts: Sequence[Sequence[int]]) -> None:
        """Raise `Failed` for tokens without an embedding, before the server refuses them."""
        known = embeddings(self.model)
        if any(token >= known for prompt in prompts for token in prompt):
            raise Failed(NO_EMBEDDING.format(model=self._job.model))

    @property
    def _is_chat(self) -> bool:
        return self._job.inference_api is Api.CHAT

    @contextmanager
    def _rating(self) -> Iterator[None]:
        """Leave a server the room that it needs beside a text to rate."""
        before = self._max_length
        self._max_length = max(1, min(self.max_length, self._room - BESIDE_A_RATED_TEXT))
        try:
            yield
        finally:
            self._max_length = before

    @contextmanager
    def _within_the_owners_context(self) -> Iterator[None]:
        """Blame the server's context, where it is less than the model's, for texts that are too long."""
        with super()._within_the_owners_context():
            try:
                yield
            except AssertionError as error:
                if not self._is_limited_by_the_server or not too_long(error):
                    raise
                raise Failed(
                    f"The texts of a task are too long for the server, whose context is {self._room} tokens. "
                    "The leaderboard's owner has to start it with a longer one (vLLM: --max-model-len); the "
                    "model is not at fault.",
                    End.WORKER,
                ) from error

    def answered(self, number: int) -> None:
        """Count answers of the server."""
        if self._is_rolling:
            self._meter.count(0)
        else:
            self._meter.count(number)


def load_served(job: Job, meter: ProgressMeter, token: str | None, *, needs_ratings: bool) -> ServedLm:
    """Return the job's model, which its server runs, for lm_eval. Raises `Failed`."""
    check_template(job)
    loaded = load_a_sound_copy(job, load_without_weights)
    model: ServedLm
    served = connect(job, token, lambda number: model.answered(number), needs_ratings=needs_ratings)
    is_the_servers = take_the_servers_context(job, loaded.model, served)
    arguments = model_args(job, loaded)
    if is_the_servers:  # lm_eval's command line would take a length of its own
        arguments.setdefault("max_length", served.context)
    model = ServedLm(job, meter, arguments, loaded, served)
    return model


def turns_of(text: str) -> list[dict[str, str]]:
    """Return the turns of a conversation. A task in Python may make prompts of its own: one turn each."""
    try:
        turns = json.loads(text)
    except ValueError:
        turns = None
    is_conversation = isinstance(turns, list) and all(
        isinstance(turn, dict) and turn.keys() == {"role", "content"} for turn in turns
    )
    return turns if turns and is_conversation else [{"role": "user", "content": text}]


def check_thinking(end: str | int | None) -> None:
    """Raise `Failed` if the end of thinking is the number of a token: a server answers with text."""
    if isinstance(end, int):
        raise Failed(
            f"THINK_END_TOKEN is the number of a token, {end}, but servers answer with text. The "
            "leaderboard's owner has to set it to a text such as </think>; the model is not at fault.",
            End.WORKER,
        )


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raise `Failed` if a server has no way to write with these settings."""
    if lost := not_served(settings):
        raise Failed(
            f"A task or GEN_KWARGS sets `{lost[0]}`, which a server cannot do. The leaderboard's owner has "
            "to remove it, or set INFERENCE to local; the model is not at fault.",
            End.WORKER,
        )
