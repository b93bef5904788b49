"""Amounts of money: what rented hardware costs, and how people read it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

HOUR = timedelta(hours=1)

CENT = 0.01


def cost(price: float, time: timedelta) -> float:
    """Return what hardware at a price in dollars an hour costs in that time, in dollars."""
    return price * max(time / HOUR, 0.0)


class Bill(NamedTuple):
    """Hardware that was rented from one time to another, or is still."""

    price: float
    """Dollars an hour."""
    started: datetime
    ended: datetime


def spent_today(bills: Iterable[Bill], now: datetime) -> float:
    """Return the dollars that were spent since midnight UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return sum((cost(each.price, min(each.ended, now) - max(each.started, midnight)) for each in bills), 0.0)


def in_dollars(amount: float) -> str:
    """Return an amount of dollars as people read it: `$0.80`, `$1,200.00`."""
    return f"less than ${CENT:.2f}" if 0 < amount < CENT else f"${amount:,.2f}"


def at_most(amount: float) -> str:
    """Return an upper bound of dollars: `at most $0.80`, `less than $0.01`."""
    return in_dollars(amount) if 0 < amount < CENT else f"at most {in_dollars(amount)}"
