"""Whether a report has what was asked for."""

import pytest

from src.queue.validation import validated
from src.running.job import End, Ending

SCORE = {"alias": "x", "acc,none": 0.5, "acc_stderr,none": 0.1}


def end_of(results: object, **sections: object) -> Ending:
    return validated(Ending(End.FINISHED, "", report={"results": results, **sections}), ["one", "two"])


def test_a_score_for_each_task_is_enough() -> None:
    assert end_of({"one": SCORE, "two": SCORE}).end is End.FINISHED


def test_a_group_or_a_tag_has_the_scores_of_its_tasks() -> None:
    parts = {"two": ["two_a", "two_b"], "two_b": ["two_c"]}
    results = {"one": SCORE, "two": {"alias": "two"}, "two_a": SCORE, "two_c": SCORE}
    assert end_of(results, group_subtasks=parts).end is End.FINISHED
    del results["two_c"]
    assert end_of(results, group_subtasks=parts).end is End.INVALID


@pytest.mark.parametrize(
    "metrics",
    [
        None,
        {},
        [],
        {"alias": "two"},
        {"acc,none": float("nan")},
        {"acc,none": float("inf")},
        {"acc,none": "0.5"},
        {"acc,none": True},
        {"acc_stderr,none": 0.1, "sample_len": 100},
    ],
)
def test_a_task_without_a_finite_score_makes_a_report_invalid(metrics: object) -> None:
    ending = end_of({"one": SCORE, "two": metrics})
    assert ending.end is End.INVALID
    assert ending.message == (
        "The evaluation ended without a score for two, so nothing was published. The leaderboard's owner has "
        "to check the task; nothing shows that the model is at fault."
    )
    assert ending.report is None


def test_groups_within_each_other_come_to_an_end() -> None:
    assert end_of({"one": SCORE}, group_subtasks={"two": ["two_a"], "two_a": ["two"]}).end is End.INVALID


@pytest.mark.parametrize("results", [None, [], "", {}])
def test_a_report_of_another_shape_is_invalid(results: object) -> None:
    assert end_of(results).end is End.INVALID


def test_what_ended_badly_stays_as_it_is() -> None:
    crash = Ending(End.CRASHED, "It was killed.")
    assert validated(crash, ["one"]) is crash
