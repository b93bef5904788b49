"""A suite is tried before it is used: what would fail for every model is reported to the owner."""

from pathlib import Path
from typing import Any

import datasets
import evaluate
import httpx
import pytest
import yaml
from lm_eval.tasks import TaskManager

from src.evaluation.lm_eval.trial import built_tasks, trial
from src.evaluation.lm_eval.trial.stand_in import A_TEXT, StandIn
from src.evaluation.lm_eval.trial.trial import try_suite
from src.evaluation.own_tasks import LONGEST_EXAMPLE
from src.running.job import Progress
from src.running.suite import Suite
from support.sources import ROOT
from support.trials import (
    CAPITALS,
    WRITTEN,
    line_of,
    only_problem,
    tried,
    with_row,
    without_the_collection,
    write,
    write_with_code,
)

pytestmark = pytest.mark.usefixtures("quiet_trials")

SHIPPED = Suite(tasks=("tiny_addition", "tiny_agreement", "tiny_copy"), tasks_dir="tasks")


# What is well


def test_the_shipped_tasks_have_no_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "backend")
    reported: list[Progress] = []
    outcome = try_suite(SHIPPED, reported.append)
    assert (outcome.description.problems, outcome.unanswered) == ((), ())
    assert [each.task for each in reported] == ["looking for the tasks", *SHIPPED.tasks, ""]
    assert [each.done for each in reported] == [0, 0, 1, 2, 3]


@pytest.mark.parametrize(
    "config",
    [
        CAPITALS,
        WRITTEN,
        {**CAPITALS, "num_fewshot": 3},
        {
            **CAPITALS,
            "output_type": "loglikelihood",
            "doc_to_choice": None,
            "doc_to_target": "{{choices[0]}}",
        },
        {
            **CAPITALS,
            "output_type": "loglikelihood_rolling",
            "doc_to_text": "",
            "doc_to_choice": None,
            "doc_to_target": "{{country}}",
            "metric_list": [{"metric": "word_perplexity"}, {"metric": "bits_per_byte"}],
        },
        {**CAPITALS, "doc_to_target": "{{choices[answer]}}"},
        {
            **CAPITALS,
            "metric_list": [{"metric": each} for each in ("acc", "acc_norm", "f1", "mcc", "brier_score")],
        },
        {
            **WRITTEN,
            "filter_list": [
                {
                    "name": "strict",
                    "filter": [{"function": "regex", "regex_pattern": "(.*)"}, {"function": "take_first"}],
                }
            ],
            "metric_list": [{"metric": each} for each in ("exact_match", "f1", "bleu", "chrf", "ter")][:1],
        },
    ],
    ids=[
        "choices",
        "written",
        "examples",
        "likelihood",
        "rolling",
        "by text",
        "metrics",
        "filters",
    ],
)
def test_a_good_task_of_each_kind_has_no_problems(own: Path, config: dict[str, Any]) -> None:
    write(own, {key: value for key, value in config.items() if value is not None})
    assert tried().description.problems == ()


def test_a_task_that_runs_code_of_models_has_no_problems_if_it_may(own: Path) -> None:
    write(own, {**WRITTEN, "unsafe_code": True, "should_decontaminate": False, "repeats": 2})
    assert "runs code that models write" in only_problem()
    assert tried(confirm_run_unsafe_code=True).description.problems == ()


def test_a_field_that_only_some_questions_have_may_be_left_out_by_a_template(own: Path) -> None:
    config = {**CAPITALS, "doc_to_text": "{{country}}{% if hint %} ({{hint}}){% endif %}"}
    write(own, config, with_row(3, hint="in the south"))
    assert tried().description.problems == ()


def test_a_group_and_a_tag_of_good_tasks_have_no_problems(own: Path) -> None:
    write(own, {**CAPITALS, "tag": "geography"})
    write(own, {**CAPITALS, "task": "rivers", "tag": "geography"}, name="rivers")
    group = {"group": "world", "task": ["capitals"], "aggregate_metric_list": [{"metric": "acc"}]}
    (own / "world.yaml").write_text(yaml.safe_dump(group))
    assert tried("world, rivers").description.problems == ()
    assert tried("geography|2").description.problems == ()


# Without a score

SCORES = """
import math

def nan(doc, results):
    return {"exact_match": math.nan}

def none(doc, results):
    return {}

def infinite(items):
    return math.inf

def late(items):
    return 0.5 if len(items) > 3 else math.nan
"""


