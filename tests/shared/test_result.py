"""Reading result files in every form that exists, and the scores in them."""

import json
from datetime import UTC, datetime
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.shared.data.reports import read_result
from src.shared.data.result import UNKNOWN_TIME, Result, Score, Setting
from src.shared.errors import BadFile
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


@pytest.mark.parametrize(
    "value", [None, nan, inf, -inf, "half", "N/A", "85 %", "", True, [0.5], {"value": 0.5}, 10**400]
)
def test_defect_15_what_is_no_finite_number_is_a_missing_score(value: object) -> None:
    result = with_scores(good={"acc": 0.5}, bad={"acc": value})
    assert (result.score("good", "acc"), result.score("bad", "acc")) == (0.5, None)


def test_missing_benchmarks_and_metrics_are_missing_scores() -> None:
    result = with_scores(arc={"acc": 0.5}, odd=[1])
    assert [result.score("arc", "f1"), result.score("none", "acc"), result.score("odd", "acc")] == [None] * 3


@pytest.mark.parametrize(("other", "mean"), [(None, None), (1.7e308, 1.7e308), ("0.1", 0.85e308)])
def test_the_mean_over_subsets_is_missing_when_one_of_them_is_and_always_finite(
    other: object, mean: float | None
) -> None:
    scores = {"harness|hendrycksTest-a|5": {"acc": 1.7e308}, "harness|hendrycksTest-b|5": {"acc": other}}
    assert with_scores(**scores).score("hendrycksTest", "acc") == mean


@pytest.mark.parametrize(
    ("text", "score"), [("32.0", 32.0), (" 0.5 ", 0.5), ("-1e-3", -0.001), (".25", 0.25), ("7", 7.0)]
)
def test_a_score_that_is_written_as_text_is_read(text: str, score: float) -> None:
    assert with_scores(arc={"acc": text}).score("arc", "acc") == score


# Which task is meant


def test_a_task_whose_name_contains_anothers_is_not_taken_for_it() -> None:
    both = with_scores(**{"lighteval|gsm8k|0": {"qem": 0.2}, "lighteval|gsm8k_plus|0": {"qem": 0.8}})
    assert both.score("gsm8k", "qem") == 0.2
    assert with_scores(**{"lighteval|gsm8k_plus|0": {"qem": 0.8}}).score("gsm8k", "qem") is None


TASKS = {
    "lighteval|arc:challenge|25": 0.1,
    "lighteval|arc:easy|0": 0.2,
    "lighteval|mmlu_pro|5": 0.3,
    "lighteval|mmlu:anatomy|5": 0.4,
    "lighteval|mmlu:virology|5": 0.6,
    "lighteval|mmlu:_average|5": 0.9,
    "helm|boolq|5": 0.7,
    "boolq_extended|5": 0.8,
    "community|bench:a:b|0": 0.35,
}


@pytest.mark.parametrize(
    ("benchmark", "score"),
    [
        ("arc:challenge", 0.1),
        ("arc:challenge|25", 0.1),
        ("lighteval|arc:challenge", 0.1),
        ("lighteval|arc:challenge|25", 0.1),
        ("arc:challenge|5", None),
        ("helm|arc:challenge", None),
        ("challenge", None),
        ("arc:chall", None),
        ("mmlu", 0.5),
        ("mmlu:_average", 0.9),
        ("mmlu:ana", None),
        ("mml", None),
        ("pro", None),
        ("5", None),
        ("boolq", 0.7),
        ("boolq_extended", 0.8),
        ("bench:a:b", 0.35),
        ("bench", 0.35),
        ("bench:a", None),
        ("lighteval", None),
        ("|", None),
        ("", None),
        ("a|b|c|d|5", None),
    ],
)
def test_a_benchmark_means_the_tasks_whose_parts_are_all_that_it_names(
    benchmark: str, score: float | None
) -> None:
    scores = {task: {"acc": value} for task, value in TASKS.items()}
    assert with_scores(**scores).score(benchmark, "acc") == score


@pytest.mark.parametrize(
    ("benchmark", "score"),
    [("gsm8k", None), ("gsm8k|0", 0.25), ("gsm8k|5", 0.75), ("lighteval|gsm8k|5", 0.75)],
)
def test_one_task_with_two_numbers_of_shots_is_two_things_and_the_owner_says_which(
    benchmark: str, score: float | None
) -> None:
    result = with_scores(**{"lighteval|gsm8k|0": {"qem": 0.25}, "lighteval|gsm8k|5": {"qem": 0.75}})
    assert result.score(benchmark, "qem") == score
    mixed = ("lighteval|gsm8k|0", "lighteval|gsm8k|5") if score is None else ()
    assert result.mixed_settings(benchmark) == mixed


