"""How owners name tasks in `TASKS_HARNESS`, in the old forms and with a number of examples."""

from collections import namedtuple
from enum import Enum

import pytest

from src.running.suite import Suite, read_tasks
from src.shared.errors import ConfigurationError


def test_names_in_a_text_or_in_a_list_are_the_same() -> None:
    names = ("arc_challenge", "hellaswag")
    assert read_tasks("arc_challenge,hellaswag").names == names
    assert read_tasks(" arc_challenge ,\n hellaswag, ").names == names
    assert read_tasks(["arc_challenge", "hellaswag"]).names == names


def test_the_list_of_an_old_envs_works() -> None:
    Task = namedtuple("Task", "benchmark metric col_name")

    class Tasks(Enum):
        task0 = Task("anli_r1", "acc", "ANLI")
        task1 = Task("logiqa", "acc_norm", "LogiQA")

    assert read_tasks([task.value.benchmark for task in Tasks]) == (("anli_r1", "logiqa"), {})


def test_a_task_can_have_its_own_number_of_examples() -> None:
    tasks = read_tasks("arc_challenge|25, truthfulqa_mc2 | 0, mmlu")
    suite = Suite(tasks=tasks.names, tasks_dir="tasks", num_fewshot=5, fewshot_by_task=tasks.fewshot_by_task)
    assert [suite.fewshot(task) for task in suite.tasks] == [25, 0, 5]


def test_without_any_number_lm_eval_gets_none() -> None:
    assert Suite(tasks=("mmlu",), tasks_dir="tasks").fewshot("mmlu") is None


@pytest.mark.parametrize("named", ["arc|five", "arc|-1", "arc|", "|5", "lighteval|arc|25|0", "arc easy", [5]])
def test_what_cannot_be_meant_is_reported_with_what_to_write(named: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^TASKS_HARNESS contains .* such as arc_challenge\|25\.$"):
        read_tasks(named)  # type: ignore[arg-type]


@pytest.mark.parametrize("named", ["", " , ", []])
def test_no_task_at_all_is_reported(named: str) -> None:
    with pytest.raises(ConfigurationError, match="names no task"):
        read_tasks(named)


def test_a_task_that_is_named_twice_is_reported() -> None:
    with pytest.raises(ConfigurationError, match="names arc_easy twice"):
        read_tasks("arc_easy, arc_easy|5")


def test_what_is_no_list_of_tasks_is_reported_in_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match=r"^TASKS_HARNESS is 5: write task names"):
        read_tasks(5)
