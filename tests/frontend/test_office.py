"""What maintainers do is decided on the newest state, written with who did it, and shown at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from src.maintaining.maintainers import Maintainer
from src.maintaining.office import BECAME, NEED_A_REASON, Again, Office, Step
from src.page import api
from src.page.in_force import UNDO
from src.shared.data.backend_description import write_description
from src.shared.data.names import ACTS, BACKEND_DESCRIPTION
from src.shared.data.request import Lease, Request, Status, read_request, write_request
from src.shared.errors import NotPossible, StoreError
from src.shared.moderation.acts import UNDOES, Act, read_moderation
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.hub import RETRIED
from src.shared.stores.store import Snapshot
from src.submitting.group_commit import GroupCommit
from src.submitting.receipts import submissions
from support.boards import NOW, Leaderboard, scores
from support.factories import make_backend, make_request

BOB, CAROL = Maintainer("bob"), Maintainer("carol")
LEASE = Lease("worker-7", "nonce", NOW, NOW, NOW + timedelta(hours=1))

POSSIBLE = {
    Step.APPROVE: (Status.WAITING,),
    Step.REJECT: (Status.WAITING, Status.PENDING),
    Step.CANCEL: (Status.WAITING, Status.PENDING, Status.RUNNING),
    Step.AGAIN: (Status.FINISHED, Status.FAILED, Status.CANCELLED),
}
BECOMES = {
    Step.APPROVE: Status.PENDING,
    Step.REJECT: Status.CANCELLED,
    Step.CANCEL: Status.CANCELLED,
    Step.AGAIN: Status.PENDING,
}


class Committed(FolderStore):
    """A store that remembers the messages of its commits."""

    def __init__(self, store: FolderStore) -> None:
        super().__init__(store.folder)
        self.messages: list[str] = []

    def commit(self, *, message: str, parent: Snapshot, **options: Any) -> None:
        super().commit(message=message, parent=parent, **options)
        self.messages.append(message)


@pytest.fixture
def store(leaderboard: Leaderboard) -> Committed:
    return Committed(leaderboard.requests)


@pytest.fixture
def office(leaderboard: Leaderboard, store: Committed) -> Office:
    group = GroupCommit(
        store,
        leaderboard.keeper.read_requests,
        submissions(),
        show=leaderboard.keeper.show,
        clock=lambda: NOW,
    )
    return Office(group, store, leaderboard.results, sync=leaderboard.keeper.sync, clock=lambda: NOW)


def written(leaderboard: Leaderboard, path: str) -> Request:
    return read_request((leaderboard.folder / "requests" / path).read_bytes())


def request_in(leaderboard: Leaderboard, status: Status) -> str:
    return leaderboard.add_request(
        status=status, lease=LEASE if status is Status.RUNNING else None, submitted_by="alice"
    )


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("step", Step)
def test_a_step_is_taken_from_where_it_can_be_with_who_took_it_and_refused_elsewhere(
    leaderboard: Leaderboard, office: Office, store: Committed, step: Step, status: Status
) -> None:
    path = request_in(leaderboard, status)
    before = written(leaderboard, path)
    if status not in POSSIBLE[step]:
        with pytest.raises(NotPossible, match=f"cannot be .*: it is {status}, and only"):
            office.step(step, path, "No.", BOB).result()
        assert written(leaderboard, path) == before
        assert store.messages == []
        return
    receipt = office.step(step, path, "No.", BOB).result()
    assert written(leaderboard, path) == receipt.request
    assert (receipt.request.status, receipt.request.history[-1].by) == (BECOMES[step], "bob")
    assert leaderboard.keeper.now.board.requests[path] == receipt.request


@pytest.mark.parametrize(
    ("step", "status", "others", "is_refused"),
    [
        (Step.AGAIN, Status.FAILED, Status.PENDING, True),
        (Step.AGAIN, Status.FAILED, Status.RUNNING, True),
        (Step.AGAIN, Status.CANCELLED, Status.FINISHED, True),
        (Step.AGAIN, Status.FINISHED, Status.RUNNING, True),
        (Step.APPROVE, Status.WAITING, Status.PENDING, True),
        (Step.AGAIN, Status.FINISHED, Status.FINISHED, False),
        (Step.AGAIN, Status.FAILED, Status.FAILED, False),
        (Step.APPROVE, Status.WAITING, Status.WAITING, False),
        (Step.REJECT, Status.WAITING, Status.PENDING, False),
    ],
)
def test_no_second_request_for_the_same_evaluation_goes_into_the_queue(
    leaderboard: Leaderboard, office: Office, step: Step, status: Status, others: Status, is_refused: bool
) -> None:
    """A worker would end it with "already requested"."""
    path = request_in(leaderboard, status)
    other = leaderboard.write("requests", "acme/by-hand.json", write_request(make_request(status=others)))
    if is_refused:
        with pytest.raises(NotPossible, match=f"request for the same evaluation is {others}. See {other}"):
            office.step(step, path, "No.", BOB).result()
        assert written(leaderboard, path).status is status
    else:
        assert office.step(step, path, "No.", BOB).result().request.status is not status


@pytest.mark.parametrize("changes", [{"commit": "f" * 40}, {"precision": "float16"}, {"model": "acme/b"}])
def test_a_request_for_another_evaluation_is_in_nobodys_way(
    leaderboard: Leaderboard, office: Office, changes: dict[str, str]
) -> None:
    path = request_in(leaderboard, Status.FAILED)
    leaderboard.write("requests", "acme/by-hand.json", write_request(make_request(**changes)))
    assert office.step(Step.AGAIN, path, "", BOB).result().request.status is Status.PENDING


@pytest.mark.parametrize(
    ("step", "status", "verb"),
    [
        (Step.APPROVE, Status.WAITING, "Approve"),
        (Step.REJECT, Status.WAITING, "Reject"),
        (Step.CANCEL, Status.RUNNING, "Cancel"),
        (Step.AGAIN, Status.FAILED, "Evaluate again"),
        (Step.AGAIN, Status.FINISHED, "Evaluate again"),
    ],
)
def test_the_message_of_the_commit_names_the_step(
    leaderboard: Leaderboard, office: Office, store: Committed, step: Step, status: Status, verb: str
) -> None:
    path = request_in(leaderboard, status)
    office.step(step, path, "No.", BOB).result()
    assert store.messages == [f"{verb} {path}"]


def test_the_reason_of_a_rejection_is_for_the_submitter_on_one_line(
    leaderboard: Leaderboard, office: Office
) -> None:
    path = request_in(leaderboard, Status.WAITING)
    office.step(Step.REJECT, path, "  It is\na copy\u202e of\t<b>another</b>. ", BOB).result()
    assert written(leaderboard, path).message == "It was rejected by bob: It is a copy of <b>another</b>."


def test_a_request_that_is_not_there_is_told(office: Office) -> None:
    with pytest.raises(
        NotPossible, match=r"There is no request 'acme/none\.json'\. Name its file as the queue"
    ):
        office.step(Step.APPROVE, "acme/none.json", "", BOB).result()


@pytest.mark.parametrize("act", NEED_A_REASON)
@pytest.mark.parametrize("reason", ["", "  \n ", "\u200b\u202e"])
def test_what_somebody_reads_needs_a_reason(
    leaderboard: Leaderboard, office: Office, store: Committed, act: Step | Act, reason: str
) -> None:
    path = request_in(leaderboard, Status.WAITING)
    with pytest.raises(NotPossible, match="Give a reason: the people it affects will read it"):
        if isinstance(act, Step):
            office.step(act, path, reason, BOB)
        else:
            office.act(act, "acme/tiny", reason, BOB)
    assert store.messages == []


def test_a_reason_that_is_too_long_is_told_with_its_length(office: Office) -> None:
    with pytest.raises(NotPossible, match=r"The reason has 501 characters\. Shorten it to at most 500"):
        office.act(Act.BLOCK, "acme/tiny", "x" * 501, BOB)


@pytest.mark.parametrize(
    ("act", "name", "said"),
    [
        (
            Act.HIDE,
            "",
            "'' is not a model's name. Write a model, such as org/model, or a pattern, such as org/*.",
        ),
        (Act.HIDE, "*", "Write a model"),
        (Act.HIDE, "gpt*", "Write a model"),
        (Act.HIDE, "*/*", "Write a model"),
        (Act.HIDE, "acme/[a-z]", "Write a model"),
        (Act.HIDE, "acme/" + "x" * 200, "Write a model"),
        (Act.BLOCK, "../acme", "Write a model"),
        (Act.FLAG, "acme/tiny\u202e", "Write a model"),
        (Act.REMOVE, "acme/*", "Write one model, such as org/model."),
        (Act.REMOVE, "gpt*", "Write one model"),
        (Act.REMOVE, "acme/..", "Write one model"),
        (Act.BLOCK_USER, "alice/x", "is not a user's name. Write a user's name on the Hub, such as alice."),
        (Act.BLOCK_USER, "", "Write a user's name"),
        (Act.SHOW, "", "'' is not a name. Copy the name from the list below."),
        (Act.UNBLOCK, "x\ny", "Copy the name from the list"),
    ],
)
def test_a_name_that_does_not_fit_is_refused_with_what_to_write(
    office: Office, store: Committed, act: Act, name: str, said: str
) -> None:
    with pytest.raises(NotPossible) as error:
        office.act(act, name, "It is spam.", BOB)
    assert said in str(error.value)
    assert store.messages == []


def done_before(act: Act) -> Act | None:
    """What must be in force before an act."""
    return UNDOES.get(act)


@pytest.mark.parametrize("act", Act)
def test_an_act_is_written_with_who_and_when_and_the_page_shows_it(
    leaderboard: Leaderboard, office: Office, act: Act
) -> None:
    leaderboard.add_result("acme/tiny", scores=scores(0.5, 0.5, 0.5))
    name = "" if act in (Act.CLOSE, Act.OPEN) else "mallory" if "user" in act else "acme/tiny"
    if first := done_before(act):
        office.act(first, name, "It is spam.", CAROL)
    told = office.act(act, name, "It is spam.", BOB)
    assert told == BECAME[act].format(name) if act in BECAME else told.startswith("acme/tiny is removed")
    last = read_moderation(leaderboard.requests, leaderboard.requests.snapshot()).acts[-1]
    assert (last.act, last.name, last.reason, last.by, last.at) == (act, name, "It is spam.", "bob", NOW)
    assert leaderboard.keeper.now.board.moderation.acts[-1] == last


@pytest.mark.parametrize("act", [Act.FLAG, Act.HIDE, Act.BLOCK])
def test_a_model_without_an_organisation_is_maintained_like_others(
    leaderboard: Leaderboard, office: Office, act: Act
) -> None:
    told = office.act(act, "gpt2", "It is spam.", BOB)
    assert told.removeprefix(BECAME[act].format("gpt2")) == (
        " This is about one model. For all models of an organisation, write gpt2/*."
    )
    assert "gpt2" in leaderboard.keeper.now.board.moderation.in_force(act)
    assert "This is about" not in office.act(UNDO[act], "gpt2", "", BOB)


def test_a_model_without_an_organisation_is_computed_again_and_removed(
    filled: Leaderboard, office: Office
) -> None:
    filled.add_result("gpt2", scores=scores(0.5, 0.5, 0.5))
    assert office.rerun(Again.ALL, "gpt2", BOB).startswith("1 row will be computed again")
    assert office.act(Act.REMOVE, "gpt2", "", BOB).startswith("gpt2 is removed")
    assert "gpt2" not in statuses(filled)


def test_the_address_of_a_models_page_names_the_model(leaderboard: Leaderboard, office: Office) -> None:
    office.act(Act.HIDE, " https://huggingface.co/acme/tiny/tree/main ", "It is spam.", BOB)
    assert "acme/tiny" in leaderboard.keeper.now.board.moderation.in_force(Act.HIDE)


def test_a_removal_says_what_is_gone_and_that_the_model_may_come_back(
    leaderboard: Leaderboard, office: Office
) -> None:
    leaderboard.add_request(status=Status.FINISHED)
    leaderboard.add_result(scores=scores(0.5, 0.5, 0.5))
    leaderboard.add_result("acme/tiny-2", scores=scores(0.5, 0.5, 0.5))
    told = office.act(Act.REMOVE, "acme/tiny", "", BOB)
    assert told == (
        "acme/tiny is removed (1 request, 1 result). Unless it is hidden or blocked, it can be submitted "
        "again."
    )
    assert [row.model for row in leaderboard.keeper.now.board.standings.rows] == ["acme/tiny-2"]
    with pytest.raises(
        NotPossible, match="There is nothing of acme/tiny on this leaderboard: check the name"
    ):
        office.act(Act.REMOVE, "acme/tiny", "", BOB)


def test_an_undo_promises_nothing_that_a_pattern_may_still_forbid(
    leaderboard: Leaderboard, office: Office
) -> None:
    for act, name in [(Act.FLAG, "acme/tiny"), (Act.HIDE, "acme/tiny"), (Act.BLOCK, "acme/tiny")]:
        office.act(act, name, "It is spam.", BOB)
    office.act(Act.HIDE, "acme/*", "It is spam.", BOB)
    told = [office.act(act, "acme/tiny", "", BOB) for act in (Act.UNFLAG, Act.SHOW, Act.UNBLOCK)]
    assert told == [
        "The flag on acme/tiny is lifted.",
        "The act that hid acme/tiny is undone.",
        "The block on acme/tiny is lifted.",
    ]
    assert leaderboard.keeper.now.board.moderation.in_force(Act.HIDE)


class Failing(FolderStore):
    """A dataset that can be read, and fails when it is written."""

    def commit(self, **options: Any) -> None:
        raise StoreError(f"Cannot write: the Hub answers with an error (500). {RETRIED}")


def test_a_removal_that_fails_halfway_is_told_and_shown_and_done_again_completes_it(
    leaderboard: Leaderboard, office: Office, store: Committed
) -> None:
    leaderboard.add_request(status=Status.FINISHED)
    result = leaderboard.add_result(scores=scores(0.5, 0.5, 0.5))
    leaderboard.keeper.sync()
    group = GroupCommit(store, leaderboard.keeper.read_requests, submissions())
    failing = Failing(leaderboard.results.folder)
    halfway = Office(group, store, failing, sync=leaderboard.keeper.sync, clock=lambda: NOW)
    told = answer(halfway, "remove", "acme/tiny")
    assert not told["ok"]
    assert told["message"] == (
        "This was not completed, and it will not be retried automatically. Do it again in a minute: what is "
        "already done stays done. The cause, for the leaderboard's owner: Cannot write: the Hub answers with "
        "an error (500)."
    )
    board = leaderboard.keeper.now.board
    assert (board.standings.rows, board.requests) == ((), {})
    assert (leaderboard.folder / "results" / result).exists()
    assert "1 result" in answer(office, "remove", "acme/tiny")["message"]
    assert not (leaderboard.folder / "results" / result).exists()


@pytest.mark.parametrize(("act", "target"), [("hide", "acme/tiny"), ("close", ""), ("rerun all", "")])
def test_what_cannot_be_written_is_told_without_the_promise_of_a_retry(
    filled: Leaderboard, act: str, target: str
) -> None:
    synced = []
    failing = Failing(filled.requests.folder)
    group = GroupCommit(failing, filled.keeper.read_requests, submissions())
    office = Office(group, failing, filled.results, sync=lambda: synced.append(1), clock=lambda: NOW)
    told = answer(office, act, target, "No.")
    assert told["message"].startswith("This was not completed, and it will not be retried automatically.")
    assert RETRIED not in told["message"]
    assert synced == [1]


def test_of_two_who_do_the_same_the_second_is_told_who_was_first(
    leaderboard: Leaderboard, office: Office
) -> None:
    path = request_in(leaderboard, Status.WAITING)
    office.step(Step.APPROVE, path, "", BOB).result()
    with pytest.raises(NotPossible, match="bob was first: It was approved by bob"):
        office.step(Step.APPROVE, path, "", CAROL).result()
    office.act(Act.HIDE, "acme/tiny", "It is spam.", BOB)
    with pytest.raises(NotPossible, match="already hidden: bob did that on 2026-02-01 12:00 UTC"):
        office.act(Act.HIDE, "acme/tiny", "It is spam.", CAROL)


def test_what_a_worker_has_taken_is_told_with_its_name(leaderboard: Leaderboard, office: Office) -> None:
    path = request_in(leaderboard, Status.RUNNING)
    with pytest.raises(NotPossible, match=r"it is RUNNING, .* The worker worker-7 has taken it"):
        office.step(Step.REJECT, path, "No.", BOB).result()


# In plain values


def answer(office: Office, act: str, target: str, reason: str = "It is spam.") -> Mapping[str, Any]:
    return json.loads(json.dumps(asyncio.run(api.maintain(office, act, target, reason, BOB))))


@pytest.mark.parametrize(
    ("step", "status", "said"),
    [
        (Step.APPROVE, Status.WAITING, "is approved, and in the queue at position 1."),
        (Step.REJECT, Status.WAITING, "is rejected."),
        (Step.CANCEL, Status.RUNNING, "is cancelled. A worker that evaluates it stops."),
        (Step.AGAIN, Status.FINISHED, "will be evaluated again. It is in the queue at position 1."),
    ],
)
def test_the_answer_names_the_request_and_what_became_of_it(
    leaderboard: Leaderboard, office: Office, step: Step, status: Status, said: str
) -> None:
    path = request_in(leaderboard, status)
    found = answer(office, step, path)
    assert (found["ok"], found["request"], found["problems"]) == (True, path, [])
    assert found["message"].startswith("acme/tiny (commit 01234567, ")
    assert found["message"].endswith(said)


def test_the_answer_to_an_act_has_a_sentence_and_one_to_a_mistake_what_to_do(office: Office) -> None:
    assert answer(office, "close", "whatever", "We move.")["message"].startswith(
        "The board takes no submissions"
    )
    assert answer(office, "hide", "*")["problems"][0]["message"].startswith(
        "'*' is not a model's name. Write"
    )
    told = answer(office, "explode", "acme/tiny")["message"]
    assert told.startswith(
        "There is no act 'explode'. Choose one of approve, reject, cancel, again, rerun missing, "
    )


def test_what_nobody_expected_is_told_and_logged(
    leaderboard: Leaderboard, store: Committed, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise KeyError("secret")

    group = GroupCommit(store, leaderboard.keeper.read_requests, submissions())
    office = Office(group, store, leaderboard.results, sync=fail, clock=lambda: NOW)
    told = answer(office, "hide", "acme/tiny")
    assert told["message"] == (
        "An unexpected error (KeyError). Check whether it was done, and tell the leaderboard's owner: the "
        "log shows where it happened."
    )
    assert "could not do what a maintainer wanted" in caplog.text


def test_a_file_of_acts_that_cannot_be_read_is_told_and_kept(
    leaderboard: Leaderboard, office: Office
) -> None:
    leaderboard.write("requests", ACTS, b"{")
    told = answer(office, "hide", "acme/tiny")
    assert not told["ok"]
    assert "cannot be read: it is not valid JSON" in told["message"]
    assert (leaderboard.folder / "requests" / ACTS).read_bytes() == b"{"


# Computed again


@pytest.fixture
def filled(leaderboard: Leaderboard) -> Leaderboard:
    """Two finished models. One has no score in the last of the suite's three tasks."""
    leaderboard.write("results", BACKEND_DESCRIPTION, write_description(make_backend()))
    for model, tasks in {"acme/whole": 3, "acme/partial": 2}.items():
        leaderboard.add_request(model=model, status=Status.FINISHED)
        leaderboard.add_result(model, scores=dict(list(scores(0.5, 0.5, 0.5).items())[:tasks]))
    leaderboard.keeper.sync()
    return leaderboard


