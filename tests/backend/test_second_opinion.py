"""A second opinion on our client and the server of the tests: `transformers serve`, which others wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pandas as pd
import pytest

from src.evaluation.evaluating import evaluate
from src.evaluation.failures import Failed
from src.running.inference import Api, Server
from src.running.job import End
from support.jobs import make_job
from support.openai_server import running_server
from support.served_jobs import on_a_server
from support.sums import make_sums
from support.transformers_serve import transformers_serve

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tasks of every kind, and two models with chat templates."""
    return make_sums(tmp_path_factory.mktemp("sums"))


@pytest.fixture(scope="module", params=["trained", "random"])
def model(request: pytest.FixtureRequest, place: Path) -> Path:
    return place / "models" / str(request.param)


@pytest.fixture(scope="module")
def theirs(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with transformers_serve(model, tmp_path_factory.mktemp("serve")) as server:
        yield server


@pytest.mark.parametrize("shots", [0, 1])
def test_answers_in_a_chat_are_those_of_transformers_serve(
    shots: int, model: Path, theirs: Server, place: Path, tmp_path: Path
) -> None:
    job = make_job(
        model,
        tasks=("filtered",),
        tasks_dir=str(place / "tasks"),
        num_fewshot=shots,
        use_chat_template=True,
        inference_api=Api.CHAT,
        save_samples=True,
    )
    with running_server(model) as server:
        ours = evaluate(on_a_server(job, server), lambda progress: None, tmp_path / "ours")
    its = evaluate(on_a_server(job, theirs), lambda progress: None, tmp_path / "its")
    assert its["results"] == ours["results"]
    assert its["task_hashes"] == ours["task_hashes"]
    one, other = (pd.read_parquet(tmp_path / name / "filtered.parquet") for name in ("ours", "its"))
    assert len(one) == 84  # with each of two filters
    pd.testing.assert_frame_equal(one, other)


def test_tasks_that_rate_are_refused_because_it_gives_no_log_probabilities(
    model: Path, theirs: Server, place: Path
) -> None:
    job = make_job(model, tasks=("choice",), tasks_dir=str(place / "tasks"))
    with pytest.raises(Failed, match="does not give the log-probabilities of a prompt's tokens") as failed:
        evaluate(on_a_server(job, theirs), lambda progress: None)
    assert failed.value.end is End.WORKER


def test_a_prompt_of_token_ids_is_refused_in_its_own_words(model: Path, theirs: Server, place: Path) -> None:
    job = make_job(model, tasks=("filtered",), tasks_dir=str(place / "tasks"))
    with pytest.raises(Failed, match="prompt must be a string") as failed:
        evaluate(on_a_server(job, theirs), lambda progress: None)
    assert failed.value.end is End.WORKER


def test_it_names_the_models_of_the_hubs_cache(theirs: Server) -> None:
    listed = httpx.get(f"{theirs.url}/models").json()
    assert [each["id"] for each in listed["data"]] == [theirs.model]
