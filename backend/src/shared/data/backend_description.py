"""What a backend runs: `.leaderboard/backend.yaml` of the results dataset, published for the frontend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated

import yaml
from pydantic import BeforeValidator, TypeAdapter, ValidationError

from ..errors import BadFile
from .benchmark import metric_key
from .json_file import as_number
from .yaml_file import read_yaml

FORMAT = 1
"""The version of the file format that is written."""

Number = Annotated[float | None, BeforeValidator(as_number)]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One score of a task: `key` is its key in the result files, metric and filter: `acc,none`."""

    key: str
    higher_is_better: bool | None = None


MAX_EXAMPLE = 2_000
"""Characters of a published question, or of its answer, at most; more are cut off when they are read."""

Bounded = Annotated[str, BeforeValidator(lambda text: str(text)[:MAX_EXAMPLE])]


@dataclass(frozen=True, kw_only=True)
class Example:
    """A question of a task as a model sees it, with the examples before it, and the right answer."""

    question: Bounded = ""
    answer: Bounded = ""


@dataclass(frozen=True, kw_only=True)
class TaskDescription:
    """One task or group of tasks, as lm_eval's configuration files and the backend's settings make it.

    `kind` is lm_eval's `output_type`. `num_fewshot` is the number of examples that is really used, and
    `given_num_fewshot` the one that lm_eval is told, if any: it keeps a task at 0 whose file says 0. `file`
    starts with `include_path` for the leaderboard's own tasks and with `lm_eval/tasks` for lm_eval's.
    `datasets` are those that it reads from the Hub. A group has `subtasks`, and `parts` are the names of all
    tasks and groups in it. What is unknown, or differs between the tasks of a group, is None.
    """

    name: str
    kind: str | None = None
    metrics: tuple[Metric, ...] = ()
    num_fewshot: int | None = None
    given_num_fewshot: int | None = None
    version: str | None = None
    questions: int | None = None
    random_baseline: Number = None
    datasets: tuple[str, ...] = ()
    file: str | None = None
    subtasks: int | None = None
    parts: tuple[str, ...] = ()
    example: Example | None = None
    """Only if the owner publishes examples."""

    def metric(self, name: str) -> Metric | None:
        """The metric of this name, found as scores are: `acc` is also `acc,none`."""
        key = metric_key([each.key for each in self.metrics], name)
        return next((each for each in self.metrics if each.key == key), None)


@dataclass(frozen=True, kw_only=True)
class BackendDescription:
    """What a backend runs, and how: all that a row's lm_eval command needs beside the row.

    `limit` is the number or the fraction of questions to which every task is cut short, `max_model_gb` the
    largest weights in their precision, in GB; None is no limit. `architectures` are the classes that
    transformers can load, `quantizations` the methods of quantized weights (`quant_method`) that the worker
    can load, None when unknown, `space` the Space that the backend is, None elsewhere. `queue_order` names
    the rules of the queue's order. `problems` are sentences for the owner about tasks that cannot be
    evaluated as they are.
    """

    format: int = FORMAT
    tasks: tuple[TaskDescription, ...]
    problems: tuple[str, ...] = ()
    limit: Number = None
    batch_size: str = "auto"
    device: str = "cpu"
    include_path: str = "tasks"
    precisions: tuple[str, ...] = ()
    weight_types: tuple[str, ...] = ()
    max_model_gb: Number = None
    versions: Mapping[str, str] = field(default_factory=dict)
    architectures: tuple[str, ...] = ()
    quantizations: tuple[str, ...] | None = None
    space: str | None = None
    queue_order: tuple[str, ...] = ()
    version: str | None = None
    """The version of this template that the backend runs; None in files of 0.1."""
    tried: str | None = None
    """The fingerprint of the task files, settings and versions that were tried without finding a problem."""


_ADAPTER = TypeAdapter(BackendDescription)
_KNOWN = {each.name for each in fields(BackendDescription)}


def description_from(raw: object) -> BackendDescription:
    """The description in a parsed file, unknown keys left out. Raises BadFile when there is none."""
    if not isinstance(raw, Mapping):
        raise BadFile("it is not a description of a backend: it does not hold an object")
    try:
        known = {key: value for key, value in raw.items() if key in _KNOWN and value is not None}
        return _ADAPTER.validate_python(known)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))[:100]
        raise BadFile(f"it is not a description of a backend: {where}: {first['msg']}") from None


def read_description(data: bytes) -> BackendDescription:
    """The description in a file. Raises BadFile when there is none to be understood."""
    return description_from(read_yaml(data))


def write_description(description: BackendDescription) -> bytes:
    """The file of a description: YAML that a person can read, the same bytes for the same description."""
    value = _ADAPTER.dump_python(description, mode="json")
    return yaml.safe_dump(value, sort_keys=False, width=110).encode()
