"""Finished tasks are kept for the next attempt, under everything that their scores depend on."""

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from src.evaluation.reports import kept
from src.evaluation.reports.kept import NEWEST, KeptReports, key
from src.running.job import BaseModel, Job
from support.jobs import make_job

REPORT = {
    "results": {"sums": {"acc,none": 0.1 + 0.2}},
    "config": {"batch_sizes": []},
    "total_evaluation_time_seconds": "1",
}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    own = tmp_path / "tasks"
    own.mkdir()
    (own / "sums.yaml").write_text("task: sums")
    return make_job("org/model", tasks=("sums",), tasks_dir=str(own), kept_tasks=str(tmp_path / "kept"))


def test_a_report_is_read_as_it_was_written(job: Job, tmp_path: Path) -> None:
    assert KeptReports.of(job).read("sums") is None
    KeptReports.of(job).write("sums", REPORT)
    assert KeptReports.of(job).read("sums") == REPORT
    assert [path.name for path in tmp_path.glob("kept/*/*")] == ["sums.json"]


BASE = BaseModel(model="org/base", weights="org/base", commit="b" * 40)


@pytest.mark.parametrize(
    "without", [{"kept_tasks": None}, {"commit": None}, {"base": replace(BASE, commit=None)}]
)
def test_nothing_is_kept_without_a_folder_or_for_weights_that_may_change(
    without: dict[str, Any], job: Job, tmp_path: Path
) -> None:
    reports = KeptReports.of(replace(job, **without))
    reports.write("sums", REPORT)
    assert reports.read("sums") is None
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff", b"[]", b"{}"])
def test_a_damaged_file_is_left_alone_with_a_warning(
    damage: bytes, job: Job, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reports = KeptReports.of(job)
    reports.write("sums", REPORT)
    [file] = tmp_path.glob("kept/*/sums.json")
    file.write_bytes(damage)
    assert reports.read("sums") is None
    assert "cannot read the kept report of org/model on sums" in caplog.text


@pytest.mark.parametrize("task", ["../sums", "a/b", "harness|sums|5", ".", "ä" * 30])
def test_a_task_may_have_any_name(task: str, job: Job, tmp_path: Path) -> None:
    reports = KeptReports.of(job)
    reports.write(task, REPORT)
    assert reports.read(task) == REPORT
    assert len(list(tmp_path.glob("kept/*/*.json"))) == 1


def test_another_number_of_examples_is_another_report(job: Job) -> None:
    for number in (None, 0, 5):
        reports = KeptReports.of(replace(job, num_fewshot=number))
        assert reports.read("sums") is None
        reports.write("sums", REPORT)
    other = KeptReports.of(replace(job, num_fewshot=3, fewshot_by_task={"sums": 5}))
    assert other.read("sums") == REPORT


@pytest.mark.parametrize(
    "change",
    [
        {"model": "org/other"},
        {"weights": "org/converted"},
        {"commit": "d" * 40},
        {"precision": "float16"},
        {"use_chat_template": True},
        {"limit": 10},
        {"device": "mps"},
        {"run": "another"},
        {"gen_kwargs": {"temperature": 0.6}},
        {"system_instruction": "Be brief."},
        {"fewshot_as_multiturn": False},
        {"chat_template_name": "short"},
        {"enable_thinking": False},
        {"think_end_token": "</think>"},
        {"max_length": 512},
        {"seeds": (1, 2, 3, 4)},
        {"metadata": {"max_seq_lengths": [4096]}},
        {"model_args": {"add_bos_token": True}},
        {"bootstrap_iters": 1000},
        {"base": BASE},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_a_score_depends_on_is_in_the_key(change: dict[str, Any], job: Job) -> None:
    assert key(replace(job, **change)) != key(job)


def test_the_commit_of_the_base_model_and_the_version_of_peft_are_in_the_key_of_an_adapter(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = replace(job, base=BASE)
    assert key(replace(adapter, base=replace(BASE, commit="d" * 40))) != key(adapter)
    before = key(job), key(adapter)
    real = kept.versions

    def with_another_peft(packages: Iterable[str]) -> dict[str, str]:
        return {name: "another" if name == "peft" else each for name, each in real(packages).items()}

    monkeypatch.setattr(kept, "versions", with_another_peft)
    assert key(job) == before[0]
    assert key(adapter) != before[1]


def test_another_run_evaluates_anew_and_its_attempts_share(job: Job) -> None:
    first, second = (replace(job, run=run) for run in ("first", "second"))
    KeptReports.of(first).write("sums", REPORT)
    assert KeptReports.of(second).read("sums") is None
    assert KeptReports.of(first).read("sums") == REPORT


def test_the_batch_size_and_the_versions_are_in_the_key(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(job)
    assert key(replace(job, batch_size="16")) != before
    monkeypatch.setattr(kept, "versions", lambda packages: {"torch": "1.0"})
    assert key(job) != before


@pytest.mark.parametrize(
    "change",
    [
        lambda own: (own / "sums.yaml").write_text("task: sums\nnum_fewshot: 1"),
        lambda own: (own / "sums.yaml").rename(own / "more.yaml"),
        lambda own: (own / "utils.py").write_text(""),
    ],
    ids=["other words", "another name", "one more"],
)
def test_the_files_of_the_tasks_are_in_the_key(change: Callable[[Path], object], job: Job) -> None:
    before = key(job)
    change(Path(job.tasks_dir))
    assert key(job) != before


def test_the_key_stays_the_same_for_other_tasks_and_for_what_python_compiles(job: Job) -> None:
    before = key(job)
    compiled = Path(job.tasks_dir) / "__pycache__"
    compiled.mkdir()
    (compiled / "utils.pyc").write_bytes(b"\0")
    assert key(replace(job, tasks=("sums", "more"), num_fewshot=2)) == before


def test_two_cards_of_one_kind_are_the_same(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA L4")
    assert key(replace(job, device="cuda:0")) == key(replace(job, device="cuda:1"))


def test_only_the_reports_of_the_jobs_that_ran_last_stay(job: Job, tmp_path: Path) -> None:
    KeptReports.of(job).write("sums", REPORT)
    [own] = (tmp_path / "kept").iterdir()
    os.utime(own, (0, 0))
    for age in range(NEWEST + 5):
        folder = tmp_path / "kept" / f"other {age}"
        folder.mkdir()
        os.utime(folder, (1000 - age, 1000 - age))
    assert KeptReports.of(job).read("sums") == REPORT  # which makes it the newest
    left = {folder.name for folder in (tmp_path / "kept").iterdir()}
    assert left == {own.name, *(f"other {age}" for age in range(NEWEST - 1))}
