"""The owner's tasks are read in every form that about.py has had, and a mistake is told in one sentence."""

from dataclasses import dataclass
from enum import Enum

import pytest

from src import about
from src.columns import TAKEN
from src.shared.errors import ConfigurationError
from src.tasks import Task, read_rank_mixed_scores, read_tasks


@dataclass
class OldTask:
    """The old template's own class."""

    benchmark: str
    metric: str
    col_name: str


def test_the_old_templates_enum_is_read() -> None:
    class Tasks(Enum):
        task0 = OldTask("anli_r1", "acc", "ANLI")
        task1 = OldTask("logiqa", "acc_norm", "LogiQA")

    assert read_tasks(Tasks) == (Task("anli_r1", "acc", "ANLI"), Task("logiqa", "acc_norm", "LogiQA"))


def test_an_enum_of_triples_and_a_plain_list_are_read() -> None:
    class Tasks(Enum):
        task0 = ("anli_r1", "acc", "ANLI")

    assert (
        read_tasks(Tasks)
        == read_tasks([OldTask("anli_r1", "acc", "ANLI")])
        == (Task("anli_r1", "acc", "ANLI"),)
    )


def test_what_an_owner_says_about_a_task_is_kept() -> None:
    task = Task("wikitext", "word_perplexity", "Wikitext", higher_is_better=False, is_fraction=False)
    assert read_tasks([task]) == (task,)


def test_the_shipped_tasks_are_fine() -> None:
    assert [task.col_name for task in read_tasks(about.Tasks, taken=TAKEN)] == [
        "Addition",
        "Agreement",
        "Copying",
    ]


def test_sixteen_tasks_are_fine() -> None:
    assert len(read_tasks([Task(f"task{number}", "acc", f"Column {number}") for number in range(16)])) == 16


@pytest.mark.parametrize(
    ("tasks", "sentence"),
    [
        ([], "Tasks in src/about.py is empty"),
        (None, "Tasks in src/about.py is None"),
        ([("anli_r1", "acc")], r"Tasks\[0\] in src/about.py is \('anli_r1', 'acc'\): write Task"),
        ([Task("anli_r1", "", "ANLI")], "three texts"),
        ([Task("a", "acc", "A"), Task("b", "acc", "A")], r"Tasks\[1\].*another column is already called 'A'"),
        ([Task("a", "acc", "Model")], "another column is already called 'Model'"),
        ([OldTask("a", "acc", 3)], "three texts"),  # type: ignore[arg-type]
        ([Task("a", "acc", "A", higher_is_better="no")], "higher_is_better is 'no'"),  # type: ignore[arg-type]
    ],
)
def test_a_mistake_is_told_with_what_to_write(tasks: object, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        read_tasks(tasks, taken=TAKEN)


def test_whether_mixed_scores_rank_is_true_or_false() -> None:
    assert [read_rank_mixed_scores(value) for value in (True, False)] == [True, False]
    for value in ("False", 0, None):
        with pytest.raises(ConfigurationError, match=r"^RANK_MIXED_SCORES in .* write True or"):
            read_rank_mixed_scores(value)
