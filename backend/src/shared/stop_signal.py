"""Told to end: by SIGTERM, as a Space is stopped, by Ctrl-C, or by a thread of the process's own."""

from __future__ import annotations

import signal
import socket
from contextlib import suppress

STOP = {signal.SIGTERM, signal.SIGINT}


class StopSignal:
    """Waits for a signal and misses none. Make it in the main thread; from then on signals end nothing else.

    Python runs a signal's handler between two instructions of its main thread. Were it to set an Event, a
    signal that comes after the last instruction before the wait would be handled after the wait, and so
    never. The interpreter itself writes each signal's number into a socket at once (`signal.set_wakeup_fd`),
    and that is what is waited for here.
    """

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in STOP:
            signal.signal(number, lambda *_: None)

    def send(self) -> None:
        """End the wait, from any thread."""
        with suppress(BlockingIOError):  # full of signals that nobody has read yet
            self._writer.send(bytes([signal.SIGTERM]))

    def wait(self) -> None:
        """Wait until the process is told to end, which it may have been already."""
        while STOP.isdisjoint(self._reader.recv(1)):
            pass
