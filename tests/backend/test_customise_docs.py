"""docs/customise.md can be pasted: its tasks, metrics and numbers are those of lm_eval's own task files."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from types import ModuleType

import pytest
from lm_eval import simple_evaluate
from lm_eval.defaults import DEFAULT_MAX_GEN_TOKS
from lm_eval.tasks import TaskManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from src.evaluation.evaluating import evaluate
from src.evaluation.lm_eval.description import describe_task
from src.evaluation.lm_eval.tasks.configs import Leaf, leaves
from src.evaluation.lm_eval.tasks.tasks import COLLECTION
from src.evaluation.lm_eval.trial import trial
from src.evaluation.lm_eval.trial.problems import problems
from src.running.suite import NamedTasks, Suite, read_tasks
from src.settings import Settings
from src.shared.data.backend_description import TaskDescription
from src.shared.data.precision import PRECISIONS
from src.shared.data.reports import read_result
from src.shared.environment import read_settings
from support.customising import (
    Pasted,
    blocks,
    codes,
    section,
    suites,
    suites_and_variants,
    table,
)
from support.invented_questions import Guesser, invent_questions
from support.jobs import make_job
from support.sources import ROOT
from support.tiny_model import make_tiny_model

FOLDERS = [
    "arc",
    "belebele",
    "gsm8k",
    "hellaswag",
    "humaneval",
    "ifeval",
    "lambada",
    "leaderboard",
    "mbpp",
    "mmlu",
    "okapi",
    "openbookqa",
    "piqa",
    "super_glue",
    "truthfulqa",
    "wikitext",
    "winogrande",
]
"""Those of lm_eval's collection that have the tasks of the docs: all of it takes ten seconds."""

ENVS = (ROOT / "backend" / "src" / "envs.py").read_text(encoding="utf-8")

BEFORE = {name: row for row in table(section("Before you start")) for name in codes(row["tasks"])}
"""What the docs say of single tasks, by the task's name."""


@dataclass(frozen=True)
class Column:
    """A `Task` of three fields, as about.py has it."""

    benchmark: str
    metric: str
    col_name: str


@cache
def index() -> TaskManager:
    return TaskManager(include_path=[str(COLLECTION / name) for name in FOLDERS], include_defaults=False)


@cache
def whole_index() -> TaskManager:
    return TaskManager()


def columns(suite: Pasted) -> list[Column]:
    return [column for column in suite.columns(Column) if isinstance(column, Column)]


def tasks_harness(suite: Pasted, environment: Mapping[str, str] | None = None) -> NamedTasks:
    """What the worker reads when the block stands in envs.py in the place of ours."""
    text, count = re.subn(r"^TASKS_HARNESS = .*\n", lambda _: suite.envs, ENVS, flags=re.MULTILINE)
    assert count == 1
    envs = ModuleType("envs")
    exec(compile(text, "src/envs.py", "exec"), envs.__dict__)
    return read_tasks(read_settings(Settings, envs, environment or {}).tasks_harness)


def described(
    suite: Pasted, tasks: TaskManager, num_fewshot: int | None = None
) -> dict[str, TaskDescription]:
    """What the worker would publish of each task, by its name."""
    named = tasks_harness(suite)
    run = Suite(
        tasks=named.names,
        tasks_dir="tasks",
        fewshot_by_task=named.fewshot_by_task,
        num_fewshot=num_fewshot,
    )
    missing = [name for name in named.names if name not in tasks.task_index]
    assert not missing, f"lm_eval has no task {missing} in {FOLDERS}"
    return {each.name: each for name in named.names for each in describe_task(name, tasks, run)}


def title(suite: Pasted) -> str:
    return suite.title


every_suite = pytest.mark.parametrize("suite", suites_and_variants(), ids=title)
every_task = pytest.mark.parametrize("suite", [suite.with_comments for suite in suites()], ids=title)


