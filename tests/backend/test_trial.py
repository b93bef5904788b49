"""A suite is tried before it is used: what would fail for every model is reported to the owner."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import evaluate
import httpx
import pytest
import yaml
from lm_eval.tasks import TaskManager
from pydantic import TypeAdapter

from src.evaluation.lm_eval.trial import built_tasks, trial
from src.evaluation.lm_eval.trial.stand_in import A_TEXT, StandIn
from src.evaluation.lm_eval.trial.trial import try_suite
from src.evaluation.own_tasks import LONGEST_EXAMPLE
from src.running.job import Progress, Trial
from src.running.suite import Suite, read_tasks
from src.suite.trial import trial_from
from support.sources import ROOT

SHIPPED = Suite(tasks=("tiny_addition", "tiny_agreement", "tiny_copy"), tasks_dir="tasks")

CAPITALS: dict[str, Any] = {
    "task": "capitals",
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"test": "tasks/capitals.jsonl"}},
    "test_split": "test",
    "output_type": "multiple_choice",
    "num_fewshot": 0,
    "doc_to_text": "The capital of {{country}} is",
    "doc_to_choice": "choices",
    "doc_to_target": "answer",
    "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    "metadata": {"version": 1.0},
}
WRITTEN: dict[str, Any] = {
    **{key: value for key, value in CAPITALS.items() if key != "doc_to_choice"},
    "output_type": "generate_until",
    "doc_to_target": "{{choices[answer]}}",
    "generation_kwargs": {"until": ["\n"], "max_gen_toks": 8, "do_sample": False},
    "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
}
ROWS: list[dict[str, Any]] = [
    {"country": f"Land {number}", "choices": ["Lyon.", "Paris."], "answer": number % 2}
    for number in range(10)
]


@pytest.fixture(autouse=True)
def a_cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backend's folder without tasks, as the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tasks").mkdir()
    return tmp_path / "tasks"


def write(own: Path, config: object = CAPITALS, rows: object = ROWS, *, name: str = "capitals") -> None:
    """Write a task and its questions; what is text already is written as it is."""
    text = config if isinstance(config, str) else yaml.safe_dump(config, sort_keys=False)
    (own / f"{name}.yaml").write_text(text)
    lines = rows if isinstance(rows, str) else "".join(f"{json.dumps(row)}\n" for row in rows)  # type: ignore[attr-defined]
    (own / f"{name}.jsonl").write_text(lines)


def tried(tasks: str = "capitals", **settings: object) -> Trial:
    named = read_tasks(tasks)
    suite = Suite(tasks=named.names, tasks_dir="tasks", fewshot_by_task=named.fewshot_by_task)
    trial = try_suite(replace(suite, **settings), lambda _: None)  # type: ignore[arg-type]
    assert (
        trial_from(TypeAdapter(Trial).dump_python(trial, mode="json")) == trial
    )  # the worker gets all of it
    return trial


def only_problem(tasks: str = "capitals", **settings: object) -> str:
    outcome = tried(tasks, **settings)
    assert outcome.unanswered == ()
    [sentence] = outcome.description.problems
    return sentence


def line_of(own: Path, text: str, file: str = "capitals.yaml") -> int:
    lines = (own / file).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def with_row(number: int, **changes: object) -> list[dict[str, Any]]:
    """The rows, of which one (they count from 1, as lines do) is changed; None takes a field out."""
    changed = {**ROWS[number - 1], **changes}
    changed = {key: value for key, value in changed.items() if value is not None}
    return [*ROWS[: number - 1], changed, *ROWS[number:]]


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


# Answers that cannot be right


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (with_row(7, answer=2), "its answer is 2, but its 2 choices are numbered 0 to 1"),
        (with_row(7, answer=-1), "its answer is -1, but its 2 choices are numbered 0 to 1"),
        (with_row(7, answer=99), "its answer is 99, but its 2 choices are numbered 0 to 1"),
        (with_row(7, choices=[]), "it has no list of choices"),
        (with_row(7, choices=["Lyon.", ""]), "one of its choices is empty or not text"),
    ],
    ids=["one too far", "negative", "far", "no choices", "an empty choice"],
)
def test_an_answer_out_of_range_in_a_tasks_rows_is_a_problem_of_the_suite(
    own: Path, rows: list[dict[str, Any]], what: str
) -> None:
    write(own, CAPITALS, rows)
    sentence = only_problem()
    assert sentence.startswith(
        f"The task capitals has an invalid question: {what} (tasks/capitals.jsonl, line 7, "
    )


def test_an_answer_out_of_range_in_the_first_row_is_reported_too(own: Path) -> None:
    write(own, CAPITALS, with_row(1, answer=5))
    assert (
        "its answer is 5, but its 2 choices are numbered 0 to 1 (tasks/capitals.jsonl, line 1, "
        in only_problem()
    )


def test_an_answer_out_of_range_of_fixed_choices_is_reported_with_its_line(own: Path) -> None:
    write(
        own,
        {**CAPITALS, "doc_to_choice": ["yes", "no"], "doc_to_target": "{{answer}}"},
        with_row(4, answer=3),
    )
    assert (
        "its answer is 3, but its 2 choices are numbered 0 to 1 (tasks/capitals.jsonl, line 4, "
        in only_problem()
    )


def test_an_answer_that_is_none_of_the_choices_is_reported(own: Path) -> None:
    rows = [{**row, "answer": "Paris."} for row in ROWS]
    rows[2] = {**rows[2], "answer": "Rome."}
    write(own, CAPITALS, rows)
    assert (
        "its answer 'Rome.' is not one of its choices (tasks/capitals.jsonl, line 3, `doc_to_target`)"
        in only_problem()
    )


def test_an_answer_out_of_range_among_the_examples_is_reported(own: Path) -> None:
    files = {"test": "tasks/capitals.jsonl", "train": "tasks/shown.jsonl"}
    config = {
        **CAPITALS,
        "dataset_kwargs": {"data_files": files},
        "training_split": "train",
        "num_fewshot": 2,
    }
    write(own, config)
    (own / "shown.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in with_row(5, answer=8)))
    assert "(tasks/shown.jsonl, line 5, `doc_to_target`)" in only_problem()


# One answer of many is written otherwise


@pytest.mark.parametrize(
    ("config", "rows", "what"),
    [
        (CAPITALS, with_row(8, answer="1"), "its `answer` is text, but in 9 other rows it is a number"),
        (CAPITALS, with_row(8, answer="Paris."), "its `answer` is text, but in 9 other rows it is a number"),
        (
            CAPITALS,
            with_row(8, answer=True),
            "its `answer` is true or false, but in 9 other rows it is a number",
        ),
        (CAPITALS, with_row(8, answer=[1]), "its `answer` is a list, but in 9 other rows it is a number"),
        (
            {**CAPITALS, "doc_to_choice": ["a", "b"], "doc_to_target": "{{answer}}"},
            with_row(8, answer="one"),
            "its `answer` is text, but in 9 other rows it is a number",
        ),
        (CAPITALS, with_row(8, answer=None), "it has no `answer`, which `doc_to_target` uses"),
        (CAPITALS, with_row(8, country=None), "it has no `country`, which `doc_to_text` uses"),
        (CAPITALS, with_row(8, choices=None), "it has no `choices`, which `doc_to_choice` uses"),
    ],
    ids=["digit", "text", "bool", "list", "template", "no answer", "no question", "no choices"],
)
def test_one_answer_of_many_that_is_written_as_text_is_reported(
    own: Path, config: dict[str, Any], rows: list[dict[str, Any]], what: str
) -> None:
    write(own, config, rows)
    assert (
        f"The task capitals has an invalid question: {what} (tasks/capitals.jsonl, line 8, " in only_problem()
    )


# Rows of tasks of every kind

JOINED: dict[str, Any] = {
    **CAPITALS,
    "output_type": "loglikelihood",
    "doc_to_target": "{{choices[answer]}}",
}
del JOINED["doc_to_choice"]
ROLLING: dict[str, Any] = {
    **JOINED,
    "output_type": "loglikelihood_rolling",
    "doc_to_text": "",
    "doc_to_target": "country",
    "metric_list": [{"metric": "word_perplexity"}],
}
NUMBERED = {**WRITTEN, "doc_to_choice": "choices", "doc_to_target": "answer"}
NESTED = {**WRITTEN, "doc_to_target": "{{right.text}}"}
NESTED_ROWS = [{**row, "right": {"text": "Lyon.", "page": 3}} for row in ROWS]


@pytest.mark.parametrize(
    ("config", "rows", "what", "field"),
    [
        (WRITTEN, with_row(8, answer="1"), "its `answer` is text, but in 9 other rows", "doc_to_target"),
        (WRITTEN, with_row(8, answer=7), "its `doc_to_target` fails (UndefinedError: ", "doc_to_target"),
        (WRITTEN, with_row(8, choices=["Lyon.", ""]), "its right answer is empty", "doc_to_target"),
        (
            WRITTEN,
            with_row(8, answer=1.0),
            "is a number with a decimal point, but in 9 other rows",
            "doc_to_target",
        ),
        (
            CAPITALS,
            with_row(8, answer=1.0),
            "is a number with a decimal point, but in 9 other",
            "doc_to_target",
        ),
        (
            NUMBERED,
            with_row(8, answer=7),
            "its answer is 7, but its 2 choices are numbered 0 to 1",
            "doc_to_target",
        ),
        (NUMBERED, with_row(8, choices=[]), "it has no list of choices", "doc_to_choice"),
        (
            NESTED,
            [*NESTED_ROWS[:7], {**ROWS[7], "right": {"page": 3}}, *NESTED_ROWS[8:]],
            "it has no `right.text`, which `doc_to_target` uses",
            "doc_to_target",
        ),
        (
            {**NESTED, "doc_to_target": "{{right['text'] | trim}}"},
            [*NESTED_ROWS[:7], {**ROWS[7], "right": {"text": None}}, *NESTED_ROWS[8:]],
            "it has no `right.text`, which `doc_to_target` uses",
            "doc_to_target",
        ),
        (
            {**WRITTEN, "description": "{{choices[answer + 1]}}"},
            [
                {**row, "answer": 0, "choices": ["a", "b"] if number != 7 else ["a"]}
                for number, row in enumerate(ROWS)
            ],
            "its `description` fails (UndefinedError: ",
            "description",
        ),
        (JOINED, with_row(8, answer=7), "its `doc_to_target` fails (UndefinedError: ", "doc_to_target"),
        (JOINED, with_row(8, choices=["Lyon.", ""]), "its text to rate is empty", "doc_to_target"),
        (ROLLING, with_row(8, country=""), "its text to rate is empty", "doc_to_target"),
    ],
)
def test_one_row_that_cannot_be_right_is_reported_with_its_line_for_every_kind_of_task(
    own: Path, config: dict[str, Any], rows: list[dict[str, Any]], what: str, field: str
) -> None:
    write(own, config, rows)
    sentence = only_problem()
    assert sentence.startswith("The task capitals has an invalid question: ")
    assert what in sentence
    assert f"(tasks/capitals.jsonl, line 8, `{field}`)" in sentence


ON_ONE_ROW = """
def text(doc):
    assert doc["country"] != "Land 7", "too short"
    return doc["country"]

