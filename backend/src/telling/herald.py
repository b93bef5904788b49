"""Tells the news in a thread of its own, so that the worker never waits for whoever is told."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Mapping
from threading import Condition, Thread

from src.shared.data.result import Result
from src.telling.comments import Comments
from src.telling.news import Kind, News
from src.telling.webhook import Webhook, plain

log = logging.getLogger(__name__)

MOST_WAITING = 200
"""How much news waits at most. Then the oldest is dropped."""

ENDS_WITHIN_SECONDS = 5.0
"""How long the end of the worker waits for news that is being told."""

DRAINED_ENDS_WITHIN_SECONDS = 120.0
"""The same for a worker that ends because its work is done: nobody waits for it to stop."""


class Herald:
    """Has news told to the webhook and as comments, whichever there are. Without both it does nothing."""

    def __init__(self, webhook: Webhook | None = None, comments: Comments | None = None) -> None:
        self._webhook, self._comments = webhook, comments
        self._waiting: deque[tuple[News, Result | None]] = deque()
        self._changed = Condition()
        self._is_closing = False
        self._thread: Thread | None = None
        self._telling: News | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nobody is to be told anything, whatever happens."""
        return self._webhook is None and self._comments is None

    def tell(self, news: Iterable[News], results: Mapping[str, Result]) -> None:
        """Have news told soon. `results` are by path. This returns at once, and never fails."""
        if self.is_idle:
            return
        for each in news:
            result = results.get(each.request.result or "") if each.request else None
            with self._changed:
                if len(self._waiting) >= MOST_WAITING:
                    log.warning("dropped news that nobody took: %s", self._waiting.popleft()[0].kind.value)
                self._waiting.append((each, result))
                self._changed.notify()
                if self._thread is None:
                    self._thread = Thread(target=self._run, name="herald", daemon=True)
                    self._thread.start()

    def close(self, within: float = ENDS_WITHIN_SECONDS) -> None:
        """Tell what waits, for so many seconds, and end. What is dropped then is logged."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        if not self._thread:
            return
        self._thread.join(within)
        with self._changed:
            dropped = [each for each in (self._telling, *(news for news, _ in self._waiting)) if each]
            self._waiting.clear()
        for news in dropped:
            log.warning("ended before this was told (%s): %s", news.kind.value, plain(news.sentence))

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closing)
                if not self._waiting:
                    return
                news, result = self._waiting.popleft()
                self._telling = news
            try:
                self._tell(news, result)
            except Exception:
                log.exception("could not tell what happened")
            with self._changed:
                self._telling = None

    def _tell(self, news: News, result: Result | None) -> None:
        if self._webhook:
            self._webhook.send(news)
        if self._comments and news.kind is Kind.REQUEST_ENDED and news.request and result:
            self._comments.publish(news.request, result)
