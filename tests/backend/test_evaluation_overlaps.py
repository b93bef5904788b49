"""A suite that names a task twice is refused: one score would overwrite the other."""

import json
from pathlib import Path

import pytest
import yaml
from lm_eval.tasks import TaskManager

from src.evaluation.evaluating import evaluate
from src.evaluation.failures import Failed
from src.evaluation.lm_eval.description import describe
from src.evaluation.lm_eval.tasks.overlaps import overlaps
from src.evaluation.lm_eval.tasks.tasks import check_overlaps
from src.running.job import End
from src.running.suite import Suite, read_tasks
from support.jobs import make_job

TASK = {
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"test": "questions.jsonl"}},
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "{{question}}",
    "doc_to_choice": ["yes", "no"],
    "doc_to_target": "{{answer}}",
}
FILES: dict[str, dict[str, object]] = {
    "one": {**TASK, "tag": ["letters", "first"]},
    "two": {**TASK, "tag": "letters"},
    "three": {**TASK, "num_fewshot": 0},
    "four": TASK,
    "pair": {"group": "pair", "task": ["three", "four"]},
    "outer": {"group": "outer", "task": ["pair", "two"]},
    "of_a_tag": {"group": "of_a_tag", "task": ["letters"]},
    "inner": {"group": "inner", "task": [{"group": "own", "task": ["four"]}]},
    "more_examples": {"group": "more_examples", "task": [{"task": "four", "num_fewshot": 7}]},
    "twice": {"group": "twice", "task": ["four", {"task": "four", "num_fewshot": 7}]},
    "same": {"group": "same", "task": ["pair", "pair", "three"]},
    "written_out": {"group": "written_out", "task": [{**TASK, "task": "written"}]},
    "also_written_out": {"group": "also_written_out", "task": [{**TASK, "task": "written"}]},
}


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend's folder with these tasks, as the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "questions.jsonl").write_text(json.dumps({"question": "?", "answer": "yes"}) + "\n")
    (tmp_path / "tasks").mkdir()
    for name, content in FILES.items():
        named = content if "group" in content else {"task": name, **content}
        (tmp_path / "tasks" / f"{name}.yaml").write_text(yaml.safe_dump(named))


def suite_of(harness: str) -> Suite:
    """The suite of an owner who sets TASKS_HARNESS to this."""
    tasks = read_tasks(harness)
    return Suite(tasks=tasks.names, tasks_dir="tasks", fewshot_by_task=tasks.fewshot_by_task)


def overlaps_of(harness: str) -> list[str]:
    return list(overlaps(suite_of(harness), TaskManager(include_path=["tasks"], include_defaults=False)))


def test_a_task_beside_a_tag_that_holds_it_is_reported_with_both_numbers_of_examples() -> None:
    assert overlaps_of("one|3, letters|1") == [
        "TASKS_HARNESS names the task one twice: itself with 3 examples, and in letters with 1 example. One "
        "score would overwrite the other: remove one of the two."
    ]


@pytest.mark.parametrize(
    ("harness", "task", "first", "second"),
    [
        ("letters|1, one|3", "one", "in letters with 1 example", "itself with 3 examples"),
        ("pair, four", "four", "in pair with 0 examples", "itself with 0 examples"),
        ("pair|5, three|5", "three", "in pair with 0 examples", "itself with 0 examples"),
        ("outer|2, four|5", "four", "in outer with 2 examples", "itself with 5 examples"),
        ("outer|2, pair|5", "four (and 1 more)", "in outer with 2 examples", "in pair with 5 examples"),
        ("of_a_tag, first|5", "one", "in of_a_tag with 0 examples", "in first with 5 examples"),
        ("letters|4, first|5", "one", "in letters with 4 examples", "in first with 5 examples"),
        ("letters|4, of_a_tag|4", "one (and 1 more)", "in letters with 4", "in of_a_tag with 4"),
        ("inner, four|2", "four", "in inner with 0 examples", "itself with 2 examples"),
        ("more_examples, four", "four", "in more_examples with 7 examples", "itself with 0 examples"),
        ("two, outer", "two", "itself with 0 examples", "in outer with 0 examples"),
    ],
)
def test_a_task_that_two_names_stand_for_is_reported(
    harness: str, task: str, first: str, second: str
) -> None:
    [sentence] = overlaps_of(harness)
    task, _, more = task.partition(" ")
    assert sentence.startswith(
        f"TASKS_HARNESS names the task {task} twice{f' {more}' if more else ''}: {first}"
    )
    assert f", and {second}" in sentence


def test_each_two_names_with_a_task_in_common_have_a_sentence() -> None:
    assert len(overlaps_of("letters, first, one")) == 3


@pytest.mark.parametrize(
    "harness",
    ["one, two, three, four", "letters, pair", "first, two", "same", "written_out, also_written_out"],
)
def test_names_that_have_no_task_in_common_are_fine(harness: str) -> None:
    assert overlaps_of(harness) == []


def test_a_group_that_holds_a_task_twice_in_different_ways_is_reported() -> None:
    assert overlaps_of("twice") == [
        "twice contains the task four twice with different settings, and one score would overwrite the "
        "other: remove twice from TASKS_HARNESS, or correct its file."
    ]


@pytest.mark.parametrize("harness", ["one|3, letters|1", "pair, four", "twice"])
def test_nothing_is_evaluated_while_a_task_is_named_twice(harness: str, tmp_path: Path) -> None:
    job = make_job(tmp_path / "not loaded", **vars(suite_of(harness)))
    with pytest.raises(Failed, match=r"[Oo]ne score would overwrite the other") as failed:
        evaluate(job, lambda progress: None)
    assert failed.value.end is End.WORKER
    assert str(failed.value).endswith("The leaderboard's owner has to do this; the model is not at fault.")


@pytest.mark.parametrize("harness", ["one|3, letters|1", "pair, four", "twice"])
def test_the_owner_sees_overlaps_in_the_description_of_the_suite(harness: str) -> None:
    assert describe(suite_of(harness)).problems == tuple(overlaps_of(harness))


@pytest.mark.slow
def test_tasks_of_lm_eval_that_are_named_twice_are_reported() -> None:
    index = TaskManager()
    for harness in (
        "arc_easy|3, ai2_arc|1",
        "mmlu|5, mmlu_stem|5",
        "mmlu, mmlu_anatomy",
        "leaderboard, leaderboard_bbh",
    ):
        with pytest.raises(Failed, match="TASKS_HARNESS names the task"):
            check_overlaps(suite_of(harness), index)