def test_four_suites_are_found_and_one_has_a_task_commented_out() -> None:
    assert [suite.title for suite in suites()] == [
        "Open LLM Leaderboard, version 1",
        "Open LLM Leaderboard, version 2",
        "Base models, without examples",
        "French, or another language",
    ]
    assert [suite.title for suite in suites() if suite.has_comments] == ["Open LLM Leaderboard, version 2"]
    assert {len(columns(suite)) for suite in suites()} == {5, 6, 9}
    assert len(suites_and_variants()) == 5


def test_the_variable_comes_before_the_file() -> None:
    [example] = [code for code in codes(section("Tasks")) if code.startswith("arc_challenge|")]
    named = tasks_harness(suites()[0], {"TASKS_HARNESS": example})
    assert named == (("arc_challenge", "hellaswag"), {"arc_challenge": 25, "hellaswag": 10})


@every_suite
def test_what_the_page_shows_is_what_the_backend_runs(suite: Pasted) -> None:
    assert {column.benchmark for column in columns(suite)} == described(suite, index()).keys()


@every_suite
def test_each_metric_that_the_page_looks_for_is_in_the_reports(suite: Pasted) -> None:
    tasks = described(suite, index())
    for column in columns(suite):
        metric = tasks[column.benchmark].metric(column.metric)
        assert metric, f"{column} is one of {[each.key for each in tasks[column.benchmark].metrics]}"
        assert metric.higher_is_better is (column.metric != "perplexity")


@every_suite
def test_the_numbers_of_examples_are_really_used(suite: Pasted) -> None:
    for task in described(suite, index()).values():
        assert task.num_fewshot == task.given_num_fewshot is not None, task.name


@every_suite
def test_no_general_number_of_examples_changes_a_suite(suite: Pasted) -> None:
    assert described(suite, index(), num_fewshot=17) == described(suite, index())


@every_task
def test_the_table_says_what_the_blocks_hold(suite: Pasted) -> None:
    tasks = described(suite, index())
    expected = [
        {
            "column": column.col_name,
            "task": column.benchmark,
            "examples": str(tasks[column.benchmark].num_fewshot),
            "metric": column.metric,
            "answer": answer(column.benchmark),
            "questions": ", ".join(tasks[column.benchmark].datasets),
        }
        for column in columns(suite)
    ]
    assert list(suite.table) == expected


def answer(task: str) -> str:
    """How a task is answered, as the docs say it."""
    leaf = next(leaves(task, index()))
    if leaf.kind != "generate_until":
        return {"multiple_choice": "choice", "loglikelihood": "last word"}[str(leaf.kind)]
    return f"up to {longest_answer(leaf):,} tokens"


def longest_answer(leaf: Leaf) -> int:
    settings = leaf.config.get("generation_kwargs") or {}
    return int(settings.get("max_gen_toks", DEFAULT_MAX_GEN_TOKS))


@every_suite
def test_a_task_has_no_other_problem_than_the_packages_that_are_named(suite: Pasted) -> None:
    for name in described(suite, index()):
        for sentence in problems(name, index()):
            assert "needs a Python package" in sentence
            package = sentence.partition("does not have (")[2].partition(")")[0]
            assert package in packages_of(extra_of(name)), sentence


def extra_of(task: str) -> str:
    """The extra of lm_eval that the docs name for a task; empty where they name none."""
    needs = BEFORE.get(task, {}).get("what they need", "")
    return codes(needs)[0] if "extra" in needs else ""


def packages_of(extra: str) -> list[str]:
    """The distributions that an extra adds."""
    asked_for = [Requirement(each) for each in requires("lm_eval") or []]
    return [
        each.name
        for each in asked_for
        if each.marker and each.marker.evaluate({"extra": extra}) and not each.marker.evaluate({"extra": ""})
    ]


def is_installed(distribution: str) -> bool:
    try:
        return bool(version(distribution))
    except PackageNotFoundError:
        return False


@pytest.mark.parametrize("task", [task for task in BEFORE if extra_of(task)])
def test_a_task_that_is_said_to_need_packages_needs_them(task: str) -> None:
    packages = packages_of(extra_of(task))
    assert packages
    assert list(problems(task, index())) or all(is_installed(each) for each in packages)