def target(doc):
    return None if doc["country"] == "Land 7" else "Lyon."

def targets(doc):
    return ["Lyon."] if doc["country"] == "Land 7" else "Lyon."

def score(doc, results):
    return {"exact_match": 1 / abs(int(doc["country"][5:]) - 7)}

def picked(dataset):
    return dataset.map(lambda row: {"gold": row["choices"][row["answer"]]})

def kept(dataset):
    return dataset.filter(lambda row: row["country"] != "Land 2").map(lambda row: {"gold": row["answer"]})

def listed(dataset):
    return list(dataset)

def nothing(dataset):
    dataset.map(lambda row: row)

def empty(doc):
    return None
"""


@pytest.mark.parametrize(
    ("field", "function", "what"),
    [
        ("doc_to_text", "text", "its `doc_to_text` fails (AssertionError: too short)"),
        ("doc_to_target", "target", "its right answer is empty"),
        ("doc_to_target", "targets", "its right answer is not one answer, as in the rows before"),
        ("process_results", "score", "its `process_results` fails (ZeroDivisionError: division by zero)"),
    ],
)
def test_code_that_fails_on_one_row_is_reported_with_the_line_of_the_row(
    own: Path, field: str, function: str, what: str
) -> None:
    write_with_code(own, ON_ONE_ROW, {**WRITTEN, field: f"!function code.{function}"})
    assert only_problem() == (
        f"The task capitals has an invalid question: {what} (tasks/capitals.jsonl, line 8, `{field}`): "
        "correct it."
    )


def write_with_code(own: Path, code: str, config: dict[str, Any], rows: object = ROWS) -> None:
    """Write a task with Python beside it, of which `!function …` names functions."""
    (own / "code.py").write_text(code)
    text = yaml.safe_dump(config, sort_keys=False)
    write(own, re.sub(r"'(!function [\w.]+)'", r"\1", text), rows)


def test_a_row_that_process_docs_has_changed_is_reported_with_its_line(own: Path) -> None:
    config = {**CAPITALS, "process_docs": "!function code.kept", "doc_to_target": "gold"}
    write_with_code(own, ON_ONE_ROW, config, with_row(8, answer=5))
    assert (
        "its answer is 5, but its 2 choices are numbered 0 to 1 (tasks/capitals.jsonl, line 8, "
        in only_problem()
    )


def test_rows_of_a_csv_file_are_reported_with_their_lines(own: Path) -> None:
    files = {"data_files": {"test": "tasks/capitals.csv"}}
    config = {**CAPITALS, "dataset_path": "csv", "dataset_kwargs": files, "doc_to_choice": ["yes", "no"]}
    write(own, {**config, "doc_to_target": "answer"})
    lines = [f'"Land\n{number}",{number % 2}' for number in range(10)]
    (own / "capitals.csv").write_text("\n".join(["country,answer", *lines, ""]))
    assert tried().description.problems == ()
    (own / "capitals.csv").write_text("\n".join(["country,answer", *lines[:7], "Peru,4", *lines[8:]]))
    assert (
        "its answer is 4, but its 2 choices are numbered 0 to 1 (tasks/capitals.csv, line 16, "
        in only_problem()
    )
    (own / "capitals.csv").write_text("\n".join(["country,answer", *lines[:7], "Peru,x", *lines[8:]]))
    assert (
        "its `answer` is text, but in 9 other rows it is a number (tasks/capitals.csv, line 16, "
        in only_problem()
    )
    (own / "capitals.csv").write_text("\n".join(["country,answer", *lines[:7], "Peru,", *lines[8:]]))
    assert "it has no `answer`, which `doc_to_target` uses (tasks/capitals.csv, line 16, " in only_problem()


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_a_file_without_questions_is_reported_with_the_line_that_names_it(own: Path, text: str) -> None:
    write(own, CAPITALS, text)
    assert only_problem() == (
        "The task capitals names a file of questions that has none, capitals.jsonl (tasks/capitals.yaml, "
        f"line {line_of(own, 'test: tasks')}, `dataset_kwargs`): add them."
    )


@pytest.mark.parametrize(
    ("config", "rows"),
    [
        (NESTED, NESTED_ROWS),
        (NUMBERED, ROWS),
        (JOINED, ROWS),
        (ROLLING, ROWS),
        (
            {**WRITTEN, "doc_to_target": "{{right.text if right else 'nothing'}}"},
            [*NESTED_ROWS[:7], *ROWS[7:]],
        ),
        ({**WRITTEN, "doc_to_target": "{{country.strip()}}", "description": "{{country | upper}}"}, ROWS),
        ({**WRITTEN, "doc_to_target": "choices"}, with_row(3, choices=["Lyon."])),
        ({**WRITTEN, "doc_to_target": "", "metric_list": [{"metric": "bypass"}]}, ROWS),
    ],
)
def test_good_rows_of_every_kind_of_task_have_no_problems(
    own: Path, config: dict[str, Any], rows: list[dict[str, Any]]
) -> None:
    write(own, config, rows)
    assert tried().description.problems == ()


# More examples than there are, and assertions


@pytest.mark.parametrize(
    ("tasks", "source"),
    [
        ("capitals|11", "capitals|11 in TASKS_HARNESS asks for 11"),
        ("world|11", "world|11 in TASKS_HARNESS asks for 11"),
        ("capitals", "NUM_FEWSHOT = 11 asks for 11"),
    ],
)
def test_more_examples_than_there_are_is_a_problem_of_the_suite(own: Path, tasks: str, source: str) -> None:
    write(own, {key: value for key, value in CAPITALS.items() if key != "num_fewshot"})
    (own / "world.yaml").write_text(yaml.safe_dump({"group": "world", "task": ["capitals"]}))
    given = {} if "|" in tasks else {"num_fewshot": 11}
    sentence = only_problem(tasks, **given)
    assert sentence.startswith("The task capitals")
    assert (
        f"has only 10 examples to choose from, but {source} (tasks/capitals.yaml): lower the number"
        in sentence
    )


def test_more_examples_than_there_are_in_the_tasks_file_is_reported_with_its_line(own: Path) -> None:
    write(own, {**CAPITALS, "num_fewshot": 12})
    line = line_of(own, "num_fewshot")
    assert only_problem() == (
        f"The task capitals asks for 12 examples, but has only 10 to choose from (tasks/capitals.yaml, "
        f"line {line}, `num_fewshot`): lower it."
    )


def test_examples_from_among_the_questions_leave_out_the_question_itself(own: Path) -> None:
    config = {**CAPITALS, "fewshot_split": "test"}
    write(own, {**config, "num_fewshot": 9})
    assert tried().description.problems == ()
    write(own, {**config, "num_fewshot": 10})
    assert "asks for 10 examples, but has only 9 to choose from" in only_problem()
    write(own, {**config, "num_fewshot": 9}, [*ROWS[:9], ROWS[0]])
    assert "asks for 9 examples, but has only 8 to choose from" in only_problem()


CODE = """
def text(doc):
    assert len(doc["country"]) > 100, "too short"
    return doc["country"]

