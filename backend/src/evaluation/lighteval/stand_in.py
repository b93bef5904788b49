"""A stand-in for a model: a language model of a few thousand random weights, made in memory."""

from __future__ import annotations

from dataclasses import replace

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from src.evaluation.lighteval.model import MeteredModel
from src.evaluation.loading.loading import Loaded
from src.evaluation.progress import ProgressMeter
from src.running.job import Job
from src.running.suite import Suite

END = "<end>"

CONTEXT = 2048
"""How many tokens it reads. Its tokens are bytes, so longer prompts are truncated."""


def stand_in(suite: Suite) -> MeteredModel:
    """Return the stand-in, which always gives the same answers."""
    on_the_cpu = replace(suite, device="cpu", batch_size="8")
    job = Job(model="stand-in", weights="", commit=None, precision="float32", **vars(on_the_cpu))
    return MeteredModel(job, ProgressMeter(lambda _: None), Loaded(_weights(), _tokenizer()))


def _weights() -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=len(_tokenizer()),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=CONTEXT,
        bos_token_id=None,
        eos_token_id=_tokenizer().eos_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return LlamaForCausalLM(config)


def _tokenizer() -> PreTrainedTokenizerFast:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate([*letters, END])}
    tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=END)
