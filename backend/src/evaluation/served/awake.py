"""Keeps a server awake during an evaluation: the Hub stops an endpoint that nobody calls for 15 minutes."""

from __future__ import annotations

import logging
from threading import Event, Thread
from weakref import ReferenceType, finalize, ref

from src.evaluation.served.calls import Calls

log = logging.getLogger(__name__)

SECONDS = 240.0
"""How often the server is called, besides the questions. Metrics and downloads can take longer than that."""


def keep_awake(calls: Calls) -> None:
    """Ask the server for its models every SECONDS, until nobody else uses these calls.

    Errors are ignored: the questions find them. The thread never holds up the end of the process.
    """
    is_over = Event()
    finalize(calls, is_over.set)
    Thread(target=_call, args=(ref(calls), is_over, SECONDS), name="keep awake", daemon=True).start()


def _call(calls: ReferenceType[Calls], is_over: Event, seconds: float) -> None:
    while not is_over.wait(seconds):
        if (found := calls()) is None:
            return
        try:
            found.is_there()
        except Exception:
            log.info("could not call the server to keep it awake", exc_info=True)
        del found
