"""lm_eval's reports of single tasks become one that can be published."""

import hashlib
import json
from typing import Any

import numpy as np
import torch

from src.evaluation.lm_eval.report import merged, task_hashes, with_the_parts_of_a_tag
from src.evaluation.reports.report import publishable


def make_report(task: str, **changes: Any) -> dict[str, Any]:
    """lm_eval's report of one task, in its sections."""
    return {
        "results": {task: {"alias": task, "acc,none": 0.5, "acc_stderr,none": 0.1}},
        "group_subtasks": {},
        "configs": {task: {"task": task, "metadata": {"config_source": f"/srv/space/tasks/{task}.yaml"}}},
        "versions": {task: 1.0},
        "n-shot": {task: 0},
        "higher_is_better": {task: {"acc": True}},
        "n-samples": {task: {"original": 100, "effective": 100}},
        "task_hashes": {task: f"hash of {task}"},
        "config": {"model_dtype": torch.float32, "batch_sizes": [], "limit": None},
        "date": 1.0,
        "total_evaluation_time_seconds": "1.5",
        "lm_eval_version": "0.4.13",
    } | changes


def test_reports_of_tasks_become_one_with_all_of_them() -> None:
    report = merged([make_report("sums"), make_report("copies", date=2.0)])
    for section in (
        "results",
        "configs",
        "versions",
        "n-shot",
        "higher_is_better",
        "n-samples",
        "task_hashes",
    ):
        assert list(report[section]) == ["sums", "copies"]
    assert report["date"] == 1.0
    assert report["total_evaluation_time_seconds"] == "3.0"
    assert report["lm_eval_version"] == "0.4.13"


def test_groups_are_there_as_soon_as_one_task_is_a_group() -> None:
    group = make_report(
        "all_sums", groups={"all_sums": {"acc,none": 0.5}}, group_subtasks={"all_sums": ["sums"]}
    )
    report = merged([make_report("copies"), group])
    assert report["groups"] == {"all_sums": {"acc,none": 0.5}}
    assert report["group_subtasks"] == {"all_sums": ["sums"]}
    assert "groups" not in merged([make_report("copies")])


def test_the_tasks_of_a_tag_are_listed_as_those_of_a_group_are() -> None:
    report = make_report("sums", results={"sums": {"acc,none": 0.5}, "more_sums": {"acc,none": 0.5}})
    assert with_the_parts_of_a_tag(report, "arithmetic")["group_subtasks"] == {
        "arithmetic": ["sums", "more_sums"]
    }
    assert with_the_parts_of_a_tag(report, "sums") == report


def test_the_batch_sizes_of_all_tasks_are_kept() -> None:
    found = [{"batch_sizes": [64]}, {"batch_sizes": [32, 8]}]
    report = merged([make_report("sums", config=found[0]), make_report("copies", config=found[1])])
    assert report["config"]["batch_sizes"] == [64, 32, 8]
    assert found == [{"batch_sizes": [64]}, {"batch_sizes": [32, 8]}]


def test_the_fingerprint_of_a_task_is_that_of_its_questions_prompts_and_targets() -> None:
    sample = {"doc_hash": "d", "prompt_hash": "p", "target_hash": "t", "resps": []}
    assert task_hashes({"sums": [sample, sample]}) == {"sums": hashlib.sha256(b"dptdpt").hexdigest()}


def test_what_describes_the_machine_or_repeats_the_questions_is_not_published() -> None:
    report = make_report("sums", pretty_env_info="Intel Xeon", samples={"sums": [{"doc": "1+1="}]})
    assert publishable(report, {}).keys() == make_report("sums").keys()


def test_a_path_of_the_machine_is_replaced_wherever_it_stands() -> None:
    report = make_report("sums", config={"model": "/srv/space/models/org/model", "batch_sizes": []})
    names = {
        "/srv/space": "elsewhere",
        "/srv/space/models/org/model": "org/model",
        "/srv/space/tasks": "tasks",
    }
    published = publishable(report, names)
    assert published["configs"]["sums"]["metadata"]["config_source"] == "tasks/sums.yaml"
    assert published["config"]["model"] == "org/model"
    assert "/srv" not in json.dumps(published)


def test_a_report_is_strict_json_with_null_for_what_is_not_a_number() -> None:
    scores = {
        "a": float("nan"),
        "b": np.float64("inf"),
        "c": np.float32(0.5),
        "d": np.int64(3),
        "e": np.bool_(True),
    }
    report = make_report("sums", results={"sums": scores}, seeds=(0, 1234))
    published = json.loads(json.dumps(publishable(report, {}), allow_nan=False))
    assert published["results"]["sums"] == {"a": None, "b": None, "c": 0.5, "d": 3, "e": True}
    assert published["config"]["model_dtype"] == "torch.float32"
    assert published["seeds"] == [0, 1234]
