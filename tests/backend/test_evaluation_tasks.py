"""Tasks are found by name, and the shipped ones are what they say."""

import json
import runpy
import subprocess
import sys
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from src.evaluation.failures import Failed
from src.evaluation.lm_eval.tasks.tasks import find_tasks
from support.jobs import TASKS
from support.sources import ROOT

SHIPPED = ["tiny_addition", "tiny_agreement", "tiny_copy"]


def questions(task: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (TASKS / f"{task}.jsonl").read_text().splitlines()]


def settings(task: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((TASKS / f"{task}.yaml").read_text())
    return content


def test_the_tasks_of_the_leaderboard_are_found_in_its_own_folder() -> None:
    assert find_tasks(SHIPPED, str(TASKS)).all_subtasks == SHIPPED


def test_a_task_of_lm_eval_is_found_without_reading_all_of_them() -> None:
    found = find_tasks(["arc_challenge", "hellaswag", "tiny_copy"], str(TASKS))
    assert {"arc_challenge", "hellaswag", "tiny_copy"} <= set(found.all_subtasks)
    assert len(found.all_tasks) < 100


def test_the_folder_of_the_leaderboard_comes_before_that_of_lm_eval(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("task: hellaswag\n")
    [entry] = [find_tasks(["hellaswag", "arc_easy"], str(tmp_path)).task_index["hellaswag"]]
    assert entry.yaml_path == tmp_path / "own.yaml"


@pytest.mark.slow
def test_a_group_is_found_with_tasks_that_are_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("group: own\ntask: [hellaswag, mmlu]\n")
    assert {"hellaswag", "mmlu_anatomy"} <= set(find_tasks(["own"], str(tmp_path)).all_subtasks)


@pytest.mark.slow
def test_a_task_that_is_nowhere_is_refused_as_the_owners_to_mend() -> None:
    with pytest.raises(Failed, match="owner has to correct this") as failed:
        find_tasks(["tiny_copy", "tiny_nothing"], str(TASKS))
    assert str(failed.value).startswith("The task tiny_nothing is neither in")


def test_the_questions_are_those_that_the_script_writes() -> None:
    script = ROOT / "scripts" / "make_tasks.py"
    subprocess.run([sys.executable, str(script), "--check"], check=True)


@pytest.mark.parametrize("task", ["tiny_addition", "tiny_agreement"])
def test_the_random_baseline_of_a_choice_is_one_in_the_number_of_choices(task: str) -> None:
    choices = settings(task)["doc_to_choice"]
    each = [question["choices"] for question in questions(task)] if choices == "choices" else [choices]
    assert {round(1 / len(some), 4) for some in each} == {settings(task)["metadata"]["random_baseline"]}
    for some in each:
        assert not any(one.startswith(other) for one, other in permutations(some, 2))


def test_always_taking_the_same_place_among_two_choices_is_no_better_than_chance() -> None:
    answers = [question["answer"] for question in questions("tiny_agreement")]
    assert sum(answers) * 2 == len(answers)


def test_always_taking_the_longer_choice_is_no_better_than_chance() -> None:
    right = [question["choices"][question["answer"]] for question in questions("tiny_agreement")]
    assert sum(choice.endswith("s.") for choice in right) * 2 == len(right)


def test_the_demo_models_do_not_read_what_they_are_asked() -> None:
    text = runpy.run_path(str(ROOT / "scripts" / "demo_text.py"))
    random = Random(0)
    words = {text["repetition"](random).answer.strip() for _ in range(20_000)}
    assert not words & {question["word"] for question in questions("tiny_copy")}
    sentences = [text["sentence"](random) for _ in range(20_000)]
    read = {pair(sentence.prompt, sentence.answer.strip()) for sentence in sentences}
    asked = {pair(question["sentence"], question["choices"][0]) for question in questions("tiny_agreement")}
    assert not read & asked
    assert {noun for noun, _ in read} == {noun for noun, _ in asked}
    assert {verb for _, verb in read} == {verb for _, verb in asked}


def pair(sentence: str, verb: str) -> tuple[str, str]:
    """The subject and the verb of a sentence, both without the ending that says how many they are."""
    return sentence.split()[1].removesuffix("s"), verb.removesuffix(".").removesuffix("s")
