"""A language model of a few thousand random weights, saved as the Hub would hold it, made in a moment."""

import base64
import io
import json
from pathlib import Path
from threading import Lock

import sentencepiece
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

ONE_AT_A_TIME = Lock()
"""All threads draw from one source of random numbers."""


def make_tiny_model(folder: Path, **sizes: int) -> Path:
    """Save an untrained model whose tokens are bytes, the same one each time; `sizes` make it larger."""
    disable_progress_bar()
    tokenizer = byte_tokenizer()
    tokenizer.save_pretrained(folder)
    tiny = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": 64,
    }
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        **(tiny | sizes),
    )
    with ONE_AT_A_TIME:
        torch.manual_seed(0)
        model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    return folder


def byte_tokenizer() -> PreTrainedTokenizerFast:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate([*letters, "<end>"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", pad_token="<end>")


def with_a_sentencepiece_tokenizer(folder: Path) -> None:
    """Give a model a tokenizer as older ones have it: a file of sentencepiece, and no tokenizer.json."""
    (folder / "tokenizer.json").unlink()
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["one two three four five", "copy: red blue green", "1 + 2 = 3"] * 20),
        model_writer=made,
        vocab_size=60,
        model_type="bpe",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    (folder / "tokenizer.model").write_bytes(made.getvalue())
    settings = {
        "tokenizer_class": "LlamaTokenizer",
        "unk_token": "<unk>",
        "eos_token": "</s>",
        "bos_token": "<s>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def with_a_tiktoken_tokenizer(folder: Path) -> None:
    """Give a model a tokenizer as tiktoken saves it: the ranks of all bytes."""
    (folder / "tokenizer.json").unlink()
    ranks = (f"{base64.b64encode(bytes([byte])).decode()} {byte}" for byte in range(256))
    (folder / "tokenizer.model").write_text("\n".join(ranks))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<end>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
