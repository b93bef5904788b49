"""Whatever workers and people do, no more than the day's money is billed: two workers, every cent counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.queue.policy import Policy
from src.queue.reconciler import Reconciler
from src.running.job import Job
from src.shared.data.dollars import cost
from src.shared.data.request import Status
from support.executors import FunctionExecutor
from support.queues import POLICY, Clock, Queue
from support.rented import renting

DOLLARS = 20.0
SLACK = timedelta(minutes=2)


@dataclass
class Meter:
    """What is rented, and since when: as the Hub bills it."""

    clock: Clock
    running: dict[str, tuple[float, datetime]] = field(default_factory=dict)
    paid: float = 0.0

    def begin(self, nonce: str, job: Job) -> None:
        assert job.hardware
        self.running[nonce] = (job.hardware.price, self.clock.now)

    def end(self, nonce: str) -> None:
        if nonce in self.running:
            price, since = self.running.pop(nonce)
            self.paid += cost(price, self.clock.now - since)

    @property
    def bill(self) -> float:
        """All that is to be paid by now."""
        return self.paid + sum(cost(price, self.clock.now - since) for price, since in self.running.values())


class MeteredExecutor(FunctionExecutor):
    """Evaluates until a test ends it; what it rents is billed until it ends or is forgotten."""

    def __init__(self, meter: Meter) -> None:
        super().__init__(wait=True)
        self._meter = meter

    def start(self, nonce: str, job: Job) -> None:
        self._meter.begin(nonce, job)
        super().start(nonce, job)

    def let_end(self) -> None:
        for nonce in self.running:
            self._meter.end(nonce)
        super().let_end()

    def forget(self, nonce: str) -> None:
        self._meter.end(nonce)
        super().forget(nonce)


@dataclass
class Board:
    """A queue with two workers that rent, beside each other."""

    queue: Queue
    refresh: timedelta
    at_once: int

    def __post_init__(self) -> None:
        self.meter = Meter(self.queue.clock)
        rules = renting(dollars_a_day=DOLLARS, at_once=self.at_once, stops_within=2 * self.refresh + SLACK)
        policy = replace(POLICY, renting=rules)
        self.executors = [MeteredExecutor(self.meter) for _ in range(2)]
        self.workers: list[Reconciler] = [
            self.queue.worker(
                f"worker-{number}",
                executor=executor,
                policy=policy,
                slots=3,
                policy_now=self.with_what_is_there,
            )
            for number, executor in enumerate(self.executors)
        ]

    def with_what_is_there(self, policy: Policy) -> Policy:
        """As a worker lists the endpoints before it reads the requests."""
        assert policy.renting
        return replace(policy, renting=replace(policy.renting, there=frozenset(self.meter.running)))

    def withdraw_all(self) -> None:
        """Withdraw all that runs, and submit it again."""
        for path, request in self.requests():
            if request.status is Status.RUNNING:
                self.queue.edit(path, replace(request, status=Status.CANCELLED))

    def submit_again(self) -> None:
        for path, request in self.requests():
            if request.status in (Status.CANCELLED, Status.FAILED) and not request.lease:
                self.queue.edit(path, replace(request, status=Status.PENDING, attempt=0, run=None))

    def requests(self) -> Iterator[tuple[str, object]]:
        for path in sorted(self.queue.requests.snapshot().files):
            if path.endswith(".json"):
                yield path, self.queue.read(path)


acts = st.lists(
    st.sampled_from(["wait", "wait", "wait", "end", "withdraw", "again"]), min_size=20, max_size=60
)


def a_day(queue: Queue, acts: list[str], sizes: list[float], at_once: int, minutes: int) -> Board:
    """Let workers tick one after the other from midnight on, while people act in between."""
    queue.clock.now = queue.clock.now.replace(hour=0)
    board = Board(queue, timedelta(minutes=minutes), at_once)
    for number, size in enumerate(sizes):
        queue.submit(f"acme/model-{number}", params=size)
    for number, act in enumerate(acts):
        worker = number % 2
        board.workers[worker].tick()
        if act == "end":
            board.executors[worker].let_end()
        elif act == "withdraw":
            board.withdraw_all()
        elif act == "again":
            board.submit_again()
        assert len(board.meter.running) <= at_once
        assert board.meter.bill <= DOLLARS + 1e-9
        queue.clock.now += board.refresh / 2
        if queue.clock.now.hour >= 23:
            break
    return board


def test_a_day_of_withdrawals_is_billed_within_its_money(queue: Queue) -> None:
    board = a_day(queue, ["wait", "withdraw", "again", "again"] * 15, [70.0, 20.0, 1.0], 2, 10)

    assert board.meter.bill > DOLLARS / 4


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    acts,
    st.lists(st.sampled_from([1.0, 20.0, 70.0]), min_size=3, max_size=8),
    st.integers(1, 4),
    st.integers(1, 20),
)
def test_no_more_than_the_days_money_is_billed(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str], sizes: list[float], at_once: int, minutes: int
) -> None:
    a_day(Queue(tmp_path_factory.mktemp("money") / "data"), acts, sizes, at_once, minutes)
