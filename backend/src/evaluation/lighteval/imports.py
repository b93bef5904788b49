"""Imports lighteval's tasks without the downloads that some of them begin when they are imported."""

from __future__ import annotations

import socket
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

TINY_BENCHMARKS = "lighteval.tasks.tasks.tiny_benchmarks"
"""When imported, it downloads a pickle from GitHub, which its tasks would load."""


class NoDownload(ConnectionRefusedError):
    """A task's module wanted to connect to another machine while it was imported."""


@contextmanager
def importing_tasks() -> Iterator[None]:
    """Within the block, no module of a task connects anywhere, and an empty module replaces tinyBenchmarks.

    The process must have no other thread that needs the network.
    """
    sys.modules.setdefault(TINY_BENCHMARKS, ModuleType(TINY_BENCHMARKS))
    look_up = socket.getaddrinfo
    socket.getaddrinfo = _refuse
    socket.socket.connect = _refuse  # type: ignore[method-assign]  # It hides the inherited method.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are about lighteval's own code
            yield
    finally:
        socket.getaddrinfo = look_up
        del socket.socket.connect


def _refuse(*_args: Any, **_settings: Any) -> Any:
    raise NoDownload("nothing is downloaded while lighteval's tasks are imported")
