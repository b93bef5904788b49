"""A worker goes on when its machine's clock leaps; only what it writes into files has that clock's time."""

from datetime import timedelta

import pytest

from src.queue.faults import Faults
from src.queue.reconciler import Reconciler
from src.queue.retries import RetryTerms
from src.queue.ticker import LATE_AFTER, Ticker
from src.running.job import End, Ending
from src.shared.data.request import Status
from src.shared.process.steady import Leaps, steady_now
from src.shared.stores.budgets import COMMITS, Pace
from support.executors import FunctionExecutor
from support.leaping import Machine
from support.queues import POLICY, SUITE, AnyModel, Queue


def make_worker(queue: Queue, machine: Machine, executor: FunctionExecutor | None = None) -> Reconciler:
    return Reconciler(
        worker="worker-1",
        requests=queue.requests,
        results=queue.results,
        models=AnyModel(),
        executor=executor or FunctionExecutor(),
        suite=SUITE,
        policy=POLICY,
        clock=machine.wall,
        steady=machine.steady,
    )


def test_a_clock_that_is_two_days_ahead_for_twenty_seconds_keeps_nothing_waiting_when_it_is_right_again(
    queue: Queue,
) -> None:
    machine = Machine()
    queue.requests.pace = Pace(clock=machine.steady)
    worker = make_worker(queue, machine)
    machine.leap(days=2)
    first = queue.submit("acme/one")
    worker.tick()
    worker.tick()
    machine.let_pass(seconds=20)
    machine.leap(days=-2)
    queue.requests.pace.note(int(COMMITS * 0.85))
    machine.let_pass(minutes=1)
    assert worker.datasets.gathers_until() is None
    second = queue.submit("acme/two")
    worker.tick()
    worker.tick()
    assert [queue.read(path).status for path in (first, second)] == [Status.FINISHED] * 2


def test_a_lease_from_a_clock_that_was_ahead_is_put_right_so_that_it_cannot_stick_for_days(
    queue: Queue,
) -> None:
    machine = Machine()
    worker = make_worker(queue, machine, FunctionExecutor(wait=True))
    machine.leap(days=2)
    path = queue.submit("acme/one")
    worker.tick()
    machine.let_pass(seconds=20)
    machine.leap(days=-2)
    worker.tick()
    lease = queue.read(path).lease
    assert lease
    assert (lease.renewed, lease.until) == (machine.wall(), machine.wall() + POLICY.lease.duration)


@pytest.mark.parametrize("days", [2, 6, 400, -2])
def test_what_a_worker_with_a_wrong_clock_held_when_it_died_waits_no_longer_than_its_lease(
    queue: Queue, days: int
) -> None:
    dead, machine = Machine(), Machine()
    dead.leap(days=days)
    path = queue.submit("acme/one")
    make_worker(queue, dead, FunctionExecutor(wait=True)).tick()
    assert queue.read(path).status is Status.RUNNING
    other = make_worker(queue, machine)
    other.worker = "worker-2"
    waited = 0
    while queue.read(path).status is not Status.FINISHED:
        other.tick()
        machine.let_pass(minutes=5)
        waited += 5
        assert waited <= 80, "minutes"


def test_a_worker_that_renews_keeps_its_lease_although_its_clock_is_two_days_ahead(queue: Queue) -> None:
    ahead, machine = Machine(), Machine()
    ahead.leap(days=2)
    path = queue.submit("acme/one")
    slow = make_worker(queue, ahead, FunctionExecutor(wait=True))
    other = make_worker(queue, machine)
    other.worker = "worker-2"
    for _ in range(40):
        for worker, clock in ((slow, ahead), (other, machine)):
            worker.tick()
            clock.let_pass(minutes=5)
    lease = queue.read(path).lease
    assert lease
    assert (lease.worker, queue.read(path).attempt) == ("worker-1", 1)


@pytest.mark.parametrize("leaps", [(2, -2), (-1,), (1, -3, 2)])
def test_a_worker_that_rests_goes_on_after_its_pause_whatever_the_clock_does(leaps: tuple[int, ...]) -> None:
    machine = Machine()
    terms = RetryTerms(first_pause=timedelta(minutes=1))
    faults = Faults(terms, machine.steady)
    faults.count({"nonce": Ending(End.WORKER, "The worker is at fault.")})
    for days in leaps:
        machine.leap(days=days)
        assert faults.rests_until()
    machine.let_pass(seconds=61)
    assert faults.rests_until() is None


def test_ticks_that_come_are_on_time_whatever_the_clock_does() -> None:
    machine = Machine()
    ticker = Ticker(timedelta(seconds=60), leaps=Leaps(machine.wall, machine.steady), clock=machine.steady)
    ticker.last = machine.steady()
    machine.leap(days=2)
    assert ticker.is_on_time(ticker.last)
    machine.leap(days=-5)
    machine.let_pass(seconds=61 + LATE_AFTER.total_seconds())
    assert not ticker.is_on_time(ticker.last)


def test_a_worker_measures_intervals_by_the_steady_clock() -> None:
    for owner in (Reconciler, Ticker):
        assert steady_now in (owner.__init__.__kwdefaults__ or {}).values()
