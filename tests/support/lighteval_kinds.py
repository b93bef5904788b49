"""The table of lighteval's kinds of tasks, each on two models, and what must be equal in two reports."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from src.running.job import Job
from support.lighteval_jobs import SHIPPED, SHIPPED_FILE, lighteval_job
from support.sources import ROOT
from support.tiny_model import byte_tokenizer, make_tiny_model

KINDS_DIR = ROOT / "tests" / "support" / "kinds_of_tasks"

KINDS = {
    "choice, two metrics": "kind_choice|0",
    "perplexity of answers": "kind_answer_perplexity|0",
    "writing, normalised": "kind_writing|0",
    "group of subsets": "kind_parts|0",
    "few-shot": "kind_choice|3",
    "few-shot, sampled": "kind_sampled|2",
    "few-shot, writing": "kind_writing|2",
}

TEMPLATE = "{% for message in messages %}[{{ message.role }}] {{ message.content }}\n{% endfor %}[assistant] "


@dataclass(frozen=True)
class Case:
    """One cell of the table: what our worker and the command line report for a job."""

    job: Job
    file: Path


def llama(folder: Path) -> Path:
    made = make_tiny_model(folder, max_position_embeddings=512, hidden_size=32)
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(made)
    return made


def gpt2(folder: Path) -> Path:
    """Another architecture, with absolute positions."""
    tokenizer = byte_tokenizer()
    tokenizer.save_pretrained(folder)
    torch.manual_seed(3)
    end = tokenizer.eos_token_id
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 256}
    config = GPT2Config(vocab_size=len(tokenizer), bos_token_id=end, eos_token_id=end, **sizes)
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def short(folder: Path) -> Path:
    """A model whose context is too short for most prompts."""
    return make_tiny_model(folder, max_position_embeddings=32)


MODELS = {"llama": llama, "gpt2": gpt2, "short": short}


def cases(models: dict[str, Path]) -> dict[str, Case]:
    """The table: each kind of task on two models, a chat template, a limit, and too short a context."""
    table = {}
    for kind, task in KINDS.items():
        for name in ("llama", "gpt2"):
            table[f"{kind}: {name}"] = of_kinds(models[name], task)
    table["chat template, choice: llama"] = of_kinds(models["llama"], "kind_choice|2", use_chat_template=True)
    table["chat template, writing: llama"] = of_kinds(
        models["llama"], "kind_writing|0", use_chat_template=True
    )
    table["choice, over the corpus: gpt2"] = of_kinds(models["gpt2"], "kind_corpus|0")
    table["limit: llama"] = of_kinds(models["llama"], "kind_writing|0", limit=5)
    table["truncated, choice: short"] = of_kinds(models["short"], "kind_choice|3")
    for name, model in models.items():
        for task in SHIPPED:
            table[f"{task}: {name}"] = Case(lighteval_job(model, task, limit=20), SHIPPED_FILE)
    return table


def of_kinds(model: Path, task: str, **changes: object) -> Case:
    return Case(lighteval_job(model, task, tasks_dir=str(KINDS_DIR), **changes), KINDS_DIR / "kinds.py")


def fingerprints(report: dict[str, Any]) -> dict[str, dict[str, str]]:
    """lighteval's fingerprints of the questions and of the tokens that the model read.

    That of the answers' tokens is left out: for choices, the command line cuts their list (`[:len_choice]`).
    """
    return {
        task: {kind: text for kind, text in summary["hashes"].items() if kind != "hash_cont_tokens"}
        for task, summary in report["summary_tasks"].items()
    }


DEMO_MODELS = ["demo/adder", "demo/generalist", "demo/grammarian"]
"""Models that learnt something."""


def make_demo_models(folder: Path) -> list[Path]:
    script = ROOT / "scripts" / "make_models.py"
    subprocess.run([sys.executable, str(script), str(folder), *DEMO_MODELS], check=True, capture_output=True)
    return [folder / name for name in DEMO_MODELS]