def test_one_task_in_two_suites_is_two_things_too() -> None:
    result = with_scores(**{"lighteval|boolq|0": {"acc": 0.25}, "helm|boolq|0": {"acc": 0.75}})
    assert result.score("boolq", "acc") is None
    assert (result.score("helm|boolq", "acc"), result.score("lighteval|boolq", "acc")) == (0.75, 0.25)


# How sure a score is, and what it is of


def test_a_score_has_its_standard_error_and_its_number_of_questions() -> None:
    result = golden("lm_eval.json")
    assert result.measured("tiny_addition", "acc") == Score(0.25, 0.0433, 20)
    assert result.measured("gsm8k", "exact_match,flexible-extract") == Score(0.375, 0.02, None)
    assert result.measured("tiny_copy", "exact_match") == Score(1.0, None, None)
    assert result.setting("gsm8k") == Setting("3.0", 0, "lm_eval", (), None)


def test_the_standard_error_of_a_mean_is_that_of_independent_parts() -> None:
    scores = {
        "lighteval|mmlu:a|5": {"acc": 0.25, "acc_stderr": 0.03},
        "lighteval|mmlu:b|5": {"acc": 0.75, "acc_stderr": 0.04},
    }
    report = {
        "config_general": {"model_name": MODEL},
        "results": scores,
        "config_tasks": {
            "lighteval|mmlu:a": {"effective_num_docs": 10},
            "lighteval|mmlu:b": {"effective_num_docs": 5},
        },
    }
    found = read_result("x.json", json.dumps(report).encode()).measured("mmlu", "acc")
    assert found == Score(0.5, pytest.approx(0.025), 15)


def test_a_group_is_of_the_questions_of_all_its_tasks() -> None:
    samples = {
        task: {"original": 100, "effective": number} for task, number in {"a": 10, "b": 20, "c": 5}.items()
    }
    groups = {"group": ["part", "c"], "part": ["a", "b"], "a": [], "b": [], "c": [], "odd": ["odd"]}
    result = read_result(
        "x.json",
        make_result_file(
            scores={"group": {"acc,none": 0.5}}, **{"n-samples": samples, "group_subtasks": groups}
        ),
    )
    assert result.n_samples == {"a": 10, "b": 20, "c": 5, "part": 30, "group": 35}


# What other forms of report say elsewhere


def lighteval_file(**changes: Any) -> bytes:
    """A report as lighteval 0.13 writes it."""
    report = {
        "config_general": {
            "lighteval_sha": "?",
            "max_samples": 50,
            "model_config": {"model_name": MODEL, "dtype": "bfloat16", "revision": COMMIT, "batch_size": 8},
        },
        "results": {
            "wiki|0": {"ppl": 12.5, "ppl_stderr": 0.5, "em": 0.5},
            "all": {"ppl": 12.5, "em": 0.5},
        },
        "versions": {},
        "config_tasks": {
            "wiki|0": {
                "name": "wiki",
                "version": 2,
                "num_fewshots": 0,
                "original_num_docs": 100,
                "effective_num_docs": 50,
                "metrics": [
                    {"metric_name": "ppl", "higher_is_better": False, "category": "PERPLEXITY"},
                    {"metric_name": ["em", "f1"], "higher_is_better": {"em": True, "f1": True}},
                ],
            }
        },
    }
    return json.dumps(report | changes).encode()


def test_a_newer_report_of_lighteval_has_the_models_facts_in_its_configuration() -> None:
    result = read_result("x.json", lighteval_file())
    assert (result.model, result.commit, result.precision) == (MODEL, COMMIT, "bfloat16")
    assert (result.limit, result.engine, result.use_chat_template) == (50, "lighteval", False)
    assert result.measured("wiki", "ppl") == Score(12.5, 0.5, 50)
    assert result.setting("wiki") == Setting("2", 0, "lighteval", ())


def test_lighteval_says_of_each_metric_whether_more_is_better() -> None:
    result = read_result("x.json", lighteval_file())
    assert [result.goes_up("wiki", metric) for metric in ("ppl", "em", "f1", "bleu")] == [
        False,
        True,
        True,
        None,
    ]
    older = {"wiki": {"metric": [{"metric_name": "ppl", "higher_is_better": False}]}}
    results = {"lighteval|wiki|0": {"ppl": 12.5}}
    old = read_result(
        "x.json",
        lighteval_file(
            results=results, config_tasks={f"lighteval|{task}": each for task, each in older.items()}
        ),
    )
    assert old.goes_up("wiki", "ppl") is False


