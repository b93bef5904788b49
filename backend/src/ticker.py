"""Ticks on a schedule, and at once when there is news; the outermost loop of the worker."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event

from apscheduler.schedulers.background import BackgroundScheduler

from src.shared.errors import LeaderboardError
from src.shared.times import utc_now

log = logging.getLogger(__name__)

JOB = "tick"


class Ticker:
    """Calls a tick every so often, never two at a time. A tick that fails is told and tried again, and never
    ends the worker.
    """

    def __init__(self, every: timedelta) -> None:
        self._scheduler = BackgroundScheduler(timezone="UTC")
        self._every = every
        self._news = Event()
        self.problem = ""
        self.last: datetime | None = None

    def start(self, tick: Callable[[], None]) -> None:
        """Begin, with the first tick at once."""
        logging.getLogger("apscheduler").setLevel(
            logging.ERROR
        )  # it warns of each tick that another one made superfluous
        self._scheduler.add_job(
            lambda: self._run(tick),
            "interval",
            seconds=self._every.total_seconds(),
            id=JOB,
            max_instances=1,
            coalesce=True,
            next_run_time=utc_now(),
        )
        self._scheduler.start()

    def wake(self) -> None:
        """Tick now; if a tick is under way, once more after it."""
        self._news.set()
        if self._scheduler.running:
            self._scheduler.modify_job(JOB, next_run_time=utc_now())

    def stop(self) -> None:
        """Tick no more; a tick that is under way ends first."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def _run(self, tick: Callable[[], None]) -> None:
        self._news.set()
        while self._news.is_set():
            self._news.clear()
            self._tick(tick)

    def _tick(self, tick: Callable[[], None]) -> None:
        try:
            tick()
            self.problem = ""
        except LeaderboardError as error:
            log.error("%s", error)
            self.problem = str(error)
        except Exception as error:
            log.exception("a tick failed")
            name = type(error).__name__
            self.problem = f"A tick failed with an unexpected error ({name}): see the log. It is tried again."
        self.last = utc_now()
