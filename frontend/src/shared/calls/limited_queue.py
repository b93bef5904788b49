"""Gradio's queue of events with an end to all that it keeps: whoever calls, calls as often as they like.

Gradio 5.50 remembers every event that there ever was with all that was sent, makes statistics of all of them
after each, tells everybody in the queue of each that begins, and ends for good when it has forgotten the
session of one that waits.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from queue import Queue as Unread
from types import SimpleNamespace
from typing import Any

from gradio.block_function import BlockFunction
from gradio.exceptions import Error
from gradio.queueing import Event, Queue

MOST_WAITING = 500
"""Events of one kind that wait for their turn; with more, who comes is told that the page is busy."""

MOST_REMEMBERED = 2000
"""Events and sessions that are remembered after they are done."""

MOST_UNREAD = 50
"""Messages that wait for one session to fetch them."""

NO_FUNCTION, BUSY = "Which function?", "The page is busy. Try again in a minute."

Read = Callable[[BlockFunction, Sequence[object]], list[Any]]
"""Raises gr.Error for what a function cannot be called with."""

TELLS_SECONDS = 10.0
"""How often those who wait are told so: their page does not show it."""


class LimitedQueue(Queue):
    """The queue of one page, in the place of an old one. `read` makes what was sent into a function's values.

    Other parts of Gradio look into the mappings that are made here.
    """

    def __init__(self, old: Queue, read: Read) -> None:
        super().__init__(
            live_updates=False,
            concurrency_count=old.max_thread_count,
            update_intervals=TELLS_SECONDS,
            max_size=None,
            blocks=old.blocks,
            default_concurrency_limit=old.default_concurrency_limit,
        )
        self._read = read
        self.event_ids_to_events = Remembered(_forgotten_event)
        self.event_analytics = Remembered(dict)
        self.pending_event_ids_session = Remembered(set)

    async def push(self, body: Any, request: Any, username: str | None) -> Any:
        """Let an event wait, if there is room, and keep no more of what was sent than is read."""
        if body.fn_index is None:
            return False, NO_FUNCTION, "error"
        function = self.blocks.fns[body.fn_index]
        line = self.event_queue_per_concurrency_id.get(function.concurrency_id)
        if line and len(line.queue) >= MOST_WAITING:
            return False, BUSY, "queue_full"
        try:
            body.data = self._read(function, body.data)
        except Error as error:
            return False, error.message, "error"
        body.event_data = None  # nothing here asks for it
        for sent in ("_body", "_json"):
            vars(request).pop(sent, None)
        return await super().push(body, request, username)

    def send_message(self, event: Event, event_message: Any) -> None:
        """Keep a message until it is fetched, unless nobody fetches any."""
        unread: Unread[Any] | None = self.pending_messages_per_session.get(event.session_hash)
        if unread is None or unread.qsize() >= MOST_UNREAD:
            event.alive = False
        else:
            super().send_message(event, event_message)

    def compute_analytics_summary(self, event_analytics: object) -> dict[str, Any]:
        """Make no statistics: nobody sees them."""
        return self.cached_event_analytics_summary

    async def reset_iterators(self, event_id: str) -> None:
        """Forget an event that is over in the last place as well."""
        await super().reset_iterators(event_id)
        if self.server_app:
            self.server_app.iterators_to_reset.discard(event_id)


class Remembered(OrderedDict[str, Any]):
    """The latest of many things, and in the place of one that is forgotten an empty one."""

    def __init__(self, empty: Callable[[], Any]) -> None:
        super().__init__()
        self._empty = empty

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        while len(self) > MOST_REMEMBERED:
            self.popitem(last=False)

    def __missing__(self, key: str) -> Any:
        self[key] = value = self._empty()
        return value


def _forgotten_event() -> SimpleNamespace:
    return SimpleNamespace(run_time=0.0, signal=asyncio.Event())
