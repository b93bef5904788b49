"""Ends a process on SIGTERM, which stops a Space, on Ctrl-C, or from one of its own threads."""

from __future__ import annotations

import logging
import os
import signal
from contextlib import suppress

log = logging.getLogger(__name__)

STOP = frozenset({signal.SIGTERM, signal.SIGINT})


class StopSignal:
    """Waits for SIGTERM, SIGINT or `send`, and misses none. Make it in the main thread. From then on these
    two signals only end the wait.

    An `Event` set by a handler is not enough. Python runs handlers between two instructions of its main
    thread. A handler that runs inside `Event.wait`, which holds the Event's lock, waits for the lock forever.
    A signal that arrives just before the thread blocks is not handled until it wakes, which is never. So this
    waits for the byte that the interpreter itself writes as a signal arrives (`signal.set_wakeup_fd`).
    `signal.sigwait` needs the signals blocked. Every child would inherit that, and SIGTERM would not end it.
    """

    def __init__(self) -> None:
        # Never closed: the interpreter may write until the process is gone.
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in STOP:
            signal.signal(number, lambda *_: None)  # without a Python handler no byte is written

    def send(self) -> None:
        """End the wait, from any thread."""
        with suppress(BlockingIOError):  # it is full of signals that nobody has read yet
            os.write(self._writer, bytes([signal.SIGTERM]))

    def wait(self) -> None:
        """Wait until the process must end. Return at once if the signal has already come."""
        while os.read(self._reader, 1)[0] not in STOP:
            pass
        log.info("told to end")
