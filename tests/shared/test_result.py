"""Reading result files in every form that exists, and the scores in them."""

import json
from datetime import UTC, datetime
from math import inf, nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.shared.errors import BadFile
from src.shared.result import UNKNOWN_TIME, Result, read_result
from support.factories import COMMIT, MODEL, make_result_file, old_result_file
from support.json_values import json_files, json_values

GOLDEN = Path(__file__).parent / "golden"


def golden(name: str) -> Result:
    return read_result(f"{MODEL}/results_2026-01-31T12-00-00.json", (GOLDEN / name).read_bytes())


def with_scores(**scores: object) -> Result:
    return read_result("x/y/results_2026-01-31T12-00-00.json", old_result_file(**scores))


# Each form


def test_a_report_of_lm_eval_is_read() -> None:
    result = golden("lm_eval.json")
    assert (result.model, result.commit, result.precision) == (MODEL, COMMIT, "bfloat16")
    assert (result.weight_type, result.request, result.run) == (None, None, None)
    assert result.score("tiny_addition", "acc_norm") == 0.5
    assert result.n_shot == {"tiny_addition": 5, "gsm8k": 0, "tiny_copy": 0, "wikitext": 0}
    assert result.versions == {"tiny_addition": "1.0", "gsm8k": "3.0", "tiny_copy": "Yaml", "wikitext": "2"}
    assert result.limit == 20


def test_our_workers_file_says_which_request_and_run_it_is_of() -> None:
    result = read_result("x.json", make_result_file(weight_type="Adapter", run="2026-02-01T00-00-00.000001"))
    assert (result.model, result.commit, result.precision, result.weight_type) == (
        MODEL,
        COMMIT,
        "float32",
        "Adapter",
    )
    assert result.request == "acme/tiny_eval_request_False_float32_Adapter_01234567.json"
    assert result.run == "2026-02-01T00-00-00.000001"
    assert result.ended == datetime(2026, 2, 1, 0, 0, 0, 1, tzinfo=UTC)


def test_the_old_templates_file_is_read() -> None:
    result = golden("old_template.json")
    assert (result.model, result.precision) == ("demo-leaderboard/gpt2-demo", "float16")
    assert result.commit == "ac3299b02780836378b9e1e68c6eead546e89f90"
    assert (result.score("anli_r1", "acc"), result.score("logiqa", "acc_norm")) == (0.3, 0.2)
    assert (result.n_shot, result.versions, result.limit) == ({}, {}, None)


def test_a_report_of_lighteval_is_read() -> None:
    result = golden("lighteval.json")
    assert (result.model, result.commit, result.precision) == (MODEL, COMMIT, "float32")
    assert result.score("leaderboard|arc:challenge|25", "acc_norm") == 0.5
    assert result.score("arc:challenge", "acc") == 0.25
    assert result.score("mmlu", "acc") == 0.5
    assert result.score("all", "acc") == 0.4


def test_a_report_of_open_llm_leaderboard_v1_is_read_and_subtasks_are_averaged() -> None:
    result = golden("open_llm_v1.json")
    assert (result.model, result.commit, result.precision) == (MODEL, COMMIT, "4bit")
    assert result.score("arc:challenge", "acc_norm") == 0.5
    assert result.score("hendrycksTest", "acc") == 0.5
    assert result.score("truthfulqa:mc", "mc2") == 0.375


# Scores


def test_defect_16_acc_finds_lm_evals_acc_none() -> None:
    assert golden("lm_eval.json").score("tiny_addition", "acc") == 0.25
    assert golden("lm_eval.json").score("tiny_addition", "acc,none") == 0.25


def test_a_metric_is_found_under_its_only_filter() -> None:
    assert with_scores(gsm8k={"exact_match,strict-match": 0.5}).score("gsm8k", "exact_match") == 0.5


def test_of_several_filters_none_is_meant_when_it_is_there() -> None:
    assert with_scores(arc={"acc,x": 0.25, "acc,none": 0.5}).score("arc", "acc") == 0.5


def test_of_two_filters_one_must_be_named() -> None:
    result = golden("lm_eval.json")
    assert result.score("gsm8k", "exact_match") is None
    assert result.score("gsm8k", "exact_match,flexible-extract") == 0.375


def test_a_standard_error_is_no_score() -> None:
    assert golden("lm_eval.json").score("tiny_addition", "acc_stderr") is None


def test_a_metric_is_not_taken_for_another_that_begins_alike() -> None:
    assert with_scores(arc={"acc_norm,none": 0.5}).score("arc", "acc") is None


