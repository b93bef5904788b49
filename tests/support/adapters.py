"""Small base models of two architectures, adapters of them as peft saves them, and spoilt ones."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

from src.running.job import BaseModel, Job
from support.jobs import make_job
from support.tiny_model import ONE_AT_A_TIME, byte_tokenizer, make_tiny_model

ADAPTER_WEIGHTS = "adapter_model.safetensors"
BASE_COMMIT = "b" * 40


def make_base(folder: Path, kind: str) -> Path:
    """Save a base model: `llama`, or `gpt2` with Conv1D layers and tied embeddings."""
    if kind == "llama":
        return make_tiny_model(folder, num_hidden_layers=2)
    tokenizer = byte_tokenizer()
    tokenizer.save_pretrained(folder)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=16,
        n_layer=2,
        n_head=2,
        n_positions=64,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    with ONE_AT_A_TIME:
        torch.manual_seed(0)
        GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def make_adapter(folder: Path, base: Path, **settings: Any) -> Path:
    """Save an adapter of a base model as if it had been trained: all that training changes is random."""
    settings = {"r": 4, "lora_alpha": 8, "task_type": "CAUSAL_LM", **settings}
    model = AutoModelForCausalLM.from_pretrained(base)
    with ONE_AT_A_TIME, torch.no_grad():
        torch.manual_seed(1)
        adapter = get_peft_model(model, LoraConfig(**settings))
        for weight in adapter.parameters():
            if weight.requires_grad:
                weight += torch.randn_like(weight) * 0.3
    adapter.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    edited_config(base_model_name_or_path="org/base")(folder)
    return folder


def job_of(adapter: Path, base: Path, **changes: Any) -> Job:
    """Evaluate an adapter on its base model, both in folders."""
    named = BaseModel(model="org/base", weights=str(base), commit=BASE_COMMIT)
    return replace(make_job(adapter, base=named), **{"model": "org/adapter", **changes})


@dataclass(frozen=True)
class Spoilt:
    """A fault of an adapter, how to cause it, and words of the sentence for its submitter."""

    name: str
    spoil: Callable[[Path], None]
    reason: str


def edited_config(**changes: object) -> Callable[[Path], None]:
    """Set keys of adapter_config.json."""

    def spoil(adapter: Path) -> None:
        file = adapter / "adapter_config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return spoil


def without(file: str) -> Callable[[Path], None]:
    return lambda adapter: (adapter / file).unlink()


def with_other_weights(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Change the adapter's tensors, by name."""

    def spoil(adapter: Path) -> None:
        weights = load_file(adapter / ADAPTER_WEIGHTS)
        change(weights)
        save_file(weights, adapter / ADAPTER_WEIGHTS, metadata={"format": "pt"})

    return spoil


def pickled(adapter: Path) -> None:
    torch.save(load_file(adapter / ADAPTER_WEIGHTS), adapter / "adapter_model.bin")
    (adapter / ADAPTER_WEIGHTS).unlink()


