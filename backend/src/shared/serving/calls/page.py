"""A page whose functions are called with values of limited size, whether a call is listed or not.

Gradio lets anybody call any function of a page with anything: `fn_index` names it, whatever `show_api` says.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Collection, Sequence
from copy import copy
from importlib.util import find_spec
from typing import Any, NoReturn

import gradio as gr
from anyio import CapacityLimiter
from gradio.block_function import BlockFunction
from gradio.blocks import Block
from gradio.state_holder import SessionState
from starlette.exceptions import HTTPException

from .delivered import reader
from .limited_queue import BUSY, MOST_WAITING, LimitedQueue, Remembered
from .quietly import NO_FUNCTION
from .sessions import keep_sessions_small
from .slots import leave_slot

log = logging.getLogger(__name__)

COMPUTING_AT_ONCE = 2
"""How many computing functions run at once. Python computes one thing at a time, so more threads would only
slow down everything else on the server.
"""

WAITING_AT_ONCE = 30
"""Of one kind of function that waits, where no limit is given."""

TRACEBACK_SECONDS = 60.0
"""How often an error of ours is logged with its traceback. Strangers could repeat it again and again."""

NOT_CALLABLE = "This cannot be called directly."
TOO_LITTLE = "Too few values were sent."
OUR_MISTAKE = "Something went wrong here. Try again, or tell the leaderboard's owner."


class Page(gr.Blocks):
    """A page that takes limited values and resources from callers of its functions.

    `waiting` are the concurrency ids of functions that mostly wait, for the Hub or for each other.
    """

    def __init__(self, *args: Any, waiting: Collection[str] = (), **kwargs: Any) -> None:
        keep_sessions_small()
        search_for_matplotlib_once()
        super().__init__(*args, **kwargs)
        self._waiting = waiting
        self._places: dict[str, CapacityLimiter] = {}
        self._computing: CapacityLimiter | None = None  # made at the first call: it belongs to the event loop
        self._logged = -TRACEBACK_SECONDS
        self.pending_streams = Remembered(dict)  # type: ignore[assignment]
        self.pending_diff_streams = Remembered(dict)  # type: ignore[assignment]

    def queue(self, *args: Any, **kwargs: Any) -> Page:
        """As Gradio's, with an end to what it keeps."""
        super().queue(*args, **kwargs)
        self._queue = LimitedQueue(self._queue, self.delivered)
        self.default_config.fns = _Functions(self.default_config.fns)
        return self

    def delivered(self, fn: BlockFunction, values: Sequence[object]) -> list[Any]:
        """Return the values for a function's inputs, and None in the place of what a session holds itself.

        Raises gr.Error for too few.
        """
        if not fn.fn:
            _refuse(NOT_CALLABLE)
        if len(values) < len(fn.inputs):
            _refuse(TOO_LITTLE)
        readers = [reader(component) for component in fn.inputs]
        return [read(value) if read else None for read, value in zip(readers, values, strict=False)]

    async def preprocess_data(
        self,
        block_fn: BlockFunction,
        inputs: list[Any],
        state: SessionState | None,
        explicit_call: bool = False,
    ) -> list[Any]:
        """The values that a function is called with."""
        values = self.delivered(block_fn, inputs)
        state = state or SessionState(self)
        return [
            state[component._id] if component.stateful else value
            for component, value in zip(block_fn.inputs, values, strict=True)
        ]

    async def postprocess_data(
        self, block_fn: BlockFunction, predictions: list[Any] | dict[Any, Any], state: SessionState | None
    ) -> list[Any]:
        """Send only the changed outputs of a function. Gradio would make each unchanged component anew."""
        if not isinstance(predictions, dict) or not all(isinstance(key, Block) for key in predictions):
            return await super().postprocess_data(block_fn, predictions, state)
        answered = {component._id for component in predictions}
        function = copy(block_fn)
        function.outputs = [output for output in block_fn.outputs if output._id in answered]
        values = await super().postprocess_data(function, predictions, state) if predictions else []
        changes = {output._id: value for output, value in zip(function.outputs, values, strict=True)}
        return [
            changes.get(output._id, None if output.stateful else {"__type__": "update"})
            for output in block_fn.outputs
        ]

    async def process_api(self, block_fn: BlockFunction | int, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Call a function and answer. Log an error of ours with its traceback only now and then."""
        if kwargs.get("event_id") is None:  # of this one only the first answer is wanted, and nothing is kept
            kwargs["session_hash"] = None
        try:
            return await super().process_api(block_fn, *args, **kwargs)
        except (gr.Error, StopAsyncIteration):
            raise
        except Exception as error:
            name = getattr(block_fn, "name", block_fn)
            now = time.monotonic()
            if now - self._logged >= TRACEBACK_SECONDS:
                self._logged = now
                log.exception("could not answer a call of %s", name)
            else:
                log.warning("could not answer a call of %s: %s", name, type(error).__name__)
            raise gr.Error(OUR_MISTAKE, print_exception=False) from None

    async def call_function(self, block_fn: BlockFunction | int, *args: Any, **kwargs: Any) -> Any:
        """Call a function, when it is its turn if it only computes."""
        fn = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        if fn.concurrency_id in self._waiting:
            leave_slot()
            async with self._place_to_wait_in(fn):
                return await super().call_function(fn, *args, **kwargs)
        if self._computing is None:
            self._computing = CapacityLimiter(COMPUTING_AT_ONCE)
        async with self._computing:
            return await super().call_function(fn, *args, **kwargs)

    def _place_to_wait_in(self, fn: BlockFunction) -> CapacityLimiter:
        """For as many as may wait through the queue: calls that do not queue would take all threads.

        Raises gr.Error when too many want a place.
        """
        limit = fn.concurrency_limit if isinstance(fn.concurrency_limit, int) else WAITING_AT_ONCE
        places = self._places.setdefault(fn.concurrency_id, CapacityLimiter(limit))
        if places.statistics().tasks_waiting >= MOST_WAITING:
            _refuse(BUSY)
        return places


def search_for_matplotlib_once() -> None:
    """Gradio tries to import it twice for each call, and Python searches its whole path each time."""
    if find_spec("matplotlib") is None:
        sys.modules["matplotlib"] = None  # type: ignore[assignment]


class _Functions(dict[int, BlockFunction]):
    """The functions of a page by number. Callers also ask for numbers that do not exist."""

    def __missing__(self, number: int) -> NoReturn:
        raise HTTPException(404, NO_FUNCTION)


def _refuse(why: str) -> NoReturn:
    raise gr.Error(why, print_exception=False)
