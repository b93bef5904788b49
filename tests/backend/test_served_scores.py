"""A model that a server runs has the scores of the same model run here: kinds of tasks × settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from tokenizers.processors import TemplateProcessing
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

from src.evaluation.evaluating import evaluate
from src.running.inference import Inference, Server
from src.running.job import Job
from support.jobs import make_job
from support.openai_server import RunningServer, running_server
from support.sums import make_sums, scores, with_chat_templates
from support.tiny_model import byte_tokenizer, make_tiny_model

pytestmark = pytest.mark.usefixtures("random_numbers")

NAME = "org/model@cccccccc"
TOKEN = "hf_only_for_calls"
ALL = ("pair", "filtered", "perplexity")

CLOSE = 1e-5
"""The most by which a perplexity may differ: the server adds its numbers up one by one."""


class Way(NamedTuple):
    """One way of evaluating."""

    name: str
    settings: Mapping[str, object] = {}
    tasks: Sequence[str] = ALL


CHAT = {"use_chat_template": True}

WAYS = [
    Way("as shipped"),
    Way("few-shot", {"num_fewshot": 2}),
    Way("chat template", {**CHAT, "num_fewshot": 2}),
    Way("examples in one turn", {**CHAT, "num_fewshot": 2, "fewshot_as_multiturn": False}, ALL[:2]),
    Way("system instruction", {**CHAT, "system_instruction": "Add, please."}, ALL[:2]),
    Way("system instruction without chat template", {"system_instruction": "Add, please."}, ALL[:2]),
    Way(
        "named template",
        {**CHAT, "chat_template_name": "short", "model_args": {"chat_template_args": {"mark": "="}}},
        ALL[:2],
    ),
    Way(
        "thinking",
        {**CHAT, "chat_template_name": "short", "enable_thinking": True, "think_end_token": "."},
        ("filtered",),
    ),
    Way("a prefix of one's own", {"model_args": {"add_bos_token": True, "prefix_token_id": 5}}),
    Way("a short context", {"max_length": 12, "num_fewshot": 4}),
    Way(
        "settings for writing", {"gen_kwargs": {"max_gen_toks": 9, "repetition_penalty": 1.0}}, ("filtered",)
    ),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tasks, their questions, and two models."""
    folder = make_sums(tmp_path_factory.mktemp("served"))
    make_a_model_that_begins(folder / "models" / "begins")
    make_gpt2(folder / "models" / "gpt2")
    return folder


def make_a_model_that_begins(folder: Path) -> None:
    """Save a model whose tokenizer puts a token before each text."""
    make_tiny_model(folder)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    tokenizer.add_special_tokens({"bos_token": "<start>"})
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<start> $A", special_tokens=[("<start>", tokenizer.bos_token_id)]
    )
    model.resize_token_embeddings(len(tokenizer))
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    with_chat_templates(folder)
    assert tokenizer.encode("a")[0] == tokenizer.bos_token_id


def make_gpt2(folder: Path) -> None:
    tokenizer = byte_tokenizer()
    tokenizer.save_pretrained(folder)
    sizes = {"n_positions": 256, "n_embd": 16, "n_layer": 1, "n_head": 2}
    ends = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id}
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), **sizes, **ends)).save_pretrained(folder)
    with_chat_templates(folder)


@pytest.fixture(scope="module", params=["trained", "random", "begins", "gpt2"])
def model(request: pytest.FixtureRequest, place: Path) -> Path:
    return place / "models" / str(request.param)


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[RunningServer]:
    """The model with room for two tokens more than it reads at once here, or than any text has."""
    config = json.loads((model / "config.json").read_text())
    length = config.get("max_position_embeddings")  # without one, positions have weights, so there is no room
    arguments = ["--max-model-len", str(length + 2)] if length else ["--max-model-len", "256"]
    with running_server(model, name=NAME, token=TOKEN, arguments=arguments) as running:
        yield running


def served(job: Job, running: RunningServer, **changes: Any) -> Job:
    """The same job with its model on the server."""
    there = Server(url=running.url, model=running.model, is_exact=True)
    settings = {"inference": Inference.SERVER, "server": there, "most_empty": 1.0, "concurrency": 3}
    return replace(job, **(settings | changes))


def report_of(job: Job) -> dict[str, Any]:
    return evaluate(job, lambda progress: None, token=TOKEN)


def check_the_same(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """All numbers of two reports are equal, up to rounding."""
    assert ours.keys() == theirs.keys()
    for task, found in scores(ours).items():
        expected = scores(theirs)[task]
        assert found.keys() == expected.keys(), task
        for name, value in found.items():
            wanted = expected[name]
            assert value == (pytest.approx(wanted, rel=CLOSE) if isinstance(wanted, float) else wanted), (
                task,
                name,
            )


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_server_gives_the_scores_of_the_model_here(
    way: Way, model: Path, server: RunningServer, place: Path
) -> None:
    job = make_job(model, tasks=tuple(way.tasks), tasks_dir=str(place / "tasks"), **way.settings)
    here, there = report_of(job), report_of(served(job, server))
    check_the_same(there["results"], here["results"])
    for section in ("task_hashes", "n-samples", "truncated_prompts", "n-shot", "versions", "groups"):
        assert there.get(section) == here.get(section), section