def rows(dataset):
    return dataset.map(lambda row: {"country": row["land"]})

def score(doc, results):
    assert results[0] in doc["choices"]
    return {"exact_match": 1.0}

def odd(doc, results):
    return {"exact_match": 1 / 0}
"""


@pytest.mark.parametrize(
    ("field", "function", "line", "error"),
    [
        ("doc_to_text", "text", 3, "AssertionError: too short"),
        ("process_docs", "rows", 7, "KeyError: 'land'"),
        ("process_results", "score", 10, "AssertionError"),
        ("process_results", "odd", 14, "ZeroDivisionError: division by zero"),
    ],
    ids=["assert", "key", "assert in scoring", "division"],
)
def test_any_assert_in_a_tasks_own_python_is_reported_with_file_line_and_field(
    own: Path, field: str, function: str, line: int, error: str
) -> None:
    (own / "code.py").write_text(CODE)
    text = yaml.safe_dump({**WRITTEN, field: "HERE"}, sort_keys=False)
    write(own, text.replace("HERE", f"!function code.{function}"))
    assert only_problem() == (
        f"The task capitals has code that fails ({error}) (tasks/code.py, line {line}, `{field}`): "
        "correct it."
    )


def test_no_folder_of_this_machine_is_shown(own: Path) -> None:
    (own / "code.py").write_text("def text(doc):\n    raise OSError(f'cannot read {__file__}')\n")
    text = yaml.safe_dump({**WRITTEN, "doc_to_text": "HERE"})
    write(own, text.replace("HERE", "!function code.text"))
    assert "OSError: cannot read tasks/code.py" in only_problem()
    assert str(own) not in only_problem(tasks_dir=str(own))


# Mistakes in a task's file


@pytest.mark.parametrize(
    ("config", "line", "what"),
    [
        (
            {**CAPITALS, "output_type": "multiple_choise"},
            "output_type",
            "has the `output_type` 'multiple_choise', which lm_eval does not know "
            "(did you mean `multiple_choice`?)",
        ),
        (
            {**CAPITALS, "output_type": "generate"},
            "output_type",
            "has the `output_type` 'generate', which lm_eval does not know (did you mean `generate_until`?)",
        ),
        (
            {**CAPITALS, "metric_list": [{"metric": "acc"}, {"metric": "acc_nrom"}]},
            "acc_nrom",
            "has the metric 'acc_nrom', which lm_eval does not know (did you mean `acc_norm`?)",
        ),
        (
            {**WRITTEN, "metric_list": [{"metric": "exact_mach"}]},
            "exact_mach",
            "has the metric 'exact_mach', which lm_eval does not know (did you mean `exact_match`?)",
        ),
        (
            {**CAPITALS, "metric_list": [{"metric": "acc", "aggregation": "maen"}]},
            "maen",
            "has the aggregation 'maen', which lm_eval does not know (did you mean `mean`?)",
        ),
        (
            {**CAPITALS, "metric_list": [{"metric": "acc"}, {"metric": "bleu"}]},
            "bleu",
            "has the metric 'bleu', which lm_eval does not compute for `output_type: multiple_choice`",
        ),
        (
            {**WRITTEN, "filter_list": [{"name": "x", "filter": [{"function": "take_frist"}]}]},
            "take_frist",
            "has the filter 'take_frist', which lm_eval does not know (did you mean `take_first`?)",
        ),
        (
            {**WRITTEN, "filter_list": [{"name": "x", "filter": [{"function": "regexp"}]}]},
            "regexp",
            "has the filter 'regexp', which lm_eval does not know (did you mean `regex`?)",
        ),
        (
            {**WRITTEN, "filter_list": [{"name": "x"}]},
            "name: x",
            "has a filter without `name`, or whose `filter` is not a list of `- function: …`",
        ),
        (
            {**CAPITALS, "doc_to_text": "The capital of {{cuontry}} is"},
            "doc_to_text",
            "uses the field `cuontry`, which its questions do not have (did you mean `country`?)",
        ),
        (
            {**CAPITALS, "doc_to_text": "cuontry"},
            "doc_to_text",
            "has the `doc_to_text` 'cuontry', but its questions have no such field (did you mean `country`?)",
        ),
        (
            {**CAPITALS, "doc_to_target": "{{anwser}}"},
            "doc_to_target",
            "uses the field `anwser`, which its questions do not have (did you mean `answer`?)",
        ),
        (
            {**CAPITALS, "doc_to_choice": "{{options}}"},
            "doc_to_choice",
            "uses the field `options`, which its questions do not have",
        ),
        (
            {**CAPITALS, "doc_to_text": "The capital of {{country} is"},
            "doc_to_text",
            "has a template that fails (TemplateSyntaxError: ",
        ),
        (
            {**CAPITALS, "test_split": "tets"},
            "test_split",
            "has the `test_split` 'tets', but its questions have only `test`",
        ),
        (
            {**CAPITALS, "fewshot_split": "train", "num_fewshot": 1},
            "fewshot_split",
            "has the `fewshot_split` 'train', but its questions have only `test`",
        ),
        (
            {**CAPITALS, "doc_to_txt": "{{country}}"},
            "doc_to_txt",
            "has a setting that lm_eval does not know, `doc_to_txt` (did you mean `doc_to_text`?)",
        ),
        (
            {**CAPITALS, "output_type": ["multiple_choice"]},
            "output_type",
            "has the `output_type` ['multiple_choice'], which lm_eval does not know",
        ),
        (
            {**CAPITALS, "metric_list": "acc"},
            "metric_list",
            "has a `metric_list` that is not a list of `- metric: …`",
        ),
        (
            {**CAPITALS, "metric_list": [{"aggregation": "mean"}]},
            "aggregation",
            "has a metric without a name",
        ),
        (
            {**CAPITALS, "metric_list": [{"metric": "acc", "higher_is_better": "more"}]},
            "higher_is_better",
            "has the `higher_is_better` 'more', which is neither true nor false",
        ),
        (
            {**WRITTEN, "filter_list": [{"filter": [{"function": "take_first"}]}]},
            "- filter",
            "has a filter without `name`, or whose `filter` is not a list of `- function: …`",
        ),
        (
            {**WRITTEN, "filter_list": "take_first"},
            "filter_list",
            "has a `filter_list` that is not a list of `- name: …` with `filter: …`",
        ),
        (
            {**CAPITALS, "num_fewshot": "five"},
            "num_fewshot",
            "has the `num_fewshot` 'five', which is not a whole number of at least 0",
        ),
        (
            {**CAPITALS, "fewshot_config": {"sampler": "frist_n"}, "num_fewshot": 1},
            "fewshot_config",
            "has the sampler 'frist_n', which lm_eval does not know (did you mean `first_n`?)",
        ),
    ],
)
def test_a_misspelt_setting_of_a_task_is_reported_with_file_line_and_field(
    own: Path, config: dict[str, Any], line: str, what: str
) -> None:
    write(own, config)
    sentence = only_problem()
    assert sentence.startswith(f"The task capitals {what}")
    assert f"(tasks/capitals.yaml, line {line_of(own, line)}, `" in sentence


def test_a_missing_split_is_reported(own: Path) -> None:
    write(own, {key: value for key, value in CAPITALS.items() if key != "test_split"})
    assert only_problem() == (
        "The task capitals names neither a `test_split` nor a `validation_split` (tasks/capitals.yaml, "
        "`test_split`): add one."
    )


def test_a_file_of_questions_that_is_not_there_is_reported_with_the_line_that_names_it(own: Path) -> None:
    write(own, {**CAPITALS, "dataset_kwargs": {"data_files": {"test": "tasks/capitlas.jsonl"}}})
    assert only_problem() == (
        "The task capitals names a file of questions that does not exist, capitlas.jsonl "
        f"(tasks/capitals.yaml, line {line_of(own, 'capitlas')}, `dataset_kwargs`): correct its path, which "
        "is relative to the backend's folder."
    )


def test_an_answer_that_is_misspelt_for_all_questions_is_reported_once(own: Path) -> None:
    write(own, {**CAPITALS, "doc_to_target": "anwser"})
    assert "has the `doc_to_target` 'anwser', but its questions have no such field" in only_problem()


def test_a_misspelt_filter_is_reported_where_the_questions_have_an_absolute_path(own: Path) -> None:
    files = {"data_files": {"test": str(own / "capitals.jsonl")}}
    filters = [{"name": "x", "filter": [{"function": "take_frist"}]}]
    write(own, {**WRITTEN, "dataset_kwargs": files, "filter_list": filters})
    assert "has the filter 'take_frist', which lm_eval does not know (did you mean" in only_problem()


def test_a_mistake_in_an_included_file_is_reported_at_its_place_there(own: Path) -> None:
    common = {key: value for key, value in CAPITALS.items() if key != "task"}
    (own / "common.yaml").write_text(yaml.safe_dump({**common, "output_type": "choice"}))
    write(own, {"task": "capitals", "include": "common.yaml"})
    line = line_of(own, "output_type", "common.yaml")
    assert f"(tasks/common.yaml, line {line}, `output_type`)" in only_problem()


@pytest.mark.parametrize(
    ("rows", "line", "reason"),
    [
        (
            '{"country": "Peru", "choices": ["a", "b"], "answer": 0}\n{"country": "Chile",\n',
            2,
            "it is not valid JSON (",
        ),
        ("{}\n" * 3 + "[1, 2]\n", 4, "it is not an object"),
        ("{\"country\": 'Peru'}\n", 1, "it is not valid JSON ("),
    ],
    ids=["cut off", "a list", "quotes"],
)
def test_a_broken_line_of_the_questions_is_reported(own: Path, rows: str, line: int, reason: str) -> None:
    write(own, CAPITALS, rows)
    sentence = only_problem()
    assert sentence.startswith(f"The task capitals has an invalid question: {reason}")
    assert f"(tasks/capitals.jsonl, line {line})" in sentence


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (
            "test_split",
            "\ttest_split",
            "it is not valid YAML: found a tab",
        ),
        ("num_fewshot: 0", "num_fewshot: 0: 1", "it is not valid YAML: "),
        ("answer", "'answer", "it is not valid YAML: "),
    ],
    ids=["a tab", "a colon", "a quote"],
)
def test_a_file_that_is_not_yaml_is_reported_at_once_with_its_line(
    own: Path, before: str, after: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TaskManager, "__init__", without_the_collection(TaskManager.__init__))
    text = yaml.safe_dump(CAPITALS, sort_keys=False)
    write(own, text.replace(before, after, 1))
    broken = only_problem()
    assert broken.startswith("The task file tasks/capitals.yaml, line ")
    assert f"cannot be used: {reason}" in broken


def test_a_broken_file_that_no_task_needs_is_no_problem(own: Path) -> None:
    write(own)
    (own / "draft.yaml").write_text("task: draft\n\toutput_type: x\n")
    assert tried().description.problems == ()


def test_a_filter_that_a_tasks_own_code_adds_is_known(own: Path) -> None:
    code = """
