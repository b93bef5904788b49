"""A stand-in for a model: it needs no weights, and gives answers that lm_eval can score."""

from __future__ import annotations

from typing import Any

from lm_eval.api.model import LM
from lm_eval.models.utils import normalize_gen_kwargs

A_TEXT = "The answer is (A) 1."


class StandIn(LM):  # type: ignore[misc]  # lm_eval carries no types.
    """Answers in place of a model, always with the same text or, with `is_right`, with the right answers."""

    def __init__(self, tasks: dict[str, Any]) -> None:
        super().__init__()
        self._tasks = tasks
        self.is_right = False

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        """Return different numbers, so that one is the likeliest."""
        for request in requests:
            context, continuation = request.args[:2]
            if not isinstance(context, str) or not isinstance(continuation, str) or not continuation:
                raise TypeError(f"a choice is {continuation!r}, but must be a text")
        return [(-1.0 - number % 5, number % 2 == 0) for number in range(len(requests))]

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = True) -> list[float]:
        """Return the log-probability of a text that is neither likely nor unlikely."""
        for request in requests:
            if not isinstance(request.args[0], str):
                raise TypeError(f"the text to rate is {request.args[0]!r}, but must be a text")
        return [-10.0 - number for number in range(len(requests))]

    def generate_until(self, requests: list[Any], disable_tqdm: bool = True) -> list[str]:
        """Return a fixed text or the right answers."""
        for request in requests:
            normalize_gen_kwargs(request.args[1])
        return [self._right_answer(request) if self.is_right else A_TEXT for request in requests]

    def _right_answer(self, request: Any) -> str:
        return wanted(self._tasks[request.task_name], request.doc)


def wanted(task: Any, doc: Any) -> str:
    """Return what the task considers the right answer to a question, as text."""
    answer = task.doc_to_target(doc)
    if isinstance(answer, list):
        answer = answer[0] if answer else ""
    if isinstance(answer, int) and getattr(task.config, "doc_to_choice", None) is not None:
        answer = task.doc_to_choice(doc)[answer]
    return str(answer)
