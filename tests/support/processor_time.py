"""How much of the processor something costs: on a busy machine the clock says nothing."""

from __future__ import annotations

import time
from collections.abc import Callable


def processor_seconds(function: Callable[[], object]) -> float:
    """Return the seconds of the processor that a call takes in this thread."""
    started = time.thread_time()
    function()
    return time.thread_time() - started