def test_the_extras_are_called_what_lm_eval_calls_them() -> None:
    [line] = (cell for cell in codes(BEFORE["leaderboard_ifeval"]["what to do"]) if "==" in cell)
    lines = (ROOT / "backend" / "requirements.txt").read_text().splitlines()
    [locked] = (Requirement(each.partition("#")[0]) for each in lines if each.startswith("lm-eval=="))
    wanted = Requirement(line)
    assert (canonicalize_name(wanted.name), wanted.specifier) == (locked.name, locked.specifier)
    assert wanted.extras == {extra_of("leaderboard_ifeval"), extra_of("leaderboard_math_hard")}
    assert wanted.extras <= set(metadata("lm_eval").get_all("Provides-Extra") or [])
    assert f"lm_eval {version('lm_eval')}" in section("Suites to paste")


def test_nltk_is_asked_for_the_data_that_is_named() -> None:
    assert 'nltk.download("punkt_tab")' in (COLLECTION / "ifeval" / "instructions_util.py").read_text()


def test_the_gated_questions_are_those_of_gpqa_and_the_docs_say_which_token_reads_them() -> None:
    dataset = codes(BEFORE["leaderboard_gpqa"]["what they need"])[0]
    assert {each for leaf in leaves("leaderboard_gpqa", index()) for each in leaf.datasets} == {dataset}
    readme = (COLLECTION / "gpqa" / "README.md").read_text()
    assert "This dataset is gated" in readme
    assert f"huggingface.co/datasets/{dataset}" in readme
    assert "HF_READ_TOKEN" in BEFORE["leaderboard_gpqa"]["what to do"]


def test_the_tasks_that_run_what_models_write_are_refused() -> None:
    tasks = [task for task, row in BEFORE.items() if "running code" in row["what they need"]]
    assert tasks == ["humaneval", "mbpp"]
    for task in tasks:
        assert "runs code that models write (`unsafe_code`)" in next(problems(task, index()))


def test_every_task_that_is_said_to_need_something_is_known() -> None:
    assert len(BEFORE) == 5
    assert all(task in index().task_index for task in BEFORE)


def test_the_numbers_of_tasks_in_a_group_are_right() -> None:
    text = " ".join(section("Before you start").split())
    numbers = {
        name: len(list(leaves(name, index())))
        for name in (
            "mmlu",
            "leaderboard_bbh",
            "leaderboard_math_hard",
            "leaderboard_gpqa",
            "leaderboard_musr",
        )
    }
    assert (
        f"`mmlu` is {numbers['mmlu']} tasks, `leaderboard_bbh` {numbers['leaderboard_bbh']}, "
        f"`leaderboard_math_hard` {numbers['leaderboard_math_hard']}, `leaderboard_gpqa` and "
        f"`leaderboard_musr` {numbers['leaderboard_gpqa']} each" in text
    )
    assert numbers["leaderboard_gpqa"] == numbers["leaderboard_musr"]


def test_a_context_of_1024_tokens_is_too_short_for_the_two_tasks_that_are_named() -> None:
    too_long = {
        name
        for suite in suites_and_variants()
        for name in described(suite, index())
        for leaf in leaves(name, index())
        if leaf.kind == "generate_until" and longest_answer(leaf) >= 1024
    }
    assert too_long == {"leaderboard_ifeval", "leaderboard_math_hard"}


def test_the_rules_for_names_are_true_of_their_examples() -> None:
    def only(name: str, given: int | None = None) -> TaskDescription:
        [task] = describe_task(name, index(), Suite(tasks=(name,), tasks_dir="tasks", num_fewshot=given))
        return task

    assert only("gsm8k").metric("exact_match") is None
    assert only("gsm8k").metric("exact_match,strict-match")
    assert [only(name, given=5).num_fewshot for name in ("truthfulqa_mc2", "leaderboard_ifeval")] == [0, 0]
    assert only("wikitext").metric("word_perplexity")
    assert {leaf.name for leaf in leaves("ai2_arc", index())} == {"arc_easy", "arc_challenge"}
    assert only("mmlu").metric("acc")


