"""Every prompt with the model's answers, if the owner wants them: from the child to the dataset."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from src.evaluation.evaluating import evaluate
from src.evaluation.reports.samples_file import Sample, samples_file
from src.queue.samples import MAX_SAMPLES_BYTES, files_of
from src.running.job import End, Ending, Job
from src.settings import Settings
from src.shared.data.reports import read_result
from src.shared.stores.folder_store import FolderStore
from src.worker import samples_store
from support.executors import FunctionExecutor, report_of
from support.jobs import make_job
from support.queues import Queue, drain
from support.sources import ROOT
from support.tiny_model import make_tiny_model

RUN = ".samples/acme/model/2026-01-31T12-00-00.000000_1"


@pytest.fixture
def in_the_folder_of_the_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "backend")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    model = make_tiny_model(tmp_path / "model")
    return make_job(model, limit=3, save_samples=True, kept_tasks=str(tmp_path / "kept"), run="1")


def evaluated(job: Job, folder: Path) -> dict[str, pd.DataFrame]:
    with torch.random.fork_rng():
        evaluate(job, lambda progress: None, folder)
    return {path.stem: pd.read_parquet(path) for path in folder.iterdir()}


@pytest.mark.usefixtures("in_the_folder_of_the_space")
def test_a_row_has_what_the_model_read_and_what_it_answered(job: Job, tmp_path: Path) -> None:
    found = evaluated(job, tmp_path / "samples")
    assert found.keys() == {*job.tasks}
    rated, written = found["tiny_agreement"], found["tiny_copy"]
    assert list(rated["doc_id"]) == list(written["doc_id"]) == [0, 1, 2]
    first = rated.iloc[0]
    assert first["prompt"] == "The friends beside the queen"
    assert list(first["choices"]) == [" laugh.", " laughs."]
    assert len(first["log_probabilities"]) == 2 and max(first["log_probabilities"]) < 0
    assert json.loads(first["doc"])["answer"] == json.loads(first["target"]) == 0
    likeliest = first["log_probabilities"][0] > first["log_probabilities"][1]
    assert first["scores.acc"] == float(likeliest)
    first = written.iloc[0]
    assert first["prompt"] == "Repeat: aaba\n" and first["target"] == "aaba"
    assert len(first["answers"]) == 1 and list(first["choices"]) == []
    assert first["scores.exact_match"] == float(first["answers"][0] == "aaba")


@pytest.mark.usefixtures("in_the_folder_of_the_space")
def test_an_attempt_that_goes_on_has_the_samples_of_the_interrupted_one(job: Job, tmp_path: Path) -> None:
    before = evaluated(job, tmp_path / "first")
    [kept] = Path(str(job.kept_tasks)).iterdir()
    (kept / "tiny_copy.parquet").unlink()
    again = evaluated(job, tmp_path / "second")
    assert again.keys() == before.keys()
    for task, rows in before.items():
        pd.testing.assert_frame_equal(again[task], rows)


@pytest.mark.usefixtures("in_the_folder_of_the_space")
def test_nothing_is_kept_unless_the_owner_wants_it(job: Job, tmp_path: Path) -> None:
    evaluate(replace(job, save_samples=False), lambda progress: None, tmp_path / "samples")
    assert not list(tmp_path.rglob("*.parquet"))


def test_texts_that_are_no_unicode_and_odd_values_can_be_written(tmp_path: Path) -> None:
    odd = Sample(task="t", doc_id=1, prompt="\ud800", target={"a": [Path("x")]}, scores={"acc": None})
    (tmp_path / "file.parquet").write_bytes(samples_file([odd]))
    row = pd.read_parquet(tmp_path / "file.parquet").iloc[0]
    assert (row["prompt"], row["target"]) == ("?", '{"a": ["x"]}')
    assert pd.isna(row["scores.acc"])


# Publication


def leaving(folder: Path) -> Callable[[Job], Ending]:
    def evaluate_the_job(job: Job) -> Ending:
        samples = folder / "left"
        samples.mkdir()
        for task in job.tasks:
            (samples / f"{task}.parquet").write_bytes(task.encode())
        return Ending(End.FINISHED, "", report=report_of(job), samples=samples)

    return evaluate_the_job


def test_samples_are_published_with_the_result_which_says_where(queue: Queue, tmp_path: Path) -> None:
    queue.submit("acme/model")
    drain(queue.worker(executor=FunctionExecutor(leaving(tmp_path))))
    [path] = queue.result_paths()
    report = json.loads((queue.folder / "results" / path).read_bytes())
    assert report["leaderboard"]["samples"] == {"repo": None, "path": RUN}
    assert (queue.folder / "results" / RUN / "tiny_copy.parquet").read_bytes() == b"tiny_copy"
    assert read_result(path, json.dumps(report).encode()).run


def test_samples_in_a_dataset_of_their_own_are_there_before_the_result(queue: Queue, tmp_path: Path) -> None:
    own = FolderStore(tmp_path / "samples")
    queue.submit("acme/model")
    drain(queue.worker(executor=FunctionExecutor(leaving(tmp_path)), samples=own))
    [path] = queue.result_paths()
    report = json.loads((queue.folder / "results" / path).read_bytes())
    assert report["leaderboard"]["samples"] == {"repo": str(own), "path": RUN}
    assert (own.folder / RUN / "tiny_copy.parquet").read_bytes() == b"tiny_copy"
    assert not (queue.folder / "results" / ".samples").exists()


def test_a_result_without_samples_says_nothing_of_them(queue: Queue) -> None:
    queue.submit("acme/model")
    drain(queue.worker())
    [path] = queue.result_paths()
    assert "samples" not in json.loads((queue.folder / "results" / path).read_bytes())["leaderboard"]


def test_samples_are_not_listed_with_the_files_that_are_read(queue: Queue, tmp_path: Path) -> None:
    queue.submit("acme/model")
    drain(queue.worker(executor=FunctionExecutor(leaving(tmp_path))))
    assert not [path for path in queue.results.snapshot().files if "samples" in path]


def test_nothing_but_plain_files_of_a_child_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "good.parquet").write_bytes(b"rows")
    (tmp_path / "secret.parquet").symlink_to("/etc/passwd")
    (tmp_path / "folder.parquet").mkdir()
    (tmp_path / "page.html").write_text("<script>")
    (tmp_path / ".hidden.parquet").write_bytes(b"")
    (tmp_path / "large.parquet").write_bytes(b"0123456789")
    assert MAX_SAMPLES_BYTES > 100_000_000
    monkeypatch.setattr("src.queue.samples.MAX_SAMPLES_BYTES", 9)
    assert files_of(tmp_path, RUN) == {f"{RUN}/good.parquet": b"rows"}


def test_the_dataset_of_samples_is_private_unless_the_owner_says_not() -> None:
    on_the_hub = Settings(owner="acme", hf_token="hf_x", save_samples=True, samples_repo="acme/samples")
    store = samples_store(on_the_hub)
    assert store and str(store) == "acme/samples"
    assert vars(store)["_private"] is True
    assert vars(samples_store(replace(on_the_hub, samples_private=False)))["_private"] is False
    assert samples_store(replace(on_the_hub, save_samples=False)) is None
    assert samples_store(replace(on_the_hub, leaderboard_data_dir="/data")) is None
    assert samples_store(replace(on_the_hub, samples_repo=None)) is None
