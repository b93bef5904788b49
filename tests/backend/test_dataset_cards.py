"""The two datasets as `datasets.load_dataset` sees them: one row for each file, in columns with types."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from datasets import Dataset, load_dataset

from src.shared.data.cards import REQUESTS_CARD, RESULTS_CARD
from src.shared.data.names import OWN_FOLDER
from src.shared.data.reports import read_result
from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from src.shared.stores.store import blob_id
from support.factories import COMMIT, make_request, make_result_file
from support.sources import ROOT

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
OF_RESULTS = {
    "path": "string",
    "model": "string",
    "precision": "string",
    "weight_type": "string",
    "commit": "string",
    "use_chat_template": "bool",
    "engine": "string",
    "ended": "timestamp[us, tz=UTC]",
    "limit": "float64",
    "request": "string",
    "blob": "string",
    "reader": "int32",
    "parsed": "string",
}
OF_REQUESTS = {
    "path": "string",
    "model": "string",
    "revision": "string",
    "commit": "string",
    "precision": "string",
    "weight_type": "string",
    "use_chat_template": "bool",
    "status": "string",
    "message": "string",
    "submitted": "timestamp[us, tz=UTC]",
    "submitted_by": "string",
    "model_type": "string",
    "params": "float64",
    "license": "string",
    "attempts": "int64",
    "result": "string",
    "blob": "string",
    "reader": "int32",
    "parsed": "string",
}


def dataset_with(folder: Path, card: str, **files: bytes) -> Path:
    """A dataset in a folder, with its card and some files of ours in Parquet."""
    folder.mkdir()
    (folder / "README.md").write_text(card, encoding="utf-8")
    for name, data in files.items():
        file = folder / OWN_FOLDER / f"{name}.parquet"
        file.parent.mkdir()
        file.write_bytes(data)
    return folder


def loaded(folder: Path, cache: Path) -> Dataset:
    """What a reader gets who names the dataset and nothing else."""
    return load_dataset(str(folder), cache_dir=str(cache))["train"]


def types_of(dataset: Dataset) -> dict[str, str]:
    return {name: feature.dtype for name, feature in dataset.features.items()}


def test_results_are_one_row_each_with_a_number_for_each_score(tmp_path: Path) -> None:
    files = {
        "acme/tiny/results_1.json": make_result_file(scores={"a": {"acc,none": 0.5}}),
        "acme/tiny/results_2.json": make_result_file(scores={"b": {"em,x": 0.25}}, commit=None),
    }
    index = RESULTS_INDEX.write(
        {path: blob_id(data) for path, data in files.items()},
        {path: read_result(path, data) for path, data in files.items()},
    )
    folder = dataset_with(tmp_path / "results", RESULTS_CARD, results=index)
    (folder / "acme/tiny").mkdir(parents=True)
    for path, data in files.items():
        (folder / path).write_bytes(data)
    dataset = loaded(folder, tmp_path / "cache")
    assert types_of(dataset) == OF_RESULTS | {"a acc,none": "float64", "b em,x": "float64"}
    rows = [(row["model"], row["commit"], row["ended"], row["a acc,none"], row["b em,x"]) for row in dataset]
    assert rows == [("acme/tiny", COMMIT, NOON, 0.5, None), ("acme/tiny", None, NOON, None, 0.25)]


def test_requests_are_one_row_each(tmp_path: Path) -> None:
    index = REQUESTS_INDEX.write({"a.json": "0" * 40}, {"a.json": make_request()})
    dataset = loaded(dataset_with(tmp_path / "requests", REQUESTS_CARD, requests=index), tmp_path / "cache")
    assert types_of(dataset) == OF_REQUESTS
    [row] = dataset
    assert (row["model"], row["status"], row["submitted"], row["params"]) == (
        "acme/tiny",
        "PENDING",
        NOON,
        0.1,
    )


def test_a_dataset_that_was_just_created_streams_no_rows_of_the_same_types(tmp_path: Path) -> None:
    """`datasets` 5.2 loads no split without rows in any other way, from whatever file."""
    results = dataset_with(tmp_path / "results", RESULTS_CARD, results=RESULTS_INDEX.write({}, {}))
    requests = dataset_with(tmp_path / "requests", REQUESTS_CARD, requests=REQUESTS_INDEX.write({}, {}))
    for folder, types in {results: OF_RESULTS, requests: OF_REQUESTS}.items():
        dataset = load_dataset(str(folder), cache_dir=str(tmp_path / "cache"), streaming=True)["train"]
        assert list(dataset) == []
        assert {name: feature.dtype for name, feature in dataset.features.items()} == types


@pytest.mark.parametrize(
    ("seed", "types"), [("eval-results-seed", OF_RESULTS), ("eval-queue-seed", OF_REQUESTS)]
)
def test_the_seeds_load(seed: str, types: dict[str, str], tmp_path: Path) -> None:
    dataset = loaded(ROOT / seed, tmp_path / "cache")
    assert types.items() <= types_of(dataset).items()
    assert len(dataset) == len([*(ROOT / seed).rglob("*.json")])
