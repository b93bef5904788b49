"""Every prompt with the model's answers, if the owner wants them: from the child to the dataset."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from src.evaluation.evaluating import evaluate
from src.evaluation.reports.samples_file import Sample, samples_file
from src.parts import samples_store
from src.queue.samples import MOST_TRIES, files_of
from src.queue.samples_dataset import SamplesDataset
from src.running.job import End, Ending, Job
from src.settings import Settings
from src.shared.data.reports import read_result
from src.shared.data.request import Status
from src.shared.errors import ConfigurationError, StoreError
from src.shared.stores.budgets import Pace
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.hub import Hub as Client
from support.executors import FunctionExecutor, report_of
from support.hub import Hub, running_hub
from support.hub.repository import RepoName
from support.jobs import make_job
from support.queues import Queue, drain
from support.tiny_model import make_tiny_model

RUN = ".samples/acme/model/2026-01-31T12-00-00.000000_1"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    model = make_tiny_model(tmp_path / "model")
    return make_job(model, limit=3, save_samples=True, kept_tasks=str(tmp_path / "kept"), run="1")


def evaluated(job: Job, folder: Path) -> dict[str, pd.DataFrame]:
    with torch.random.fork_rng():
        evaluate(job, lambda progress: None, folder)
    return {path.stem: pd.read_parquet(path) for path in folder.iterdir()}


@pytest.mark.usefixtures("in_the_backends_folder")
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


@pytest.mark.usefixtures("in_the_backends_folder")
def test_an_attempt_that_goes_on_has_the_samples_of_the_interrupted_one(job: Job, tmp_path: Path) -> None:
    before = evaluated(job, tmp_path / "first")
    [kept] = Path(str(job.kept_tasks)).iterdir()
    (kept / "tiny_copy.parquet").unlink()
    again = evaluated(job, tmp_path / "second")
    assert again.keys() == before.keys()
    for task, rows in before.items():
        pd.testing.assert_frame_equal(again[task], rows)


@pytest.mark.usefixtures("in_the_backends_folder")
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
        samples = folder / f"left of {job.model.replace('/', ' ')}"
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


def test_nothing_but_the_files_of_the_tasks_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{name}.parquet" for name in ("good", "secret", "folder", "large", "missing", "unread")]
    (tmp_path / "good.parquet").write_bytes(b"rows")
    (tmp_path / "other.parquet").write_bytes(b"of no task")
    (tmp_path / "secret.parquet").symlink_to("/etc/passwd")
    (tmp_path / "folder.parquet").mkdir()
    (tmp_path / "large.parquet").write_bytes(b"0123456789")
    (tmp_path / "unread.parquet").write_bytes(b"rows")
    read = Path.read_bytes

    def fails(path: Path) -> bytes:
        if path.name == "unread.parquet":
            raise OSError(5, "Input/output error")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", fails)
    monkeypatch.setattr("src.queue.samples.MAX_SAMPLES_BYTES", 9)
    assert files_of(tmp_path, RUN, names) == {f"{RUN}/good.parquet": b"rows"}


def test_all_samples_of_an_evaluation_together_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.parquet").write_bytes(b"0123")
    monkeypatch.setattr("src.queue.samples.MAX_SAMPLES_BYTES", 9)
    found = files_of(tmp_path, RUN, ["a.parquet", "b.parquet", "c.parquet"])
    assert found.keys() == {f"{RUN}/a.parquet", f"{RUN}/b.parquet"}


class BrokenStore(FolderStore):
    """A dataset that refuses the samples of some models."""

    refused = "acme/broken"

    def commit(self, *, message: str, **options: Any) -> None:
        if self.refused in message:
            raise StoreError("The dataset is full.")
        super().commit(message=message, **options)


def test_samples_that_cannot_be_written_hold_back_no_other_result(queue: Queue, tmp_path: Path) -> None:
    queue.submit("acme/broken")
    queue.submit("acme/model")
    executor = FunctionExecutor(leaving(tmp_path))
    worker = queue.worker(executor=executor, samples=BrokenStore(tmp_path / "samples"), slots=2)
    for _ in range(3):
        worker.tick()
    assert [path.split("/results_")[0] for path in queue.result_paths()] == ["acme/model"]
    drain(worker, most=MOST_TRIES + 3)
    [without, result] = map(queue_report(queue), queue.result_paths())
    assert "samples" not in without["leaderboard"] and "samples" in result["leaderboard"]
    assert queue.read(queue.submit("acme/broken")).status is not Status.RUNNING


def queue_report(queue: Queue) -> Callable[[str], dict[str, Any]]:
    return lambda path: json.loads((queue.folder / "results" / path).read_bytes())  # type: ignore[no-any-return]


def test_samples_that_come_late_are_published_with_their_result(queue: Queue, tmp_path: Path) -> None:
    queue.submit("acme/broken")
    store = BrokenStore(tmp_path / "samples")
    worker = queue.worker(executor=FunctionExecutor(leaving(tmp_path)), samples=store)
    for _ in range(MOST_TRIES - 2):
        worker.tick()
    assert not queue.result_paths()
    store.refused = "nobody"
    drain(worker)
    [path] = queue.result_paths()
    assert queue_report(queue)(path)["leaderboard"]["samples"]["repo"] == str(store)
    assert list(store.folder.rglob("*.parquet"))


def test_an_evaluation_without_a_valid_report_publishes_no_samples(queue: Queue, tmp_path: Path) -> None:
    queue.submit("acme/model")

    def evaluate_the_job(job: Job) -> Ending:
        ending = leaving(tmp_path)(job)
        return replace(ending, report={"results": {}, "config": {}})

    store = FolderStore(tmp_path / "samples")
    drain(queue.worker(executor=FunctionExecutor(evaluate_the_job), samples=store))
    assert not queue.result_paths()
    assert not list(store.folder.rglob("*.parquet"))


# The dataset of their own on the Hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


def dataset(hub: Hub, *, private: bool = True) -> SamplesDataset:
    token = hub.add_user("alice", {"acme": "write"})
    return SamplesDataset(Client(token, endpoint=hub.url), "acme/samples", private=private, pace=Pace())


def test_the_dataset_is_created_private_before_anything_is_claimed(hub: Hub) -> None:
    dataset(hub).check_writing()
    assert hub.get(RepoName("dataset", "acme/samples")).private


def test_a_public_dataset_is_not_written_to_unless_the_owner_says_so(hub: Hub) -> None:
    hub.add_dataset("acme/samples", {"README.md": "# Samples"})
    with pytest.raises(StoreError, match="acme/samples is public, but SAMPLES_PRIVATE is True"):
        dataset(hub).check_writing()
    dataset(hub, private=False).check_writing()


def test_whoever_has_to_create_it_is_told_to_make_it_private(hub: Hub) -> None:
    token = hub.add_user("bob", {})
    store = SamplesDataset(Client(token, endpoint=hub.url), "acme/samples", private=True, pace=Pace())
    with pytest.raises(StoreError, match="hf repos create acme/samples --repo-type dataset --private"):
        store.check_writing()


def test_samples_that_are_there_already_can_be_committed_again(hub: Hub) -> None:
    store, files = dataset(hub), {f"{RUN}/a.parquet": b"rows"}
    for _ in range(2):  # the answer to the first may have been lost
        store.commit(add=files, message="add samples", parent=store.snapshot())
    assert hub.get(RepoName("dataset", "acme/samples")).read(f"{RUN}/a.parquet") == b"rows"


ON_THE_HUB = Settings(owner="acme", hf_token="hf_x", save_samples=True, samples_repo="acme/samples")


def test_the_dataset_of_samples_is_private_unless_the_owner_says_not() -> None:
    store = samples_store(ON_THE_HUB)
    assert store and str(store) == "acme/samples" and store.private
    public = samples_store(replace(ON_THE_HUB, samples_private=False))
    assert public and not public.private
    assert samples_store(replace(ON_THE_HUB, save_samples=False)) is None
    assert samples_store(replace(ON_THE_HUB, samples_repo=None)) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"leaderboard_data_dir": "/data"}, "SAMPLES_REPO names a dataset on the Hub, but the data is in a"),
        ({"samples_repo": "acme/results"}, "SAMPLES_REPO is acme/results, which holds"),
        ({"samples_repo": "acme/requests"}, "SAMPLES_REPO is acme/requests, which holds"),
    ],
)
def test_a_dataset_that_cannot_be_that_of_samples_is_refused_at_the_start(
    change: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        samples_store(replace(ON_THE_HUB, **change))
