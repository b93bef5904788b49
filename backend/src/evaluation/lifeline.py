"""Ties a process to the one that started it, by a pipe whose other end only that one holds."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

PIPE_BYTES = 4096


def end_with(pipe: int) -> None:
    """Kill this process group as soon as the pipe ends, because nobody holds its other end any more.

    The process must lead its group. A daemon thread waits for the end.
    """
    Thread(target=_kill_at_the_end_of, args=(pipe,), daemon=True).start()


@contextmanager
def ending_with(pipe: int) -> Iterator[None]:
    """Within the block, kill this process group as soon as nobody holds the pipe's other end.

    The process must lead its group. Nothing is read from the pipe, and no thread is left after the block.
    """
    done, is_done = os.pipe()
    watcher = Thread(target=_kill_unless_done, args=(pipe, done), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        os.close(is_done)
        watcher.join()
        os.close(done)


def _kill_unless_done(pipe: int, done: int) -> None:
    ends = select.poll()
    for each in (pipe, done):
        ends.register(each, 0)  # a closed other end is always reported
    if done not in dict(ends.poll()):
        os.killpg(0, signal.SIGKILL)


def _kill_at_the_end_of(pipe: int) -> None:
    while os.read(pipe, PIPE_BYTES):
        pass
    os.killpg(0, signal.SIGKILL)
