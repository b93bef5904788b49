"""Ticks on a schedule, and at once when there is news; the outermost loop of the worker."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Lock

from apscheduler.schedulers.background import BackgroundScheduler

from src.shared.errors import LeaderboardError
from src.shared.times import utc_now

log = logging.getLogger(__name__)


LATE_AFTER = timedelta(minutes=5)
"""Longer than any tick should take: calls of the Hub have an end."""


class Ticker:
    """Calls a tick every so often, never two at a time. A tick that fails is told and tried again, and never
    ends the worker.
    """

    def __init__(self, every: timedelta) -> None:
        self._scheduler = BackgroundScheduler(timezone="UTC")
        self._every = every
        self._news = Event()
        self._ticking = Lock()
        self._work: Callable[[], None] = lambda: None
        self.problem = ""
        self.last: datetime | None = None
        self._started: datetime | None = None

    def start(self, tick: Callable[[], None]) -> None:
        """Begin, with the first tick at once."""
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # else it reports every tick
        self._work = tick
        self._started = utc_now()
        self._scheduler.add_job(
            self.run,
            "interval",
            seconds=self._every.total_seconds(),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,  # a late tick is better than none
            next_run_time=utc_now(),
        )
        self._scheduler.start()

    def is_on_time(self, last: datetime | None, now: datetime) -> bool:
        """Whether what happens at each tick, or before that the start, is no longer ago than it should be."""
        last = last or self._started
        return last is not None and now - last <= self._every + LATE_AFTER

    def wake(self) -> None:
        """Tick now; if a tick is under way, once more after it."""
        self._news.set()
        if self._scheduler.running:
            self._scheduler.add_job(self.run_if_news, misfire_grace_time=None)

    def stop(self) -> None:
        """Tick no more; a tick that is under way ends first."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def run(self) -> None:
        """Tick, in this thread or in the one that is at it."""
        self._news.set()
        self.run_if_news()

    def run_if_news(self) -> None:
        """Tick until there is no news. Who finds another thread at it leaves the news to that one."""
        while self._news.is_set() and self._ticking.acquire(blocking=False):
            try:
                while self._news.is_set():
                    self._news.clear()
                    self._tick(self._work)
            finally:
                self._ticking.release()  # news that came just before this is seen by the outer loop

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
