"""How much of the processor something costs: on a busy machine the clock says nothing."""

from __future__ import annotations

import time
from collections.abc import Callable


def processor_seconds(function: Callable[[], object]) -> float:
    """Return the seconds of the processor that all threads of this process spend until a call returns."""
    started = time.process_time()
    function()
    return time.process_time() - started
