"""Does something every so often in the background, whatever the machine's clock does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Lock

from apscheduler.schedulers.background import BackgroundScheduler

from ..times import utc_now

log = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 5.0
"""How soon after it a leap of the clock is noticed."""


class SteadyScheduler(BackgroundScheduler):  # type: ignore[misc]  # it has no types
    """APScheduler plans by the machine's clock. This one bears that somebody sets it: no job waits for longer
    than its interval, and what a leap ahead has left out is not counted through.
    """

    def _process_jobs(self) -> float:
        now = datetime.now(self.timezone)
        for job in self.get_jobs():
            interval = getattr(job.trigger, "interval", timedelta())  # a job that runs once has none
            if abs(job.next_run_time - now) > interval:
                job.modify(next_run_time=now)
        wait: float | None = super()._process_jobs()
        return LONGEST_WAIT_SECONDS if wait is None else min(wait, LONGEST_WAIT_SECONDS)


class Loop:
    """Does its work at once, then every so often, and sooner when it is woken; never twice at a time.

    Work that takes longer than that leaves out the times that it missed. An exception ends no loop.
    """

    def __init__(self, work: Callable[[], None], every: timedelta) -> None:
        self._work = work
        self._every = every
        self._scheduler = SteadyScheduler(timezone="UTC")
        self._news = Event()
        self._working = Lock()

    def start(self) -> None:
        """Begin."""
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # else it reports every run
        self._scheduler.add_job(
            self._wake_and_run,
            "interval",
            seconds=self._every.total_seconds(),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,  # late is better than not at all
            next_run_time=utc_now(),
        )
        self._scheduler.start()

    def wake(self) -> None:
        """Work now; if work is under way, once more after it."""
        self._news.set()
        if self._scheduler.running:
            self._scheduler.add_job(self._run_if_news, misfire_grace_time=None)

    def stop(self, *, wait: bool = True) -> None:
        """Begin no more work, and wait until what is under way ends."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=wait)
        if wait:
            with self._working:
                pass

    def _wake_and_run(self) -> None:
        """Work, in this thread or in the one that is at it."""
        self._news.set()
        self._run_if_news()

    def _run_if_news(self) -> None:
        """Work until there is no news. Who finds another thread at it leaves the news to that one."""
        while self._news.is_set() and self._working.acquire(blocking=False):
            try:
                while self._news.is_set():
                    self._news.clear()
                    self._run()
            finally:
                self._working.release()  # news that came just before this is seen by the outer loop

    def _run(self) -> None:
        try:
            self._work()
        except Exception:
            log.exception("%s failed; it will be retried", getattr(self._work, "__qualname__", "work"))
