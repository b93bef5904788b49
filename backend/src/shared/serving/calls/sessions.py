"""Keeps Gradio's sessions small: every call by anybody makes one, and thousands are kept.

Gradio 5.50 describes all components of the page anew for each session, in 10 ms and 140 kB, for links to a
page's state that we do not serve. It also keeps each session's name, and each event number from a caller,
forever.
"""

from __future__ import annotations

from copy import copy
from datetime import datetime
from typing import Any

from gradio import route_utils
from gradio.components import State
from gradio.state_holder import SessionState, StateHolder
from starlette.exceptions import HTTPException

MOST_SESSIONS = 2000
"""The most sessions that are kept. A dropped session continues as after a restart of the Space."""

LONGEST_NAME = 100
"""Characters of a session's name; Gradio's own have some ten."""


def keep_sessions_small() -> None:
    """Have Gradio keep nothing but what the functions of a page need; for all pages of the process."""
    for name, change in CHANGES.items():
        setattr(SessionState, name, change)
    StateHolder.__getitem__ = _session  # type: ignore[method-assign]
    route_utils.call_process_api = _call_process_api


def _begin(session: Any, blocks: Any) -> None:
    session.blocks_config = copy(blocks.default_config)
    session.config_values = {}
    session.state_data = {}
    session._state_ttl = {}
    session.is_closed = False
    session.STATE_TTL_WHEN_CLOSED = 3600


def _keep(session: Any, key: int, value: Any) -> None:
    block = session.blocks_config.blocks.get(key)
    if isinstance(block, State):
        session._state_ttl[key] = (block.time_to_live, datetime.now())  # noqa: DTZ005  # as Gradio reads it
        session.state_data[key] = value
    else:
        session.blocks_config.blocks[key] = value


def _keep_no_config(session: Any, key: int, value: object = None) -> None:
    """Do nothing: nobody asks for a component's value later."""


CHANGES: dict[str, Any] = {
    "__init__": _begin,
    "__setitem__": _keep,
    "_update_config": _keep_no_config,
    "_update_value_in_config": _keep_no_config,
}


def _session(holder: StateHolder, name: str) -> SessionState:
    """The session of this name, which was used last from now on."""
    if len(name) > LONGEST_NAME:
        raise HTTPException(400, "That is not the name of a session.")
    with holder.lock:
        session = holder.session_data.pop(name, None) or SessionState(holder.blocks)
        holder.session_data[name] = session
        while len(holder.session_data) > MOST_SESSIONS:
            holder.session_data.popitem(last=False)
    return session


_original = route_utils.call_process_api


async def _call_process_api(app: Any, body: Any, *args: Any, **kwargs: Any) -> Any:
    """Gradio's own, for events that it has numbered itself."""
    active = (event._id for job in app.get_blocks()._queue.active_jobs for event in job or ())
    if body.event_id is not None and body.event_id not in active:
        body.event_id = None
    return await _original(app, body, *args, **kwargs)
