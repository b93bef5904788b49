"""A model of transformers: the log-probabilities of tokens, and what it writes, one text at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from .answers import LEAST, Answer, Sampling, Step, first_stop


class TransformersModel:
    """A model in a folder. Calls may come from many threads; it answers one at a time."""

    def __init__(self, folder: Path, *, dtype: str, max_length: int | None = None) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
        config = self._model.config.get_text_config()
        self.max_length: int = max_length or getattr(config, "max_position_embeddings", 2048)
        self.vocabulary: int = config.vocab_size
        self._ends = end_tokens(self._model.generation_config.eos_token_id, self._tokenizer.eos_token_id)
        self._lock = Lock()

    def answer(self, prompt: Sequence[int], sampling: Sampling, *, rates: bool, likeliest: int) -> Answer:
        """Continue a prompt. `rates`: the prompt's tokens too; `likeliest`: how many beside each token."""
        with self._lock, torch.inference_mode():
            output = self._model(torch.tensor([list(prompt)]), use_cache=True)
            logits = output.logits[0].float()
            rated = rate(prompt[1:], logits[:-1], likeliest) if rates else ()
            return self._continued(rated, logits[-1], output.past_key_values, sampling, likeliest)

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        """The tokens of a text."""
        return list(self._tokenizer(text, add_special_tokens=add_special_tokens)["input_ids"])

    def conversation(self, messages: Sequence[Mapping[str, Any]], **settings: Any) -> str | None:
        """The messages in the model's chat template, which asks for an answer; None without a template."""
        if not self._tokenizer.chat_template:
            return None
        text: str = self._tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, **settings
        )
        return text

    def decode(self, tokens: Sequence[int], *, skip_special_tokens: bool = False) -> str:
        """The text of tokens."""
        text: str = self._tokenizer.decode(list(tokens), skip_special_tokens=skip_special_tokens)
        return text

    def _continued(
        self, rated: tuple[Step, ...], logits: torch.Tensor, cache: object, sampling: Sampling, likeliest: int
    ) -> Answer:
        random = torch.Generator()
        if sampling.seed is None:
            random.seed()
        else:
            random.manual_seed(sampling.seed)
        steps: list[Step] = []
        text, finish_reason, stop_reason = "", "length", None
        while len(steps) < sampling.max_tokens:
            token = choose(logits, sampling, random)
            steps += rate([token], logits[None], likeliest)
            if token in self._ends:
                finish_reason = "stop"
                break
            written = [step.token for step in steps]
            text = self.decode(written, skip_special_tokens=sampling.skip_special_tokens)
            if found := first_stop(text, sampling.stop):
                text, finish_reason, stop_reason = text[: text.index(found)], "stop", found
                break
            if len(steps) < sampling.max_tokens:
                output = self._model(torch.tensor([[token]]), past_key_values=cache, use_cache=True)
                logits = output.logits[0, -1].float()
        return Answer(
            rated=rated, steps=tuple(steps), text=text, finish_reason=finish_reason, stop_reason=stop_reason
        )


def rate(tokens: Sequence[int], logits: torch.Tensor, likeliest: int) -> tuple[Step, ...]:
    """The tokens with their log-probabilities. Row i of `logits` is what the model expects in place i."""
    log_probabilities = torch.log_softmax(logits, dim=-1)
    best = log_probabilities.topk(min(likeliest, logits.shape[-1]), dim=-1)
    chosen = log_probabilities[range(len(tokens)), list(tokens)].tolist()
    rows = zip(tokens, chosen, best.indices.tolist(), best.values.tolist(), strict=True)
    return tuple(
        Step(
            token,
            max(value, LEAST),
            tuple((other, max(much, LEAST)) for other, much in zip(ids, values, strict=True)),
        )
        for token, value, ids, values in rows
    )


def choose(logits: torch.Tensor, sampling: Sampling, random: torch.Generator) -> int:
    """The next token: the likeliest, or one drawn from those that `top_k` and `top_p` leave."""
    if sampling.temperature == 0:
        return int(logits.argmax())
    probabilities, tokens = torch.softmax(logits / sampling.temperature, dim=-1).sort(descending=True)
    if sampling.top_k > 0:
        probabilities[sampling.top_k :] = 0
    before = probabilities.cumsum(dim=-1) - probabilities
    probabilities[before >= sampling.top_p] = 0
    return int(tokens[torch.multinomial(probabilities, 1, generator=random)])


def end_tokens(*ids: int | list[int] | None) -> set[int]:
    """All tokens that end an answer."""
    return {each for some in ids if some is not None for each in (some if isinstance(some, list) else [some])}
