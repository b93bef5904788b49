"""The commands that compute a row again, as text. tests/whole runs one of them."""

import shlex
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from src.leaderboard.merging import standings
from src.leaderboard.reproduction import OFFERED, Reproduction, reproduction, reproductions
from src.leaderboard.rows import Row
from src.shared.data.result import Result
from support.boards import TASKS, make_result, run_at, scores
from support.factories import COMMIT, make_backend

VERSIONS = {"lm_eval_version": "0.4.13", "transformers_version": "5.23.0"}
CONFIG = {"model_name": "acme/tiny", "model_sha": COMMIT, "batch_size": "8", "device": "cpu"}
TOLD = {"tiny_addition": 5, "tiny_agreement": None, "tiny_copy": 5}


def made(*, config: dict[str, Any] | None = None, tasks: Any = None, **changes: Any) -> Result:
    """A result as our worker publishes it, on all three tasks."""
    told = {"tasks": TOLD if tasks is None else tasks, "precision": "float16", "weight_type": "Original"}
    report = {"scores": scores(0.5, 0.5, 0.5), "config": {**CONFIG, **(config or {})}, **VERSIONS, **changes}
    return make_result(leaderboard=report.pop("leaderboard", told), **report)


def row_of(*results: Result) -> Row:
    [row] = standings(TASKS, {}, results).rows
    return row


def of(result: Result, **options: Any) -> Reproduction:
    return reproduction(row_of(result), **options)


def words(command: str) -> list[str]:
    return shlex.split(command.replace("\\\n", ""))


def test_the_versions_are_installed_and_each_number_of_examples_is_a_command_of_its_own() -> None:
    found = of(made())
    assert found.notes == ()
    assert [" ".join(words(command)) for command in found.commands] == [
        "pip install lm_eval[hf]==0.4.13 transformers==5.23.0",
        f"lm_eval --model hf --model_args pretrained=acme/tiny,revision={COMMIT},dtype=float16 "
        "--tasks tiny_addition,tiny_copy --num_fewshot 5 --batch_size 8 --device cpu",
        f"lm_eval --model hf --model_args pretrained=acme/tiny,revision={COMMIT},dtype=float16 "
        "--tasks tiny_agreement --batch_size 8 --device cpu",
    ]


@pytest.mark.parametrize(("limit", "text"), [(1234567.0, "1234567"), (0.25, "0.25"), (1.0, "1")])
def test_a_limit_is_repeated_exactly(limit: float, text: str) -> None:
    assert f"--limit {text}" in of(made(config={"limit": limit})).commands[1].split(" \\\n  ")


def test_a_limit_a_chat_template_and_other_seeds_are_repeated() -> None:
    config = {"limit": 20.0, "random_seed": 1, "numpy_seed": 2, "torch_seed": 3, "fewshot_seed": 4}
    command = of(made(config=config, chat_template="{{ messages }}")).commands[1]
    assert {"--limit 20", "--apply_chat_template", "--seed 1,2,3,4"} <= set(command.split(" \\\n  "))
    usual = dict.fromkeys(config, 1234) | {"random_seed": 0, "limit": None}
    assert "--seed" not in of(made(config=usual)).commands[1]


def test_the_leaderboards_own_tasks_are_found_in_its_backends_folder() -> None:
    found = of(made(), description=make_backend())
    assert "--include_path tasks" in found.commands[1]
    assert found.notes == ("The leaderboard's own tasks are in its backend's folder. Run the command there.",)
    elsewhere = make_backend(
        tasks=tuple(replace(task, file="lm_eval/tasks/x.yaml") for task in make_backend().tasks)
    )
    assert "--include_path" not in of(made(), description=elsewhere).commands[1]


def test_a_model_of_the_local_folder_is_named_by_the_folder() -> None:
    found = of(made(), local_models={"acme/tiny"})
    assert '"pretrained=$LEADERBOARD_DATA_DIR/models/acme/tiny,dtype=float16"' in found.commands[1]
    assert COMMIT not in found.commands[1]
    assert "not on the Hub" in found.notes[0]