def statuses(leaderboard: Leaderboard) -> dict[str, Status]:
    return {each.model: each.status for each in leaderboard.keeper.now.board.requests.values()}


def test_what_would_be_computed_again_is_told_and_nothing_is_written(
    filled: Leaderboard, office: Office
) -> None:
    number, lines = office.preview(Again.MISSING, "", BOB)
    assert number == 1
    assert lines[0] == "1 row of the board will be computed again, 1 task evaluation in all:"
    assert set(statuses(filled).values()) == {Status.FINISHED}


def test_if_nothing_needs_it_that_is_told_first(filled: Leaderboard, office: Office) -> None:
    number, lines = office.preview(Again.MISSING, "acme/whole", BOB)
    assert (number, lines[0]) == (0, "Nothing needs to be computed again.")
    assert "It needs nothing (1 row): acme/whole" in lines[-1]


def test_what_cannot_be_looked_at_is_told_without_the_promise_of_a_retry(filled: Leaderboard) -> None:
    class Unreadable(FolderStore):
        def snapshot(self) -> Snapshot:
            raise StoreError(f"Cannot read: the Hub answers with an error (500). {RETRIED}")

    store = Unreadable(filled.requests.folder)
    group = GroupCommit(store, filled.keeper.read_requests, submissions())
    office = Office(group, store, filled.results, sync=filled.keeper.sync, clock=lambda: NOW)
    with pytest.raises(StoreError, match=r"\(500\)\. Try again in a minute\.$"):
        office.preview(Again.ALL, "", BOB)