def cut_in_half(adapter: Path) -> None:
    weights = (adapter / ADAPTER_WEIGHTS).read_bytes()
    (adapter / ADAPTER_WEIGHTS).write_bytes(weights[: len(weights) // 2])


def filled(adapter: Path, file: str, content: bytes) -> None:
    (adapter / file).write_bytes(content)


PREFIX = "base_model.model.model."
Q_A = f"{PREFIX}layers.0.self_attn.q_proj.lora_A.weight"
Q_B = f"{PREFIX}layers.0.self_attn.q_proj.lora_B.weight"


def grown(weights: dict[str, Any]) -> None:
    """As many parameters as fill a memory, in a file that stays small on a disk of zeros."""
    weights[Q_A] = torch.zeros(1_000, 1_000)


def diverged(weights: dict[str, Any]) -> None:
    weights[Q_B][0, 0] = float("nan")


SPOILT = [
    Spoilt("no configuration", without("adapter_config.json"), "has no adapter_config.json"),
    Spoilt(
        "configuration is not JSON",
        lambda adapter: filled(adapter, "adapter_config.json", b"{"),
        "adapter_config.json of org/adapter cannot be read",
    ),
    Spoilt("only a pickle", pickled, "An adapter_model.bin is not read, because it can hold code"),
    Spoilt("no weights", without(ADAPTER_WEIGHTS), "org/adapter has no adapter_model.safetensors"),
    Spoilt("weights cut off", cut_in_half, "The weights of org/adapter are damaged or cut off"),
    Spoilt("another kind", edited_config(peft_type="PREFIX_TUNING"), "only LORA is evaluated"),
    Spoilt("kind is no text", edited_config(peft_type=["LORA"]), "only LORA is evaluated"),
    Spoilt("another task", edited_config(task_type="SEQ_CLS"), "`task_type` to 'SEQ_CLS'. It must be CAUSAL"),
    Spoilt("huge rank", edited_config(r=2_000_000), "`r` to '2000000'. It must be a whole number from 1"),
    Spoilt("rank is a text", edited_config(r="8"), "`r` to '8'. It must be a whole number from 1 to 1,024"),
    Spoilt("rank is true", edited_config(r=True), "`r` to 'True'. It must be"),
    Spoilt("rank of one module is huge", edited_config(rank_pattern={"q_proj": 10**9}), "`rank_pattern`"),
    Spoilt("rank by an expression", edited_config(rank_pattern={"(a+)+$": 2}), "`rank_pattern`"),
    Spoilt(
        "more ranks than can be compared",
        edited_config(rank_pattern={f"module_{number}": 4 for number in range(1_001)}),
        "by at most 1,000 names of modules",
    ),
    Spoilt(
        "more targets than can be compared", edited_config(target_modules=["x"] * 2_001), "`target_modules`"
    ),
    Spoilt("alpha is infinite", edited_config(lora_alpha=1e400), "`lora_alpha`"),
    Spoilt("alpha is huge", edited_config(lora_alpha=1e30), "a number above 0, at most 65,536"),
    Spoilt("alpha by an expression", edited_config(alpha_pattern={".*": 2}), "`alpha_pattern`"),
    Spoilt("target is an expression", edited_config(target_modules="(.*)*x"), "`target_modules` to '(.*)*x'"),
    Spoilt("a target is an expression", edited_config(target_modules=["q_proj", ".*"]), "`target_modules`"),
    Spoilt("no target", edited_config(target_modules=None), "names no `target_modules`"),
    Spoilt("target is nowhere", edited_config(target_modules=["c_attn"]), "peft cannot put the adapter"),
    Spoilt("target is no layer", edited_config(target_modules=["self_attn"]), "peft cannot put the adapter"),
    Spoilt("layers by an expression", edited_config(layers_pattern="(x+)+"), "`layers_pattern`"),
    Spoilt("layers are texts", edited_config(layers_to_transform=["0"]), "the numbers of layers"),
    Spoilt("excludes an expression", edited_config(exclude_modules=".*"), "`exclude_modules`"),
    Spoilt(
        "saves what is nowhere", edited_config(modules_to_save=["score"]), "names score, but org/base has"
    ),
    Spoilt(
        "saves what it lacks",
        edited_config(modules_to_save=["norm"]),
        "do not contain model.layers.0.input_layer",
    ),
    Spoilt("saves the whole model", edited_config(modules_to_save=["model"]), "No modules were targeted"),
    Spoilt("a package to import", edited_config(megatron_core="os"), "because peft would import it"),
    Spoilt("megatron", edited_config(megatron_config={"a": 1}), "uses `megatron_config`, which is not"),
    Spoilt(
        "a class to import", edited_config(auto_mapping={"parent_library": "os"}), "set `task_type` to CAUSAL"
    ),
    Spoilt("ties weights", edited_config(ensure_weight_tying=True), "uses `ensure_weight_tying`"),
    Spoilt("changes the base", edited_config(init_lora_weights="pissa"), "Convert the adapter to plain LoRA"),
    Spoilt("reads a pickle", edited_config(corda_config={"cache_file": "x"}), "uses `corda_config`"),
    Spoilt("replicates layers", edited_config(layer_replication=[[0, 9]]), "uses `layer_replication`"),
    Spoilt("trains tokens", edited_config(trainable_token_indices=[1]), "uses `trainable_token_indices`"),
    Spoilt("targets parameters", edited_config(target_parameters=["x"]), "uses `target_parameters`"),
    Spoilt("a setting of tomorrow", edited_config(use_newlora=True), "uses `use_newlora`, which is not"),
    Spoilt("another base", edited_config(base_model_name_or_path="org/else"), "was trained on 'org/else'"),
    Spoilt("another commit of it", edited_config(revision="e" * 40), f"the base model org/base@{'e' * 40}"),
    Spoilt(
        "a weight is missing", with_other_weights(lambda all: all.pop(Q_A)), "1 are missing, 0 have no place"
    ),
    Spoilt(
        "a weight too many",
        with_other_weights(lambda all: all.update({f"{PREFIX}layers.7.x.lora_A.weight": torch.zeros(4, 4)})),
        "0 are missing, 1 have no place",
    ),
    Spoilt(
        "a weight of the base",
        with_other_weights(lambda all: all.update({f"{PREFIX}norm.weight": torch.zeros(16)})),
        "0 are missing, 1 have no place",
    ),
    Spoilt(
        "wrong shape",
        with_other_weights(lambda all: all.update({Q_A: torch.zeros(4, 15)})),
        "1 have another shape, such as base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight",
    ),
    Spoilt("rank is not that of the file", edited_config(r=8), "8 have another shape"),
    Spoilt("larger than its base", with_other_weights(grown), "more than its base model org/base"),
    Spoilt("not finite", with_other_weights(diverged), "not all finite numbers in float32"),
]
