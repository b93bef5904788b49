"""Submissions that wait for each other go into one commit, and each is told what became of it."""

import threading
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

import pytest

from src.checks import Refused
from src.shared.data.request import Request, Status
from src.shared.errors import Conflict, LeaderboardError, StoreError
from src.shared.stores.budgets import COMMITS, Pace
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.store import Snapshot
from src.submitting.group_commit import LONGEST_GATHERING, Change, GroupCommit
from src.submitting.receipts import Receipt, submissions
from support.boards import NOW, Leaderboard
from support.factories import make_request
from support.waiting import PATIENCE, wait_for


class Gate(FolderStore):
    """A store whose commits wait until they are let through, and may fail."""

    def __init__(self, store: FolderStore) -> None:
        super().__init__(store.folder)
        self.commits: list[list[str]] = []
        self.is_open = threading.Event()
        self.is_busy = threading.Event()
        self.failures: list[LeaderboardError] = []

    def commit(self, *, add: Mapping[str, bytes], parent: Snapshot, **options: Any) -> None:
        self.is_busy.set()
        assert self.is_open.wait(PATIENCE)
        self.commits.append(sorted(add))
        if self.failures:
            raise self.failures.pop(0)
        super().commit(add=add, parent=parent, **options)


@pytest.fixture
def gate(leaderboard: Leaderboard) -> Gate:
    return Gate(leaderboard.requests)


def group_on(gate: Gate, leaderboard: Leaderboard, **options: Any) -> GroupCommit[Request, Receipt]:
    return GroupCommit(gate, leaderboard.keeper.read_requests, submissions(), clock=lambda: NOW, **options)


def asking_for(model: str) -> Callable[[Mapping[str, Request], Collection[str]], Change[Request]]:
    """A submission that is refused when the same model is there already."""

    def decide(requests: Mapping[str, Request], taken: Collection[str]) -> Change[Request]:
        if any(request.model == model for request in requests.values()):
            raise Refused(f"{model} was already submitted.")
        return Change(f"{model}.json", make_request(model=model))

    return decide


class Submitter(threading.Thread):
    """One person who submits, and is told something."""

    def __init__(self, group: GroupCommit, model: str) -> None:
        super().__init__()
        self.model = model
        self.told: Receipt | LeaderboardError | None = None
        self._group = group
        self.start()

    def run(self) -> None:
        try:
            self.told = self._group.put(asking_for(self.model)).result()
        except LeaderboardError as error:
            self.told = error


def submit_while_one_is_written(group: GroupCommit, gate: Gate, *models: str) -> list[Submitter]:
    """The first is being written when the others come."""
    first = Submitter(group, models[0])
    assert gate.is_busy.wait(PATIENCE)
    others = [Submitter(group, model) for model in models[1:]]
    wait_for(lambda: group.waiting == len(others), what="the others to wait")
    gate.is_open.set()
    for submitter in (first, *others):
        submitter.join(PATIENCE)
    return [first, *others]


def test_those_that_come_while_one_is_written_go_into_the_next_commit(
    gate: Gate, leaderboard: Leaderboard
) -> None:
    models = ["acme/a", "acme/b", "acme/c", "acme/d"]
    submitters = submit_while_one_is_written(group_on(gate, leaderboard), gate, *models)
    assert gate.commits == [["acme/a.json"], ["acme/b.json", "acme/c.json", "acme/d.json"]]
    receipts = [each.told for each in submitters]
    assert {receipt.path for receipt in receipts if isinstance(receipt, Receipt)} == {
        f"{model}.json" for model in models
    }
    assert {receipt.position for receipt in receipts if isinstance(receipt, Receipt)} == {1, 2, 3, 4}


def test_two_of_the_same_in_one_commit_are_one_and_the_other_is_told(
    gate: Gate, leaderboard: Leaderboard
) -> None:
    models = ["acme/a", "acme/b", "acme/b", "acme/b"]
    submitters = submit_while_one_is_written(group_on(gate, leaderboard), gate, *models)
    told = [str(each.told) for each in submitters if isinstance(each.told, Refused)]
    assert told == ["acme/b was already submitted."] * 2
    assert gate.commits == [["acme/a.json"], ["acme/b.json"]]


def test_after_a_conflict_all_are_decided_again(gate: Gate, leaderboard: Leaderboard) -> None:
    group = group_on(gate, leaderboard)
    gate.failures = [Conflict("It changed.")]
    submitters = submit_while_one_is_written(group, gate, "acme/a", "acme/b")
    assert all(isinstance(each.told, Receipt) for each in submitters)
    assert gate.commits == [["acme/a.json"], ["acme/a.json"], ["acme/b.json"]]


