"""A quota counts compute: an evaluation that began counts however it ended, unless the worker was at fault.

The worker is the backend's own code (`lifecycle.py`, `retries.py`). Whatever it and the frontend do to a
request goes through its file, as it does in a dataset.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from src.checks import CAN_BE_ASKED_FOR_AGAIN, is_not_submitted_yet, quota_is_not_used_up
from src.page import notices
from src.shared.data.ends import WORKERS_FAULT, End
from src.shared.data.request import Request, Status, read_request, write_request
from src.shared.moderation.steps import LIVE
from src.shared.times import to_text
from src.submitting.case import Case
from src.submitting.form import Refused
from src.submitting.limits import Terms, usage
from src.submitting.new_request import place, withdrawn
from src.submitting.submitter import ANONYMOUS, Submitter
from support.backend_modules import backend_module
from support.cases import NOW, make_case, make_facts
from support.factories import COMMIT
from support.sources import ROOT

lifecycle, retries = backend_module("queue.lifecycle"), backend_module("queue.retries")
LEASE, RETRIES = lifecycle.LeaseTerms(), retries.RetryTerms()

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ALICE, BOB = Submitter("alice"), Submitter("bob")
WITHOUT_A_RESULT = [end for end in End if end is not End.FINISHED]


@dataclass
class Board:
    """A requests dataset, the frontend and a worker that write to it, and the time."""

    terms: Terms = field(default_factory=Terms)
    now: datetime = NOW
    files: dict[str, bytes] = field(default_factory=dict)
    nonces: count[int] = field(default_factory=count)

    @property
    def requests(self) -> dict[str, Request]:
        return {path: read_request(data) for path, data in self.files.items()}

    def read(self, path: str) -> Request:
        return read_request(self.files[path])

    def write(self, path: str, request: Request) -> None:
        self.files[path] = write_request(request)

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)

    # People

    def case(self, who: Submitter, model: str = "acme/next") -> Case:
        case = make_case(facts=make_facts(name=model), who=who, terms=self.terms, requests=self.requests)
        return replace(case, now=self.now)

    def submit(self, who: Submitter, model: str = "acme/tiny") -> str:
        """Submit a model, or submit it again. Raises Refused."""
        case = self.case(who, model)
        quota_is_not_used_up(case)
        is_not_submitted_yet(case)
        placed = place(case, self.files, submitted_time=to_text(self.now))
        self.write(placed.path, placed.value)
        return placed.path

    def withdraw(self, path: str) -> None:
        request = self.read(path)
        assert request.status in LIVE
        self.write(path, withdrawn(request, by=request.submitted_by, now=self.now))

    def write_by_hand(self, path: str, status: str) -> None:
        """Write another status into the file, as an owner does."""
        old = self.read(path).status
        self.files[path] = self.files[path].replace(
            f'"status": "{old}"'.encode(), f'"status": "{status}"'.encode()
        )

    # The worker

    def claim(self, path: str) -> None:
        claimed = lifecycle.claim(
            self.read(path),
            worker="here-0",
            nonce=str(next(self.nonces)),
            terms=LEASE,
            now=self.now,
            commit=COMMIT,
            taken_runs=(),
        )
        self.write(path, claimed)

    def end(self, path: str, end: End) -> None:
        """End the attempt that runs, after which another one may follow."""
        request = self.read(path)
        if end is End.FINISHED:
            return self.write(path, lifecycle.finish(request, result="result.json", log=None, now=self.now))
        ends = [*retries.ends_of_the_run(request), end]
        step = lifecycle.release if RETRIES.has_another(ends) and end is not End.CANCELLED else lifecycle.fail
        return self.write(path, step(request, end=end, message="It ended.", log=None, now=self.now))

    def refuse_unbegun(self, path: str) -> None:
        """Refuse what waits before it is claimed: its model is gone."""
        request = self.read(path)
        self.write(path, lifecycle.fail(request, end=End.REFUSED, message="No.", log=None, now=self.now))

    def settle(self, path: str) -> None:
        """Complete what somebody did by hand."""
        self.write(path, lifecycle.settle(self.read(path), now=self.now))

    def evaluate(self, path: str, *ends: End, hours: float = 1) -> None:
        """Claim and end, so often."""
        for end in ends:
            self.claim(path)
            self.wait(hours=hours)
            self.end(path, end)

    def used_by(self, who: Submitter) -> int:
        return usage(self.requests.values(), who, self.now - self.terms.period).number


@pytest.fixture
def board() -> Board:
    return Board(Terms(quota=2, period=7 * DAY))


def submits_again_and_again(board: Board, *, then: Callable[[str], None], who: Submitter = ALICE) -> int:
    """How many evaluations somebody gets who submits until the quota is used up."""
    for number in range(20):
        try:
            path = board.submit(who)
        except Refused:
            return number
        then(path)
    return 20


# One login, compute without end


def test_who_lets_it_run_for_23_hours_and_withdraws_again_and_again_uses_up_the_quota(board: Board) -> None:
    def run_and_withdraw(path: str) -> None:
        board.claim(path)
        for _ in range(23):
            board.wait(hours=1)
            renewed = lifecycle.renew(board.read(path), terms=LEASE, now=board.now, progress=None)
            board.write(path, renewed)
        board.withdraw(path)

    assert submits_again_and_again(board, then=run_and_withdraw) == 2


@pytest.mark.parametrize("end", [End.REFUSED, End.INVALID, End.OVER_TIME, End.CANCELLED])
def test_who_submits_what_cannot_be_evaluated_again_and_again_uses_up_the_quota(
    board: Board, end: End
) -> None:
    assert submits_again_and_again(board, then=lambda path: board.evaluate(path, end)) == 2


def test_who_submits_what_crashes_again_and_again_uses_up_the_quota(board: Board) -> None:
    """Each is tried three times by the worker, which counts once."""
    assert submits_again_and_again(board, then=lambda path: board.evaluate(path, *[End.CRASHED] * 3)) == 2


def test_who_withdraws_between_two_attempts_uses_up_the_quota(board: Board) -> None:
    def crash_and_withdraw(path: str) -> None:
        board.evaluate(path, End.CRASHED)
        board.withdraw(path)

    assert submits_again_and_again(board, then=crash_and_withdraw) == 2


def test_who_withdraws_in_the_moment_of_the_claim_uses_up_the_quota(board: Board) -> None:
    """Of the two writes one comes first. Withdrawn before, it is never claimed, and free."""

    def claim_and_withdraw(path: str) -> None:
        board.claim(path)
        board.withdraw(path)

    assert submits_again_and_again(board, then=claim_and_withdraw) == 2


@pytest.mark.parametrize("others", [BOB, ANONYMOUS])
def test_who_has_another_submit_it_again_has_used_the_quota_all_the_same(
    board: Board, others: Submitter
) -> None:
    for model in ("acme/a", "acme/b"):
        path = board.submit(ALICE, model)
        board.evaluate(path, End.REFUSED)
        assert board.submit(others, model) == path
    assert (board.used_by(ALICE), board.used_by(BOB)) == (2, 2 if others is BOB else 0)
    with pytest.raises(Refused, match="alice has used up"):
        board.submit(ALICE, "acme/c")


def test_who_signs_in_with_other_letters_is_the_same(board: Board) -> None:
    for login in ("Alice", "aLICE"):
        path = board.submit(Submitter(login), "acme/a")
        board.claim(path)
        board.withdraw(path)
    with pytest.raises(Refused, match="alice has used up"):
        board.submit(ALICE, "acme/b")


def test_what_waits_for_longer_than_the_period_is_not_forgotten(board: Board) -> None:
    """Else twice the quota could begin at once when the worker comes back."""
    for model in ("acme/a", "acme/b"):
        board.submit(ALICE, model)
    board.wait(days=8)
    with pytest.raises(Refused, match="2 wait or run"):
        board.submit(ALICE, "acme/c")


def test_what_began_long_after_it_was_submitted_counts_from_when_it_began(board: Board) -> None:
    path = board.submit(ALICE, "acme/a")
    board.wait(days=8)
    board.evaluate(path, End.FINISHED)
    assert board.used_by(ALICE) == 1
    board.wait(days=7)
    assert board.used_by(ALICE) == 0


def test_what_a_worker_with_a_slow_clock_began_counts_from_when_it_was_submitted(board: Board) -> None:
    path = board.submit(ALICE, "acme/a")
    board.wait(days=-30)
    board.evaluate(path, End.REFUSED)
    board.wait(days=31)
    assert board.used_by(ALICE) == 1


def test_what_was_cancelled_by_hand_while_it_ran_counts_whether_a_worker_saw_it_or_not(board: Board) -> None:
    for model in ("acme/a", "acme/b"):
        path = board.submit(ALICE, model)
        board.claim(path)
        board.write_by_hand(path, "CANCELLED")
        assert board.used_by(ALICE) == 1
        if model == "acme/b":
            board.settle(path)
            assert board.used_by(ALICE) == 1
        assert board.submit(BOB, model) == path
        assert board.used_by(ALICE) == 1
        board.withdraw(path)
        board.files.clear()


# Nobody's fault but the worker's


@pytest.mark.parametrize("end", sorted(WORKERS_FAULT))
def test_what_ended_through_the_workers_fault_is_free(board: Board, end: End) -> None:
    def end_and_withdraw(path: str) -> None:
        board.evaluate(path, end)
        board.withdraw(path)

    assert submits_again_and_again(board, then=end_and_withdraw) == 20


@pytest.mark.parametrize("end", WITHOUT_A_RESULT)
def test_each_end_counts_or_not_as_the_table_says(board: Board, end: End) -> None:
    path = board.submit(ALICE)
    board.evaluate(path, end)
    if board.read(path).status is Status.PENDING:
        board.withdraw(path)
    assert board.used_by(ALICE) == (end not in WORKERS_FAULT)


def test_the_docs_have_the_same_table() -> None:
    text = (ROOT / "docs" / "data-format.md").read_text(encoding="utf-8")
    table = text.partition("| `end` |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    told = {word: cells[-1] for cells in rows for word in re.findall(r"`([^`]+)`", cells[0])}
    assert {word: answer for word, answer in told.items() if word in [*End]} == {
        end.value: "no" if end in WORKERS_FAULT else "yes" for end in End
    }


@pytest.mark.parametrize("minutes", [1, 600])
def test_a_withdrawal_keeps_what_was_rented_for_the_attempt(board: Board, minutes: int) -> None:
    path = board.submit(ALICE)
    board.claim(path)
    request = board.read(path)
    assert request.lease
    rented = replace(request, lease=replace(request.lease, hardware="l4-x1", price=0.8))
    history = withdrawn(rented, by="alice", now=board.now + timedelta(minutes=minutes)).history
    [ran] = [entry for entry in history if entry.worker]
    assert (ran.hardware, ran.price) == ("l4-x1", 0.8)
    assert [entry.price for entry in history if not entry.worker] == [None] * (len(history) - 1)


def test_what_a_worker_that_is_gone_held_is_free_once_its_lease_has_run_out(board: Board) -> None:
    path = board.submit(ALICE)
    board.claim(path)
    board.wait(minutes=64)
    still = board.read(path)
    assert withdrawn(still, by="alice", now=board.now).history[-1].worker == "here-0"
    board.wait(minutes=2)
    board.withdraw(path)
    assert [each.end for each in board.read(path).history] == ["lost", "withdrawn"]
    assert board.used_by(ALICE) == 0


def test_what_was_withdrawn_or_refused_before_it_began_is_free(board: Board) -> None:
    assert submits_again_and_again(board, then=board.withdraw) == 20
    assert submits_again_and_again(board, then=board.refuse_unbegun) == 20


def test_the_attempts_of_one_submission_count_once(board: Board) -> None:
    board.evaluate(board.submit(ALICE), End.CRASHED, End.LOST, End.CRASHED, End.FINISHED)
    assert board.used_by(ALICE) == 1


def test_a_result_counts_even_if_its_worker_died_before_it_could_say_so(board: Board) -> None:
    path = board.submit(ALICE)
    board.evaluate(path, End.LOST)
    board.write(path, lifecycle.finish(board.read(path), result="r.json", log=None, now=board.now))
    assert board.used_by(ALICE) == 1


@pytest.mark.parametrize("ends", [(), (End.REFUSED,), (End.FINISHED,)], ids=str)
def test_what_the_owner_has_evaluated_again_is_not_the_submitters(
    board: Board, ends: tuple[End, ...]
) -> None:
    path = board.submit(ALICE)
    board.evaluate(path, *ends)
    if not ends:
        board.refuse_unbegun(path)
    own = board.used_by(ALICE)
    assert own == len(ends)
    for _ in range(2):
        board.write_by_hand(path, "RERUN")
        assert board.used_by(ALICE) == own
        board.evaluate(path, End.CRASHED, End.REFUSED)
        assert board.used_by(ALICE) == own
    board.wait(days=7)
    board.write_by_hand(path, "RERUN")
    board.claim(path)
    assert board.used_by(ALICE) == 0
    board.withdraw(path)
    board.submit(ALICE)
    assert board.used_by(ALICE) == 1


def test_a_model_that_was_refused_and_mended_is_a_submission_more_in_the_same_file(board: Board) -> None:
    path = board.submit(ALICE)
    board.evaluate(path, End.REFUSED)
    assert board.submit(ALICE) == path
    board.evaluate(path, End.FINISHED)
    assert board.used_by(ALICE) == 2
    assert [each.end for each in board.read(path).history] == ["refused", "resubmitted", "finished"]


def test_without_a_login_nothing_is_counted(board: Board) -> None:
    assert (
        submits_again_and_again(board, then=lambda path: board.evaluate(path, End.REFUSED), who=ANONYMOUS)
        == 20
    )
    assert board.used_by(ALICE) == 0


def test_the_page_says_what_is_used_and_what_counts(board: Board) -> None:
    def told() -> str:
        used = usage(board.requests.values(), ALICE, board.now - board.terms.period)
        return str(notices.quota(used, 2, board.terms.period))

    assert "0 of 2 submissions used in the last 7 days.<" in told()
    board.submit(ALICE, "acme/a")
    assert "1 of 2 submissions used in the last 7 days. Waiting and running submissions count" in told()
    board.evaluate(board.submit(ALICE, "acme/b"), End.REFUSED)
    assert "2 of 2 submissions used in the last 7 days." in told()


def test_who_waits_as_long_as_was_said_is_taken(board: Board) -> None:
    board.evaluate(board.submit(ALICE, "acme/a"), End.REFUSED, hours=12)
    board.submit(ALICE, "acme/b")
    with pytest.raises(
        Refused, match=r"1 has been evaluated and 1 waits or runs\. .*2026-02-08 12:00 UTC on"
    ):
        board.submit(ALICE, "acme/c")
    board.wait(days=6.5)
    board.submit(ALICE, "acme/c")
    with pytest.raises(Refused, match=r"2 wait or run.* is withdrawn, or 7 days after the evaluation of one"):
        board.submit(ALICE, "acme/d")


# Whatever happens in whatever order


@dataclass
class Turn:
    """What the test knows of one submission: who made it, and how its attempts ended, by when they began."""

    login: str | None
    is_the_owners: bool = False
    attempts: dict[datetime, End | None] = field(default_factory=dict)

    def compute(self) -> list[datetime]:
        """When attempts began that the worker was not at fault for, or may not have been: they still run."""
        if self.is_the_owners:
            return []
        return [began for began, end in self.attempts.items() if end not in WORKERS_FAULT]


PERIOD = 10 * HOUR
LOGINS = ["alice", "Alice", "alice", "bob", None]
NUMBERS = st.integers(0, 2)


class AnyOrder(RuleBasedStateMachine):
    """Everything that people and workers can do to requests, at any time. `turns` has the turns of each file,
    the present one last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.board = Board()
        self.turns: dict[str, list[Turn]] = {}

    @initialize(quota=st.sampled_from([1, 1, 2]))
    def begin(self, quota: int) -> None:
        self.board.terms = Terms(quota=quota, period=PERIOD)

    def one(self, number: int, *statuses: Status) -> str | None:
        """One of the requests with such a status, if there is any."""
        paths = [path for path, each in self.board.requests.items() if each.status in statuses]
        return paths[number % len(paths)] if paths else None

    def own_turns(self, login: str) -> list[tuple[Turn, bool]]:
        """The turns of a login, each with whether it waits or runs."""
        requests = self.board.requests
        return [
            (turn, turn is turns[-1] and requests[path].status in LIVE)
            for path, turns in self.turns.items()
            for turn in turns
            if not turn.is_the_owners and (turn.login or "").casefold() == login
        ]

    @rule(login=st.sampled_from(LOGINS), number=NUMBERS)
    def submit(self, login: str | None, number: int) -> None:
        who = Submitter(login)
        own = self.own_turns(login.casefold()) if login else []
        since = self.board.now - PERIOD
        places = sum(is_open or any(began > since for began in turn.compute()) for turn, is_open in own)
        try:
            path = self.board.submit(who, f"acme/model-{number}")
        except Refused as refusal:
            if "used up the quota" in str(refusal):
                assert places >= self.board.terms.quota, "refused although there was room"
                assert any(turn.attempts or is_open for turn, is_open in own)
            return
        self.turns.setdefault(path, []).append(Turn(login))

    @rule(number=NUMBERS)
    def withdraw(self, number: int) -> None:
        path = self.one(number, *LIVE)
        if path and self.board.read(path).submitted_by:
            lease = self.board.read(path).lease
            self.board.withdraw(path)
            if lease and lease.has_run_out(self.board.now):
                self.turns[path][-1].attempts[lease.started] = End.LOST

    @rule(number=NUMBERS)
    def claim(self, number: int) -> None:
        if path := self.one(number, Status.PENDING):
            self.board.wait(seconds=1)
            self.board.claim(path)
            self.turns[path][-1].attempts[self.board.now] = None

    @rule(number=NUMBERS)
    def renew(self, number: int) -> None:
        if path := self.one(number, Status.RUNNING):
            renewed = lifecycle.renew(self.board.read(path), terms=LEASE, now=self.board.now, progress=None)
            self.board.write(path, renewed)

    @rule(number=NUMBERS, end=st.sampled_from([*End]))
    def end(self, number: int, end: End) -> None:
        if path := self.one(number, Status.RUNNING):
            lease = self.board.read(path).lease
            assert lease
            self.turns[path][-1].attempts[lease.started] = end
            self.board.end(path, end)

    @rule(number=NUMBERS)
    def refuse_unbegun(self, number: int) -> None:
        if path := self.one(number, Status.PENDING):
            self.board.refuse_unbegun(path)

    @rule(number=NUMBERS, is_seen=st.booleans())
    def cancel_by_hand(self, number: int, is_seen: bool) -> None:
        if path := self.one(number, *LIVE):
            self.board.write_by_hand(path, "CANCELLED")
            if is_seen:
                self.board.settle(path)

    @rule(number=NUMBERS)
    def rerun(self, number: int) -> None:
        if path := self.one(number, Status.FINISHED, *CAN_BE_ASKED_FOR_AGAIN):
            if self.board.read(path).lease:
                self.board.settle(path)
            self.board.write_by_hand(path, "RERUN")
            self.turns[path].append(Turn(None, is_the_owners=True))

    @rule(number=NUMBERS, end=st.sampled_from([*End]))
    def evaluate(self, number: int, end: End) -> None:
        self.claim(number)
        self.end(number, end)

    @rule(number=NUMBERS)
    def run_and_withdraw(self, number: int) -> None:
        self.claim(number)
        self.withdraw(number)

    @rule(hours=st.sampled_from([0.1, 1, 5, 9, 9.5, 10]))
    def wait(self, hours: float) -> None:
        self.board.wait(hours=hours)

    @invariant()
    def no_login_has_more_evaluations_than_the_quota_in_any_period(self) -> None:
        for login in ("alice", "bob"):
            own = [turn.compute() for turn, _ in self.own_turns(login)]
            for end in (began for times in own for began in times):
                begun = sum(any(end - PERIOD < began <= end for began in times) for times in own)
                assert begun <= self.board.terms.quota, f"{login} had {begun} submissions evaluated"


class TestAnyOrder(AnyOrder.TestCase):
    """Hypothesis looks for the shortest sequence that breaks a promise."""

    settings = settings(max_examples=120, stateful_step_count=40, deadline=None)


@pytest.mark.slow
class TestAnyOrderForLonger(AnyOrder.TestCase):
    """The same with many more sequences."""

    settings = settings(max_examples=1200, stateful_step_count=50, deadline=None)
