"""How a demo model is trained: its tokens are bytes, its network is a small Llama; it learns the answers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import NamedTuple

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from demo_text import Example

Text = Callable[[Random], Example]

SEED = 7
BATCH = 48
PEAK_LEARNING_RATE = 3e-3
WARM_UP_STEPS = 50
LONGEST_TEXT = 512
END, PADDING = "<end>", "<padding>"
NOT_LEARNT = -100
"""The label that PyTorch's cross entropy leaves out."""


class Trained(NamedTuple):
    """A trained network, its tokenizer, and the mean loss of its last steps."""

    network: LlamaForCausalLM
    tokenizer: PreTrainedTokenizerFast
    loss: float


def train(reads: Sequence[Text], steps: int) -> Trained:
    """Train on so many batches, of these kinds of text in turn; always with the same result."""
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    tokenizer = byte_tokenizer()
    network = new_network(tokenizer)
    optimizer = torch.optim.AdamW(network.parameters(), betas=(0.9, 0.98), weight_decay=0.01)
    network.train()
    losses: list[float] = []
    for step, (tokens, labels) in enumerate(itertools.islice(batches(reads, tokenizer), steps)):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps)
        loss = network(input_ids=tokens, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    last = losses[-10:]
    return Trained(network, tokenizer, sum(last) / len(last))


def learning_rate(step: int, steps: int) -> float:
    """Up for the first steps, then down along a cosine to 2 % of the peak."""
    if step < WARM_UP_STEPS:
        return PEAK_LEARNING_RATE * (step + 1) / WARM_UP_STEPS
    done = (step - WARM_UP_STEPS) / max(1, steps - WARM_UP_STEPS)
    return PEAK_LEARNING_RATE * (0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2)


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer that gives each byte its own token: a byte-level BPE without merges."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate([*letters, END, PADDING])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END, pad_token=PADDING, model_max_length=LONGEST_TEXT
    )


def new_network(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """An untrained Llama of 0.36 million parameters."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=128,
            intermediate_size=256,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=LONGEST_TEXT,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def batches(reads: Sequence[Text], tokenizer: PreTrainedTokenizerFast) -> Iterator[tuple[Tensor, Tensor]]:
    """Tokens and labels, both [BATCH, longest text], without end; only the tokens of answers have labels."""
    random = Random(SEED)
    for text in itertools.cycle(reads):
        examples = [text(random) for _ in range(BATCH)]
        longest = max(len(example.prompt + example.answer) for example in examples)
        tokens = torch.full((BATCH, longest), tokenizer.pad_token_id)
        labels = torch.full((BATCH, longest), NOT_LEARNT)
        for row, example in enumerate(examples):
            prompt, answer = (
                torch.tensor(tokenizer.encode(part)) for part in (example.prompt, example.answer)
            )
            end = len(prompt) + len(answer)
            tokens[row, :end] = torch.cat([prompt, answer])
            labels[row, len(prompt) : end] = answer
        yield tokens, labels
