"""The Hub's client as both Spaces use it: calls that end, wait and are tried again, and errors as reasons."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from json import JSONDecodeError
from typing import Any, ParamSpec, TypeVar

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import (
    build_hf_headers,
    get_session,
    hf_raise_for_status,
    parse_ratelimit_headers,
)
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from ..process.steady import on_the_wall, steady_now
from ..times import Clock
from .budgets import ReadBudget

P = ParamSpec("P")
T = TypeVar("T")

TIMEOUT_SECONDS = 30.0
"""How long to wait for the next part of an answer. The client itself would wait forever."""

PATIENCE_SECONDS = 20.0
"""For how long a call that fails for a passing reason is begun again."""

BRIEF_PATIENCE_SECONDS = 1.0
"""The same while a person waits."""

READ_AT_ONCE = 16_384
"""Bytes of an answer of which only the beginning is wanted."""

PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Status codes after which another try may go well."""

CONFLICTS = (409, 412)
"""Status codes of a commit whose parent is no longer the head, or that collided with another one."""

HTTPError: type[Exception] = HfHubHTTPError.__mro__[1]
"""The base class of every failed call: httpx's or, with the client's version 2, httpx2's."""


class TooManyCalls(ConnectionError):
    """The Hub accepts no calls before a time of the steady clock that is too far away to wait for."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"the Hub's rate limit is used up until {on_the_wall(until):%H:%M:%S} UTC")
        self.until = until


FAILURES: tuple[type[Exception], ...] = (HTTPError, ConnectionError, TimeoutError, ValueError)
"""The errors of a call. ValueError means an answer that is not the Hub's, from a proxy for example."""

_jitter = wait_random_exponential(multiplier=0.5, max=8)


class Hub:
    """The Hub, or another server like it, under one token.

    `token_name` is what the owner knows the token by. `patience` is for how many seconds a failing call is
    tried again, `reads` how many files may be read. `sleep` is what waiting means in tests, `clock` is for
    intervals.
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        token_name: str = "HF_TOKEN",
        endpoint: str | None = None,
        patience: float = PATIENCE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        clock: Clock = steady_now,
        reads: ReadBudget | None = None,
    ) -> None:
        self.api = HfApi(endpoint=endpoint, token=token or False)
        self.token_name = token_name
        self._reads = reads or ReadBudget(clock=clock)
        self._clock = clock
        self._patience = patience
        self._sleep = sleep
        self._busy_until: datetime | None = None

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function that calls the Hub, and retry if needed.

        Raises one of FAILURES: the last one when patience runs out, and immediately if a retry would give the
        same. If the Hub asks for a longer wait, this and later calls raise TooManyCalls until then.
        """
        tries = Retrying(
            retry=retry_if_exception(is_passing),
            wait=_wait,
            stop=stop_after_delay(self._patience),
            sleep=self._sleep,
            reraise=True,
        )

        def one_try() -> T:
            if self._busy_until and self._clock() < self._busy_until:
                raise TooManyCalls(self._busy_until)
            _end_calls_in_time()
            try:
                return function(*args, **kwargs)
            except HfHubHTTPError as error:
                self._note_limit(error)
                raise

        return tries(one_try)

    def spend_reads(self, number: int) -> None:
        """Count this many files before they are read. Raises TooManyCalls if they are too many for now:
        others with this token, such as the backend, must read too.
        """
        until = self._reads.spend(number)
        if until:
            raise TooManyCalls(until)

    def get(self, address: str, *, most: int | None = None) -> bytes:
        """Return the content at an address of the Hub, or its first bytes. Raises one of FAILURES."""
        return self.call(self._get, address) if most is None else self.call(self._beginning, address, most)

    def _get(self, address: str) -> bytes:
        answer = get_session().get(address, headers=build_hf_headers(token=self.api.token))
        hf_raise_for_status(answer)
        return answer.content

    def _beginning(self, address: str, most: int) -> bytes:
        """Return the first bytes at an address. Read no more than that, whatever is sent."""
        asked = {"Range": f"bytes=0-{most - 1}"}
        headers = build_hf_headers(token=self.api.token, headers=asked)
        with get_session().stream("GET", address, headers=headers) as answer:
            if answer.status_code == 416:  # an empty file has no first bytes
                return b""
            if not answer.is_success:
                answer.read()  # for the error's message
            hf_raise_for_status(answer)
            data = b""
            for part in answer.iter_bytes(READ_AT_ONCE):
                data += part
                if len(data) >= most:
                    break
        return data[:most]

    def _note_limit(self, error: HfHubHTTPError) -> None:
        wait = requested_wait(error)
        if wait is not None and wait > PATIENCE_SECONDS:
            self._busy_until = self._clock() + timedelta(seconds=wait)
            raise TooManyCalls(self._busy_until) from error


