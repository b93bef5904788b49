"""Calls a server: retries while it is busy, reads no more than it should, and explains what fails."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Event
from weakref import finalize

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type
from tenacity.nap import sleep_using_event
from tenacity.wait import wait_random_exponential

from src.evaluation.errors import last_line
from src.evaluation.failures import Failed
from src.running.inference import Server
from src.running.job import End
from src.shared.errors import on_one_line

log = logging.getLogger(__name__)

BUSY = frozenset({408, 425, 429})
"""Answers after which the same call may succeed, besides the server's own errors."""

FIRST_REDIRECT, FIRST_ERROR, FIRST_OF_THE_SERVERS_ERRORS = 300, 400, 500

NOT_IMPLEMENTED, UNAVAILABLE = 501, 503
"""Two of the servers' errors: one lasts, the other is for a while, whatever the call."""

NOT_ALLOWED = frozenset({401, 402, 403})

LONGEST_QUOTE = 300
"""The most characters of a server's answer that a message quotes."""

MOST_BYTES_OF_AN_ERROR = 4_096

MODELS = "/models"
BYTES_OF_A_LIST = 4_000_000
"""The longest answer that is read of `/v1/models`."""

OWNER = "The leaderboard's owner has to"
NOT_THE_MODEL = "the model is not at fault."


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a server is waited for, in seconds."""

    connect: float = 20
    answer: float = 600
    """For one answer, besides the time that writing takes."""
    recovery: float = 600
    """From the first call that fails to the last that is tried in its place."""
    longest_pause: float = 60
    """Between two tries, whatever the server asks for."""
    errors: int = 5
    """How many times the server may fail on the same call while it lists its models: a number of times."""


class NoAnswer(Exception):
    """The server did not answer, or is busy. The same call may succeed later."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause
        """The seconds that the server asks us to wait."""


class ServersError(NoAnswer):
    """The server failed with an error of its own. The call may be the reason."""


class Unable(Exception):
    """The server fails on this call each time, and yet it is there. The message is the server's."""


class Refused(Exception):
    """The server refuses the call, and would refuse it again."""

    def __init__(self, status: int, quote: str) -> None:
        super().__init__(f"{status}: {quote}" if quote else str(status))
        self.status = status