def language_codes() -> list[tuple[str, str]]:
    text = section("French, or another language")
    return [
        (short, long)
        for row in text[text.index("Another language is") :].splitlines()
        for short, long in zip(codes(row)[::2], codes(row)[1::2], strict=True)
        if len(short) == 2 and row.startswith("|")
    ]


def test_every_language_has_all_the_tasks() -> None:
    found = language_codes()
    assert len(found) == len(set(found)) == 30
    assert ("fr", "fra_Latn") in found
    french = next(suite for suite in suites() if suite.title.startswith("French"))
    for short, long in found:
        envs = french.envs.replace("fra_Latn", long).replace("_fr", f"_{short}")
        tasks = described(replace(french, envs=envs), index())
        about = french.about.replace("fra_Latn", long).replace("_fr", f"_{short}")
        for column in columns(replace(french, about=about)):
            assert tasks[column.benchmark].metric(column.metric), column


def test_the_precisions_that_are_named_are_those_that_are_evaluated() -> None:
    named = [code for code in codes(section("The form, the checks and the columns")) if "float" in code]
    assert named == list(PRECISIONS)


def test_the_own_task_can_be_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = section("Your own tasks")
    [config], [questions] = blocks(text, "yaml"), blocks(text, "json")
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "capitals.yaml").write_text(config)
    (tmp_path / "tasks" / "capitals.jsonl").write_text(questions)
    monkeypatch.chdir(tmp_path)
    own = TaskManager(include_path=["tasks"], include_defaults=False)
    [task] = describe_task("capitals", own, Suite(tasks=("capitals",), tasks_dir="tasks"))
    assert list(problems("capitals", own)) == []
    assert (task.questions, task.file) == (2, "tasks/capitals.yaml")
    job = make_job(make_tiny_model(tmp_path / "model"), tasks=("capitals",), tasks_dir="tasks")
    report = evaluate(job, lambda progress: None)
    assert report["results"]["capitals"]["acc,none"] in (0.0, 0.5, 1.0)


@pytest.mark.slow
@every_suite
def test_lm_evals_whole_collection_has_the_same_tasks(suite: Pasted) -> None:
    assert described(suite, whole_index()) == described(suite, index())


@every_task
def test_lm_evals_own_report_has_the_scores_and_the_numbers_of_examples(
    suite: Pasted, monkeypatch: pytest.MonkeyPatch
) -> None:
    invent_questions(monkeypatch)
    tasks = described(suite, index())
    reported = {name for name in tasks if not list(problems(name, index()))}
    assert len(tasks) - len(reported) <= 2  # those that need packages
    for name in reported:
        task = tasks[name]
        report = simple_evaluate(
            model=Guesser(),
            tasks=[name],
            task_manager=index(),
            num_fewshot=task.given_num_fewshot,
            limit=2,
            bootstrap_iters=0,
        )
        del report["samples"]
        named = {**report, "model_name": "org/model"}
        result = read_result("org/model/results_1.json", json.dumps(named, default=str).encode())
        assert {key for key in result.scores[name] if "," in key} == {each.key for each in task.metrics}
        assert set(result.n_shot.values()) == {task.num_fewshot}
        for column in columns(suite):
            assert column.benchmark != name or result.score(name, column.metric) is not None


@pytest.mark.slow
@every_suite
def test_the_suite_passes_its_trial(suite: Pasted, monkeypatch: pytest.MonkeyPatch) -> None:
    invent_questions(monkeypatch)
    monkeypatch.setattr(trial, "index_for", lambda *_: index())
    named = tasks_harness(suite)
    run = Suite(tasks=named.names, tasks_dir="tasks", fewshot_by_task=named.fewshot_by_task)
    outcome = trial.try_suite(run, lambda _: None)
    # What the docs tell owners to install is not there for the tests.
    assert all("needs a Python package that this worker" in each for each in outcome.description.problems)
    assert outcome.unanswered == ()
