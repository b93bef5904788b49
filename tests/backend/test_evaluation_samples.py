"""A report is made of all the answers that were asked for, or it is invalid."""

from typing import Any

import pytest

from src.evaluation.failures import Failed
from src.evaluation.lm_eval.samples import asked_for, check_samples
from src.running.job import End

NAN, INFINITY = float("nan"), float("inf")


def sample(number: int, **changes: Any) -> dict[str, Any]:
    """What lm_eval logs of one question with two choices."""
    answers = [[(-0.5, True)], [(-1.5, False)]]
    return {"doc_id": number, "filter": "none", "metrics": ["acc"], "resps": answers} | changes


def report_of(samples: list[dict[str, Any]], effective: int = 3, original: int = 3) -> dict[str, Any]:
    return {
        "n-samples": {"sums": {"original": original, "effective": effective}},
        "samples": {"sums": samples},
    }


ALL = [sample(0), sample(1), sample(2)]


def test_all_answers_are_as_they_should_be() -> None:
    check_samples(report_of(ALL), None)
    check_samples(report_of(ALL, original=10), 3)
    check_samples(report_of(ALL), 100)
    check_samples(report_of(ALL, original=10), 0.21)


def test_a_question_is_counted_once_for_all_its_filters() -> None:
    strict = [sample(number, filter="strict") for number in range(3)]
    check_samples(report_of([*ALL, *strict]), None)


def test_each_question_may_have_a_metric_of_its_own() -> None:
    check_samples(report_of([sample(0), sample(1), sample(2, metrics=["f1"])], effective=2), None)


@pytest.mark.parametrize(
    ("report", "limit", "sentence"),
    [
        (report_of(ALL[:2]), None, "has answers to 2 of the 3 questions of sums"),
        (report_of([sample(0), sample(1), sample(1)]), None, "has answers to 2 of the 3 questions of sums"),
        (report_of(ALL, original=10), None, "has answers to 3 of the 10 questions of sums"),
        (report_of(ALL, original=10), 2, "has answers to 3 of the 2 questions of sums"),
        (report_of(ALL, original=10), 0.5, "has answers to 3 of the 5 questions of sums"),
        ({**report_of(ALL), "samples": {}}, None, "has answers to 0 of the 3 questions of sums"),
        (report_of(ALL, effective=2), None, "was computed from 2 questions instead of 3"),
        (report_of([*ALL[:2], sample(2, resps=[[(-0.5, True)], [(NAN, False)]])]), None, "is NaN"),
        (report_of([*ALL[:2], sample(2, resps=[[NAN]])]), None, "is NaN"),
        (report_of([*ALL[:2], sample(2, resps=[[(-INFINITY, True)], [(-1.5, False)]])]), None, "infinite"),
        (report_of([*ALL[:2], sample(2, resps=[[INFINITY]])]), None, "infinite"),
    ],
)
def test_anything_less_is_invalid(report: dict[str, Any], limit: float | None, sentence: str) -> None:
    with pytest.raises(Failed, match=f"{sentence}.*, so nothing was published") as failed:
        check_samples(report, limit)
    assert failed.value.end is End.INVALID


@pytest.mark.parametrize(
    ("limit", "asked"), [(None, 144), (0, 144), (0.01, 2), (0.5, 72), (1, 1), (1.0, 1), (2.7, 2), (200, 144)]
)
def test_a_limit_is_a_number_or_a_fraction_of_the_questions(limit: float | None, asked: int) -> None:
    assert asked_for(144, limit) == asked
