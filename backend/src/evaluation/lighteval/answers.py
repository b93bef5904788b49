"""lighteval's samples in the form in which they are published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lighteval.pipeline import Pipeline
from lighteval.tasks.requests import Doc

from src.evaluation.reports.samples_file import Sample, score_of_a_sample

Prompt = Callable[[Doc], str]
"""Returns what a model reads of a question, with the examples before it."""


def published_samples(pipeline: Pipeline, prompt: Prompt) -> Iterator[Sample]:
    """Yield the samples of each task that was evaluated."""
    for task, details in pipeline.evaluation_tracker.details_logger.details.items():
        for number, detail in enumerate(details):
            yield published_sample(task, number, detail, prompt)


def published_sample(task: str, number: int, detail: Any, prompt: Prompt) -> Sample:
    """Return one sample. lighteval numbers questions only as texts, so count them."""
    doc, response = detail.doc, detail.model_response
    return Sample(
        task=task,
        doc_id=number,
        prompt=prompt(doc),
        choices=[] if response.text else doc.choices,
        log_probabilities=[float(each) for each in response.logprobs or ()],
        answers=response.text,
        filtered=response.text_post_processed,
        target=doc.gold_index,
        doc={"query": doc.query, "choices": doc.choices, "specific": doc.specific},
        scores={metric: score_of_a_sample(value) for metric, value in detail.metric.items()},
    )
