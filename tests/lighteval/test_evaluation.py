"""One model is evaluated with lighteval, task by task, into one report. Here within the tests' process."""

import json
from collections.abc import Callable
from datetime import timedelta
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from src.evaluation.evaluating import evaluate
from src.evaluation.failures import Failed
from src.evaluation.lighteval import model as model_room
from src.evaluation.lighteval.engine import ENGINE
from src.evaluation.lighteval.model import MeteredModel
from src.evaluation.versions import added_versions
from src.queue.publication import result_file
from src.queue.validation import validated
from src.running.job import End, Ending, Progress
from src.shared.data.reports import read_result
from src.shared.data.request import Lease, Status
from support.broken_models import diverge, forget_a_layer, reweighted, with_code_that_says_so
from support.factories import COMMIT, make_request
from support.lighteval_jobs import SHIPPED, lighteval_job, report_of
from support.old_template import read_results_as_the_old_frontend
from support.queues import START
from support.sources import ROOT
from support.tiny_model import make_tiny_model


def test_progress_is_reported_for_each_task_from_its_first_question_to_its_last(model: Path) -> None:
    reported: list[Progress] = []
    evaluate(lighteval_job(model, "tiny_agreement|0", "tiny_copy|0", limit=10), reported.append)
    ends = [progress for progress in reported if progress.done in (0, progress.total)]
    assert list(dict.fromkeys(ends)) == [
        Progress("tiny_agreement|0", 0, 10),
        Progress("tiny_agreement|0", 10, 10),
        Progress("tiny_copy|0", 0, 10),
        Progress("tiny_copy|0", 10, 10),
    ]


def test_the_report_is_lightevals_with_the_model_and_no_path_of_the_machine(
    model: Path, tmp_path: Path
) -> None:
    report = report_of(lighteval_job(model, "tiny_copy|0", limit=4))
    assert report["config_general"]["model_name"] == "org/model"
    assert report["config_general"]["model_sha"] == "c" * 40
    assert report["config_general"]["model_dtype"] == "float32"
    assert report["config_general"]["max_samples"] == 4
    assert report["config_tasks"]["tiny_copy|0"]["hf_repo"] == "tasks"
    assert report["config_tasks"]["tiny_copy|0"]["original_num_docs"] == 100
    assert report["config_tasks"]["tiny_copy|0"]["effective_num_docs"] == 4
    assert report["versions"] == {"tiny_copy|0": 1}
    assert report["leaderboard"]["versions"] == added_versions(ENGINE.unnamed_packages)
    published = json.dumps(report, allow_nan=False)
    assert str(tmp_path) not in published
    assert str(ROOT) not in published


def test_a_group_is_published_with_its_subsets_and_their_mean(model: Path) -> None:
    kinds = ROOT / "tests" / "support" / "kinds_of_tasks"
    job = lighteval_job(model, "kind_parts|0", tasks_dir=str(kinds))
    report = report_of(job)
    assert {*report["results"]} == {
        "kind_parts:easy|0",
        "kind_parts:hard|0",
        "kind_parts:_average|0",
        "all",
    }
    assert validated(Ending(End.FINISHED, "", report), job.tasks).end is End.FINISHED
    del report["results"]["kind_parts:hard|0"]["acc"]
    assert validated(Ending(End.FINISHED, "", report), job.tasks).end is End.INVALID


def test_a_task_without_a_score_is_not_published(model: Path) -> None:
    job = lighteval_job(model, "tiny_copy|0", "tiny_agreement|0", limit=2)
    report = report_of(job)
    del report["results"]["tiny_copy|0"]
    assert "without a score for tiny_copy|0" in validated(Ending(End.FINISHED, "", report), job.tasks).message


