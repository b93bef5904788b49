"""Runs work regularly in the background, whatever happens to the machine's clock."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Lock

from apscheduler.schedulers.background import BackgroundScheduler

from ..times import utc_now

log = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 5.0
"""How soon a leap of the clock is noticed."""


class SteadyScheduler(BackgroundScheduler):  # type: ignore[misc]  # it has no types
    """A scheduler that survives changes of the machine's clock, by which APScheduler plans.

    No job waits longer than its interval, and a leap ahead does not cause a run for each missed time.
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
    """Runs its work at once, then regularly, and sooner when woken; never twice at a time.

    If the work takes longer than the interval, missed times are skipped. An exception does not end the loop.
    """

    def __init__(self, work: Callable[[], None], every: timedelta) -> None:
        self._work = work
        self._every = every
        self._scheduler = SteadyScheduler(timezone="UTC")
        self._news = Event()
        self._working = Lock()

    def start(self) -> None:
        """Begin."""
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # otherwise it logs every run
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
        """Work now. If work is already running, work once more after it."""
        self._news.set()
        if self._scheduler.running:
            self._scheduler.add_job(self._run_if_news, misfire_grace_time=None)

    def stop(self, *, wait: bool = True) -> None:
        """Start no more work, and wait for the running work to end."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=wait)
        if wait:
            with self._working:
                pass

    def _wake_and_run(self) -> None:
        """Work, in this thread or in the one that is already working."""
        self._news.set()
        self._run_if_news()

    def _run_if_news(self) -> None:
        """Work until there is no news. If another thread is already working, it handles the news."""
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
