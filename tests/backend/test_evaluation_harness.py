"""One model is evaluated task by task into one report. Here within the process of the tests."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from src.evaluation.devices import batch_size
from src.evaluation.evaluating import evaluate
from src.evaluation.failures import Failed
from src.evaluation.lm_eval import engine
from src.evaluation.lm_eval.engine import ENGINE, load_metered
from src.evaluation.lm_eval.model import MeteredModel
from src.evaluation.progress import ProgressMeter
from src.evaluation.reports.machine import machine
from src.evaluation.reports.report import Report
from src.evaluation.versions import added_versions
from src.running.job import End, Job, Progress
from support.broken_models import edited, reweighted
from support.jobs import TASKS, make_job
from support.sources import ROOT
from support.tiny_model import make_tiny_model

pytestmark = pytest.mark.usefixtures("in_the_backends_folder", "random_numbers")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "models" / "good")


def report_of(job: Job) -> dict[str, Any]:
    return evaluate(job, lambda progress: None)


def test_the_report_names_the_model_and_no_path_of_the_machine(model: Path, tmp_path: Path) -> None:
    report = report_of(make_job(model, tasks=("tiny_copy",), limit=2))
    assert report["model_name"] == report["config"]["model_args"]["pretrained"] == "org/model"
    assert report["config"]["model_num_parameters"] > 0
    assert report["config"]["model_dtype"] == "torch.float32"
    published = json.dumps(report, allow_nan=False)
    assert str(tmp_path) not in published
    assert str(ROOT) not in published


def test_the_report_says_on_what_it_was_computed_and_with_which_versions(model: Path) -> None:
    report = report_of(make_job(model, tasks=("tiny_copy",), limit=2))
    versions = added_versions(ENGINE.unnamed_packages)
    assert report["leaderboard"] == {"hardware": machine("cpu"), "versions": versions}


def test_the_report_says_which_settings_of_lm_eval_it_was_computed_with(model: Path) -> None:
    settings = {"gen_kwargs": {"max_gen_toks": 3}, "seeds": (1, None, 3, 4), "max_length": 40}
    instruction = {"system_instruction": "Repeat.", "metadata": {"a": 1}, "model_args": {"truncation": True}}
    report = report_of(make_job(model, tasks=("tiny_copy",), limit=2, **settings, **instruction))
    arguments = {"pretrained": "org/model", "revision": "c" * 40, "dtype": "float32"}
    assert report["config"]["model_args"] == {**arguments, "max_length": 40, "truncation": True}
    assert report["config"]["gen_kwargs"] == {"max_gen_toks": 3}
    assert [report["config"][f"{name}_seed"] for name in ("random", "numpy", "torch", "fewshot")] == [
        1,
        None,
        3,
        4,
    ]
    assert report["system_instruction"] == "Repeat."
    assert report["leaderboard"]["settings"] == {**settings, **instruction}


def test_a_limit_is_kept_and_shown(model: Path) -> None:
    report = report_of(make_job(model, tasks=("tiny_agreement", "tiny_copy"), limit=2))
    assert report["config"]["limit"] == 2
    assert report["n-samples"]["tiny_copy"] == {"original": 100, "effective": 2}
    assert report["n-samples"]["tiny_agreement"] == {"original": 144, "effective": 2}


def test_progress_is_reported_for_each_task_from_its_first_request_to_its_last(model: Path) -> None:
    reported: list[Progress] = []
    evaluate(make_job(model, tasks=("tiny_agreement", "tiny_copy"), limit=3), reported.append)
    assert [progress for progress in reported if progress.done in (0, progress.total)] == [
        Progress("tiny_agreement", 0, 6),
        Progress("tiny_agreement", 6, 6),
        Progress("tiny_copy", 0, 3),
        Progress("tiny_copy", 3, 3),
    ]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of the leaderboard's own for tasks, with none in it yet."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    return folder


def write_task(own: Path, name: str, *lines: str) -> None:
    """One of the shipped tasks with more lines in its file."""
    (own / f"{name}.yaml").write_text("\n".join([(TASKS / f"{name}.yaml").read_text(), *lines]))


@pytest.mark.filterwarnings("ignore:F-score is ill-defined")
def test_a_task_with_f1_is_resampled_as_often_as_the_owner_says_and_tells_meanwhile(
    model: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again: list[object] = []
    monkeypatch.setattr(MeteredModel, "report_again", lambda model: again.append(model))
    text = (TASKS / "tiny_agreement.yaml").read_text()
    (own / "tiny_agreement.yaml").write_text(
        text.replace("metric: acc", "metric: f1").replace(": mean", ": f1")
    )
    job = make_job(model, tasks=("tiny_agreement",), tasks_dir=str(own), limit=20, bootstrap_iters=150)
    report = report_of(job)
    assert report["config"]["bootstrap_iters"] == 150
    assert isinstance(report["results"]["tiny_agreement"]["f1_stderr,none"], float)
    assert again


@pytest.mark.slow
def test_a_group_of_tasks_is_one_unit(model: Path, own: Path) -> None:
    for task in ("tiny_addition", "tiny_agreement"):
        write_task(own, task)
    aggregated = "aggregate_metric_list: [{metric: acc, weight_by_size: false}]"
    (own / "both.yaml").write_text(f"group: both\ntask: [tiny_addition, tiny_agreement]\n{aggregated}\n")
    reported: list[Progress] = []
    report = evaluate(make_job(model, tasks=("both",), tasks_dir=str(own), limit=2), reported.append)
    assert {progress.task for progress in reported} == {"both"}
    assert report["group_subtasks"] == {"both": ["tiny_addition", "tiny_agreement"]}
    assert report["groups"]["both"]["acc,none"] == report["results"]["both"]["acc,none"]


def test_the_tasks_that_a_tag_stands_for_are_named(model: Path, own: Path) -> None:
    for task in ("tiny_addition", "tiny_agreement"):
        write_task(own, task, "tag: both")
    report = report_of(make_job(model, tasks=("both",), tasks_dir=str(own), limit=2))
    assert report["group_subtasks"] == {"both": ["tiny_addition", "tiny_agreement"]}
    assert list(report["results"]) == ["tiny_addition", "tiny_agreement"]


def test_code_that_models_write_is_run_only_if_the_owner_allows_it(
    own: Path, model: Path, tmp_path: Path
) -> None:
    write_task(own, "tiny_copy", "unsafe_code: true")
    job = make_job(tmp_path / "not loaded", tasks=("tiny_copy",), tasks_dir=str(own), limit=2)
    with pytest.raises(Failed, match=r"task tiny_copy runs code .* set CONFIRM_RUN_UNSAFE_CODE") as failed:
        report_of(job)
    assert failed.value.end is End.WORKER
    allowed = replace(job, weights=str(model), confirm_run_unsafe_code=True)
    assert report_of(allowed)["n-samples"]["tiny_copy"]["effective"] == 2


def test_a_report_with_a_question_too_few_is_invalid(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_one(**settings: Any) -> Report:
        report: Report = simple_evaluate(**settings)
        del report["samples"]["tiny_copy"][-1]
        return report

    simple_evaluate = engine.simple_evaluate
    monkeypatch.setattr(engine, "simple_evaluate", without_one)
    with pytest.raises(
        Failed, match="answers to 1 of the 2 questions of tiny_copy, so nothing was"
    ) as failed:
        report_of(make_job(model, tasks=("tiny_copy",), limit=2))
    assert failed.value.end is End.INVALID


def test_what_an_earlier_attempt_kept_is_not_computed_again(model: Path, tmp_path: Path) -> None:
    job = make_job(model, tasks=("tiny_agreement", "tiny_copy"), limit=3, kept_tasks=str(tmp_path / "kept"))
    first = report_of(job)
    reported: list[Progress] = []
    assert evaluate(job, reported.append) == first
    assert reported == []
    [kept] = tmp_path.glob("kept/*/tiny_copy.json")
    kept.write_text("{")
    again = evaluate(job, reported.append)
    assert {progress.task for progress in reported} == {"tiny_copy"}
    assert again["results"] == first["results"]
    assert json.loads(kept.read_text())["results"]["tiny_copy"] == first["results"]["tiny_copy"]


def test_prompts_that_lose_their_beginning_are_counted(model: Path, own: Path) -> None:
    edited("config.json", max_position_embeddings=30)(model)
    for name in ("tiny_agreement", "tiny_copy"):
        write_task(own, name)
    report = report_of(make_job(model, tasks=("tiny_agreement", "tiny_copy"), tasks_dir=str(own), limit=6))
    sentences = [json.loads(line) for line in (TASKS / "tiny_agreement.jsonl").read_text().splitlines()[:6]]
    words = [json.loads(line) for line in (TASKS / "tiny_copy.jsonl").read_text().splitlines()[:6]]
    too_long = [
        len(f"{each['sentence']} {choice}") > 30 + 1 for each in sentences for choice in each["choices"]
    ]
    assert sum(too_long) > 0
    assert report["truncated_prompts"] == {
        "tiny_agreement": sum(too_long),
        "tiny_copy": sum(len(f"Repeat: {each['word']}\n") > 30 - 16 for each in words),
    }


def test_no_prompt_is_counted_that_is_read_as_a_whole(model: Path) -> None:
    report = report_of(make_job(model, limit=2))
    assert report["truncated_prompts"] == dict.fromkeys(make_job(model).tasks, 0)


def test_a_model_whose_context_is_too_short_for_a_task_is_refused(model: Path) -> None:
    edited("config.json", max_position_embeddings=12)(model)
    with pytest.raises(Failed, match="texts of the task tiny_copy are too long for"):
        report_of(make_job(model, tasks=("tiny_copy",)))


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(model: Path) -> None:
    def shrink(weights: dict[str, Any]) -> None:
        for name in ("lm_head.weight", "model.embed_tokens.weight"):
            weights[name] = weights[name][:20].clone()

    reweighted(shrink)(model)
    edited("config.json", vocab_size=20)(model)
    with pytest.raises(Failed, match="token ids for which"):
        report_of(make_job(model, tasks=("tiny_copy",), limit=2))


def test_a_task_without_its_questions_is_the_owners_to_mend(model: Path, own: Path) -> None:
    (own / "tiny_copy.yaml").write_text((TASKS / "tiny_copy.yaml").read_text().replace(".jsonl", ".gone"))
    with pytest.raises(Failed, match="questions of the task tiny_copy cannot be found"):
        report_of(make_job(model, tasks=("tiny_copy",), tasks_dir=str(own)))


@pytest.mark.parametrize(
    ("device", "asked", "used"),
    [("cpu", "auto", "8"), ("cpu", "auto:4", "8"), ("cpu", "32", "32"), ("cuda", "auto", "auto")],
)
def test_a_batch_size_is_searched_for_only_where_running_out_of_memory_is_an_error(
    device: str, asked: str, used: str, tmp_path: Path
) -> None:
    assert batch_size(make_job(tmp_path, device=device, batch_size=asked)) == used


@pytest.mark.parametrize(("hidden_size", "threads"), [(16, 1), (512, 2)])
def test_a_model_that_threads_would_slow_down_computes_on_one(
    model: Path, hidden_size: int, threads: int
) -> None:
    make_tiny_model(model, hidden_size=hidden_size)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        load_metered(make_job(model), ProgressMeter(lambda _: None))
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