def test_only_what_is_missing_is_computed_again_and_the_page_shows_it(
    filled: Leaderboard, office: Office
) -> None:
    told = office.rerun(Again.MISSING, "", BOB)
    assert told.startswith("1 row will be computed again, 1 task evaluation in all.")
    assert statuses(filled) == {"acme/whole": Status.FINISHED, "acme/partial": Status.PENDING}
    [request] = [each for each in filled.keeper.now.board.requests.values() if each.tasks]
    assert (request.tasks, request.history[-1].by) == (("tiny_copy",), "bob")
    with pytest.raises(NotPossible, match=r"Nothing needs to be computed again\."):
        office.rerun(Again.MISSING, "", CAROL)


def test_one_model_may_be_computed_again_on_everything(filled: Leaderboard, office: Office) -> None:
    assert answer(office, "rerun all", "ACME/whole")["message"].startswith("1 row will be computed again, 3 ")
    assert statuses(filled)["acme/partial"] is Status.FINISHED


def test_a_model_that_is_not_there_is_named(filled: Leaderboard, office: Office) -> None:
    assert answer(office, "rerun all", "acme/none")["message"].startswith("No result of acme/none is on ")
    assert answer(office, "rerun older", "../x")["message"].startswith("'../x' is not a model's name. Write")


def test_without_a_worker_ever_the_tasks_are_unknown(leaderboard: Leaderboard, office: Office) -> None:
    assert "start the worker, which writes it" in answer(office, "rerun all", "")["message"]
