"""What an evaluation on the worker's own machine costs: what the lease, the history and the result say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.inference.renting import Renting, rented_lately
from src.parts import make_policy
from src.queue.lifecycle import IDLE
from src.queue.publication import cost_of
from src.queue.rented import end_for_money
from src.queue.share import Share
from src.running.inference import Machine
from src.settings import Settings
from src.shared.data.provenance import Cost
from src.shared.data.reports import read_result
from src.shared.data.request import Attempt, Lease, Request, Status, read_request, write_request
from src.shared.environment import read_settings
from src.shared.errors import ConfigurationError
from support.executors import FunctionExecutor
from support.queues import POLICY, TERMS, Queue, drain
from support.rented import renting

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ON_A10G = replace(POLICY, machine=Machine("a10g-small", 1.0))


def settings(**environment: str) -> Settings:
    return read_settings(Settings, environment=environment)


def test_a_machine_is_named_and_priced_by_the_owner() -> None:
    made = make_policy(settings(HARDWARE="a10g-small", DOLLARS_PER_HOUR="1.05"), memory=10**9)
    assert made.machine == Machine("a10g-small", 1.05)
    assert settings(HARDWARE="NVIDIA DGX Spark").machine == Machine("NVIDIA DGX Spark", None)
    assert settings(DOLLARS_PER_HOUR="0").machine == Machine(None, 0.0)
    assert settings().machine is None


def test_evaluations_that_run_at_once_share_the_price_of_the_machine() -> None:
    two = settings(DEVICE="cuda:0, cuda:1", DOLLARS_PER_HOUR="5").machine
    assert two == Machine(None, 2.5)
    assert settings(MAX_PARALLEL="4", DOLLARS_PER_HOUR="5").machine == Machine(None, 1.25)


def test_what_the_command_says_of_the_machine_replaces_what_the_settings_say() -> None:
    assert Share(hardware="l4x1", price=0.8).of(ON_A10G, slots=2).machine == Machine("l4x1", 0.4)
    assert Share(hardware="l4x1").of(ON_A10G).machine == Machine("l4x1", None)
    assert Share(price=0.0).of(ON_A10G).machine == Machine(None, 0.0)
    assert Share(largest_gb=60.0).of(ON_A10G).machine == ON_A10G.machine


@pytest.mark.parametrize("price", ["-1", "nan", "inf", "1e9", "cheap", "$1"])
def test_a_price_that_cannot_be_is_refused_at_the_start(price: str) -> None:
    with pytest.raises(ConfigurationError, match=r"DOLLARS_PER_HOUR is .*dollars an hour, from 0 to 100,000"):
        settings(DOLLARS_PER_HOUR=price)


@pytest.mark.parametrize("name", ["a" * 101, "a\nb", "\u202ea10g"])
def test_a_machines_name_that_is_no_short_line_is_refused_at_the_start(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"HARDWARE is .*a name such as `a10g-small`"):
        settings(HARDWARE=name)


def test_a_claim_the_history_and_the_result_say_what_the_evaluation_cost(queue: Queue) -> None:
    path = queue.submit()
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor, policy=ON_A10G)
    worker.tick()

    lease = queue.read(path).lease
    assert lease
    assert (lease.hardware, lease.price, lease.own_machine) == ("a10g-small", 1.0, True)
    assert executor.started[0].hardware is None  # nothing is to be rented for it

    queue.clock.move(minutes=90)
    executor.let_end()
    drain(worker)
    [attempt] = queue.read(path).history
    assert (attempt.hardware, attempt.price, attempt.own_machine) == ("a10g-small", 1.0, True)
    cost = published_cost(queue)
    assert cost == Cost(hardware="a10g-small", seconds=5400.0, price=1.0)
    assert cost.dollars == 1.5


def published_cost(queue: Queue) -> Cost:
    """What the only result says of its costs."""
    [path] = queue.result_paths()
    return read_result(path, (queue.folder / "results" / path).read_bytes()).provenance.cost


def test_where_the_owner_says_nothing_the_price_is_unknown_and_the_time_is_known(queue: Queue) -> None:
    path = queue.submit()
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor)
    worker.tick()
    queue.clock.move(minutes=3)
    executor.let_end()
    drain(worker)

    [attempt] = queue.read(path).history
    assert (attempt.hardware, attempt.price, attempt.own_machine) == (None, None, False)
    assert published_cost(queue) == Cost(seconds=180.0)
    assert published_cost(queue).dollars is None


def test_a_clock_that_went_back_makes_the_time_unknown() -> None:
    before = NOON - timedelta(minutes=3)
    assert cost_of(own_lease(1.0), before) == {"hardware": "a10g-small", "seconds": None, "price": 1.0}


def test_earlier_attempts_are_in_the_history_and_not_in_the_result(queue: Queue) -> None:
    path = queue.submit()
    lost = queue.worker(executor=FunctionExecutor(wait=True), policy=ON_A10G)
    lost.tick()
    queue.clock.move(minutes=30)
    lost.close()
    executor = FunctionExecutor(wait=True)
    worker = queue.worker("worker-2", executor=executor, policy=ON_A10G)
    worker.tick()
    queue.clock.move(minutes=10)
    executor.let_end()
    drain(worker)

    first, last = queue.read(path).history
    assert [each.price for each in (first, last)] == [1.0, 1.0]
    assert first.started and first.ended and first.ended - first.started == timedelta(minutes=30)
    assert published_cost(queue).seconds == 600.0


def test_a_lost_worker_is_not_paid_for_until_somebody_comes(queue: Queue) -> None:
    path = queue.submit()
    queue.worker(executor=FunctionExecutor(wait=True), policy=ON_A10G).tick()
    queue.clock.move(days=30)
    queue.worker("worker-2", executor=FunctionExecutor(wait=True), policy=ON_A10G).tick()

    attempt = queue.read(path).history[0]
    assert attempt.end == "lost"
    assert attempt.started and attempt.ended
    assert attempt.ended - attempt.started == TERMS.duration + IDLE


def test_an_endpoint_counts_and_not_the_machine_that_rents_it(queue: Queue) -> None:
    path = queue.submit(params=7.0)
    policy = replace(ON_A10G, renting=renting(at_once=2, dollars_a_day=100.0))
    queue.worker(executor=FunctionExecutor(wait=True), policy=policy).tick()

    lease = queue.read(path).lease
    assert lease
    assert (lease.hardware, lease.price, lease.own_machine) == ("l4", 0.8, False)


# The money of a day is for endpoints


def own_lease(price: float | None, started: datetime = NOON) -> Lease:
    return Lease("w", "ab" * 8, started, started, started + HOUR, "a10g-small", price, own_machine=True)


def running_on(lease: Lease) -> Request:
    return Request(model="acme/own", status=Status.RUNNING, lease=lease)


prices = st.none() | st.floats(0, 100_000)


@given(st.lists(prices, max_size=4), st.lists(prices, max_size=4))
def test_what_own_machines_cost_is_no_money_of_the_day(
    leased: list[float | None], ended: list[float | None]
) -> None:
    rules: Renting = renting(at_once=1, dollars_a_day=20.0)
    attempts = tuple(
        Attempt(1, "w", NOON, NOON + HOUR, "finished", hardware="a10g-small", price=price, own_machine=True)
        for price in ended
    )
    requests = {str(place): running_on(own_lease(price)) for place, price in enumerate(leased)}
    requests["over"] = Request(model="acme/over", status=Status.FINISHED, history=attempts)
    now = NOON + HOUR
    assert rules.spent_today(requests, now) == 0
    assert rules.may_rent(requests)
    assert not rules.is_spent(requests, now)
    assert rules.lasts(requests, now) is None
    assert not rented_lately(requests, now)
    assert all(end_for_money(each, rules, requests, now) is None for each in requests.values())


def test_an_endpoint_that_took_the_days_money_stops_no_evaluation_on_an_own_machine() -> None:
    rules = renting(dollars_a_day=1.0)
    own = running_on(own_lease(50.0))
    rented = running_on(replace(own_lease(2.0), own_machine=False))
    requests = {"own": own, "rented": rented}
    assert end_for_money(rented, rules, requests, NOON + HOUR) is not None
    assert end_for_money(own, rules, requests, NOON + HOUR) is None


def test_hardware_in_files_of_earlier_versions_is_that_of_endpoints() -> None:
    written = write_request(running_on(own_lease(0.8))).replace(b'"own_machine": true', b'"other": 1')
    lease = read_request(written).lease
    assert lease
    assert (lease.price, lease.own_machine) == (0.8, False)


@pytest.mark.parametrize("value", [b"1", b'"yes"', b"null", b"[true]"])
def test_only_true_says_that_a_machine_is_the_workers_own(value: bytes) -> None:
    written = write_request(running_on(own_lease(0.8))).replace(
        b'"own_machine": true', b'"own_machine": ' + value
    )
    lease = read_request(written).lease
    assert lease
    assert lease.own_machine is False