def brief_hub(token: str | None, *, token_name: str = "HF_TOKEN") -> Hub:
    """Return a client for somebody who waits for the answer and can ask again."""
    return Hub(token, token_name=token_name, patience=BRIEF_PATIENCE_SECONDS)


def status_of(error: Exception) -> int | None:
    """Return the status code of a failed call's answer, or None if there was no answer."""
    return error.response.status_code if isinstance(error, HfHubHTTPError) else None


def is_passing(error: BaseException) -> bool:
    """Return whether a retry may soon succeed: the Hub or the network is busy."""
    if isinstance(error, HfHubHTTPError):
        return status_of(error) in PASSING
    if isinstance(error, OfflineModeIsEnabled | TooManyCalls):
        return False
    return isinstance(error, (HTTPError, ConnectionError, TimeoutError, JSONDecodeError))


def requested_wait(error: BaseException | None) -> float | None:
    """Return the seconds that the Hub asks us to wait, plus one because it rounds, or None if it does not
    ask.
    """
    if not isinstance(error, HfHubHTTPError) or error.response.status_code != 429:
        return None
    headers: Mapping[str, str] = error.response.headers
    limit = parse_ratelimit_headers(headers)
    if limit and limit.remaining == 0:
        return limit.reset_in_seconds + 1.0
    after = headers.get("Retry-After", "")
    return float(after) + 1 if after.isdigit() else None


RETRIED = "It will be retried automatically."
TRY_AGAIN = "Try again in a minute."


def reason(error: Exception, hub: Hub, again: str = RETRIED) -> str:
    """Return why a call failed and what to do, to follow a colon. `again` is for failures that pass."""
    status, name = status_of(error), hub.token_name
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set, so the Hub is not asked. Unset it."
    if isinstance(error, TooManyCalls):
        return f"{error}. {again}"
    if status is None and isinstance(error, ValueError):
        return f"the server at {hub.api.endpoint} is not the Hub; it may be a proxy. {again}"
    if status is None:
        return f"{hub.api.endpoint} cannot be reached. {again}"
    if status == 401 and hub.api.token:
        return f"the Hub does not accept the token in {name}. Create a new one and set it as {name}."
    if status == 401:
        return f"the Hub asks for a token. Create one and set it as {name}."
    if status == 403:
        return f"the token in {name} lacks the permission. Create one that has it and set it as {name}."
    if status == 429:
        return f"the Hub's rate limit is used up. {again}"
    if status in PASSING:
        return f"the Hub answers with an error ({status}). {again}"
    return f"the Hub refuses it ({status}): {_server_message(error)}"


def _server_message(error: Exception) -> str:
    """Return the Hub's own message on one line."""
    message = getattr(error, "server_message", None) or type(error).__name__
    return " ".join(str(message).split())[:300]


def _wait(state: RetryCallState) -> float:
    """Return the wait before a retry: as long as the Hub asks, or else growing and random, so that not all
    callers retry together.
    """
    wait = requested_wait(state.outcome.exception()) if state.outcome else None
    return _jitter(state) if wait is None else wait


def _end_calls_in_time() -> None:
    """Give every call of the client a timeout. Most of its functions set none and would wait forever."""
    hooks = get_session().event_hooks["request"]
    if _limit_time not in hooks:
        hooks.append(_limit_time)


def _limit_time(request: Any) -> None:
    """Set the timeouts of a request. The names are those of the HTTP library."""
    limits = request.extensions.get("timeout") or {}
    if not any(limits.values()):
        names = ("connect", "read", "write", "pool")
        request.extensions["timeout"] = dict.fromkeys(names, TIMEOUT_SECONDS)
