"""All kinds of tasks score on a server as they do here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from src.running.job import Job
from support.lighteval_jobs import SHIPPED, lighteval_job, report_of
from support.lighteval_kinds import MODELS, Case, cases, fingerprints, make_demo_models
from support.openai_server import RunningServer, running_server
from support.served_jobs import on_a_server

pytestmark = pytest.mark.slow

LONG_ENOUGH = ["llama", "gpt2"]
"""The models that all prompts fit into. A server reads less of others."""

NAMES = [name for name in cases(dict.fromkeys(MODELS, Path())) if name.rpartition(": ")[2] in LONG_ENOUGH]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    with torch.random.fork_rng():
        return {name: make(tmp_path_factory.mktemp(name)) for name, make in MODELS.items()}


@pytest.fixture(scope="module")
def table(folders: dict[str, Path]) -> dict[str, Case]:
    return cases(folders)


@pytest.fixture(scope="module")
def servers(folders: dict[str, Path]) -> Iterator[dict[str, RunningServer]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(running_server(folders[name])) for name in LONG_ENOUGH}


@pytest.mark.parametrize("name", NAMES)
def test_the_scores_are_those_of_a_model_that_runs_here(
    name: str, table: dict[str, Case], servers: dict[str, RunningServer]
) -> None:
    check_alike(table[name].job, servers[name.rpartition(": ")[2]])


def test_the_models_of_the_demo_score_as_they_do_here(tmp_path: Path) -> None:
    """Three models that learnt something, on all questions of the three shipped tasks."""
    found = []
    for folder in make_demo_models(tmp_path):
        with running_server(folder) as server:
            found += [check_alike(lighteval_job(folder, task), server) for task in SHIPPED]
    assert len({json.dumps(each["results"]["all"]) for each in found}) >= 6


def check_alike(job: Job, server: RunningServer) -> dict[str, Any]:
    """Return the report of the server's model, which is that of a model here.

    lighteval counts a batch's padding among the tokens that a model reads, so compare those of single texts.
    """
    served, local = report_of(on_a_server(job, server)), report_of(job)
    assert served["results"] == local["results"]
    assert served["truncated_prompts"] == local["truncated_prompts"]
    assert fingerprints(served) == fingerprints(report_of(replace(job, batch_size="1")))
    return served