@pytest.mark.parametrize(
    ("changes", "what", "field"),
    [
        ({"process_results": "!function code.nan"}, "`exact_match` is nan", "process_results"),
        ({"process_results": "!function code.none"}, "it has no metric", "process_results"),
        (
            {"metric_list": [{"metric": "exact_match", "aggregation": "!function code.infinite"}]},
            "`exact_match` is inf",
            "metric_list",
        ),
    ],
)
def test_a_task_without_a_finite_score_is_reported(
    own: Path, changes: dict[str, Any], what: str, field: str
) -> None:
    write_with_code(own, SCORES, {**WRITTEN, **changes})
    assert only_problem() == (
        f"The task capitals gives no score that can be published: {what} (tasks/capitals.yaml, line "
        f"{line_of(own, field)}, `{field}`): correct it."
    )


def test_a_metric_that_has_no_score_for_three_questions_may_have_one_for_more(own: Path) -> None:
    metric = {"metric": "exact_match", "aggregation": "!function code.late", "higher_is_better": True}
    write_with_code(own, SCORES, {**WRITTEN, "metric_list": [metric]})
    assert tried().description.problems == ()


# Nothing gets out of the trial


@pytest.mark.parametrize(
    "broken", ["describe", "leaves", "index_for", "broken_files", "try_task", "name_problems"]
)
def test_an_error_that_nobody_foresaw_becomes_a_problem(
    own: Path, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = getattr(trial, broken)

    def fail(*args: Any, **settings: Any) -> Any:
        if broken == "describe" and not args[0].tasks:
            return original(*args, **settings)
        raise RecursionError("too deep")

    write(own)
    monkeypatch.setattr(trial, broken, fail)
    assert any("RecursionError: too deep" in each for each in tried().description.problems)


@pytest.mark.parametrize("where", ["", "def text(doc):\n    "])
def test_code_that_ends_the_process_becomes_a_problem_that_names_the_task(own: Path, where: str) -> None:
    write_with_code(
        own, f"import sys\n{where}sys.exit(3)\n", {**WRITTEN, "doc_to_text": "!function code.text"}
    )
    write(own, {**CAPITALS, "task": "rivers"}, name="rivers")
    sentence = only_problem("capitals, rivers")
    assert sentence.startswith("The task capitals ")
    assert "SystemExit: 3" in sentence


# Names


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("capitlas", "capitals"),
        ("arc_chalenge", "arc_challenge"),
        ("gsm8kk", "gsm8k"),
        ("hellaswagg", "hellaswag"),
    ],
)
def test_a_name_that_is_in_no_file_gets_did_you_mean_quickly(
    own: Path, name: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TaskManager, "__init__", without_the_collection(TaskManager.__init__))
    write(own)
    sentence = only_problem(name)
    assert sentence.startswith(
        f"The task {name} is neither in this leaderboard's tasks folder nor in lm_eval"
    )
    assert sentence.endswith(f" Did you mean {meant}?")


def test_every_problem_of_every_task_is_reported_at_once(own: Path) -> None:
    write(own, {**CAPITALS, "output_type": "choice"})
    write(
        own,
        {**WRITTEN, "task": "rivers", "filter_list": [{"name": "x", "filter": [{"function": "y"}]}]},
        name="rivers",
    )
    lakes = {"data_files": {"test": "tasks/lakes.jsonl"}}
    write(own, {**CAPITALS, "task": "lakes", "dataset_kwargs": lakes}, with_row(2, answer=4), name="lakes")
    named = [
        sentence.split()[2]
        for sentence in tried("capitals, rivers, lakes, nothing_at_all").description.problems
    ]
    assert sorted(named) == ["capitals", "lakes", "nothing_at_all", "rivers"]


def test_overlaps_are_reported_by_the_trial(own: Path) -> None:
    write(own, {**CAPITALS, "tag": "geography"})
    assert any(
        "TASKS_HARNESS names the task capitals twice" in each
        for each in tried("capitals, geography").description.problems
    )


