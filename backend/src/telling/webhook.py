"""The owner's webhook: each piece of news as one POST of a JSON object."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from src.shared.times import to_text, utc_now
from src.telling.news import News

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
PAUSES_SECONDS = (1.0, 5.0, 30.0)
"""The pauses before another try."""

LONGEST_PAUSE_SECONDS = 60.0
PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Status codes after which another try may go well."""

LONGEST_TEXT = 1_000
LONGEST_FACT = 2_000
"""The most characters of a text in the message. Strangers wrote the names of models, and what failed."""

HARMLESS = str.maketrans({"<": "‹", ">": "›", "@": "＠", "`": "'", "[": "［", "]": "］"})
"""Characters with which a chat would mention people, or make links."""

ADDRESS = re.compile(r"://|(?<=\bwww)\.", re.IGNORECASE)
"""By what a chat takes a text for an address."""


class Webhook:
    """Sends news to one address. The address often holds a secret, so it is in no message and no log.

    `sleep` is what waiting means in tests.
    """

    def __init__(
        self, url: str, *, board: str, worker: str, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._url = url
        self._board, self._worker = board, worker
        self._sleep = sleep
        self._client: httpx.Client | None = None  # made by the thread that uses it: it reads certificates

    @property
    def host(self) -> str:
        """The receiver's name, for the log."""
        return urlsplit(self._url).hostname or ""

    def send(self, news: News) -> bool:
        """Send it, and retry for a while. Return whether the receiver took it. Never raises an error.

        If an answer is lost, the receiver gets the same body again, with the same `id`.
        """
        body = self.body(news)
        for pause in (*PAUSES_SECONDS, None):
            answer = self._post(body)
            if answer is not None and answer.is_success:
                return True
            reason = "there was no answer" if answer is None else f"it answered {answer.status_code}"
            if pause is None or (answer is not None and answer.status_code not in PASSING):
                log.warning("could not tell %s what happened (%s): %s", self.host, news.kind.value, reason)
                return False
            self._sleep(max(pause, _asked(answer)))
        return False

    def _post(self, body: bytes) -> httpx.Response | None:
        """Send once. The answer's body is not read, and no redirect is followed."""
        headers = {"Content-Type": "application/json", "User-Agent": "leaderboard"}
        self._client = self._client or httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False)
        try:
            with self._client.stream("POST", self._url, content=body, headers=headers) as answer:
                return answer
        except (httpx.HTTPError, httpx.InvalidURL):
            return None

    def body(self, news: News) -> bytes:
        """Return the message. `text` and `content` are what chats such as Slack and Discord show."""
        text = plain(news.sentence)
        told: Mapping[str, object] = {
            "id": uuid4().hex,
            "event": news.kind.value,
            "time": to_text(utc_now()),
            "board": self._board,
            "worker": self._worker,
            **{name: _bounded(value) for name, value in news.facts.items()},
            "text": text,
            "content": text,
            "allowed_mentions": {"parse": []},
        }
        return json.dumps(told, ensure_ascii=False).encode()


def plain(text: str) -> str:
    """Return a text on one line, bounded, that mentions nobody and makes no link in a chat."""
    line = "".join(each if each.isprintable() else " " for each in text)
    return ADDRESS.sub(_harmless, line.translate(HARMLESS))[:LONGEST_TEXT]


def _harmless(found: re.Match[str]) -> str:
    """Return signs that look alike, but are no part of an address."""
    return found[0].translate({ord("/"): "∕", ord("."): "․"})


def _bounded(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()[:LONGEST_FACT]
    return [_bounded(each) for each in value] if isinstance(value, list) else value


def _asked(answer: httpx.Response | None) -> float:
    """Return the seconds that the receiver asks us to wait, within bounds."""
    after = answer.headers.get("Retry-After", "") if answer is not None else ""
    return min(float(after), LONGEST_PAUSE_SECONDS) if after.isascii() and after.isdigit() else 0.0
