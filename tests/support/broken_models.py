"""The ways in which a submitted model is broken: each spoils the folder of a good one."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Breakage:
    """A fault of a model, how to cause it, and words of the sentence for its submitter."""

    name: str
    spoil: Callable[[Path], None]
    reason: str


def edited(file: str, **changes: object) -> Callable[[Path], None]:
    """Set keys of a JSON file; None removes one."""

    def spoil(model: Path) -> None:
        content = json.loads((model / file).read_text()) | changes
        kept = {key: value for key, value in content.items() if value is not None}
        (model / file).write_text(json.dumps(kept))

    return spoil


def replaced(file: str, content: bytes) -> Callable[[Path], None]:
    def spoil(model: Path) -> None:
        (model / file).write_bytes(content)

    return spoil


def removed(*files: str) -> Callable[[Path], None]:
    def spoil(model: Path) -> None:
        for file in files:
            (model / file).unlink()

    return spoil


def reweighted(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """Change the weights, by name."""

    def spoil(model: Path) -> None:
        weights = load_file(model / WEIGHTS)
        change(weights)
        save_file(weights, model / WEIGHTS, metadata={"format": "pt"})

    return spoil


def cut_in_half(model: Path) -> None:
    weights = (model / WEIGHTS).read_bytes()
    (model / WEIGHTS).write_bytes(weights[: len(weights) // 2])


def pickled(model: Path) -> None:
    torch.save(load_file(model / WEIGHTS), model / "pytorch_model.bin")
    (model / WEIGHTS).unlink()


def without_one_shard(model: Path) -> None:
    shard = "model-00001-of-00002.safetensors"
    names = load_file(model / WEIGHTS)
    (model / WEIGHTS).unlink()
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, shard)}
    (model / f"{WEIGHTS}.index.json").write_text(json.dumps(index))


def with_code_that_says_so(model: Path) -> None:
    """Code that leaves a trace if it is run."""
    code = f"open({str(model / 'code was run')!r}, 'w')\nfrom transformers import LlamaConfig as Own\n"
    (model / "own.py").write_text(code)
    edited("config.json", model_type="own", auto_map={"AutoConfig": "own.Own"})(model)


def forget_a_layer(weights: dict[str, Any]) -> None:
    del weights["model.layers.0.mlp.up_proj.weight"]


def diverge(weights: dict[str, Any]) -> None:
    weights["model.norm.weight"][0] = float("nan")


LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1447488\n"
GPTQ = {"quant_method": "gptq", "bits": 4}
OWN_TOKENIZER: dict[str, object] = {
    "tokenizer_class": "Own",
    "auto_map": {"AutoTokenizer": ["own.Own", None]},
}

BREAKAGES = [
    Breakage("no config.json", removed("config.json"), "`model_type`"),
    Breakage("config.json names no architecture", edited("config.json", model_type=None), "`model_type`"),
    Breakage("config.json is not JSON", replaced("config.json", b"{"), "config.json"),
    Breakage("config.json has a wrong value", edited("config.json", hidden_size="big"), "config.json"),
    Breakage("unknown architecture", edited("config.json", model_type="mamba9"), "`mamba9`"),
    Breakage("code of its own", with_code_that_says_so, "code of its own, which is not run"),
    Breakage("not causal", edited("config.json", model_type="vit"), "is not a causal language model"),
    Breakage("quantized", edited("config.json", quantization_config=GPTQ), "needs a Python package"),
    Breakage(
        "other shapes", edited("config.json", intermediate_size=48), "3 are missing or have another shape"
    ),
    Breakage("no tokenizer", removed("tokenizer.json", "tokenizer_config.json"), "tokenizer"),
    Breakage("tokenizer is not JSON", replaced("tokenizer.json", b"{"), "tokenizer"),
    Breakage("tokenizer with code of its own", edited("tokenizer_config.json", **OWN_TOKENIZER), "tokenizer"),
    Breakage("no weights", removed(WEIGHTS), "no complete weights in the safetensors format"),
    Breakage("only a pickle of the weights", pickled, "no complete weights in the safetensors format"),
    Breakage("a shard is missing", without_one_shard, "no complete weights in the safetensors format"),
    Breakage("weights cut off", cut_in_half, "damaged or cut off"),
    Breakage("weights are empty", replaced(WEIGHTS, b""), "damaged or cut off"),
    Breakage("weights are an LFS pointer", replaced(WEIGHTS, LFS_POINTER), "damaged or cut off"),
    Breakage("missing weights", reweighted(forget_a_layer), "1 are missing or have another shape"),
    Breakage("NaN weights", reweighted(diverge), "model.norm.weight contains NaN"),
]
