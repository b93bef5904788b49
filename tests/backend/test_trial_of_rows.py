"""Questions that cannot be right, of tasks of every kind: reported with their lines before any model runs."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.trials import (
    CAPITALS,
    ON_ONE_ROW,
    ROWS,
    WRITTEN,
    line_of,
    only_problem,
    tried,
    with_row,
    write,
    write_with_code,
)

pytestmark = pytest.mark.usefixtures("quiet_trials")


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