def test_when_a_commit_fails_all_in_it_are_told_and_the_next_one_is_tried(
    gate: Gate, leaderboard: Leaderboard
) -> None:
    group = group_on(gate, leaderboard)
    gate.is_open.set()
    gate.failures = [StoreError("Cannot write to acme/requests: the token can only read.")]
    with pytest.raises(StoreError, match="the token can only read"):
        group.put(asking_for("acme/a")).result()
    assert group.put(asking_for("acme/b")).result().position == 1


def test_a_defect_in_one_submission_is_nobody_elses(gate: Gate, leaderboard: Leaderboard) -> None:
    group = group_on(gate, leaderboard)

    def defect(requests: Mapping[str, Request], taken: Collection[str]) -> Change[Request]:
        raise ZeroDivisionError

    first = group.put(asking_for("acme/a"))
    assert gate.is_busy.wait(PATIENCE)
    bad, good = group.put(defect), group.put(asking_for("acme/b"))
    gate.is_open.set()
    with pytest.raises(ZeroDivisionError):
        bad.result()
    assert (first.result().position, good.result().position) == (1, 2)
    assert gate.commits == [["acme/a.json"], ["acme/b.json"]]


def test_what_waits_when_the_space_ends_is_written_at_once(gate: Gate, leaderboard: Leaderboard) -> None:
    gate.pace = Pace(clock=lambda: NOW)
    gate.is_open.set()
    group = group_on(gate, leaderboard)
    group.put(asking_for("acme/a")).result()
    gate.pace.note(COMMITS)
    waiting = group.put(asking_for("acme/b"))
    group.close()
    assert waiting.result(PATIENCE).path == "acme/b.json"


def test_the_board_shows_what_was_written_before_it_is_read_again(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    version = leaderboard.keeper.now.version
    leaderboard.desk.submit(leaderboard.form())
    assert [entry.request.model for entry in leaderboard.keeper.now.board.queue] == ["acme/tiny"]
    assert leaderboard.keeper.now.version > version


def test_when_commits_run_high_those_that_come_within_two_minutes_are_gathered(
    gate: Gate, leaderboard: Leaderboard
) -> None:
    waits: list[float] = []
    gate.pace = Pace(clock=lambda: NOW)
    gate.is_open.set()
    group = group_on(gate, leaderboard, sleep=waits.append)
    group.put(asking_for("acme/a")).result()
    gate.pace.note(COMMITS // 4)
    assert group.due() is None
    group.put(asking_for("acme/b")).result()
    assert waits == []
    gate.pace.note(COMMITS)
    assert group.due() == NOW + LONGEST_GATHERING
    group.put(asking_for("acme/c")).result()
    assert waits == [LONGEST_GATHERING.total_seconds()]
    assert timedelta(minutes=2) > LONGEST_GATHERING


def test_whoever_goes_away_is_not_written_and_keeps_nobody_waiting(
    gate: Gate, leaderboard: Leaderboard
) -> None:
    """Anybody can end a call of theirs with gradio's own endpoint for that."""
    group = group_on(gate, leaderboard)
    first = Submitter(group, "acme/a")
    assert gate.is_busy.wait(PATIENCE)
    gone, stays = group.put(asking_for("acme/gone")), group.put(asking_for("acme/stays"))
    assert gone.cancel()
    gate.is_open.set()
    assert stays.result(PATIENCE).path == "acme/stays.json"
    first.join(PATIENCE)
    assert gate.commits == [["acme/a.json"], ["acme/stays.json"]]
    assert not stays.cancel()


def test_what_the_same_commit_cancels_again_was_told_its_position() -> None:
    pending, cancelled = make_request(), make_request(status=Status.CANCELLED)
    first = make_request(model="acme/first", submitted_time="2026-01-01T00:00:00Z")
    changes = [Change("acme/tiny.json", pending), Change("acme/tiny.json", cancelled)]
    receipts = submissions().receipts(changes, {"acme/first.json": first, "acme/tiny.json": cancelled})
    assert [receipt.position for receipt in receipts] == [2, 0]


def test_the_position_that_is_told_is_the_one_in_the_queues_own_order(leaderboard: Leaderboard) -> None:
    leaderboard.add_request(model="acme/large", params=70.0, submitted_time="2026-01-01T00:00:00Z")
    group = GroupCommit(
        leaderboard.requests, leaderboard.keeper.read_requests, submissions(lambda: ["small_first"])
    )
    receipt = group.put(lambda requests, taken: Change("acme/small.json", make_request(params=0.1))).result(
        30
    )
    assert receipt.position == 1
