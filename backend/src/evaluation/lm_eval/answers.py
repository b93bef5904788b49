"""lm_eval's samples in the form in which they are published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from src.evaluation.reports.samples_file import Sample, score_of_a_sample


def published_samples(samples: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Sample]:
    """Yield the samples of each task of a report."""
    for task, answered in samples.items():
        for sample in answered:
            yield published_sample(task, sample)


def published_sample(task: str, sample: Mapping[str, Any]) -> Sample:
    """Return one sample.

    lm_eval has the arguments and responses of each request: one per choice, or one for a text.
    """
    requests, responses = sample["arguments"], [repeats[0] for repeats in sample["resps"]]
    writes = [each for repeats in sample["resps"] for each in repeats if isinstance(each, str)]
    rates = [] if writes else [each[0] if isinstance(each, tuple | list) else each for each in responses]
    return Sample(
        task=task,
        doc_id=sample["doc_id"],
        filter=sample["filter"],
        prompt=requests[0][0],
        choices=[each[1] for each in requests if len(each) > 1 and isinstance(each[1], str)],
        log_probabilities=rates,
        answers=writes,
        filtered=sample["filtered_resps"],
        target=sample["target"],
        doc=sample["doc"],
        scores={metric: score_of_a_sample(sample.get(metric)) for metric in sample["metrics"]},
    )
