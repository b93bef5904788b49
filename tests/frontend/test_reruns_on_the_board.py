"""A new task on a board that is full: its column, the reruns, and a row whose scores come from two runs."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from src.board.board import Board
from src.board.keeper import Keeper
from src.leaderboard.merging import standings
from src.leaderboard.reproduction import reproduction
from src.leaderboard.rows import Standings
from src.shared.data.backend_description import write_description
from src.shared.data.names import BACKEND_DESCRIPTION, result_path
from src.shared.data.request import Request, Status, write_request
from src.shared.moderation.rerun_commits import reader, write_reruns
from src.shared.moderation.rerun_tasks import Selection
from src.shared.moderation.steps import again
from src.tasks import Task
from support.boards import NOW, TASKS, Leaderboard, make_result, path_of, run_at, scores
from support.details import board_of, keeper_of, result_of
from support.factories import COMMIT, make_backend, make_request, make_result_file
from support.plain_pages import PlainPage, plain_client

MANY = 500
NEW = "tiny_copy"


def with_the_new_task(*, in_average: bool) -> tuple[Task, ...]:
    return (*TASKS[:2], Task(NEW, "exact_match", "Copying", in_average=in_average))


def name_of(number: int) -> str:
    return f"acme/model-{number:03}"


def files(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*.json")}


def full(leaderboard: Leaderboard) -> None:
    """A board of 500 rows with scores in two tasks, and a backend that has got a third."""
    for number in range(MANY):
        model = name_of(number)
        leaderboard.add_result(model, scores=scores(number / MANY, 0.5))
        if number % 10:  # the others are results by hand
            leaderboard.add_request(model=model, status=Status.FINISHED)
    leaderboard.write("results", BACKEND_DESCRIPTION, write_description(make_backend()))


def evaluated(leaderboard: Leaderboard, path: str, request: Request) -> None:
    """Do what a worker does with one request: publish its tasks, and finish it."""
    run = run_at(24)
    found = {
        task: metrics for task, metrics in scores(0.1, 0.1, 0.9).items() if task in (request.tasks or ())
    }
    data = json.loads(make_result_file(model=request.model, run=run, scores=found))
    data["leaderboard"]["request"] = path
    leaderboard.write("results", result_path(request.model, run), json.dumps(data).encode())
    done = replace(request, status=Status.FINISHED, run=run, result=result_path(request.model, run))
    leaderboard.write("requests", path, write_request(done))


def test_a_task_is_added_to_a_board_of_500_computed_alone_and_then_switched_on(
    leaderboard: Leaderboard,
) -> None:
    full(leaderboard)
    keeper = Keeper(
        leaderboard.requests, leaderboard.results, with_the_new_task(in_average=False), clock=lambda: NOW
    )

    def now() -> Standings:
        keeper.sync()
        return keeper.now.board.standings

    before = now()
    assert sum(row.scores[2] is not None for row in before.rows) == 0
    assert all(row.is_complete for row in before.rows)
    results = files(leaderboard.folder / "results")

    read = reader(leaderboard.requests, leaderboard.results)
    written = write_reruns(leaderboard.requests, read, Selection(missing=True), by="alice", clock=lambda: NOW)
    assert len(written) == MANY
    assert {each.request.tasks for each in written} == {(NEW,)}
    waiting = now()
    assert [(row.model, row.rank, row.average) for row in waiting.rows] == [
        (row.model, row.rank, row.average) for row in before.rows
    ]

    for each in written:
        evaluated(leaderboard, each.path, each.request)
    after = now()
    assert len(after.rows) == MANY
    assert {row.scores[2] for row in after.rows} == {90.0}
    assert [row.scores[:2] for row in after.rows] == [row.scores[:2] for row in before.rows]
    assert [row.average for row in after.rows] == [row.average for row in before.rows]
    assert {file: file.read_bytes() for file in results} == results

    switched_on = Keeper(
        leaderboard.requests, leaderboard.results, with_the_new_task(in_average=True), clock=lambda: NOW
    )
    switched_on.sync()
    rows = switched_on.now.board.standings.rows
    assert all(row.is_complete for row in rows)
    assert rows[0].average == pytest.approx((100 * (MANY - 1) / MANY + 50 + 90) / 3)


def two_runs() -> Standings:
    """A row of two tasks that got the third from a run of its own, and one of them anew."""
    first = make_result(
        run=run_at(0), scores=scores(0.5, 0.5), leaderboard=ours(run_at(0), "tiny_addition", "tiny_agreement")
    )
    second = make_result(
        run=run_at(24),
        scores=scores(None, 0.7, 0.9),
        leaderboard=ours(run_at(24), "tiny_agreement", "tiny_copy"),
    )
    return standings(TASKS, {}, [first, second], backend=make_backend())


def ours(run: str, *tasks: str) -> dict[str, Any]:
    known = {"run": run, "attempt": 1, "started": run, "ended": run, "precision": "float32"}
    return {**known, "weight_type": "Original", "tasks": dict.fromkeys(tasks)}


def test_a_partial_result_replaces_only_its_columns_and_the_row_is_complete() -> None:
    [row] = two_runs().rows
    assert row.scores == (50.0, 70.0, 90.0)
    assert row.average == pytest.approx(70.0)
    assert [source and source.run for source in row.sources] == [run_at(0), run_at(24), run_at(24)]
    assert row.history == ()


def test_its_commands_are_those_of_both_runs_and_it_says_which_counts() -> None:
    [row] = two_runs().rows
    found = reproduction(row)
    tasks = [word for command in found.commands[1:] for word in command.split() if word.startswith("tiny_")]
    assert tasks == ["tiny_addition,tiny_agreement", "tiny_agreement,tiny_copy"]
    assert found.notes[-1] == (
        "Its scores come from 2 runs, the oldest first. Of a task in several, the newest counts."
    )


def test_its_page_lists_both_runs_with_the_average_after_each() -> None:
    board = Board(two_runs(), backend=make_backend())
    with plain_client(keeper_of(board)) as client:
        page = PlainPage(client.get("/model/acme/tiny").text)
    cells = [cell.text for cell in page.all("td")]
    newest = cells.index("Agreement 70.00 (+20.00), Copying 90.00 (new)")
    oldest = cells.index("Addition 50.00 (new), Agreement 50.00 (new)")
    assert newest < oldest
    assert (cells[newest - 1], cells[oldest - 1]) == ("70.00", "")


def test_a_row_keeps_its_request_while_that_waits_to_be_evaluated_again() -> None:
    """Also the result of an old template, which does not say which request it answers."""
    request = make_request(status=Status.FINISHED, license="apache-2.0", weight_type="Adapter")
    result = replace(result_of(), request=None, weight_type=None, commit=COMMIT)
    [before] = standings(TASKS, {"a.json": request}, [result]).rows
    waiting = again(request, by="alice", now=datetime.fromisoformat("2026-02-01T12:00:00Z"))
    [row] = standings(TASKS, {"a.json": waiting}, [result]).rows
    assert row.weight_type == before.weight_type == "Adapter"
    assert row.request and row.request.license == "apache-2.0"


def test_a_rerun_that_is_cancelled_hides_no_result() -> None:
    result = replace(result_of(), request="a.json", run="2026-01-31T12-00-00.000000")
    request = make_request(status=Status.FINISHED, run=result.run)
    waiting = again(request, by="alice", now=NOW)
    assert standings(TASKS, {"a.json": replace(waiting, status=Status.CANCELLED)}, [result]).rows


def test_the_request_of_a_result_by_hand_changes_nothing_in_its_row() -> None:
    found = board_of(replace(result_of(), request=None))
    request = again(make_request(status=Status.FINISHED), by="alice", now=NOW)
    [row] = standings(TASKS, {path_of(request): request}, [replace(result_of(), request=None)]).rows
    assert (row.scores, row.average, row.rank) == (
        found.rows[0].scores,
        found.rows[0].average,
        found.rows[0].rank,
    )
