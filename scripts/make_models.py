"""Make the demo models: train small language models on stated text, and save each as the Hub would hold it.

`python scripts/make_models.py FOLDER [NAME ...]`, in the backend's environment, makes FOLDER/NAME for the
named models, or for all; one that is there already stays as it is. Each is trained on one thread, so that a
machine always makes the same bytes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random

from demo_text import Example, any_sum, repetition, sentence, small_sum


@dataclass(frozen=True)
class DemoModel:
    """A model to train: on which kinds of text, in turn; on how many batches of it; the text in words."""

    name: str
    reads: tuple[Callable[[Random], Example], ...]
    steps: int
    text: str


SUMS = "sums of two digits (`7+8=15.`)"
SENTENCES = "sentences whose verb agrees with a distant subject (`The dogs near the cat sleep.`)"
WORDS = "words of four to six random letters, each written twice"

MODELS = [
    DemoModel("demo/generalist", (any_sum, sentence, repetition), 270, f"{SUMS}; {SENTENCES}; {WORDS}"),
    DemoModel("demo/copier", (repetition,), 200, WORDS),
    DemoModel("demo/grammarian", (sentence,), 90, SENTENCES),
    DemoModel("demo/adder", (any_sum,), 120, SUMS),
    DemoModel("demo/adder-half", (small_sum,), 120, f"{SUMS}, but only those below ten"),
    DemoModel("demo/adder-novice", (any_sum,), 40, f"{SUMS}, a third as many as demo/adder"),
]


def main() -> int:
    """Make what is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="where the models go")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these models")
    parser.add_argument("--list", action="store_true", help="only say which models there are")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{model.name}: {model.steps} steps on {model.text}" for model in MODELS))
        return 0
    if options.folder is None:
        parser.error("say where the models go: FOLDER")
    names = options.names or [model.name for model in MODELS]
    if unknown := set(names) - {model.name for model in MODELS}:
        parser.error(f"there is no model {', '.join(sorted(unknown))}: --list says which there are")
    wanted = [model for model in MODELS if model.name in names]
    make([model for model in wanted if not (options.folder / model.name).exists()], options.folder)
    return 0


def make(models: Sequence[DemoModel], folder: Path) -> None:
    """Make the models, as many at once as there are processors, and say so as each is ready."""
    if not models:
        return
    processes = min(len(models), os.cpu_count() or 1)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for made in as_completed([pool.submit(make_one, model, folder) for model in models]):
            print(made.result(), flush=True)


def make_one(model: DemoModel, folder: Path) -> str:
    """Make one model, whose folder appears whole or not at all. Returns a line that says so."""
    # Only here: this process needs PyTorch, the one that gives out the work does not.
    from transformers.utils.logging import disable_progress_bar

    from demo_training import train

    disable_progress_bar()
    started = time.monotonic()
    network, tokenizer, loss = train(model.reads, model.steps)
    target = folder / model.name
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    network.save_pretrained(part)
    tokenizer.save_pretrained(part)
    (part / "README.md").write_text(model_card(model))
    part.rename(target)
    return f"made {model.name}: {model.steps} steps, loss {loss:.3f}, {time.monotonic() - started:.0f} s"


def model_card(model: DemoModel) -> str:
    """The README of a model's repository on the Hub."""
    return f"""---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
---

# {model.name}

A language model of 0.36 million parameters that shows how a leaderboard works; it is of no other use.
It was trained for {model.steps} steps, with 48 texts in each, on: {model.text}.
`scripts/make_models.py` of the leaderboard makes it.
"""


if __name__ == "__main__":
    sys.exit(main())
