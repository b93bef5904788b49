"""The board follows the datasets by reading what changed, and survives what cannot be read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from src.board.board import Board, new_results
from src.board.keeper import Keeper
from src.leaderboard.local_models import local_models
from src.leaderboard.merging import standings
from src.shared.data.backend_description import write_description
from src.shared.data.names import BACKEND_DESCRIPTION, BLOCKLIST
from src.shared.data.request import Status
from src.shared.errors import StoreError
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.whose import Role, Whose
from src.submitting.desk import NotAccepted
from support.boards import NOW, TASKS, BrokenStore, Leaderboard, run_at, scores
from support.factories import make_backend, make_model_folder


def test_before_the_first_sync_there_is_an_empty_board(leaderboard: Leaderboard) -> None:
    now = leaderboard.keeper.now
    assert now.synced is None
    assert now.board == Board(standings(TASKS, {}, ()))


def test_a_sync_reads_what_is_there(leaderboard: Leaderboard) -> None:
    leaderboard.add_request()
    leaderboard.add_result(scores=scores(0.5, 0.5, 0.5))
    leaderboard.keeper.sync()
    now = leaderboard.keeper.now
    assert now.synced == NOW
    assert [row.average for row in now.board.standings.rows] == [50]
    assert [entry.position for entry in now.board.queue] == [1]


def test_while_nothing_changes_the_board_and_its_version_stay_the_same(leaderboard: Leaderboard) -> None:
    leaderboard.add_result()
    leaderboard.keeper.sync()
    before = leaderboard.keeper.now
    leaderboard.keeper.sync()
    assert leaderboard.keeper.now.board is before.board
    assert leaderboard.keeper.now.version == before.version


def test_each_change_of_a_dataset_is_a_new_version(leaderboard: Leaderboard) -> None:
    versions = [leaderboard.keeper.now.version]
    for change in (leaderboard.add_request, leaderboard.add_result):
        change()
        leaderboard.keeper.sync()
        versions.append(leaderboard.keeper.now.version)
    assert versions == sorted(set(versions))


@pytest.mark.parametrize("is_changed_otherwise", [False, True])
def test_what_was_written_while_the_datasets_were_read_is_shown_on(
    leaderboard: Leaderboard, monkeypatch: pytest.MonkeyPatch, is_changed_otherwise: bool
) -> None:
    """Somebody withdraws a request after a sync has read it, and before the sync shows what it has read."""
    keeper = leaderboard.keeper
    path = leaderboard.add_request(status=Status.RUNNING)
    keeper.sync()
    if is_changed_otherwise:
        leaderboard.add_request(model="acme/other")
    withdrawn = replace(keeper.requests_now[path], status=Status.CANCELLED)
    refresh = keeper._results.refresh

    def refresh_while_somebody_withdraws() -> Any:
        keeper.show({path: withdrawn})
        return refresh()

    monkeypatch.setattr(keeper._results, "refresh", refresh_while_somebody_withdraws)
    keeper.sync()
    assert keeper.requests_now[path].status is Status.CANCELLED
    assert len(keeper.requests_now) == 1 + is_changed_otherwise
    monkeypatch.setattr(keeper._results, "refresh", refresh)
    keeper.sync()
    assert keeper.requests_now[path].status is Status.RUNNING  # as the dataset has it


def test_a_page_that_outlives_a_restart_sees_another_version(leaderboard: Leaderboard) -> None:
    leaderboard.keeper.sync()
    later = Keeper(leaderboard.requests, leaderboard.results, TASKS, clock=lambda: NOW + timedelta(minutes=1))
    later.sync()
    assert later.now.version > leaderboard.keeper.now.version


def test_new_results_are_counted_and_a_rewritten_one_too(leaderboard: Leaderboard) -> None:
    leaderboard.add_result(scores=scores(0.5))
    leaderboard.keeper.sync()
    before = leaderboard.keeper.now.board
    leaderboard.add_result(scores=scores(0.75))
    leaderboard.add_result(run=run_at(1), scores=scores(0.75))
    leaderboard.keeper.sync()
    assert new_results(before, leaderboard.keeper.now.board) == 2
    assert new_results(before, before) == 0


def test_a_broken_file_is_named_and_its_neighbours_are_read(leaderboard: Leaderboard) -> None:
    leaderboard.write("requests", "acme/bad.json", b"{")
    leaderboard.write("results", "acme/tiny/results_1.json", b"[]")
    leaderboard.add_result()
    leaderboard.keeper.sync()
    board = leaderboard.keeper.now.board
    assert len(board.standings.rows) == 1
    assert [sentence.split(" was skipped: ")[0] for sentence in board.broken] == [
        f"acme/bad.json in {leaderboard.folder / 'requests'}",
        f"acme/tiny/results_1.json in {leaderboard.folder / 'results'}",
    ]
    assert all(sentence.endswith(". Correct the file, or delete it.") for sentence in board.broken)


def test_a_dataset_that_cannot_be_read_leaves_the_old_board_and_says_why(leaderboard: Leaderboard) -> None:
    leaderboard.add_result()
    leaderboard.keeper.sync()
    before = leaderboard.keeper.now
    results, away = leaderboard.folder / "results", leaderboard.folder / "away"
    results.rename(away)
    results.write_text("not a folder")
    leaderboard.keeper.sync()
    assert leaderboard.keeper.now.board is before.board
    assert "Cannot use" in leaderboard.keeper.now.problem
    assert leaderboard.keeper.now.version == before.version + 1
    results.unlink()
    away.rename(results)
    leaderboard.keeper.sync()
    assert (leaderboard.keeper.now.board, leaderboard.keeper.now.problem) == (before.board, "")


def test_a_dataset_that_could_never_be_read_is_an_empty_board_with_the_reason(
    leaderboard: Leaderboard,
) -> None:
    keeper = Keeper(BrokenStore(), leaderboard.results, TASKS)
    keeper.sync()
    assert keeper.now.synced is None
    assert keeper.now.problem == "acme/requests cannot be reached."


def test_silence_is_noticed_without_any_change_of_a_dataset(leaderboard: Leaderboard) -> None:
    clock = [datetime(2026, 1, 31, 12, 30, tzinfo=UTC)]
    leaderboard.add_request(submitted_time="2026-01-31T12:00:00Z")
    keeper = Keeper(leaderboard.requests, leaderboard.results, TASKS, clock=lambda: clock[0])
    keeper.sync()
    quiet = keeper.now
    clock[0] += timedelta(hours=2)
    keeper.sync()
    assert (quiet.silent_since, keeper.now.silent_since) == (None, datetime(2026, 1, 31, 12, tzinfo=UTC))
    assert keeper.now.version == quiet.version + 1


def test_local_models_are_known_by_their_folders(leaderboard: Leaderboard) -> None:
    models = leaderboard.folder / "models"
    make_model_folder(models, "acme/tiny")
    make_model_folder(models, "gpt2")
    (models / "acme" / "no-model").mkdir()
    assert local_models(models) == {"acme/tiny", "gpt2"}
    assert local_models(leaderboard.folder / "nowhere") == frozenset()
    keeper = Keeper(
        FolderStore(leaderboard.folder / "requests"),
        FolderStore(leaderboard.folder / "results"),
        TASKS,
        local_models=lambda: local_models(models),
    )
    keeper.sync()
    assert "acme/tiny" in keeper.now.board.local_models


def test_what_the_backend_says_it_runs_is_read_and_held_against_the_tasks(leaderboard: Leaderboard) -> None:
    leaderboard.add_result(scores=scores(0.5))
    leaderboard.keeper.sync()
    assert leaderboard.keeper.now.board.backend is None
    version = leaderboard.keeper.now.version
    backend = make_backend(limit=20.0)
    leaderboard.write("results", BACKEND_DESCRIPTION, write_description(backend))
    leaderboard.keeper.sync()
    board = leaderboard.keeper.now.board
    assert board.backend == backend
    assert "LIMIT is 20" in board.differences[0]
    assert len(board.results) == len(board.standings.rows) == 1
    assert leaderboard.keeper.now.version > version


def test_a_description_that_cannot_be_understood_is_named_and_changes_nothing(
    leaderboard: Leaderboard,
) -> None:
    leaderboard.add_result(scores=scores(0.5))
    leaderboard.write("results", BACKEND_DESCRIPTION, b"tasks: &a [*a]")
    leaderboard.keeper.sync()
    board = leaderboard.keeper.now.board
    assert (board.backend, board.differences) == (None, ())
    assert board.broken[0].startswith(".leaderboard/backend.yaml in ")
    assert len(board.standings.rows) == 1


def test_the_queue_stands_in_the_order_that_the_backend_says(leaderboard: Leaderboard) -> None:
    for name, params in (("large", 9.0), ("small", 1.0)):
        leaderboard.add_request(model=f"acme/{name}", params=params)
    leaderboard.write(
        "results", BACKEND_DESCRIPTION, write_description(make_backend(queue_order=("small_first",)))
    )
    leaderboard.keeper.sync()
    assert [entry.request.model for entry in leaderboard.keeper.now.board.queue] == [
        "acme/small",
        "acme/large",
    ]


def test_what_earlier_versions_kept_in_another_folder_is_still_read(leaderboard: Leaderboard) -> None:
    leaderboard.write("results", "index/backend.yaml", write_description(make_backend()))
    leaderboard.write("requests", "index/blocked.yaml", b"users: [mallory]")
    leaderboard.keeper.sync()
    assert leaderboard.keeper.now.board.backend
    assert leaderboard.keeper.blocked.user("mallory") is not None
    leaderboard.write("requests", BLOCKLIST, b"users: [trudy]")
    leaderboard.keeper.sync()
    assert leaderboard.keeper.blocked.user("mallory") is None
    assert leaderboard.keeper.blocked.user("trudy") is not None


def test_a_second_leaderboards_frontend_takes_and_writes_nothing(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    first, second = (
        Keeper(leaderboard.requests, leaderboard.results, TASKS, whose=Whose(Role.FRONTEND, name))
        for name in ("acme/leaderboard", "acme/leaderboard-2")
    )
    first.sync()
    assert not first.now.problem
    before = leaderboard.requests.snapshot(), leaderboard.results.snapshot()
    second.sync()
    assert "belongs to the leaderboard whose frontend is acme/leaderboard" in second.now.problem
    second.keep_indexes()
    with pytest.raises(StoreError, match="belongs to the leaderboard whose frontend"):
        second.read_requests()
    assert (leaderboard.requests.snapshot(), leaderboard.results.snapshot()) == before


def test_a_removed_model_is_gone_with_all_its_results_and_cannot_be_submitted(
    leaderboard: Leaderboard,
) -> None:
    for model in ("acme/tiny", "acme/stays"):
        leaderboard.add_model(model)
        leaderboard.add_result(model, run=run_at(0))
        leaderboard.add_result(model, run=run_at(1), commit="b" * 40)
    leaderboard.write("requests", BLOCKLIST, b"removed:\n- ACME/tiny")
    leaderboard.keeper.sync()
    board = leaderboard.keeper.now.board
    assert [row.model for row in board.standings.rows] == ["acme/stays"]
    assert {path.split("/")[1] for path, _ in board.results} == {"stays"}
    with pytest.raises(NotAccepted, match="it was removed from this leaderboard"):
        leaderboard.desk.submit(leaderboard.form("acme/tiny"))
    leaderboard.write("requests", BLOCKLIST, b"removed:\n- acme/tiny: it had seen the questions")
    leaderboard.keeper.sync()
    with pytest.raises(NotAccepted, match="it had seen the questions"):
        leaderboard.desk.submit(leaderboard.form("acme/tiny"))
    leaderboard.write("requests", BLOCKLIST, b"")
    leaderboard.keeper.sync()
    assert len(leaderboard.keeper.now.board.standings.rows) == 2
    leaderboard.desk.submit(leaderboard.form("acme/tiny"))


def test_a_removed_model_is_not_shown_while_the_first_reading_is_under_way(
    leaderboard: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.shared.stores.mirror.AT_ONCE", 1)
    for model in ("acme/tiny", "acme/other", "acme/third"):
        leaderboard.add_result(model)
    leaderboard.write("requests", BLOCKLIST, b"removed: [acme/*]")
    seen: list[int] = []
    show = leaderboard.keeper._show_a_part

    def shown(reading: Any, left: int) -> None:
        show(reading, left)
        seen.append(len(leaderboard.keeper.now.board.standings.rows))

    monkeypatch.setattr(leaderboard.keeper._results, "_on_progress", shown)
    leaderboard.keeper.sync()
    assert seen
    assert set(seen) == {0}
