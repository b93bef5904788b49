"""How much of the processor something costs: on a busy machine the clock says nothing."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

NEXT_TO_NOTHING = 0.01
"""Seconds."""


def processor_seconds(function: Callable[[], object]) -> float:
    """Return the seconds of the processor that all threads of this process spend until a call returns.

    It is the least of three calls, fewer if one costs next to nothing: on a busy machine the processor has
    forgotten what the first needs. Nothing is collected meanwhile: what other tests have left is not the
    call's to pay for.
    """
    least = _seconds(function)
    for _ in range(2):
        if least > NEXT_TO_NOTHING:
            least = min(least, _seconds(function))
    return least


def _seconds(function: Callable[[], object]) -> float:
    gc.disable()
    started = time.process_time()
    try:
        function()
        return time.process_time() - started
    finally:
        gc.enable()