# The Hub does not answer


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError("no route"), ConnectionError("Couldn't reach the Hub"), TimeoutError()],
    ids=["httpx", "datasets", "time"],
)
def test_what_the_hub_did_not_answer_is_no_problem_of_the_suite(
    own: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise error

    write(own, {**CAPITALS, "dataset_path": "acme/capitals", "dataset_kwargs": None})
    monkeypatch.setattr(datasets, "load_dataset", refuse)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    outcome = tried()
    assert (outcome.unanswered, outcome.description.problems) == (("capitals",), ())


def test_a_metric_that_only_the_hub_may_have_is_no_problem_while_that_does_not_answer(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_there(*_: object, **__: object) -> None:
        raise FileNotFoundError("Couldn't find a module script")  # it says so when the Hub is down, too

    def down(*_: object, **__: object) -> bool:
        raise httpx.ConnectError("no route")

    metric = {"metric": "quite_another_metric", "aggregation": "mean", "higher_is_better": True}
    write(own, {**WRITTEN, "metric_list": [metric]})
    monkeypatch.setattr(evaluate, "load", not_there)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(built_tasks, "repo_exists", down)
    assert tried().unanswered == ("capitals",)
    monkeypatch.setattr(built_tasks, "repo_exists", lambda *_, **__: False)
    sentence = only_problem()
    assert "has the metric 'quite_another_metric', which neither lm_eval nor the library" in sentence
    assert f"(tasks/capitals.yaml, line {line_of(own, 'quite_another')}, `metric_list`)" in sentence


def test_questions_that_a_worker_is_kept_from_fetching_are_a_problem(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise ConnectionError("offline mode")

    write(own, {**CAPITALS, "dataset_path": "acme/capitals", "dataset_kwargs": None})
    monkeypatch.setattr(datasets, "load_dataset", refuse)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    assert "reads its questions from acme/capitals, but this worker is offline" in only_problem()


def test_a_dataset_that_is_not_there_is_a_problem(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise datasets.exceptions.DatasetNotFoundError("Dataset 'acme/capitals' doesn't exist on the Hub")

    write(own, {**CAPITALS, "dataset_path": "acme/capitals", "dataset_kwargs": None})
    monkeypatch.setattr(datasets, "load_dataset", refuse)
    sentence = only_problem()
    assert "doesn't exist on the Hub" in sentence
    assert f"(tasks/capitals.yaml, line {line_of(own, 'dataset_path')}, `dataset_path`)" in sentence


# Examples for the page


def test_a_question_of_each_task_is_described_if_the_owner_says_so(own: Path) -> None:
    write(own)
    assert [task.example for task in tried().description.tasks] == [None]
    [task] = tried(publish_examples=True).description.tasks
    assert task.example
    assert (task.example.question, task.example.answer) == ("The capital of Land 0 is", "Lyon.")


def test_a_question_of_a_group_and_of_each_task_of_a_tag_is_described(own: Path) -> None:
    write(own, {**CAPITALS, "tag": "geography"})
    rivers = {**WRITTEN, "task": "rivers", "tag": "geography", "doc_to_text": "River of {{country}}:"}
    write(own, rivers, name="rivers")
    (own / "world.yaml").write_text(yaml.safe_dump({"group": "world", "task": ["rivers"]}))
    of_a_tag = tried("geography", publish_examples=True).description.tasks
    assert [(task.name, task.example and task.example.question) for task in of_a_tag] == [
        ("capitals", "The capital of Land 0 is"),
        ("rivers", "River of Land 0:"),
    ]
    [group] = tried("world", publish_examples=True).description.tasks
    assert group.example
    assert group.example.question == "River of Land 0:"


def test_a_question_that_is_published_is_bounded(own: Path) -> None:
    write(own, CAPITALS, with_row(1, country="x" * 50_000, choices=["a" * 9_000, "b"]))
    [task] = tried(publish_examples=True).description.tasks
    assert task.example
    assert len(task.example.question) == LONGEST_EXAMPLE
    assert task.example.question.endswith("xx is")
    assert len(task.example.answer) < LONGEST_EXAMPLE


def test_a_model_is_not_needed_and_the_stand_in_gives_right_and_wrong_answers(own: Path) -> None:
    write(own, WRITTEN)
    seen: list[str] = []
    answers = StandIn.generate_until

    def noted(self: StandIn, requests: list[Any], disable_tqdm: bool = True) -> list[str]:
        seen.extend(answers(self, requests))
        return answers(self, requests)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StandIn, "generate_until", noted)
        assert tried().description.problems == ()
    assert {A_TEXT, "Lyon.", "Paris."} == set(seen)