class Calls:
    """The calls of one server. Several threads may use it at once."""

    def __init__(
        self, server: Server, token: str | None, *, concurrency: int, patience: Patience | None = None
    ) -> None:
        self._token = token
        self._patience = patience or Patience()
        self._given_up = Event()
        self.address = str(httpx.URL(server.url).copy_with(userinfo=b"", query=None, fragment=None))
        """The server's base address, for messages: without a login or a query."""
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {token}"} if token else {},
            follow_redirects=False,  # The token is for this server only.
            timeout=httpx.Timeout(60, connect=self._patience.connect, pool=None),
            limits=httpx.Limits(max_connections=concurrency),
        )
        finalize(self, self._client.close)

    def get(self, route: str, *, most_bytes: int) -> bytes:
        """Return what the server answers at a route below its base address. Raises `Failed` and `Refused`."""
        return self._persist("GET", route, None, most_bytes, self._patience.answer)

    def post(self, route: str, body: Mapping[str, object], *, most_bytes: int, seconds: float = 0) -> bytes:
        """Return what the server answers to a JSON body. `seconds` is the time that writing may take.

        Raises `Failed`, `Refused` if the server refuses this very body, and `Unable` if it fails on it.
        """
        content = json.dumps(body, ensure_ascii=True).encode()
        return self._persist("POST", route, content, most_bytes, self._patience.answer + seconds)

    def give_up(self) -> None:
        """Have every call that waits for the server end with an error, because one has failed."""
        self._given_up.set()

    def is_there(self) -> bool:
        """Ask once whether the server lists its models, which also keeps an idle one from being stopped."""
        try:
            self._call("GET", MODELS, None, BYTES_OF_A_LIST, self._patience.connect)
        except (NoAnswer, Refused, Failed) as error:
            log.info("the server at %s does not list its models: %s", self.address, error)
            return False
        return True

    def nonsense(self, what: str) -> Failed:
        """Return the failure of a server whose answer cannot be used."""
        return Failed(
            f"The server at {self.address} {what}. {OWNER} find out why, and whether it is an "
            f"OpenAI-compatible server; {NOT_THE_MODEL}",
            End.WORKER,
        )

    def quoted(self, text: str) -> str:
        """Return the beginning of a server's text, without line breaks, odd characters or our token."""
        if self._token:
            text = text.replace(self._token, "[token]")
        return on_one_line(text[:LONGEST_QUOTE])

    def _persist(
        self, method: str, route: str, content: bytes | None, most_bytes: int, seconds: float
    ) -> bytes:
        retrying = Retrying(
            retry=retry_if_exception_type(NoAnswer),
            stop=_Until(self._patience.recovery, self._given_up),
            wait=self._pause,
            sleep=sleep_using_event(self._given_up),
            reraise=True,
        )
        errors = 0

        def call() -> bytes:
            nonlocal errors
            try:
                return self._call(method, route, content, most_bytes, seconds)
            except ServersError as error:
                errors += content is not None and self.is_there()
                if errors < self._patience.errors:
                    raise
                raise Unable(str(error)) from error

        try:
            return retrying(call)
        except NoAnswer as error:
            raise Failed(
                f"The server at {self.address} does not answer any more ({error}).", End.UNREACHABLE
            ) from error

    def _call(self, method: str, route: str, content: bytes | None, most_bytes: int, seconds: float) -> bytes:
        timeout = httpx.Timeout(seconds, connect=self._patience.connect, pool=None)
        headers = {"Content-Type": "application/json"} if content is not None else {}
        ends_at = time.monotonic() + seconds
        try:
            with self._client.stream(
                method, f"{self.address}{route}", content=content, headers=headers, timeout=timeout
            ) as response:
                self._check(response, ends_at)
                body = _read(response, most_bytes, ends_at)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise NoAnswer(self.quoted(last_line(error))) from error
        if body is None:
            raise self.nonsense(f"answers with more than {most_bytes / 1_000_000:.0f} MB")
        return body

    def _check(self, response: httpx.Response, ends_at: float) -> None:
        """Raise an error unless this is an answer."""
        status = response.status_code
        if status < FIRST_REDIRECT:
            return
        if status < FIRST_ERROR:
            raise self.nonsense(f"answers with a redirect ({status}), which is not followed")
        body = _read(response, MOST_BYTES_OF_AN_ERROR, ends_at) or b""
        quote = self.quoted(_message(body))
        if status in NOT_ALLOWED:
            raise Failed(
                f"The server at {self.address} does not let this worker in ({status}). {OWNER} give "
                f"INFERENCE_TOKEN a token that may call it; {NOT_THE_MODEL}",
                End.WORKER,
            )
        is_servers_error = status >= FIRST_OF_THE_SERVERS_ERRORS and status != NOT_IMPLEMENTED
        if status in BUSY or is_servers_error:
            kind = ServersError if is_servers_error and status != UNAVAILABLE else NoAnswer
            raise kind(f"{status} {quote}".strip(), _retry_after(response))
        raise Refused(status, quote)

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        longest = self._patience.longest_pause
        asked = error.pause if isinstance(error, NoAnswer) else None
        growing = wait_random_exponential(
            multiplier=2 if isinstance(error, ServersError) else 0.5, max=longest
        )
        pause = growing(state) if asked is None else asked
        log.info("waiting %.1f s for the server: %s", min(pause, longest), error)
        return min(pause, longest)


class _Until:
    """Stops retrying some time after the first failure, or as soon as another call has failed for good."""

    def __init__(self, seconds: float, given_up: Event) -> None:
        self._seconds = seconds
        self._given_up = given_up
        self._ends_at: float | None = None

    def __call__(self, state: RetryCallState) -> bool:
        now = time.monotonic()
        if self._ends_at is None:
            self._ends_at = now + self._seconds
        return self._given_up.is_set() or now >= self._ends_at


def _read(response: httpx.Response, most_bytes: int, ends_at: float) -> bytes | None:
    """Return the body, or None if it is longer than `most_bytes`. Raises `NoAnswer` if it takes too long."""
    parts, size = [], 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > most_bytes:
            return None
        if time.monotonic() > ends_at:
            raise NoAnswer("its answer does not end")
    return b"".join(parts)


def _message(body: bytes) -> str:
    """Return the message in an error, which servers put at different places, or else its text."""
    text = body.decode(errors="replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    for name in ("error", "message", "detail"):
        if isinstance(found, dict) and name in found:
            found = found[name]
    return found if isinstance(found, str) else text


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that the server asks us to wait, if it does. It gives a number or a time."""
    given = response.headers.get("Retry-After", "")
    if given.isascii() and given.isdigit():
        return float(given[:9])
    try:
        return max(0.0, (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
