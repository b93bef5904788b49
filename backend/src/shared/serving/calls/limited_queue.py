"""Gradio's queue of events, with limits on everything it keeps: strangers may call as often as they like.

Gradio 5.50 remembers every event forever with everything that was sent. It recomputes statistics of all
events after each one, and notifies everybody in the queue of each event that begins. It stops for good if it
has forgotten the session of a waiting event.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from queue import Queue as ThreadQueue
from types import SimpleNamespace
from typing import Any

from gradio.block_function import BlockFunction
from gradio.exceptions import Error
from gradio.queueing import Event, Queue
from orjson import Fragment, dumps

MOST_WAITING = 500
"""The most events of one kind that wait. Further callers hear that the page is busy."""

MOST_REMEMBERED = 2000
"""Events and sessions that are remembered after they are done."""

MOST_UNREAD = 50
"""Messages that wait for one session to fetch them."""

MOST_UNREAD_BYTES = 200_000_000
"""The most bytes of answers that wait for all sessions. Beyond it, the sessions that fetched longest ago lose
theirs.
"""

MOST_OF_A_SESSION = 100
"""Events of one session whose answers it has not fetched."""

MOST_TASKS = 500
"""From this many tasks on, finished tasks are removed. Gradio would keep them."""

NO_FUNCTION, BUSY = "Which function?", "The page is busy. Try again in a minute."

Read = Callable[[BlockFunction, Sequence[object]], list[Any]]
"""Raises gr.Error for what a function cannot be called with."""

TELLS_SECONDS = 10.0
"""How often waiting callers hear that they wait: their page does not show it."""


class LimitedQueue(Queue):
    """The queue of one page, replacing an old one. `read` turns what was sent into a function's values.

    Other parts of Gradio read the mappings that are made here.
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
        self.pending_messages_per_session: Sessions = Sessions()  # type: ignore[assignment]
        self.event_ids_to_events = Events(_forgotten_event)
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
        if len(self.pending_event_ids_session.get(body.session_hash, ())) >= MOST_OF_A_SESSION:
            return False, BUSY, "queue_full"
        if len(self._asyncio_tasks) >= MOST_TASKS:
            self._asyncio_tasks[:] = [task for task in self._asyncio_tasks if not task.done()]
        body.event_data = None  # nothing here asks for it
        for sent in ("_body", "_json"):
            vars(request).pop(sent, None)
        return await super().push(body, request, username)

    def send_message(self, event: Event, event_message: Any) -> None:
        """Keep a message until it is fetched, unless nobody fetches any."""
        sessions = self.pending_messages_per_session
        if event.session_hash not in sessions or sessions.of(event.session_hash).qsize() >= MOST_UNREAD:
            event.alive = False
            return
        event_message.event_id = event._id
        if event.alive:
            unread = sessions.of(event.session_hash)
            unread.put_nowait(event_message)
            if unread.bytes:
                sessions.forget_the_oldest(event.session_hash)

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


class Events(Remembered):
    """The latest events. One that is forgotten is not remembered again, only because somebody asks for it."""

    def __missing__(self, key: str) -> Any:
        return self._empty()


class Unread(ThreadQueue[Any]):
    """The messages that wait for one session, and about how many `bytes` its answers have."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0
        self._sizes: deque[int] = deque()

    def _put(self, item: Any) -> None:
        self._sizes.append(_size(item))
        self.bytes += self._sizes[-1]
        super()._put(item)

    def _get(self) -> Any:
        self.bytes -= self._sizes.popleft()
        return super()._get()


class Sessions(dict[str, Unread]):
    """The messages that wait for each session. The session that fetched last comes last."""

    def __getitem__(self, key: str) -> Unread:
        unread = self.pop(key)
        super().__setitem__(key, unread)
        return unread

    def __setitem__(self, key: str, value: ThreadQueue[Any]) -> None:
        """Begin a session. Gradio brings a queue of its own for it, in which nothing is yet."""
        super().__setitem__(key, value if isinstance(value, Unread) else Unread())
        while len(self) > MOST_REMEMBERED:
            del self[next(iter(self))]

    def of(self, key: str) -> Unread:
        """Return the messages of a session without counting it as fetching."""
        return super().__getitem__(key)

    def forget_the_oldest(self, but: str) -> None:
        """Keep no more than may wait for all of them."""
        total = sum(unread.bytes for unread in self.values())
        for key, unread in list(self.items()) if total > MOST_UNREAD_BYTES else ():
            if total > MOST_UNREAD_BYTES and unread.bytes and key != but:
                del self[key]
                total -= unread.bytes


def _size(message: Any) -> int:
    """Return how many bytes a ready answer has; others are short."""
    output = getattr(message, "output", None)
    values = output.get("data") if isinstance(output, dict) else None
    return sum(len(dumps(each)) for value in values or () for each in _ready_in(value))


def _ready_in(value: object) -> Iterator[Fragment]:
    if isinstance(value, Fragment):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _ready_in(each)


def _forgotten_event() -> SimpleNamespace:
    return SimpleNamespace(run_time=0.0, signal=asyncio.Event())
