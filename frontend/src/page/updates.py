"""What a function of the page returns, and how its events are made."""

from collections.abc import Callable
from typing import Any

import gradio as gr

Updates = dict[Any, Any]
"""New values or properties by component; a component that is not named stays as it is."""

Follow = Callable[[gr.Request, str], Updates]
"""What of the Submit tab follows the queue, for a visitor who has a request open."""

QUIETLY: dict[str, Any] = {"show_progress": "hidden", "show_api": False}
"""For an event that the page itself makes known, and programs need not know."""

AT_ONCE: dict[str, Any] = {**QUIETLY, "queue": False}
"""For an event that waits for nobody, such as another view of the table: its answer comes with the call.

A queued answer comes on a stream that the server closes when nothing is pending. Gradio 5.50 loses the answer
to an event that begins at that very moment: the table then shows what an older choice gave.
"""

SUBMISSIONS, LOOKUPS = "submissions", "lookups"

WAITING_FOR_A_COMMIT: dict[str, Any] = {"concurrency_limit": 150, "concurrency_id": SUBMISSIONS}
"""For events that wait for their common commit, which takes no thread: so many of all of them together. They
leave places in gradio's queue to the events that the page is made of.
"""

ASKING_THE_HUB: dict[str, Any] = {"concurrency_limit": 30, "concurrency_id": LOOKUPS}
"""For events that may wait for the Hub, in threads."""
