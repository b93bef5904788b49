"""What rented hardware costs, and how people read it."""

from datetime import timedelta

import pytest

from src.shared.data.dollars import at_most, cost, in_dollars


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0.00"),
        (0.8, "$0.80"),
        (0.004, "less than $0.01"),
        (0.01, "$0.01"),
        (12, "$12.00"),
        (1234.567, "$1,234.57"),
    ],
)
def test_dollars_are_read_to_the_cent(amount: float, text: str) -> None:
    assert in_dollars(amount) == text


def test_hardware_costs_its_price_for_as_long_as_it_is_rented() -> None:
    assert cost(0.8, timedelta(minutes=15)) == pytest.approx(0.2)
    assert cost(5.0, timedelta(days=1)) == 120.0
    assert cost(0.8, timedelta()) == 0.0


def test_a_clock_that_went_back_earns_nobody_money() -> None:
    assert cost(0.8, timedelta(minutes=-5)) == 0.0


@pytest.mark.parametrize(
    ("amount", "text"), [(0.0, "at most $0.00"), (0.004, "less than $0.01"), (0.8, "at most $0.80")]
)
def test_an_upper_bound_reads_as_one(amount: float, text: str) -> None:
    assert at_most(amount) == text
