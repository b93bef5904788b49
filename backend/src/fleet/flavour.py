"""A kind of machine that members of the fleet can run on, and for which sizes of models each costs least."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from math import floor

from src.inference.hardware import room
from src.running.memory import SHARE_FOR_WEIGHTS, SHARE_OF_MEMORY
from src.shared.data.dollars import cost
from src.shared.estimates.durations import Durations

UNKNOWN = timedelta(hours=1)
"""How long an evaluation is taken for while none has finished."""

MB_PER_GB = 1000

FIRST_GB, STEP, STEPS = 0.1, 1.5, 20
"""The sizes at which flavours are compared, besides those of which they are full."""


@dataclass(frozen=True)
class Flavour:
    """A kind of machine, by the name under which it is ordered."""

    name: str
    memory_gb: float
    """The memory of all its accelerators together, or without any of the machine."""
    price: float
    """Dollars an hour, billed from the start of a member to its end; 0 for hardware of one's own."""
    accelerators: int = 1
    """How many it has; 0 for a machine that computes on its processor."""

    @property
    def room(self) -> float:
        """The largest weights that it has room for, in GB."""
        share = SHARE_OF_MEMORY * SHARE_FOR_WEIGHTS
        return whole_mb(room(self.memory_gb) if self.accelerators else self.memory_gb * share)


def whole_mb(gb: float) -> float:
    """Round a size down to what names and commands of members can say: whole megabytes.

    Otherwise one that is started for a model at the edge of its band would leave that model alone.
    """
    return floor(round(gb * MB_PER_GB, 3)) / MB_PER_GB


@dataclass(frozen=True)
class Band:
    """Sizes of weights, in GB, for which a flavour costs least."""

    flavour: Flavour
    smallest: float
    largest: float


@dataclass(frozen=True)
class Costs:
    """The likely costs of evaluations on a flavour."""

    durations: Durations | None
    starts_in: timedelta
    """How long a member takes to start, which is paid for."""

    def of(self, gb: float | None, flavour: Flavour) -> float:
        """Return the dollars for evaluating weights of this size, with a member's start."""
        seconds = self.durations.of(gb, flavour.name).median if self.durations else UNKNOWN.total_seconds()
        return cost(flavour.price, self.starts_in + timedelta(seconds=seconds))


@lru_cache(maxsize=32)
def bands(flavours: tuple[Flavour, ...], costs: Costs) -> tuple[Band, ...]:
    """Return for which sizes which flavour costs least, the smallest sizes first.

    So large machines are kept for large models, except where one is so fast that it is cheaper. Where two
    cost the same, the smaller one is taken.
    """
    rooms = {each.room for each in flavours}
    steps = [whole_mb(FIRST_GB * STEP**number) for number in range(STEPS)]
    sizes = sorted(rooms | {gb for gb in steps if gb < max(rooms, default=0.0)})
    found: list[Band] = []
    for below, gb in zip([0.0, *sizes], sizes, strict=False):
        fitting = [each for each in flavours if each.room >= gb]
        best = min(fitting, key=lambda each: (costs.of(gb, each), each.room, each.name))
        if found and found[-1].flavour is best:
            found[-1] = replace(found[-1], largest=gb)
        else:
            found.append(Band(best, below, gb))
    return tuple(found)


def band_of(gb: float | None, found: Iterable[Band]) -> Band | None:
    """Return the band for weights of this size, or None if they are too large for all.

    For an unknown size it is the first: to try a model on the cheapest machine costs least, and most models
    whose size the Hub does not know are old and small.
    """
    return next((band for band in found if gb is None or gb <= band.largest), None)