def test_a_result_without_a_commit_says_so() -> None:
    found = of(made(config={"model_sha": None}))
    assert "pretrained=acme/tiny,dtype=float16" in found.commands[1]
    assert found.notes == ("The result does not say which commit of the model was evaluated.",)


def test_a_row_of_several_results_has_the_commands_of_those_that_its_scores_are_from() -> None:
    first = made(run=run_at(0), scores=scores(0.1), tasks={"tiny_addition": None})
    second = made(run=run_at(1), scores=scores(0.2, 0.5), tasks={"tiny_addition": 0, "tiny_agreement": 0})
    third = made(run=run_at(2), scores=scores(copying=0.5), tasks={"tiny_copy": None})
    commands = reproduction(row_of(first, second, third)).commands
    assert [words(command)[6:10] for command in commands[1:]] == [
        ["tiny_addition,tiny_agreement", "--num_fewshot", "0", "--batch_size"],
        ["tiny_copy", "--batch_size", "8", "--device"],
    ]


def test_a_report_of_lm_evals_own_command_line_is_repeated_as_far_as_it_tells() -> None:
    found = of(made(leaderboard={"precision": "float16"}, **{"n-shot": {"tiny_addition": 3}}))
    assert "tiny_addition \\\n  --num_fewshot 3" in found.commands[1]


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"lm_eval_version": None}, "not a report of lm_eval"),
        ({"config": {"model_sha": "main; rm -rf ~"}}, "a model or a commit that the Hub could not have"),
        ({"config": {"model_name": "a b"}}, "a model or a commit that the Hub could not have"),
        ({"tasks": {"a\u202eb": 1}}, "names or versions that cannot be lm_eval's"),
        ({"config": {"device": "cpu; x"}}, "names or versions that cannot be lm_eval's"),
        ({"leaderboard": {"precision": "8bit"}}, "does not load models in 8bit"),
        ({"leaderboard": {"precision": "float16", "weight_type": "Delta"}}, "Delta weights"),
    ],
)
def test_what_cannot_be_computed_again_says_why(changes: dict[str, Any], note: str) -> None:
    found = of(made(**changes))
    assert found.commands == ()
    assert note in found.notes[0]
    assert str(found).count("\n") == 1


HOSTILE = "x'; touch owned; echo \"$(touch owned)`touch owned`\ntouch owned\r\ntouch owned #"


@pytest.mark.parametrize(
    "changes",
    [
        {"tasks": {HOSTILE: 1}},
        {"lm_eval_version": HOSTILE},
        {"transformers_version": HOSTILE},
        {"config": {"batch_size": HOSTILE, "device": HOSTILE}},
        {"config": {"model_name": HOSTILE}},
        {"config": {"model_sha": HOSTILE}},
        {"leaderboard": {"precision": HOSTILE, "weight_type": HOSTILE}},
    ],
)
def test_nothing_of_a_file_is_run_by_the_shell_that_it_is_copied_into(
    changes: dict[str, Any], tmp_path: Any
) -> None:
    quiet = "pip() { :; }\nlm_eval() { :; }\n"
    for local in (set(), {"acme/tiny", HOSTILE}):
        text = str(of(made(**changes), local_models=local, description=make_backend(include_path=HOSTILE)))
        subprocess.run(["bash", "-c", quiet + text], cwd=tmp_path, check=True)
        assert list(tmp_path.iterdir()) == []


def test_a_search_gives_its_first_rows_and_no_search_the_best_one() -> None:
    results = [made(config={"model_name": f"acme/m{number}"}) for number in range(OFFERED + 3)]
    found = standings(TASKS, {}, results)
    assert [each.row.model for each in reproductions(found, "")] == ["acme/m0"]
    assert [each.row.model for each in reproductions(found, "M7; m3")] == ["acme/m3", "acme/m7"]
    assert len(reproductions(found, "acme")) == OFFERED
    assert reproductions(found, "nobody") == []
