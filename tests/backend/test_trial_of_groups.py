"""Groups of an owner's tasks: their mistakes are reported at their lines."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from support.trials import CAPITALS, line_of, only_problem, tried, write

pytestmark = pytest.mark.usefixtures("quiet_trials")


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