from lm_eval.api.filter import Filter
from lm_eval.api.registry import register_filter

@register_filter("own_filter_of_a_test")
class Own(Filter):
    def apply(self, resps, docs):
        return [each[0] for each in resps]

def text(doc):
    return doc["country"]
"""
    (own / "code.py").write_text(code)
    filters = [{"name": "own", "filter": [{"function": "own_filter_of_a_test"}]}]
    text = yaml.safe_dump({**WRITTEN, "filter_list": filters, "doc_to_text": "HERE"})
    write(own, text.replace("HERE", "!function code.text"))
    assert tried().description.problems == ()
    write(own, text.replace("HERE", "!function code.text").replace("own_filter_of_a_test", "own_fliter"))
    assert "because of its `filter_list`: KeyError: " in only_problem()


# How a model writes


def writing(**changes: object) -> dict[str, Any]:
    """A task whose `generation_kwargs` are changed; None removes one."""
    settings = {**WRITTEN["generation_kwargs"], **changes}
    return {**WRITTEN, "generation_kwargs": {key: each for key, each in settings.items() if each is not None}}


@pytest.mark.parametrize(
    ("changes", "line", "what"),
    [
        (
            {"until": None, "untill": ["x"]},
            "untill",
            "`untill`, which neither lm_eval nor transformers knows ",
        ),
        ({"max_gen_toks": None, "max_new_token": 8}, "max_new_token", "(did you mean `max_new_tokens`?)"),
        ({"until": 5}, "until", "`until: 5`, which must be a text or a list of texts"),
        ({"until": ["x", 5]}, "until", "which must be a text or a list of texts"),
        ({"until": ""}, "until", "which must be a text or a list of texts, none of them empty"),
        ({"max_gen_toks": 0}, "max_gen_toks", "`max_gen_toks: 0`, which must be a whole number from 1 to "),
        ({"max_gen_toks": 100_000}, "max_gen_toks", "a whole number from 1 to 65,536"),
        ({"max_gen_toks": "eight"}, "max_gen_toks", "`max_gen_toks: eight`, which must be a whole number"),
        ({"max_gen_toks": True}, "max_gen_toks", "which must be a whole number"),
        ({"max_new_tokens": -1}, "max_new_tokens", "which must be a whole number"),
        ({"do_sample": "sometimes"}, "do_sample", "`do_sample: sometimes`, which must be true or false"),
        ({"temperature": "hot"}, "temperature", "`temperature: hot`, which must be a number"),
        (
            {"do_sample": True, "temperature": -1},
            "temperature",
            "`do_sample: true` without a `temperature` above 0",
        ),
        ({"do_sample": True}, "do_sample", "`do_sample: true` without a `temperature` above 0"),
        ({"num_beams": "two"}, "num_beams", "`num_beams: two`, with which transformers fails (TypeError: "),
        ({"repetition_penalty": 0}, "repetition_penalty", "with which transformers fails (ValueError: "),
        (
            {"do_sample": True, "temperature": 0.5, "num_return_sequences": 2},
            "num_return",
            "(ValueError: it gives 4 answers to 2 questions)",
        ),
        ({"return_dict_in_generate": True}, "return_dict", "with which transformers fails"),
        ({"use_cache": False}, "use_cache", "`use_cache`, which lm_eval sets itself"),
        ({"max_length": 8}, "max_length", "`max_length`, which lm_eval sets itself"),
    ],
)
def test_what_generation_kwargs_cannot_hold_is_told_with_its_line(
    own: Path, changes: dict[str, object], line: str, what: str
) -> None:
    write(own, writing(**changes))
    sentence = only_problem()
    assert sentence.startswith("The task capitals has `generation_kwargs` that contain ")
    assert what in sentence
    assert f"(tasks/capitals.yaml, line {line_of(own, f'  {line}')}, `generation_kwargs`)" in sentence


@pytest.mark.parametrize(
    "changes",
    [
        {"until": "x", "max_gen_toks": "16"},
        {"until": [], "max_gen_toks": None},
        {"temperature": 0.0, "max_gen_toks": None, "max_new_tokens": 65_536},
        {"do_sample": True, "temperature": 0.7, "top_p": 0.95, "top_k": 20},
        {"num_beams": 3, "repetition_penalty": 1.2},
    ],
)
def test_every_good_way_to_write_has_no_problems(own: Path, changes: dict[str, object]) -> None:
    write(own, writing(**changes))
    assert tried().description.problems == ()


# Groups

GROUP: dict[str, Any] = {
    "group": "world",
    "task": ["capitals", "rivers"],
    "aggregate_metric_list": [{"metric": "acc"}],
}


def write_group(own: Path, changes: dict[str, Any], *, name: str = "world") -> None:
    """Write a group of two good tasks with some changes; None removes a key."""
    write(own)
    write(own, {**CAPITALS, "task": "rivers"}, name="rivers")
    group = {key: value for key, value in {**GROUP, "group": name, **changes}.items() if value is not None}
    (own / f"{name}.yaml").write_text(yaml.safe_dump(group, sort_keys=False))


@pytest.mark.parametrize(
    ("changes", "line", "what"),
    [
        ({"task": None, "tasks": ["capitals"]}, "tasks", "`tasks` (did you mean `task`?)"),
        ({"task": None}, "", "names no tasks"),
        ({"task": "capitals"}, "task: ", "has `task: capitals`, but lm_eval reads only a list"),
        ({"task": []}, "task: ", "contains no task"),
        ({"task": ["capitals", 5]}, "- 5", "contains 5, which is neither a task's name nor has a `task`"),
        ({"task": [{"name": "capitals"}]}, "- name", "which is neither a task's name nor has a `task`"),
        ({"task": ["capitals", "world"]}, "- world", "contains itself"),
        (
            {"task": ["capitals", {"task": "rivers", "repeats": "many"}]},
            "repeats",
            "has the `repeats` 'many', which is not a whole number of at least 1",
        ),
        ({"num_fewshot": "five"}, "num_fewshot", "has the `num_fewshot` 'five', which is not a whole number"),
        ({"agregate_metric_list": []}, "agregate", "(did you mean `aggregate_metric_list`?)"),
        ({"aggregate_metric_list": "acc"}, "aggregate", "that is not a list of `- metric: …`"),
        (
            {"aggregate_metric_list": [{"metrics": "acc"}]},
            "metrics",
            "`metrics`, which lm_eval does not know",
        ),
        (
            {"aggregate_metric_list": [{"aggregation": "mean"}]},
            "aggregation",
            "aggregates a metric without a name",
        ),
        (
            {"aggregate_metric_list": [{"metric": "acc", "aggregation": "median"}]},
            "median",
            "by the 'median' of its tasks; lm_eval has only `mean`",
        ),
        (
            {"aggregate_metric_list": [{"metric": "acc", "weight_by_size": "no way"}]},
            "no way",
            "with `weight_by_size: no way`, which is neither true nor false",
        ),
        (
            {"aggregate_metric_list": [{"metric": "acc", "filter_list": [5]}]},
            "filter_list",
            "with the `filter_list` [5], which is not a list of names",
        ),
        (
            {"aggregate_metric_list": [{"metric": "acc"}, {"metric": "acc_nrom"}]},
            "acc_nrom",
            "aggregates the metric 'acc_nrom', which none of its tasks has: they have `acc`",
        ),
        (
            {"aggregate_metric_list": [{"metric": "acc", "filter_list": ["strict"]}]},
            "filter_list",
            "aggregates the metric 'acc' with the filter 'strict', which none has: they have `none`",
        ),
    ],
)
def test_a_mistake_in_a_group_is_reported_at_its_line_in_the_groups_file(
    own: Path, changes: dict[str, Any], line: str, what: str
) -> None:
    write_group(own, changes)
    sentence = only_problem("world")
    assert sentence.startswith("The group world ")
    assert what in sentence
    place = f"tasks/world.yaml, line {line_of(own, line, 'world.yaml')}" if line else "tasks/world.yaml"
    assert f"({place}, `" in sentence


def test_a_metric_that_one_task_of_a_group_lacks_is_reported(own: Path) -> None:
    write_group(own, {"aggregate_metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}]})
    write(own, {**CAPITALS, "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}]})
    line = line_of(own, "acc_norm", "world.yaml")
    assert only_problem("world") == (
        "The group world aggregates the metric 'acc_norm', which `rivers` does not have (tasks/world.yaml, "
        f"line {line}, `aggregate_metric_list`): correct it."
    )


def test_groups_that_contain_each_other_are_reported_with_both_names(own: Path) -> None:
    write_group(own, {"task": ["capitals", "europe"]})
    write_group(own, {"task": ["rivers", {"group": "world"}]}, name="europe")
    problems = tried("world").description.problems
    assert [each.partition(" (")[0] for each in problems] == [
        "The group world contains europe, which contains world",
        "The group europe, which world stands for, contains world, which contains europe",
    ]
    assert "remove it in one of the two files" in problems[0]


def test_a_group_within_a_group_is_checked_too(own: Path) -> None:
    write_group(own, {"task": ["capitals", {"group": "water", "task": "rivers"}]})
    assert "has `task: rivers`, but lm_eval reads only a list" in only_problem("world")
    write_group(own, {"task": ["europe"]})
    write_group(own, {"task": []}, name="europe")
    assert "The group europe, which world stands for, contains no task (tasks/europe.yaml, " in only_problem(
        "world"
    )


def test_good_groups_of_every_form_have_no_problems(own: Path) -> None:
    write_group(own, {"aggregate_metric_list": {"metric": "acc", "filter_list": "none"}, "num_fewshot": 2})
    assert tried("world").description.problems == ()
    write_group(
        own, {"task": ["capitals", {"group": "water", "task": [{"task": "rivers", "num_fewshot": 1}]}]}
    )
    assert tried("world").description.problems == ()
    write_group(own, {"aggregate_metric_list": None, "group_alias": "World", "metadata": {"version": 1}})
    assert tried("world").description.problems == ()


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


# The right line, field and remedy


@pytest.mark.parametrize(
    ("changes", "field", "what"),
    [
        (
            {"doc_to_text": "!function cod.text"},
            "doc_to_text",
            "uses code in a file that does not exist, cod.py (did you mean `code`?)",
        ),
        (
            {"doc_to_text": "!function code.tex"},
            "doc_to_text",
            "uses the function `tex`, which code.py does not have (did you mean `text`?)",
        ),
        ({"doc_to_text": "!function text"}, "doc_to_text", "has `!function text`, which names no file"),
        (
            {"metric_list": [{"metric": "exact_match", "aggregation": "!function code.man"}]},
            "metric_list",
            "uses the function `man`, which code.py does not have",
        ),
        (
            {"process_docs": "!function code.listed"},
            "process_docs",
            "has a `process_docs` that returns a list, not a dataset",
        ),
        (
            {"process_docs": "!function code.nothing"},
            "process_docs",
            "has a `process_docs` that returns nothing, not a dataset",
        ),
        ({"process_docs": "listed"}, "process_docs", "which is not a `!function file.function`"),
        (
            {"repeats": "many"},
            "repeats",
            "has the `repeats` 'many', which is not a whole number of at least 1",
        ),
        ({"repeats": 0}, "repeats", "has the `repeats` 0, which is not a whole number of at least 1"),
        ({"target_delimiter": 5}, "target_delimiter", "has the `target_delimiter` 5, which is not text"),
        ({"fewshot_delimiter": ["x"]}, "fewshot_delimiter", "which is not text"),
        ({"test_split": 5}, "test_split", "has the `test_split` 5, which is not text"),
        (
            {"description": "{{cuontry}}"},
            "description",
            "uses the field `cuontry`, which its questions do not have",
        ),
        (
            {"gen_prefix": "{{cuontry}}"},
            "gen_prefix",
            "uses the field `cuontry`, which its questions do not have",
        ),
    ],
)
def test_a_mistake_is_reported_with_its_own_field_and_line(
    own: Path, changes: dict[str, Any], field: str, what: str
) -> None:
    write_with_code(own, ON_ONE_ROW, {**WRITTEN, **changes})
    sentence = only_problem()
    assert sentence.startswith(f"The task capitals {what}") or what in sentence
    assert "tasks/capitals.yaml, line " in sentence
    assert f"`{field}`)" in sentence
    assert "num_fewshot" not in sentence


def test_code_that_gives_no_question_is_not_reported_as_the_number_of_examples(own: Path) -> None:
    write_with_code(own, ON_ONE_ROW, {**WRITTEN, "doc_to_text": "!function code.empty"})
    assert "its question is nothing, not text (tasks/capitals.jsonl, line 1, `doc_to_text`)" in only_problem()


def test_a_row_that_process_docs_fails_on_is_reported_with_its_line(own: Path) -> None:
    config = {**CAPITALS, "process_docs": "!function code.picked"}
    write_with_code(own, ON_ONE_ROW, config, with_row(8, answer=5))
    sentence = only_problem()
    assert "its `process_docs` fails (IndexError: list index out of range)" in sentence
    assert "(tasks/capitals.jsonl, line 8, `process_docs`)" in sentence


# Names in the tasks folder


def test_two_files_for_one_name_are_reported_with_both_files(own: Path) -> None:
    write(own)
    write(own, {**WRITTEN, "task": "capitals"}, name="cities")
    write(own, {**CAPITALS, "task": "rivers"}, name="rivers")
    write(own, {**CAPITALS, "task": "rivers"}, name="streams")
    assert only_problem("capitals") == (
        "The tasks folder has more than one file for capitals, and lm_eval uses only the first "
        "(capitals.yaml, line 1; cities.yaml, line 1): rename or delete the others."
    )


@pytest.mark.parametrize("changes", [{"task": 5}, {"task": True}, {"tag": 2024}, {"tag": ["a", 1.5]}])
def test_a_name_that_is_not_text_is_reported_with_its_file(own: Path, changes: dict[str, Any]) -> None:
    write(own)
    write(own, {**CAPITALS, **{"task": "rivers"}, **changes}, name="rivers")
    assert any(
        each.startswith("The task file rivers.yaml, line ") and "which is not text: put it in quotes" in each
        for each in tried("capitals").description.problems
    )


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


def without_the_collection(init: Any) -> Any:
    """A TaskManager that may not read lm_eval's whole collection, which takes a minute on a slow disk."""

    def quick(self: TaskManager, *args: Any, include_defaults: bool = True, **settings: Any) -> None:
        assert not include_defaults, "the whole collection was read"
        init(self, *args, include_defaults=include_defaults, **settings)

    return quick


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


@pytest.fixture(autouse=True)
def quiet_progress_bars(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TQDM_DISABLE", "1")
    yield
