"""Checks of what a loaded model does with a few words, which neither its files nor its class show."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import transformers

from src.evaluation.failures import Failed
from src.running.job import Job

log = logging.getLogger(__name__)

TEXT = "The dogs near the old cat sleep, and 7 of the 12 birds in the tree sing."
LONGEST = 16
"""The most tokens of TEXT that are tried."""
SHORTEST = 4

AHEAD = {torch.float32: 2e-6}
AHEAD_IN_LESS = 1e-2
PADDED = {torch.float32: 1e-3}
PADDED_IN_LESS = CONTINUED = 5e-2
"""How far scores may differ and still count as the same, relative to how far the best is above the median.

Later words do not change the order in which the scores of earlier words are computed. Padding does, and so
does the cache from one word to the next.
"""

NOISE = 10
"""Scores count as different only if they differ this many times more than those of the same text do."""


def reads_no_later_words(job: Job, model: Any, tokenizer: Any) -> None:
    """A model that reads later words can see the text that it rates. lm_eval trusts the model's class."""
    tokens = sample_tokens(model, tokenizer)
    if tokens is None:
        return
    half = len(tokens) // 2
    turned = torch.cat([tokens[:half], tokens[half:].flip(0)])
    with torch.no_grad():
        one, other, again = model(torch.stack([tokens, turned, tokens])).logits[:, :half]
    if distance(one, other) > max(AHEAD.get(model.dtype, AHEAD_IN_LESS), NOISE * distance(one, again)):
        raise Failed(
            f"{job.model} is not a causal language model: to rate a word, it also reads the words after it. "
            "Submit a model that was trained to continue text. If this one was, set `is_decoder` to true in "
            "its config.json."
        )


BEHAVIOUR_CHECKS = [reads_no_later_words]


def continues_what_it_rates(job: Job, model: Any, tokenizer: Any) -> None:
    """For some families, transformers counts positions differently when it generates text."""
    tokens = sample_tokens(model, tokenizer)
    if tokens is None:
        return
    written, scores = first_words(model, tokens[None, :-2], torch.ones_like(tokens)[None, :-2], tokenizer)
    with torch.no_grad():
        rated = model(written[:, :-1]).logits[0, -len(scores) :]
    if distance(torch.stack(scores)[:, 0], rated) > CONTINUED:
        raise Failed(
            f"With this worker's transformers {transformers.__version__}, the text that {job.model} "
            "generates "
            "does not match the scores that it gives to words. So it cannot be evaluated on tasks that "
            "generate text. Submit a model of another architecture."
        )


def bears_padding(model: Any, tokenizer: Any) -> bool:
    """Return whether a text gets the same continuation when it is padded on the left.

    Recurrent models read the padding, and positions that are counted from the left move.
    """
    tokens = sample_tokens(model, tokenizer)
    if tokens is None:
        return True
    filling = len(tokens) // 2
    short = tokens[filling:]
    filled = torch.cat([torch.full((filling,), tokenizer.pad_token_id, device=tokens.device), short])
    mask = torch.ones(2, len(tokens), dtype=torch.long, device=tokens.device)
    mask[0, :filling] = 0
    _, (alone, *_) = first_words(model, short[None], torch.ones_like(short)[None], tokenizer)
    _, (together, *_) = first_words(model, torch.stack([filled, tokens]), mask, tokenizer)
    return distance(alone[0], together[0]) <= PADDED.get(model.dtype, PADDED_IN_LESS)


def writes_in_batches(job: Job, model: Any, tokenizer: Any) -> bool:
    """Return whether a model may write several texts at once, because padding does not change its answers.

    Raises `Failed` if what it writes does not match the scores that it gives.
    """
    continues_what_it_rates(job, model, tokenizer)
    bears = bears_padding(model, tokenizer)
    if not bears:
        log.info("generating one text at a time for %s: padding changes its answers", job.model)
    return bears


@contextmanager
def one_at_a_time(holder: Any, batch_size: str, *, unless: bool) -> Iterator[None]:
    """Have a model generate one text at a time meanwhile. Its batch size is this attribute of the holder."""
    size = getattr(holder, batch_size)
    if not unless:
        setattr(holder, batch_size, 1)
    try:
        yield
    finally:
        setattr(holder, batch_size, size)


def first_words(model: Any, tokens: Any, mask: Any, tokenizer: Any) -> tuple[Any, Sequence[Any]]:
    """Generate two more words for each text. Return the texts, and the raw scores of all words for both."""
    written = model.generate(
        input_ids=tokens,
        attention_mask=mask,
        max_new_tokens=2,
        do_sample=False,
        num_beams=1,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=None,
        return_dict_in_generate=True,
        output_logits=True,
    )
    return written.sequences, written.logits


def sample_tokens(model: Any, tokenizer: Any) -> Any:
    """Return the tokens of a sentence, as many as the model's context takes, or None if that is too few."""
    length = min(LONGEST, context_length(model.config) - 1)
    tokens = torch.tensor(tokenizer.encode(TEXT)[:length], device=model.device)
    return tokens if len(tokens) >= SHORTEST else None


def context_length(config: Any) -> int:
    """Return how many tokens a model may read, or LONGEST and one if its configuration does not say."""
    text = getattr(config, "text_config", None) or config
    named = (getattr(text, name, None) for name in ("n_positions", "max_position_embeddings", "n_ctx"))
    return next((int(number) for number in named if number is not None), LONGEST + 1)


def distance(one: Any, other: Any) -> float:
    """Return the largest difference of scores, relative to how far the best is above the median.

    The lowest scores do not count, since a word that is never generated may have any. NaN does not differ.
    """
    furthest = (one - other).abs().nan_to_num(nan=0.0).amax(-1)
    spread = one.amax(-1) - one.median(-1).values
    return float((furthest / spread).nan_to_num(nan=0.0).max())