def test_our_reader_and_the_old_templates_read_what_is_published(model: Path, tmp_path: Path) -> None:
    report = report_of(lighteval_job(model, limit=5))
    lease = Lease(worker="w", nonce="n", started=START, renewed=START, until=START + timedelta(hours=1))
    request = make_request(status=Status.RUNNING, lease=lease, run="2026-01-31T12-00-00", attempt=1)
    tasks = dict.fromkeys(SHIPPED, 0)
    data = result_file(report, path="requests/x.json", request=request, tasks=tasks, now=START)
    result = read_result("acme/tiny/results_2026-01-31T12-00-00.json", data)
    assert (result.engine, result.commit, result.precision) == ("lighteval", COMMIT, "float32")
    assert result.limit == 5
    assert result.n_shot == tasks
    assert result.n_samples == dict.fromkeys(SHIPPED, 5)
    assert result.higher_is_better["tiny_copy|0"] == {"exact_match": True}
    assert {task: result.scores[task] for task in SHIPPED} == {
        task: {name: value for name, value in report["results"][task].items() if not name.endswith("_stderr")}
        for task in SHIPPED
    }
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "results_1.json").write_bytes(data)
    [old] = read_results_as_the_old_frontend(tmp_path / "results")
    assert old["model"] == request.model
    assert {task: old["scores"][task] for task in SHIPPED} == {
        task: report["results"][task] for task in SHIPPED
    }


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (reweighted(diverge), "model.norm.weight contains NaN"),
        (reweighted(forget_a_layer), "1 are missing or have another shape"),
        (with_code_that_says_so, "code of its own, which is not run"),
    ],
    ids=["NaN", "missing weights", "remote code"],
)
def test_a_broken_model_is_refused_with_the_reason(
    model: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    spoil(model)
    with pytest.raises(Failed, match=reason) as failed:
        report_of(lighteval_job(model))
    assert failed.value.end is End.REFUSED
    assert not (model / "code was run").exists()


def overflow(weights: dict[str, Any]) -> None:
    """Finite weights, but a model whose scores are not."""
    weights["lm_head.weight"] *= 1e38
    weights["model.norm.weight"] *= 1e38


@pytest.mark.parametrize("task", ["tiny_agreement|0", "tiny_copy|0"], ids=["choice", "writing"])
def test_scores_that_are_not_finite_are_refused(
    model: Path, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_room, "writes_in_batches", lambda *parts: True)
    reweighted(overflow)(model)
    with pytest.raises(Failed, match="gives NaN or infinity as the probability of a text in float32"):
        report_of(lighteval_job(model, task, limit=3))


def test_a_question_without_an_answer_is_noticed(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_all = MeteredModel._loglikelihood_tokens
    monkeypatch.setattr(MeteredModel, "_loglikelihood_tokens", lambda *args: answer_all(*args)[:-1])
    with pytest.raises(Failed, match="answers to 4 of 5 questions, so nothing was published") as failed:
        report_of(lighteval_job(model, "tiny_agreement|0", limit=5))
    assert failed.value.end is End.INVALID


def test_nothing_is_written_into_the_folder_of_the_model_or_the_worker(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    before, here = sorted(model.rglob("*")), sorted(Path().glob("*"))
    report_of(lighteval_job(model, "tiny_copy|0", limit=2))
    assert sorted(model.rglob("*")) == before
    assert sorted(Path().glob("*")) == here
    assert list(home.rglob("*")) == []


def test_what_an_earlier_attempt_kept_is_not_computed_again(
    model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    kept = {"kept_tasks": str(tmp_path / "kept"), "limit": 3}
    first = report_of(lighteval_job(model, *SHIPPED[:2], **kept))
    whole = report_of(lighteval_job(model, **kept))
    assert caplog.text.count("reused the report of org/model on") == 2
    assert {key: whole["results"][key] for key in SHIPPED[:2]} == {
        key: first["results"][key] for key in SHIPPED[:2]
    }
    assert whole["results"] == report_of(lighteval_job(model, limit=3))["results"]


def test_every_prompt_is_kept_with_the_answers_if_the_owner_wants_it(model: Path, tmp_path: Path) -> None:
    job = lighteval_job(model, "tiny_agreement|0", "tiny_copy|0", limit=2, save_samples=True)
    evaluate(job, lambda progress: None, tmp_path / "samples")
    found = {path.stem: pd.read_parquet(path) for path in (tmp_path / "samples").iterdir()}
    rated, written = found["tiny_agreement%7C0"], found["tiny_copy%7C0"]
    first = rated.iloc[0]
    assert (first["task"], first["doc_id"]) == ("tiny_agreement|0", 0)
    asked = json.loads(first["doc"])
    assert first["prompt"] == asked["query"].strip() and list(first["choices"]) == asked["choices"]
    likeliest = int(first["log_probabilities"][1] > first["log_probabilities"][0])
    assert first["scores.acc"] == float([likeliest] == json.loads(first["target"]))
    assert written.iloc[0]["prompt"].startswith("Repeat: ") and len(written.iloc[0]["answers"]) == 1


def test_prompts_that_do_not_fit_are_counted(tmp_path: Path) -> None:
    short = make_tiny_model(tmp_path / "short", max_position_embeddings=16)
    report = report_of(lighteval_job(short, "tiny_agreement|0", "tiny_addition|0", limit=4))
    assert report["truncated_prompts"]["tiny_agreement|0"] > 0
    assert report["truncated_prompts"]["tiny_addition|0"] == 0


def test_the_chat_template_is_used_only_if_it_was_asked_for(model: Path) -> None:
    with pytest.raises(Failed, match="was submitted with a chat template but has none"):
        report_of(lighteval_job(model, "tiny_copy|0", use_chat_template=True))


def test_a_task_that_cannot_be_built_is_the_owners_fault(model: Path, tmp_path: Path) -> None:
    text = (ROOT / "backend" / "tasks" / "tiny_lighteval.py").read_text()
    (tmp_path / "tiny.py").write_text(text.replace("HERE = str(Path(__file__).parent)", "HERE = './nowhere'"))
    job = lighteval_job(model, "tiny_copy|0", tasks_dir=str(tmp_path))
    with pytest.raises(Failed, match=r"The (questions of the )?task tiny_copy\|0 cannot be") as failed:
        report_of(job)
    assert failed.value.end is End.WORKER


def raising(error: Exception) -> Callable[..., None]:
    def fail(*args: object, **settings: object) -> None:
        raise error

    return fail


LOADING, ASKING = "lighteval.tasks.lighteval_task.load_dataset", "lighteval.pipeline.apply_metric"

ENDS = {
    "the site of the questions": (
        LOADING,
        ConnectionError("no route"),
        End.UNREACHABLE,
        "a site that did not",
    ),
    "memory for the questions": (LOADING, MemoryError(), End.OUT_OF_MEMORY, "needs more memory"),
    "the disk": (LOADING, OSError(ENOSPC, "No space left"), End.DISK_FULL, "The worker's disk is full"),
    "the questions": (LOADING, FileNotFoundError("none"), End.WORKER, "cannot be found"),
    "a package": (LOADING, ImportError("none"), End.WORKER, "needs a Python package"),
    "a row": (LOADING, KeyError("answer"), End.WORKER, "cannot be built"),
    "memory for the answers": (ASKING, MemoryError(), End.OUT_OF_MEMORY, "needs more memory"),
}


@pytest.mark.parametrize("name", ENDS)
def test_each_kind_of_failure_has_its_end_and_its_sentence(
    model: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, error, end, words = ENDS[name]
    monkeypatch.setattr(place, raising(error))
    with pytest.raises(Failed, match=words) as failed:
        report_of(lighteval_job(model, "tiny_copy|0", limit=2))
    assert failed.value.end is end


def test_an_error_without_a_rule_blames_nobody(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A metric may fail on this model's answers, so it is not known to be the task's fault."""
    monkeypatch.setattr(ASKING, raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        report_of(lighteval_job(model, "tiny_copy|0", limit=2))


def test_the_suite_of_a_job_is_checked_before_the_model_is_loaded(model: Path) -> None:
    with pytest.raises(Failed, match=r"The task tiny_cpoy is neither .* Did you mean tiny_copy") as failed:
        report_of(lighteval_job(model, "tiny_cpoy|0"))
    assert failed.value.end is End.WORKER
    assert str(failed.value).endswith("the model is not at fault.")


def test_a_model_of_half_precision_is_evaluated_in_it(model: Path) -> None:
    report = report_of(lighteval_job(model, "tiny_agreement|0", limit=4, precision="bfloat16"))
    assert report["config_general"]["model_config"]["dtype"] == "bfloat16"
    assert not torch.is_grad_enabled()
