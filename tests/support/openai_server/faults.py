"""What goes wrong on demand, while the server runs: whole calls that fail, and answers that are wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """One way in which a call fails."""

    UNAVAILABLE = "unavailable"
    """503."""
    SERVER_ERROR = "server error"
    """500."""
    RATE_LIMITED = "rate limited"
    """429, with a Retry-After of one second."""
    SLOW = "slow"
    """The right answer, two seconds late."""
    HANG = "hang"
    """No answer, until the client gives up."""
    DRIP = "drip"
    """An answer that begins, and goes on for ever with a byte each tenth of a second."""
    DROP = "drop"
    """The connection breaks without an answer."""
    HUGE = "huge"
    """An answer of 256 MiB."""
    INVALID_JSON = "invalid json"
    """Half of the answer, with 200."""
    MOVED = "moved"
    """302 to another address."""

    NULL = "null"
    """An answer whose text is null."""
    EMPTY = "empty"
    """An answer whose text is empty."""
    FILTERED = "filtered"
    """An answer that ended because a filter stopped it: `content_filter`."""
    NO_LOGPROBS = "no logprobs"
    """`logprobs` is null, although they were asked for: as a server that has none."""
    SHORT_LOGPROBS = "short logprobs"
    """The last token's log-probability is missing."""
    NAN_LOGPROB = "nan logprob"
    """A log-probability is NaN: the last but one, which is of the prompt where it is echoed."""
    POSITIVE_LOGPROB = "positive logprob"
    """The same one is 0.5."""
    NO_CHOICES = "no choices"
    """The list of choices is empty."""
    OTHER_MODEL = "other model"
    """Another model's name: in `/v1/models`, and in answers."""


@dataclass
class Order:
    """The `next` calls of a route fail, or one in `every`. None means any route."""

    fault: Fault
    route: str | None
    next: int | None
    every: int | None
    met: int = 0

    def strikes(self, route: str) -> bool:
        """Whether a call that comes in now fails. Counts it."""
        if self.route not in (None, route):
            return False
        self.met += 1
        return self.met <= self.next if self.next is not None else self.met % (self.every or 1) == 0


class Faults:
    """The faults that were ordered."""

    def __init__(self) -> None:
        self._orders: list[Order] = []

    def order(
        self, fault: str, route: str | None = None, next: int | None = None, every: int | None = None
    ) -> None:
        """Let calls fail from here on: all of them, the `next` ones, or one in `every`."""
        self._orders.append(Order(Fault(fault), route, next, every))

    def clear(self) -> None:
        """Let nothing fail any more."""
        self._orders = []

    def choose(self, route: str) -> Fault | None:
        """The fault of a call that comes in now."""
        struck = [order.fault for order in self._orders if order.strikes(route)]
        return struck[0] if struck else None


def spoiled(answer: dict[str, Any], fault: Fault | None) -> dict[str, Any]:
    """The answer with what is wrong in it; as it is, if the fault is none of an answer's."""
    if fault == Fault.NO_CHOICES and "choices" in answer:
        return {**answer, "choices": []}
    if fault == Fault.OTHER_MODEL and "data" in answer:
        return {**answer, "data": [{**each, "id": "other/model"} for each in answer["data"]]}
    if fault == Fault.OTHER_MODEL:
        return {**answer, "model": "other/model"}
    if fault in SPOILERS and "choices" in answer:
        for choice in answer["choices"]:
            SPOILERS[fault](choice)
    return answer


def write_text(text: str | None) -> Callable[[dict[str, Any]], None]:
    """Put a text in the place of what the model wrote."""

    def spoil(choice: dict[str, Any]) -> None:
        if "message" in choice:
            choice["message"]["content"] = text
        else:
            choice["text"] = text

    return spoil


def write_last(value: float) -> Callable[[dict[str, Any]], None]:
    """Put a number in the place of the last log-probability but one, which is of an echoed prompt."""

    def spoil(choice: dict[str, Any]) -> None:
        if choice["logprobs"]:
            numbers = choice["logprobs"]["token_logprobs"]
            numbers[-2 if len(numbers) > 2 else -1] = value

    return spoil


def filter_answer(choice: dict[str, Any]) -> None:
    choice["finish_reason"] = "content_filter"


def drop_logprobs(choice: dict[str, Any]) -> None:
    choice["logprobs"] = None


def shorten_logprobs(choice: dict[str, Any]) -> None:
    if choice["logprobs"]:
        choice["logprobs"] = {name: values[:-1] for name, values in choice["logprobs"].items()}


SPOILERS: dict[Fault | None, Callable[[dict[str, Any]], None]] = {
    Fault.NULL: write_text(None),
    Fault.EMPTY: write_text(""),
    Fault.FILTERED: filter_answer,
    Fault.NO_LOGPROBS: drop_logprobs,
    Fault.SHORT_LOGPROBS: shorten_logprobs,
    Fault.NAN_LOGPROB: write_last(math.nan),
    Fault.POSITIVE_LOGPROB: write_last(0.5),
}


def json_text(answer: object) -> bytes:
    """JSON in which NaN may stand, as some servers write it."""
    return json.dumps(answer, ensure_ascii=False).encode()