def lm_eval_0_3_file(model_args: Any, **config: Any) -> bytes:
    """A report as lm_eval 0.3 to 0.4.1 writes it: the model is named in its arguments only."""
    report = {
        "results": {"arc_challenge": {"acc": 0.25, "acc_stderr": 0.01, "acc_norm": 0.5}},
        "versions": {"arc_challenge": 0},
        "config": {
            "model": "hf-causal-experimental",
            "model_args": model_args,
            "num_fewshot": 25,
            "bootstrap_iters": 100000,
            **config,
        },
    }
    return json.dumps(report).encode()


@pytest.mark.parametrize(
    ("model_args", "read"),
    [
        (f"pretrained={MODEL},dtype=float16,revision={COMMIT}", (MODEL, COMMIT, "float16", None)),
        (f"pretrained={MODEL},use_accelerate=True,revision=main", (MODEL, None, "?", None)),
        (f" pretrained = {MODEL} , dtype=auto", (MODEL, None, "?", None)),
        ({"pretrained": MODEL, "dtype": "bfloat16"}, (MODEL, None, "bfloat16", None)),
        (f"pretrained=acme/base,peft={MODEL},dtype=bf16", (MODEL, None, "bfloat16", "Adapter")),
        (f"model={MODEL},base_url=http://localhost:8000/v1/completions", (MODEL, None, "?", None)),
    ],
)
def test_a_report_that_names_the_model_in_its_arguments_only_is_read(model_args: Any, read: Any) -> None:
    result = read_result("x.json", lm_eval_0_3_file(model_args))
    assert (result.model, result.commit, result.precision, result.weight_type) == read
    assert (result.score("arc_challenge", "acc_norm"), result.engine) == (0.5, "lm_eval")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("fp16", "float16"),
        ("half", "float16"),
        ("torch.half", "float16"),
        ("torch.bfloat16", "bfloat16"),
        ("BFLOAT16", "bfloat16"),
        ("bf16", "bfloat16"),
        ("float", "float32"),
        ("auto", "?"),
        ("", "?"),
        ("8bit", "8bit"),
    ],
)
def test_a_precision_has_one_name(written: str, read: str) -> None:
    config = {"model_name": MODEL, "model_dtype": written}
    file = json.dumps({"config": config, "results": {}}).encode()
    assert read_result("x.json", file).precision == read


@pytest.mark.parametrize(
    "name", [f" {MODEL} ", f"https://huggingface.co/{MODEL}", f"hf.co/{MODEL}/tree/main"]
)
def test_a_model_that_is_named_by_a_link_or_with_spaces_is_the_same_model(name: str) -> None:
    file = json.dumps({"config": {"model_name": name}, "results": {}}).encode()
    assert read_result("x.json", file).model == MODEL


@pytest.mark.parametrize(
    "path",
    [
        "/data/models/x",
        "./x",
        "../models/x",
        "~/models/x",
        "C:\\models\\x",
        "D:/models/x",
        "\\\\nas\\x",
        "out/run/last",
    ],
)
def test_a_report_of_a_local_folder_is_refused_with_what_to_do(path: str) -> None:
    for file in (
        json.dumps({"config": {"model_name": path}, "results": {}}).encode(),
        json.dumps({"config_general": {"model_name": path}, "results": {}}).encode(),
        lm_eval_0_3_file(f"pretrained={path},dtype=float16"),
    ):
        with pytest.raises(BadFile, match=r"^it names a folder .* write the model's name on the Hub into"):
            read_result("x.json", file)


@pytest.mark.parametrize(
    ("changes", "uses"),
    [
        ({}, False),
        ({"chat_template": None}, False),
        ({"chat_template": "{{ messages }}"}, True),
        ({"leaderboard": {"use_chat_template": True}}, True),
        ({"leaderboard": {"use_chat_template": False}, "chat_template": "{{ messages }}"}, False),
        ({"config": {"model_name": MODEL, "use_chat_template": True}}, True),
    ],
)
def test_whether_the_chat_template_was_used_is_as_the_report_says_else_not(changes: Any, uses: bool) -> None:
    assert read_result("x.json", make_result_file(**changes)).use_chat_template is uses


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
    "UTF-16": make_result_file().decode().encode("utf-16"),
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n",
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
