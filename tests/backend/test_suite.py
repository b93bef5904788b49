"""How owners name tasks in `TASKS_HARNESS` and `TASKS_LIGHTEVAL`, in old forms and today's."""

from collections import namedtuple
from enum import Enum

import pytest

from src.queue.shipped import is_made_for_others
from src.running.suite import EngineName, Suite, read_tasks, read_tasks_of_lighteval
from src.settings import Settings
from src.shared.data.reports import read_result
from src.shared.environment import read_settings
from src.shared.errors import ConfigurationError
from src.suite.from_settings import make_suite
from support.factories import make_result_file, old_result_file


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


@pytest.mark.parametrize(
    "named",
    [
        "gsm8k|5, arc:challenge|25",
        ["gsm8k|5", "arc:challenge|25"],
        "leaderboard|gsm8k|5|0, leaderboard|arc:challenge|25|1",
        " lighteval | gsm8k | 5 ,\nlighteval|arc:challenge|25",
    ],
    ids=["today", "list", "old template", "with a suite"],
)
def test_every_form_of_lightevals_tasks_is_read_as_todays(named: object) -> None:
    assert read_tasks_of_lighteval(named) == (
        ("gsm8k|5", "arc:challenge|25"),
        {"gsm8k|5": 5, "arc:challenge|25": 25},
    )


def test_a_task_of_lighteval_without_a_number_has_the_owners_or_no_examples() -> None:
    assert read_tasks_of_lighteval("gsm8k, mmlu|0").names == ("gsm8k|0", "mmlu|0")
    assert read_tasks_of_lighteval("gsm8k, mmlu|0", 3).names == ("gsm8k|3", "mmlu|0")


def test_a_task_of_lighteval_may_have_two_numbers_of_examples_but_not_the_same_twice() -> None:
    assert read_tasks_of_lighteval("gsm8k|0, gsm8k|5").names == ("gsm8k|0", "gsm8k|5")
    with pytest.raises(
        ConfigurationError, match=r"^TASKS_LIGHTEVAL names gsm8k\|5 twice: remove one of them"
    ):
        read_tasks_of_lighteval("gsm8k|5, leaderboard|gsm8k|5|0")


@pytest.mark.parametrize("named", ["gsm8k|five", "gsm8k|", "|5", "a|b|c|5|0", "a b|5", "gsm8k|5|0|7", [5]])
def test_what_cannot_be_a_task_of_lighteval_is_reported_with_what_to_write(named: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^TASKS_LIGHTEVAL contains .* such as gsm8k\|5\.$"):
        read_tasks_of_lighteval(named)


@pytest.mark.parametrize(("named", "words"), [(" , ", "names no task"), (5, "is 5: write task names")])
def test_no_task_of_lighteval_is_reported(named: object, words: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^TASKS_LIGHTEVAL {words}"):
        read_tasks_of_lighteval(named)


def suite_of(**variables: str) -> Suite:
    return make_suite(read_settings(Settings, None, variables))


def test_each_engine_reads_its_own_tasks() -> None:
    named = {"TASKS_HARNESS": "arc_challenge", "TASKS_LIGHTEVAL": "gsm8k|5", "NUM_FEWSHOT": "2"}
    lm_eval, lighteval = suite_of(**named), suite_of(**named, ENGINE="lighteval")
    assert (lm_eval.engine, lm_eval.tasks) == (EngineName.LM_EVAL, ("arc_challenge",))
    assert (lighteval.engine, lighteval.tasks) == (EngineName.LIGHTEVAL, ("gsm8k|5",))
    assert [lm_eval.fewshot("arc_challenge"), lighteval.fewshot("gsm8k|5")] == [2, 5]
    assert suite_of(ENGINE="lighteval").tasks == ("tiny_addition|0", "tiny_agreement|0", "tiny_copy|0")


def test_an_unknown_engine_is_reported_with_the_known_ones() -> None:
    with pytest.raises(
        ConfigurationError, match="ENGINE is 'helm', where `lm_eval` or `lighteval` is needed"
    ):
        suite_of(ENGINE="helm")


def test_lighteval_takes_no_fraction_of_the_questions() -> None:
    assert suite_of(ENGINE="lighteval", LIMIT="5").limit == 5
    with pytest.raises(ConfigurationError, match=r"LIMIT is 0\.5, but lighteval takes a whole number"):
        suite_of(ENGINE="lighteval", LIMIT="0.5")


def test_the_shipped_tasks_of_either_engine_are_not_run_on_a_queue_that_was_made_for_others() -> None:
    shipped = suite_of(ENGINE="lighteval").tasks
    old = read_result("old/results_1.json", old_result_file(anli_r1={"acc": 0.5}))
    ours = read_result(
        "acme/tiny/results_1.json", make_result_file(scores={"tiny_copy|0": {"exact_match": 1.0}})
    )
    assert is_made_for_others(shipped, [], [old])
    assert not is_made_for_others(shipped, [], [old, ours])
    assert not is_made_for_others(("gsm8k|5",), [], [old])
