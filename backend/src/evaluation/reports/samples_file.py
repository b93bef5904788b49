"""The file of a task's samples: each question with its prompt, the model's answers and their scores."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One question as a model answered it, with one filter."""

    task: str
    doc_id: int
    """The number of the question in its task."""
    filter: str = "none"
    prompt: str
    """What the model read, with the examples before the question."""
    choices: Sequence[str] = ()
    """The texts that it rated after the prompt."""
    log_probabilities: Sequence[float] = ()
    """Of each choice, or of the whole text."""
    answers: Sequence[str] = ()
    """What it wrote, before any filter."""
    filtered: Any = None
    """What the filter made of that."""
    target: Any = None
    """The right answer."""
    doc: Any = None
    """The question as its dataset has it."""
    scores: Mapping[str, float | None] = field(default_factory=dict)
    """By metric."""


TEXTS, NUMBERS = pa.list_(pa.string()), pa.list_(pa.float64())

COLUMNS = {
    "task": pa.string(),
    "doc_id": pa.int64(),
    "filter": pa.string(),
    "prompt": pa.string(),
    "choices": TEXTS,
    "log_probabilities": NUMBERS,
    "answers": TEXTS,
    "filtered": pa.string(),
    "target": pa.string(),
    "doc": pa.string(),
}
"""Columns whose values may be anything hold JSON as text, so that the files of all tasks have one form."""


def score_of_a_sample(score: Any) -> float | None:
    """Return the score of one sample; None if only many samples together have one."""
    try:
        return float(score)
    except (TypeError, ValueError, RuntimeError):  # a list, a text, an array of several
        return None


def samples_file(samples: Iterable[Sample]) -> bytes:
    """Return a Parquet file with a row for each sample, and the scores as columns `scores.METRIC`."""
    rows = [asdict(sample) for sample in samples]
    metrics = sorted({metric for row in rows for metric in row["scores"]})
    columns = {
        name: pa.array([_cell(kind, row[name]) for row in rows], kind) for name, kind in COLUMNS.items()
    }
    for metric in metrics:
        columns[f"scores.{metric}"] = pa.array([row["scores"].get(metric) for row in rows], pa.float64())
    file = BytesIO()
    pq.write_table(pa.table(columns), file, compression="zstd")
    return file.getvalue()


def _cell(kind: pa.DataType, value: Any) -> Any:
    if kind == TEXTS:
        return [_text(each) for each in value]
    return _text(value) if kind == pa.string() else value


def _text(value: Any) -> str:
    """Return a text as it is, and anything else as JSON. What is not Unicode becomes a question mark."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text.encode("utf-8", "replace").decode()
