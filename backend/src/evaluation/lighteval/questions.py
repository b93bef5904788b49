"""Checks the questions of a built task for mistakes that lighteval would score without a word."""

from __future__ import annotations

from collections.abc import Callable

from lighteval.tasks.lighteval_task import LightevalTask
from lighteval.tasks.requests import Doc, SamplingMethod


def wrong_question(task: LightevalTask) -> str | None:
    """Return what is wrong with the first such question, as the end of a sentence; None if all are right."""
    if SamplingMethod.GENERATIVE in task.sampling_methods and not isinstance(task.stop_sequence, list):
        return "has no list of texts that end an answer (`stop_sequence`), without which lighteval fails"
    for doc in sorted(task.eval_docs(), key=lambda doc: int(doc.id)):
        for rule in RULES:
            if wrong := rule(task, doc):
                return f"has an invalid question, number {int(doc.id) + 1}: {wrong}"
    return None


def has_a_text(task: LightevalTask, doc: Doc) -> str | None:
    """The prompt is a text."""
    return None if isinstance(doc.query, str) else f"its `query` is {doc.query!r:.100}, which is not a text"


def has_no_picture(task: LightevalTask, doc: Doc) -> str | None:
    """A language model would be asked without the picture."""
    return "it shows a picture, which the models here do not see" if doc.images else None


def has_choices(task: LightevalTask, doc: Doc) -> str | None:
    """There is something to rate."""
    if SamplingMethod.LOGPROBS not in task.sampling_methods:
        return None
    if not doc.choices or not all(isinstance(each, str) and each for each in doc.choices):
        return f"its `choices` are {doc.choices!r:.100}, but have to be a list of texts"
    return None


def has_its_answer_among_the_choices(task: LightevalTask, doc: Doc) -> str | None:
    """lighteval counts an answer beyond the last choice as wrong for every model."""
    golds = doc.gold_index if isinstance(doc.gold_index, list) else [doc.gold_index]
    if SamplingMethod.LOGPROBS not in task.sampling_methods or doc.choices is None:
        return None
    if all(isinstance(gold, int) and 0 <= gold < len(doc.choices) for gold in golds):
        return None
    return f"its `gold_index` is {doc.gold_index!r:.100}, but there are {len(doc.choices)} choices"


RULES: list[Callable[[LightevalTask, Doc], str | None]] = [
    has_a_text,
    has_no_picture,
    has_choices,
    has_its_answer_among_the_choices,
]
