"""What the page's functions return, and how its events are set up."""

from collections.abc import Callable
from typing import Any

import gradio as gr

Updates = dict[Any, Any]
"""New values or properties by component. Other components stay unchanged."""

Follow = Callable[[gr.Request, str], Updates]
"""Updates the parts of the Submit tab that follow the queue, for a visitor with a request open."""

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
