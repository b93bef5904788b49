"""Mistakes in a task's file: reported with file, line, field and what to do."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from lm_eval.tasks import TaskManager

from support.trials import (
    CAPITALS,
    ON_ONE_ROW,
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
