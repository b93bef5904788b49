"""The answers of a trial as text for a terminal, from the files of samples that the child left."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from src.shared.errors import printable

SCORES = "scores."
"""How the columns of scores begin in a file of samples."""

BAR = "  │ "

LONGEST = 20_000
"""Characters of a prompt that are printed: the first half and the last half."""

MOST_CHOICES = 30

LIGHTEVAL_DOC = {"query", "choices", "specific"}
"""What a question of lighteval has."""


def read_samples(folder: Path) -> list[Mapping[str, Any]]:
    """Return the samples of all tasks in a folder, in the order of their questions."""
    rows = [row for file in sorted(folder.rglob("*.parquet")) for row in pq.read_table(file).to_pylist()]
    return sorted(rows, key=lambda row: (row["task"], row["doc_id"]))


def told(samples: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines about each question: what the model read, what it answered, what is compared."""
    for number, sample in enumerate(samples, start=1):
        named = f" with the filter {sample['filter']}" if sample["filter"] not in ("none", None) else ""
        yield f"Question {number} of {len(samples)}: number {sample['doc_id']} of {sample['task']}{named}"
        yield ""
        yield "The prompt, as the model reads it:"
        yield from boxed(sample["prompt"])
        yield from _answers(sample)
        yield from _right(sample)
        scores = _scores(sample)
        yield "Scores: " + (", ".join(f"{name} {value:g}" for name, value in scores.items()) or "none")
        yield ""


def _answers(sample: Mapping[str, Any]) -> Iterator[str]:
    rates, choices = sample["log_probabilities"], sample["choices"]
    if choices and rates:
        best = max(range(min(len(rates), len(choices))), key=lambda place: rates[place])
        yield "The answers that it rates (log-probability; the likeliest has a star):"
        for place, (text, rate) in enumerate(zip(choices, rates, strict=False)):
            if place == MOST_CHOICES:
                yield f"{BAR}and {len(choices) - MOST_CHOICES} more"
                break
            yield f"{BAR}{place} {'*' if place == best else ' '} {rate:10.3f}  {printable(repr(text))}"
        return
    if rates:
        yield f"The log-probability of the whole text: {', '.join(f'{rate:.3f}' for rate in rates)}"
        return
    for text in sample["answers"]:
        yield "It wrote:"
        yield from boxed(text)
    compared = _parsed(sample["filtered"])
    if compared not in (None, sample["answers"], *sample["answers"]):
        yield "What is compared:"
        yield from boxed(compared if isinstance(compared, str) else sample["filtered"])


def _right(sample: Mapping[str, Any]) -> Iterator[str]:
    """Yield the right answer. Of choices, it is mostly the number of one, or of several."""
    choices, target = _choices(sample), _parsed(sample["target"])
    numbers = target if isinstance(target, list) else [target]
    if choices and all(isinstance(each, int) and 0 <= each < len(choices) for each in numbers):
        texts = (f"{each}, {printable(repr(choices[each]))}" for each in numbers)
        yield f"The right answer: {' or '.join(texts)}"
    else:
        yield "The right answer:"
        yield from boxed(sample["target"] or "")


def _choices(sample: Mapping[str, Any]) -> Sequence[Any]:
    """Return what the number of an answer counts. lighteval has it with questions that a model writes to."""
    doc = _parsed(sample["doc"])
    if not sample["choices"] and isinstance(doc, dict) and doc.keys() == LIGHTEVAL_DOC:
        return list(doc["choices"] or ())
    return list(sample["choices"])


def _parsed(text: str | None) -> Any:
    """Return what a filter made of an answer: a text, or a list, which is mostly of one text."""
    try:
        value = json.loads(text or "null")
    except ValueError:
        return text
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _scores(sample: Mapping[str, Any]) -> dict[str, float]:
    return {
        name.removeprefix(SCORES): value
        for name, value in sample.items()
        if name.startswith(SCORES) and value is not None
    }


def means(samples: Sequence[Mapping[str, Any]]) -> str:
    """Return the mean of each metric over the questions, in words; empty without any."""
    values: dict[str, list[float]] = {}
    for sample in samples:
        for name, value in _scores(sample).items():
            values.setdefault(name, []).append(value)
    return ", ".join(f"{name} {sum(found) / len(found):.3g}" for name, found in values.items())


def boxed(text: str) -> Iterator[str]:
    """Yield the lines of a text with a line before each, so that blanks and ends can be seen."""
    if len(text) > LONGEST:
        half = LONGEST // 2
        text = f"{text[:half]}\n[… {len(text) - LONGEST:,} characters …]\n{text[-half:]}"
    for line in text.split("\n"):
        yield f"{BAR}{printable(line)}"
