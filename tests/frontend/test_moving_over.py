"""An old leaderboard under our frontend: the same models in the same order, and the old readers read on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from random import Random

import pytest

from src.board.keeper import Keeper
from src.columns import TAKEN, columns
from src.shared.data.names import AVAILABILITY, BACKEND_DESCRIPTION, BLOCKLIST
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.indexer import AGE
from src.shared.stores.whose import Role, Whose
from src.shared.times import utc_now
from src.tasks import read_tasks
from support.boards import Leaderboard
from support.old_template import (
    models_submitted_before,
    old_request,
    read_queue_as_the_old_frontend,
    read_results_as_the_old_frontend,
    request_of_a_result,
)

MODELS = 300


@dataclass
class OldTask:
    """An owner's own class in an old about.py."""

    benchmark: str
    metric: str
    col_name: str
    num_questions: int
    in_overall: bool = True
    displayed_by_default: bool = True


class Tasks(Enum):
    task0 = OldTask("anli_r1", "acc", "ANLI", 1000)
    task1 = OldTask("logiqa", "acc_norm", "LogiQA", 651, displayed_by_default=False)
    task2 = OldTask("truthfulqa_mc", "mc2", "TruthfulQA", 817)
    task3 = OldTask("toxigen", "acc", "ToxiGen", 940, in_overall=False)


def write(folder: Path, path: str, content: object) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")


def make_old_leaderboard(folder: Path) -> None:
    """Requests and results as the old template's two Spaces have left them."""
    chance = Random(300)
    for number in range(MODELS):
        model = f"org-{number % 7}/model-{number}"
        scores = {task.value.benchmark: {task.value.metric: chance.random()} for task in Tasks}
        if number % 10 == 0:
            del scores["toxigen"]
        config = {"model_dtype": "torch.float16", "model_name": model, "model_sha": f"{number:040x}"}
        report = {"config": config, "results": scores}
        write(folder / "results", f"{model}/results_2023-11-21T18-10-08.json", report)
        request = old_request(model, "FINISHED") | {"model_type": "? : ", "license": ""}
        write(folder / "requests", f"{model}_eval_request_False_float16_Original.json", request)


def order_of_the_old_board(folder: Path) -> list[str]:
    """By the mean that its owner computed: weighted by the number of questions, without what is outside."""
    tasks = [task.value for task in Tasks if task.value.in_overall]
    questions = sum(task.num_questions for task in tasks)
    averages = {
        each["model"]: sum(each["scores"][task.benchmark][task.metric] * task.num_questions for task in tasks)
        / questions
        for each in read_results_as_the_old_frontend(folder / "results")
    }
    return sorted(averages, key=lambda model: -averages[model])


@pytest.fixture
def old(tmp_path: Path) -> Path:
    make_old_leaderboard(tmp_path)
    return tmp_path


def test_three_hundred_models_with_weights_and_hidden_columns_have_the_same_order(old: Path) -> None:
    keeper = Keeper(
        FolderStore(old / "requests"), FolderStore(old / "results"), read_tasks(Tasks, taken=TAKEN)
    )
    keeper.sync()
    board = keeper.now.board
    assert [row.model for row in board.standings.rows] == order_of_the_old_board(old)
    assert [row.rank for row in board.standings.rows] == list(range(1, MODELS + 1))
    assert not board.broken
    shown = {column.name for column in columns(board.standings.tasks) if column.is_default}
    assert {"ANLI", "TruthfulQA", "ToxiGen"} <= shown
    assert "LogiQA" not in shown


def test_the_order_is_another_one_without_the_weights(old: Path) -> None:
    """Else the test above would show nothing."""
    plain = [(task.value.benchmark, task.value.metric, task.value.col_name) for task in Tasks]
    keeper = Keeper(
        FolderStore(old / "requests"), FolderStore(old / "results"), read_tasks(plain, taken=TAKEN)
    )
    keeper.sync()
    assert [row.model for row in keeper.now.board.standings.rows] != order_of_the_old_board(old)


def test_the_old_frontend_reads_every_request_and_result_of_ours(old: Path) -> None:
    """With every kind of file of our own beside them."""
    leaderboard = Leaderboard(old)
    now = utc_now()
    keeper = Keeper(
        leaderboard.requests,
        leaderboard.results,
        read_tasks(Tasks, taken=TAKEN),
        whose=Whose(Role.FRONTEND, "acme/leaderboard"),
        clock=lambda: now,
    )
    leaderboard.write("results", BACKEND_DESCRIPTION, b"tasks: []")
    leaderboard.write("results", AVAILABILITY, b"model,checked,available\n")
    leaderboard.write("requests", BLOCKLIST, b"users: [mallory]")
    leaderboard.write("results", ".logs/acme/tiny/1.txt", b"evaluated")
    leaderboard.add_model()
    leaderboard.add_result()
    leaderboard.keeper.sync()
    leaderboard.desk.submit(leaderboard.form())
    keeper.sync()
    now += AGE
    keeper.keep_indexes()
    files = {*leaderboard.requests.snapshot().files, *leaderboard.results.snapshot().files}
    assert sum(path.startswith(".leaderboard/") for path in files) == 6
    assert len(read_queue_as_the_old_frontend(old / "requests")) == MODELS + 1
    results = read_results_as_the_old_frontend(old / "results")
    assert len(results) == MODELS + 1
    old_ones = [each for each in results if each["model"].startswith("org-")]
    for each in old_ones:
        request_of_a_result(old / "requests", each["model"], each["config"]["model_dtype"])
    assert len(old_ones) == MODELS
    assert len(models_submitted_before(old / "requests")) == MODELS + 1
