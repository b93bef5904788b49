"""The description of what a backend runs: `.leaderboard/backend.yaml` in the results dataset."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated

import yaml
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, WrapValidator

from ..errors import BadFile
from .benchmark import metric_key
from .json_file import as_number
from .request_fields import MOST_DOLLARS_AN_HOUR, Price
from .run_settings import CHAT, LM_EVAL, LOCAL
from .yaml_file import read_yaml

FORMAT = 1
"""The version of the file format that is written."""

Number = Annotated[float | None, BeforeValidator(as_number)]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One score of a task."""

    key: str
    """Its key in the result files, metric and filter: `acc,none`."""
    higher_is_better: bool | None = None


MAX_EXAMPLE = 2_000
"""The most characters of a published question or answer. Longer ones are cut when they are read."""

MOST_SETTINGS = 30
MOST_DOLLARS_A_DAY = 24 * MOST_DOLLARS_AN_HOUR
LONGEST_SETTING = 20_000
"""The most characters of a setting's value as JSON: twice what the backend accepts."""

SETTING = re.compile(r"[a-z_]{1,40}", re.ASCII)


def _settings(given: object) -> Mapping[str, object]:
    """Return settings with short names and values of JSON. Raises ValueError for others."""
    if not isinstance(given, Mapping) or len(given) > MOST_SETTINGS:
        raise ValueError(f"it is not an object of at most {MOST_SETTINGS} settings")
    if not all(isinstance(name, str) and SETTING.fullmatch(name) for name in given):
        raise ValueError("the name of a setting is not in lower-case letters")
    try:
        written = {name: json.dumps(value, allow_nan=False) for name, value in given.items()}
    except (TypeError, RecursionError):
        raise ValueError("the value of a setting is not one of JSON") from None
    if any(len(text) > LONGEST_SETTING for text in written.values()):
        raise ValueError(f"the value of a setting has more than {LONGEST_SETTING:,} characters")
    return {name: json.loads(text) for name, text in written.items()}


Settings = Annotated[Mapping[str, object], BeforeValidator(_settings)]
Bounded = Annotated[str, BeforeValidator(lambda text: str(text)[:MAX_EXAMPLE])]


@dataclass(frozen=True, kw_only=True)
class Example:
    """A question of a task as a model sees it, with the examples before it, and the right answer."""

    question: Bounded = ""
    answer: Bounded = ""


@dataclass(frozen=True, kw_only=True)
class TaskDescription:
    """One task or group of tasks, as lm_eval's configuration files and the backend's settings define it.

    None means unknown, or different in the tasks of a group.
    """

    name: str
    kind: str | None = None
    """lm_eval's `output_type`."""
    metrics: tuple[Metric, ...] = ()
    num_fewshot: int | None = None
    """The number of examples that is used."""
    given_num_fewshot: int | None = None
    """The number of examples that lm_eval is given, if any. A task whose file sets 0 stays at 0."""
    version: str | None = None
    questions: int | None = None
    random_baseline: Number = None
    datasets: tuple[str, ...] = ()
    """The datasets that it reads from the Hub."""
    file: str | None = None
    """Begins with `include_path` for the leaderboard's own tasks, with `lm_eval/tasks` for lm_eval's."""
    subtasks: int | None = None
    """The number of tasks in a group."""
    parts: tuple[str, ...] = ()
    """The names of all tasks and groups in a group."""
    tag: str | None = None
    """The tag through which it is in the suite, where the suite does not name the task itself."""
    example: Example | None = None
    """Only if the owner publishes examples."""

    @property
    def entry(self) -> str:
        """Its name in the suite, which is what requests call it."""
        return self.tag or self.name

    def metric(self, name: str) -> Metric | None:
        """Return the metric of this name, found as scores are: `acc` also finds `acc,none`."""
        key = metric_key([each.key for each in self.metrics], name)
        return next((each for each in self.metrics if each.key == key), None)


@dataclass(frozen=True, kw_only=True)
class HardwareDescription:
    """A kind of machine that a fleet starts, and for which sizes."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    largest_gb: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """The largest weights, in GB, for which it is started: those above the kind before."""
    price: Price = None
    """Dollars an hour."""


@dataclass(frozen=True, kw_only=True)
class FleetDescription:
    """What a fleet may start, from which the frontend estimates when results are there."""

    max_workers: Annotated[int, Field(ge=1, le=1_000)]
    """How many workers run at once."""
    dollars_a_day: Annotated[float | None, Field(gt=0, le=MOST_DOLLARS_A_DAY)] = None
    """What they may cost in a day (UTC); None where hardware costs nothing."""
    hardware: Annotated[tuple[HardwareDescription, ...], Field(max_length=50)] = ()
    """The smallest first."""


def _or_nothing(given: object, read: Callable[[object], FleetDescription | None]) -> FleetDescription | None:
    """Return None for what no dispatcher writes: the rest of the description still counts."""
    try:
        return read(given)
    except ValidationError:
        return None


@dataclass(frozen=True, kw_only=True)
class BackendDescription:
    """What a backend runs, and how: everything that a row's command needs besides the row."""

    format: int = FORMAT
    engine: str = LM_EVAL
    """The program that evaluates: `lm_eval` or `lighteval`."""
    tasks: tuple[TaskDescription, ...]
    problems: tuple[str, ...] = ()
    """Sentences for the owner about tasks that cannot be evaluated."""
    limit: Number = None
    """The number or fraction of questions that every task is limited to; None means all."""
    settings: Settings = field(default_factory=dict)
    """The further settings of the suite that are not at their default, such as `gen_kwargs`, by name."""
    batch_size: str = "auto"
    device: str = "cpu"
    include_path: str = "tasks"
    precisions: tuple[str, ...] = ()
    weight_types: tuple[str, ...] = ()
    max_model_gb: Number = None
    """The largest weights in GB, in the precision of the request; None means no limit."""
    fleet: Annotated[FleetDescription | None, WrapValidator(_or_nothing)] = None
    """What is started on other machines; None without a fleet."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """The versions of packages, by name."""
    architectures: tuple[str, ...] = ()
    """The classes that transformers can load."""
    quantizations: tuple[str, ...] | None = None
    """The methods of quantized weights (`quant_method`) that the worker can load; None if unknown."""
    space: str | None = None
    """The Space that the backend runs in, if any."""
    queue_order: tuple[str, ...] = ()
    """The names of the rules of the queue's order."""
    version: str | None = None
    """The version of this template that the backend runs; None in files of 0.1."""
    tried: str | None = None
    """The fingerprint of the task files, settings and versions whose trial found no problem."""

    @property
    def inference(self) -> str:
        """Where models run: `local` (on the worker), `endpoint` (Inference Endpoints) or `server`."""
        given = self.settings.get("inference", LOCAL)
        return given if isinstance(given, str) else LOCAL

    @property
    def is_chat_only(self) -> bool:
        """Whether a server puts its own chat template around every prompt."""
        return self.inference != LOCAL and self.settings.get("inference_api") == CHAT


_ADAPTER = TypeAdapter(BackendDescription)
_KNOWN = {each.name for each in fields(BackendDescription)}


def description_from(raw: object) -> BackendDescription:
    """Return the description in a parsed file, without unknown keys. Raises BadFile if it is not one."""
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
    """Read the description in a file. Raises BadFile if it cannot be understood."""
    return description_from(read_yaml(data))


def write_description(description: BackendDescription) -> bytes:
    """Write a description as YAML that people can read: the same bytes for the same description."""
    value = _ADAPTER.dump_python(description, mode="json")
    return yaml.safe_dump(value, sort_keys=False, width=110).encode()
