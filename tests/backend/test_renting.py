"""What may be rented: what fits, how much at once, how much money a day; by examples and properties."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from huggingface_hub import InferenceEndpointHardware

from src.inference.hardware import Allowed, fits, hardware_from, offers
from src.inference.renting import Renting, rented_lately
from src.shared.data.dollars import HOUR
from src.shared.data.request import Attempt, Lease, Request, Status
from support.rented import A100, L4, TWO_H200, hardware, renting

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def listed(**changes: object) -> InferenceEndpointHardware:
    known = {
        "id": "aws-us-east-1-nvidia-l4-x1",
        "vendor": "aws",
        "region": "us-east-1",
        "accelerator": "gpu",
        "instance_type": "nvidia-l4",
        "instance_size": "x1",
        "architecture": "Nvidia L4",
        "num_accelerators": 1,
        "num_cpus": 7,
        "memory_gb": 30.0,
        "gpu_memory_gb": 24,
        "price_per_hour": 0.8,
        "status": "available",
        "max_accelerators": 4,
        "used_accelerators": 0,
    }
    return InferenceEndpointHardware(**{**known, **changes})  # type: ignore[arg-type]


def running(price: float, started: datetime, model: str = "acme/model") -> Request:
    lease = Lease("worker", "ab" * 8, started, started, started + HOUR, hardware="l4", price=price)
    return Request(model=model, status=Status.RUNNING, lease=lease)


def over(price: float | None, started: datetime, ended: datetime) -> Request:
    attempt = Attempt(1, "worker", started, ended, "finished", price=price)
    return Request(model="acme/old", status=Status.FINISHED, history=(attempt,))


def test_hardware_is_told_in_a_few_words_with_the_memory_of_all_its_gpus() -> None:
    four = hardware_from(listed(instance_size="x4", num_accelerators=4, gpu_memory_gb=96))

    assert (four.name, four.memory_gb, four.gpus) == ("4 × Nvidia L4 (24 GB)", 96.0, 4)


@pytest.mark.parametrize(
    ("params", "precision", "chosen"),
    [
        (1.0, "bfloat16", L4),
        (7.6, "bfloat16", L4),
        (9.1, "float16", A100),
        (7.6, "float32", A100),
        (70.6, "bfloat16", TWO_H200),
        (7.6, "GPTQ", L4),
        (200.0, "bfloat16", None),
    ],
)
def test_the_cheapest_that_fits_is_chosen(params: float, precision: str, chosen: object) -> None:
    assert renting().choice(params, precision) == chosen


def test_what_is_not_free_is_not_chosen_but_fits() -> None:
    rules = renting(free=frozenset({"a100"}))

    assert rules.choice(1.0, "float16") == A100
    assert rules.choice(70.0, "float16") is None
    assert rules.fits(70.0, "float16")


def test_an_old_gpu_does_not_compute_in_bfloat16() -> None:
    old = replace(hardware("t4", memory_gb=16.0, price=0.5), instance_type="nvidia-t4")

    assert fits(old, 1.0, "float16")
    assert not fits(old, 1.0, "bfloat16")


def test_hardware_of_which_an_hour_costs_more_than_a_day_may_does_not_count() -> None:
    rules = renting(dollars_a_day=5.0)

    assert rules.largest == 60.0
    assert not rules.fits(70.0, "bfloat16")


def test_nothing_is_refused_while_the_list_is_not_known() -> None:
    rules = Renting(offers=None)

    assert rules.fits(500.0, "bfloat16")
    assert rules.largest is None
    assert not rules.may_rent({})


@pytest.mark.parametrize(
    ("allowed", "ids"),
    [
        (Allowed(), {"l4", "gcp-l4", "a100"}),
        (Allowed(("nvidia-l4",)), {"l4", "gcp-l4"}),
        (Allowed(("nvidia-l4-x1",), ("gcp",)), {"gcp-l4"}),
        (Allowed(regions=("us-east-1",)), {"l4", "a100"}),
        (Allowed(("cpu-one",)), {"cpu-one"}),
        (Allowed(("nvidia-h100",)), set()),
    ],
)
def test_the_owner_names_hardware_and_places(allowed: Allowed, ids: set[str]) -> None:
    found = [
        listed(id="l4"),
        listed(id="gcp-l4", vendor="gcp", region="us-east4"),
        listed(id="a100", instance_type="nvidia-a100", gpu_memory_gb=80, price_per_hour=2.5),
        listed(id="cpu-one", accelerator="cpu", gpu_memory_gb=None, instance_type="intel-icl"),
        listed(id="old", status="deprecated"),
        listed(id="theirs", status="reserved"),
    ]

    assert {each.id for each in offers(found, allowed).all} == ids


def test_what_is_beyond_the_quota_is_neither_offered_nor_free() -> None:
    none, used_up = listed(id="none", max_accelerators=0), listed(id="used-up", used_accelerators=4)
    sold_out = listed(id="sold-out", status="not_available")
    found = offers([none, used_up, sold_out, listed(id="l4")], Allowed())

    assert {each.id for each in found.all} == {"used-up", "sold-out", "l4"}
    assert found.free == {"l4"}
    assert [each.id for each in found.beyond_the_quota] == ["none"]


def test_money_counts_from_midnight_and_by_the_hour() -> None:
    rules = renting(stops_within=timedelta())
    requests = {
        "a": running(2.0, NOON - timedelta(hours=1)),
        "b": over(1.0, NOON - timedelta(hours=3), NOON - timedelta(hours=1)),
        "yesterday": over(100.0, NOON - timedelta(hours=20), NOON - timedelta(hours=13)),
        "over midnight": over(4.0, NOON - timedelta(hours=13), NOON - timedelta(hours=11)),
        "free": over(None, NOON - timedelta(hours=2), NOON),
    }

    assert rules.spent_today(requests, NOON) == pytest.approx(2.0 + 2.0 + 4.0)


def test_an_evaluation_begins_only_if_an_hour_of_everything_is_left() -> None:
    requests = {"a": running(2.0, NOON - timedelta(hours=1))}

    assert renting(dollars_a_day=2.0 + 2.0 + 0.8).can_afford(L4, requests, NOON)
    assert not renting(dollars_a_day=2.0 + 2.0 + 0.79).can_afford(L4, requests, NOON)


def test_everything_stops_before_the_money_is_spent() -> None:
    rules = renting(dollars_a_day=10.0, stops_within=timedelta(minutes=6))
    started = NOON - timedelta(hours=4)

    assert not rules.is_spent({"a": running(2.0, started)}, NOON)
    assert rules.is_spent({"a": running(2.5, started)}, NOON)
    assert rules.is_spent({"a": running(2.45, started)}, NOON)
    assert not rules.is_spent({"a": over(100.0, started, NOON)}, NOON)


@pytest.mark.parametrize("end", ["over budget", "withdrawn", "cancelled", "stopped"])
def test_what_was_stopped_from_outside_costs_until_it_is_surely_gone(end: str) -> None:
    ended = NOON - timedelta(minutes=30)
    attempt = Attempt(1, "worker", ended - HOUR, ended, end, price=6.0)
    requests = {"a": Request(model="acme/old", status=Status.PENDING, history=(attempt,))}

    assert renting(stops_within=timedelta(minutes=10)).spent_today(requests, NOON) == pytest.approx(7.0)
    assert renting(stops_within=timedelta(minutes=60)).spent_today(requests, NOON) == pytest.approx(9.0)


def test_an_evaluation_needs_money_for_longer_than_it_takes_to_stop_it() -> None:
    rules = renting(dollars_a_day=2.0, stops_within=timedelta(hours=2))

    assert not rules.can_afford(L4, {}, NOON)
    assert replace(rules, dollars_a_day=3.2).can_afford(L4, {}, NOON)


def test_endpoints_that_are_there_count_even_without_a_lease() -> None:
    assert renting(at_once=2, there=frozenset({"1" * 16})).may_rent({})
    assert not renting(at_once=2, there=frozenset({"1" * 16})).may_rent({"a": running(1.0, NOON)})
    assert renting(at_once=2, there=frozenset({"ab" * 8})).may_rent({"a": running(1.0, NOON)})


def test_a_tiny_model_waits_rather_than_rent_the_dearest() -> None:
    assert renting(free=frozenset({"a100", "h200"})).choice(1.0, "float16") == A100
    assert renting(free=frozenset({"h200"})).choice(1.0, "float16") is None
    assert renting(free=frozenset({"h200"})).choice(70.0, "float16") == TWO_H200


def test_how_long_the_money_lasts_follows_from_all_that_runs() -> None:
    rules = renting(dollars_a_day=10.0, stops_within=timedelta(minutes=6))
    requests = {"a": running(2.0, NOON - HOUR), "b": running(3.0, NOON - HOUR)}

    assert rules.lasts(requests, NOON) == timedelta(minutes=54)
    assert rules.lasts({}, NOON) is None
    assert rules.lasts({"a": running(20.0, NOON - HOUR)}, NOON) == timedelta()


def test_endpoints_may_be_left_for_some_days_after_the_last() -> None:
    assert rented_lately({"a": over(1.0, NOON - 25 * HOUR, NOON - 24 * HOUR)}, NOON)
    assert not rented_lately({"a": over(1.0, NOON - 99 * HOUR, NOON - 98 * HOUR)}, NOON)
    assert not rented_lately({"a": over(None, NOON - HOUR, NOON)}, NOON)
