"""What the page's functions return, and how its events are set up."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from functools import wraps
from typing import Any, NamedTuple

import gradio as gr

from src.page import api, notices

log = logging.getLogger(__name__)

Updates = dict[Any, Any]
"""New values or properties by component. Other components stay unchanged."""

Follow = Callable[[gr.Request, str], Updates]
"""Updates the parts of the Submit tab that follow the queue, for a visitor with a request open."""

Doing = Callable[..., AsyncIterator[Updates]]
"""Does what a button is for, and yields what to show meanwhile and at the end."""

MOMENT = "One moment …"
"""What a button says while its work is done."""

QUIETLY: dict[str, Any] = {"show_progress": "hidden", "show_api": False}
"""Options of an event that only the page triggers, and whose progress it shows itself."""

AT_ONCE: dict[str, Any] = {**QUIETLY, "queue": False}
"""For an event that waits for nobody, such as another view of the table: its answer comes with the call.

A queued answer comes on a stream that the server closes when nothing is pending. Gradio 5.50 loses the answer
to an event that begins at that very moment: the table then shows what an older choice gave.
"""

SUBMISSIONS, LOOKUPS = "submissions", "lookups"

WAITING_FOR_A_COMMIT: dict[str, Any] = {"concurrency_limit": 150, "concurrency_id": SUBMISSIONS}
"""Options of events that wait for a common commit: this many of them together. Waiting takes no thread. The
limit leaves places in Gradio's queue to the events that the page consists of.
"""

ASKING_THE_HUB: dict[str, Any] = {"concurrency_limit": 30, "concurrency_id": LOOKUPS}
"""Options of events that may wait for the Hub, in threads."""


class Event(NamedTuple):
    """What an event calls, with which values, and what that may change."""

    function: Callable[..., Any]
    inputs: Sequence[Any]
    outputs: Sequence[Any]


def when_pressed(button: gr.Button, work: Event, ready: Event) -> None:
    """Connect a button, which waits while its work is done. Then, also after an error, it is made ready."""
    waits = button.click(lambda: gr.Button(MOMENT, interactive=False), None, button, **AT_ONCE)
    waits.then(*work, **WAITING_FOR_A_COMMIT, **QUIETLY).then(*ready, **AT_ONCE)


def telling(place: Any, work: Doing) -> Doing:
    """Return work that tells in this place, in a sentence, an error that nobody expected."""

    @wraps(work)
    async def told(*arguments: Any) -> AsyncIterator[Updates]:
        try:
            async for updates in work(*arguments):
                yield updates
        except Exception as error:
            log.exception("could not do what a button is for")
            yield {place: notices.answer(api.refusal(api.unexpected(error)))}

    return told