@pytest.mark.parametrize("value", [None, nan, inf, -inf, "0.5", "N/A", True, [0.5], {"value": 0.5}, 10**400])
def test_defect_15_what_is_no_finite_number_is_a_missing_score(value: object) -> None:
    result = with_scores(good={"acc": 0.5}, bad={"acc": value})
    assert (result.score("good", "acc"), result.score("bad", "acc")) == (0.5, None)


def test_missing_benchmarks_and_metrics_are_missing_scores() -> None:
    result = with_scores(arc={"acc": 0.5}, odd=[1])
    assert [result.score("arc", "f1"), result.score("none", "acc"), result.score("odd", "acc")] == [None] * 3


@pytest.mark.parametrize("other", [None, 1.7e308])
def test_the_mean_over_subtasks_is_missing_when_one_of_them_is_or_when_it_is_not_finite(
    other: object,
) -> None:
    scores = {"harness|hendrycksTest-a|5": {"acc": 1.7e308}, "harness|hendrycksTest-b|5": {"acc": other}}
    assert with_scores(**scores).score("hendrycksTest", "acc") is None


def test_whether_more_is_better_is_as_the_report_says() -> None:
    result = golden("lm_eval.json")
    assert result.goes_up("tiny_addition", "acc") is True
    assert result.goes_up("tiny_addition", "acc,none") is True
    assert result.goes_up("wikitext", "word_perplexity") is False
    assert [result.goes_up("wikitext", "broken"), result.goes_up("none", "acc")] == [None, None]


# Times


@pytest.mark.parametrize(
    ("name", "ended"),
    [
        ("results_2023-11-21T18-10-08.json", datetime(2023, 11, 21, 18, 10, 8, tzinfo=UTC)),
        ("results_2023-11-22 15:46:20.425378.json", datetime(2023, 11, 22, 15, 46, 20, 425378, tzinfo=UTC)),
        ("results_2026-01-31T12-00-00.123456.json", datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)),
        ("results_2026-13-31T12-00-00.json", UNKNOWN_TIME),
        ("results.json", UNKNOWN_TIME),
    ],
)
def test_a_results_time_is_in_its_files_name(name: str, ended: datetime) -> None:
    assert read_result(f"demo/gpt2_2020-01-01T00-00-00/{name}", old_result_file()).ended == ended


@pytest.mark.parametrize(
    ("date", "ended"),
    [(1769860800, datetime(2026, 1, 31, 12, tzinfo=UTC)), (1e300, UNKNOWN_TIME), ("today", UNKNOWN_TIME)],
)
def test_without_a_time_in_the_name_it_is_lm_evals_date(date: object, ended: datetime) -> None:
    report = json.loads(old_result_file()) | {"date": date}
    assert read_result("x/results.json", json.dumps(report).encode()).ended == ended


# What cannot be understood


NO_RESULTS = {
    "empty": b"",
    "torn": b"{",
    "a list": b"[]",
    "no keys": b"{}",
    "not UTF-8": b"\xff\xfe",
    "no results": b'{"config": {"model_name": "a/b"}}',
    "a list of results": b'{"config": {"model_name": "a/b"}, "results": []}',
    "no model": b'{"results": {}}',
    "a blank model": b'{"config": {"model_name": " "}, "results": {}}',
    "a number as model": b'{"config": {"model_name": 5}, "results": {}}',
    "a list as config": b'{"config": [], "results": {}}',
}


@pytest.mark.parametrize("data", NO_RESULTS.values(), ids=NO_RESULTS.keys())
def test_a_file_that_is_no_result_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(BadFile, match=r"^it (is|does) "):
        read_result("x.json", data)


NEEDED = {
    "config": st.fixed_dictionaries(
        {"model_name": st.text(min_size=1)},
        optional={"model_sha": json_values, "model_dtype": json_values, "limit": json_values},
    ),
    "results": st.dictionaries(
        st.text() | st.sampled_from(["a|b|5", "b|a"]),
        json_values | st.dictionaries(st.sampled_from(["acc", "acc,none", "acc,x", "f1"]), json_values),
        max_size=3,
    ),
}
LIKELY = {
    "leaderboard": st.dictionaries(st.sampled_from(["ended", "run", "request", "precision"]), json_values),
    "n-shot": st.dictionaries(st.text(), json_values, max_size=2),
    "versions": st.dictionaries(st.text(), json_values, max_size=2),
    "higher_is_better": st.dictionaries(st.text(), json_values, max_size=2),
    "date": json_values,
}


@given(json_files(NEEDED, LIKELY), st.text())
def test_no_file_raises_anything_but_bad_file(data: bytes, path: str) -> None:
    try:
        result = read_result(path, data)
    except BadFile as error:
        assert str(error)
    else:
        scores = [
            result.score(benchmark, metric) for benchmark in [*result.scores, "b"] for metric in ("acc", "")
        ]
        assert all(score is None or -inf < score < inf for score in scores)
