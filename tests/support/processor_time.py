"""How much of the processor something costs: on a busy machine the clock says nothing."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def processor_seconds(function: Callable[[], object]) -> float:
    """Return the seconds of the processor that all threads of this process spend until a call returns.

    Nothing is collected meanwhile: what other tests have left is not the call's to pay for.
    """
    gc.disable()
    started = time.process_time()
    try:
        function()
        return time.process_time() - started
    finally:
        gc.enable()
