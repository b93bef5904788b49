"""What ties a process to the one that started it: a pipe whose other end only that one holds."""

from __future__ import annotations

import os
import signal
from threading import Thread

PIPE_BYTES = 4096


def end_with(pipe: int) -> None:
    """Kill this process, which leads a group, and all that it started, as soon as the pipe ends: then nobody
    holds its other end any more. It works in a thread of its own, and outlives nothing.
    """
    Thread(target=_kill_at_the_end_of, args=(pipe,), daemon=True).start()


def _kill_at_the_end_of(pipe: int) -> None:
    while os.read(pipe, PIPE_BYTES):
        pass
    os.killpg(0, signal.SIGKILL)
