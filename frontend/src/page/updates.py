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

SUBMISSIONS, LOOKUPS = "submissions", "lookups"

WAITING_FOR_A_COMMIT: dict[str, Any] = {"concurrency_limit": 150, "concurrency_id": SUBMISSIONS}
"""Options of events that wait for a common commit: this many of them together. Waiting takes no thread. The
limit leaves places in Gradio's queue to the events that the page consists of.
"""

ASKING_THE_HUB: dict[str, Any] = {"concurrency_limit": 30, "concurrency_id": LOOKUPS}
"""Options of events that may wait for the Hub, in threads."""
