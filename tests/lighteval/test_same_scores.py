"""Our worker and lighteval's own command line give the same scores, for every kind of task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from lighteval.tasks.requests import Doc
from transformers import AutoModelForCausalLM

from src.evaluation.failures import Failed
from src.evaluation.lighteval.model import MeteredModel
from src.evaluation.loading.loading import Loaded
from src.evaluation.progress import ProgressMeter
from src.running.job import Job
from support.lighteval_jobs import SHIPPED, SHIPPED_FILE, lighteval_job, on_the_command_line, report_of
from support.lighteval_kinds import MODELS, Case, cases, fingerprints, make_demo_models, of_kinds
from support.tiny_model import byte_tokenizer

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
    jobs = [lighteval_job(folder, task) for folder in make_demo_models(tmp_path) for task in SHIPPED]
    found = on_the_command_line([(job, SHIPPED_FILE) for job in jobs])
    for job, its in zip(jobs, found, strict=True):
        ours = report_of(job)
        assert ours["results"] == its["results"]
        assert fingerprints(ours) == fingerprints(its)
    assert len({json.dumps(each["results"]["all"]) for each in found}) >= 6
