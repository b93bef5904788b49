"""Our worker and lighteval's own command line give the same scores, for every kind of task."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from lighteval.tasks.requests import Doc
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

from src.evaluation.failures import Failed
from src.evaluation.lighteval.model import MeteredModel
from src.evaluation.loading.loading import Loaded
from src.evaluation.progress import ProgressMeter
from src.running.job import Job
from support.lighteval_jobs import SHIPPED, SHIPPED_FILE, lighteval_job, on_the_command_line, report_of
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


NAMES = [*cases(dict.fromkeys(MODELS, Path()))]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    with torch.random.fork_rng():
        return {name: make(tmp_path_factory.mktemp(name)) for name, make in MODELS.items()}


@pytest.fixture(scope="module")
def table(models: dict[str, Path]) -> dict[str, Case]:
    return cases(models)


@pytest.fixture(scope="module")
def outcomes(models: dict[str, Path], table: dict[str, Case]) -> dict[str, dict[str, Any]]:
    """What the command line saves for each case and for three more, all in one process."""
    more = {
        TOGETHER: together(models),
        PERPLEXITY: of_kinds(models["gpt2"], "kind_perplexity|0"),
        SPLITS: of_kinds(models["gpt2"], "kind_two_splits|0"),
    }
    every = {**table, **more}
    found = on_the_command_line([(case.job, case.file) for case in every.values()])
    return dict(zip(every, found, strict=True))


TOGETHER, PERPLEXITY, SPLITS = "three tasks together", "perplexity", "two splits"


def together(models: dict[str, Path]) -> Case:
    return Case(lighteval_job(models["gpt2"], *SHIPPED, limit=8), SHIPPED_FILE)


@pytest.mark.parametrize("name", NAMES)
def test_the_scores_are_those_of_the_command_line(
    name: str, table: dict[str, Case], outcomes: dict[str, dict[str, Any]]
) -> None:
    ours, its = report_of(table[name].job), outcomes[name]
    assert "error" not in its
    assert ours["results"] == its["results"]
    assert ours["results"]["all"]
    assert fingerprints(ours) == fingerprints(its)


def fingerprints(report: dict[str, Any]) -> dict[str, dict[str, str]]:
    """lighteval's fingerprints of the questions and of the tokens that the model read.

    That of the answers' tokens is left out: for choices, the command line cuts their list (`[:len_choice]`).
    """
    return {
        task: {kind: text for kind, text in summary["hashes"].items() if kind != "hash_cont_tokens"}
        for task, summary in report["summary_tasks"].items()
    }


def test_the_scores_of_a_table_differ(table: dict[str, Case], outcomes: dict[str, dict[str, Any]]) -> None:
    """Otherwise equal scores would show little."""
    scores = {
        json.dumps(outcome and outcome["results"]["all"], sort_keys=True)
        for outcome in map(outcomes.get, table)
    }
    assert len(scores) > len(table) / 3


def test_tasks_evaluated_one_by_one_are_merged_as_if_together(
    models: dict[str, Path], outcomes: dict[str, dict[str, Any]]
) -> None:
    ours, its = report_of(together(models).job), outcomes[TOGETHER]
    assert ours["results"] == its["results"]
    assert {*ours["config_tasks"]} == {*its["config_tasks"]}
    assert {*its} <= {*ours}
    assert {*its["config_general"]} <= {*ours["config_general"]}


def test_a_task_with_two_splits_is_scored_although_the_command_line_fails_on_it(
    models: dict[str, Path], outcomes: dict[str, dict[str, Any]]
) -> None:
    assert "error" in outcomes[SPLITS], "it was mended: move this kind of task into the table"
    report = report_of(of_kinds(models["gpt2"], "kind_two_splits|0").job)
    assert report["config_tasks"]["kind_two_splits|0"]["effective_num_docs"] == 42


def test_perplexity_of_texts_is_refused_because_lighteval_computes_it_wrongly(
    models: dict[str, Path], outcomes: dict[str, dict[str, Any]]
) -> None:
    """Its command line drops the answers. Its model takes the probability of a word after it has read it."""
    assert "error" in outcomes[PERPLEXITY], "it was mended: move this kind of task into the table"
    job = of_kinds(models["gpt2"], "kind_perplexity|0").job
    with pytest.raises(
        Failed, match=r"perplexity of whole texts, which lighteval .* does not compute correct"
    ):
        report_of(job)
    its, tokens, scores = rated_by_lighteval(job)
    assert its == pytest.approx(sum(float(scores[at, token]) for at, token in enumerate(tokens)), rel=1e-5)


def rated_by_lighteval(job: Job) -> tuple[float, list[int], Any]:
    """The log-probability that lighteval's model gives a text, its tokens, and the scores after each."""
    loaded = AutoModelForCausalLM.from_pretrained(job.weights, dtype=torch.float32)
    meter = ProgressMeter(lambda progress: None)
    model = MeteredModel(job, meter, Loaded(loaded, byte_tokenizer()))
    text = "Repeat: ab ab"
    [answer] = model.loglikelihood_rolling([Doc(query="", choices=[text], gold_index=0)])
    tokens = byte_tokenizer().encode(text)
    return answer.logprobs[0], tokens, loaded(torch.tensor([tokens])).logits[0].log_softmax(-1)


@pytest.mark.slow
def test_the_models_of_the_demo_score_as_on_the_command_line(tmp_path: Path) -> None:
    """Three models that learnt something, on all questions of the three shipped tasks."""
    names = ["demo/adder", "demo/generalist", "demo/grammarian"]
    script = ROOT / "scripts" / "make_models.py"
    subprocess.run([sys.executable, str(script), str(tmp_path), *names], check=True, capture_output=True)
    jobs = [lighteval_job(tmp_path / name, task) for name in names for task in SHIPPED]
    found = on_the_command_line([(job, SHIPPED_FILE) for job in jobs])
    for job, its in zip(jobs, found, strict=True):
        ours = report_of(job)
        assert ours["results"] == its["results"]
        assert fingerprints(ours) == fingerprints(its)
    assert len({json.dumps(each["results"]["all"]) for each in found}) >= 6
