"""The suite: which tasks this worker runs on every model, and how, in its engine's terms.

`python -m src.suite` tries it, as the worker does before it claims anything, and prints its problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.util import find_spec
from typing import NamedTuple

from src.running.arguments import DEFAULT_SEEDS, Arguments
from src.running.inference import Api, Inference
from src.shared.data.request import ADAPTER, ORIGINAL
from src.shared.errors import ConfigurationError

ENTRY = re.compile(r"\s*([^\s|]+)\s*(?:\|\s*(\d+)\s*)?")
"""`name` or `name|few-shot`."""

ENTRY_OF_LIGHTEVAL = re.compile(
    r"\s*(?:(?:[^\s|]+)\s*\|\s*(?=[^\s|]+\s*\|))?(?!\d+\s*(?:\||$))([^\s|]+)\s*(?:\|\s*(\d+)\s*(?:\|\s*[01]\s*)?)?"
)
"""`name`, `name|few-shot`, `suite|name|few-shot`, and the old template's `suite|name|few-shot|truncate`."""


class EngineName(StrEnum):
    """The programs that can evaluate."""

    LM_EVAL = "lm_eval"
    """EleutherAI's lm-evaluation-harness."""
    LIGHTEVAL = "lighteval"
    """Hugging Face's lighteval."""


PACKAGES = {
    EngineName.LM_EVAL: ("lm_eval", "transformers", "torch", "datasets"),
    EngineName.LIGHTEVAL: ("lighteval", "transformers", "torch", "datasets"),
}
"""The packages on whose versions the scores of an engine depend."""

COMPUTE = ("torch", "accelerate")
"""The packages that compute what a model answers."""

PEFT = "peft"
"""The package that puts adapters onto their base models."""

SETTINGS = (
    "gen_kwargs",
    "system_instruction",
    "fewshot_as_multiturn",
    "chat_template_name",
    "enable_thinking",
    "think_end_token",
    "max_length",
    "seeds",
    "metadata",
    "model_args",
    "bootstrap_iters",
)
"""The settings of a suite that change how any task is evaluated, or how exact its standard errors are."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What is run on every model."""

    engine: EngineName = EngineName.LM_EVAL
    """The program that evaluates."""
    tasks: tuple[str, ...]
    """Names of tasks, groups and tags. lighteval's include the number of examples: `gsm8k|5`."""
    tasks_dir: str
    """A folder of trusted task files, in addition to the engine's own collection."""
    num_fewshot: int | None = None
    """The number of examples for tasks that are not in `fewshot_by_task`; None means each task's own."""
    fewshot_by_task: Mapping[str, int] = field(default_factory=dict)
    limit: float | None = None
    """Questions per task, or a fraction of them below 1; None means all."""
    batch_size: str = "auto"
    """lm_eval's: a number, `auto` or `auto:N`."""
    bootstrap_iters: int = 100_000
    """Resamples for the standard error of metrics that have no formula for it."""
    device: str = "cpu"
    confirm_run_unsafe_code: bool = False
    """Whether tasks may execute code that the model writes."""
    publish_examples: bool = False
    """Whether to publish a question of each task with its answer."""
    save_samples: bool = False
    """Whether to keep every prompt with the model's answers."""
    adapters: bool = True
    """Whether adapters are evaluated too, each on its base model."""
    inference: Inference = Inference.LOCAL
    """Where models run."""
    inference_api: Api = Api.COMPLETIONS
    """Which routes of a server answer. Without effect where models run locally."""
    concurrency: int = 16
    """How many questions a server is asked at once."""
    most_empty: float = 0.01
    """The share of answers of a server that may be empty; with more, the evaluation counts as failed."""
    gen_kwargs: Arguments | None = None
    """How models write, in place of what each task says: lm_eval's `gen_kwargs`."""
    system_instruction: str | None = None
    """What every prompt begins with; the system's turn where the chat template is used."""
    fewshot_as_multiturn: bool | None = None
    """Whether examples are earlier turns of the conversation. None means where the chat template is used."""
    chat_template_name: str | None = None
    """Which of a model's chat templates to use, if it has several."""
    enable_thinking: bool | None = None
    """What the chat template is told about thinking; None tells it nothing."""
    think_end_token: str | None = None
    """What ends a model's thinking, a text or the number of a token. Only the text after it is the answer."""
    max_length: int | None = None
    """The most tokens that a model may see at once, if its own context is longer."""
    seeds: tuple[int | None, ...] = DEFAULT_SEEDS
    """Those of Python, NumPy, PyTorch and the choice of examples; None leaves one unset."""
    metadata: Arguments | None = None
    """What tasks that make their own questions are told: lm_eval's `metadata`."""
    model_args: Arguments | None = None
    """Further arguments of lm_eval's model; `running/arguments.py` lists them."""

    @property
    def settings(self) -> dict[str, object]:
        """Those of SETTINGS that are not at their default, by name; and where models run, if not here."""
        changed = {name: value for name in SETTINGS if (value := getattr(self, name)) != getattr(Suite, name)}
        if self.inference is Inference.LOCAL:
            return changed
        return {**changed, "inference": self.inference.value, "inference_api": self.inference_api.value}

    @property
    def weight_types(self) -> tuple[str, ...]:
        """The types of weights that are evaluated. Adapters need peft, which an owner may do without.

        Servers evaluate whole models only.
        """
        if self.inference is not Inference.LOCAL:
            return (ORIGINAL,)
        return (ORIGINAL, ADAPTER) if self.adapters and find_spec(PEFT) else (ORIGINAL,)

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages on whose versions the scores depend. A server does not compute with ours."""
        packages = PACKAGES[self.engine]
        return packages if self.inference is Inference.LOCAL else without_the_computing(packages)

    def fewshot(self, task: str) -> int | None:
        """Return the number of examples to request for a task; None means the task's own."""
        return self.fewshot_by_task.get(task, self.num_fewshot)


def without_the_computing(packages: Iterable[str]) -> tuple[str, ...]:
    """Return the packages that matter to a score where a server computes what the model answers."""
    return tuple(each for each in packages if each not in COMPUTE)


class NamedTasks(NamedTuple):
    """The tasks that the owner named, with their numbers of examples where given."""

    names: tuple[str, ...]
    fewshot_by_task: Mapping[str, int]


def read_tasks(named: object) -> NamedTasks:
    """Read `TASKS_HARNESS`: entries `name` or `name|few-shot`, as a list or separated by commas.

    Raises ConfigurationError for an invalid entry.
    """
    fewshot: dict[str, int | None] = {}
    for entry in _entries(named, "TASKS_HARNESS"):
        name, number = _read_entry(entry)
        if name in fewshot:
            raise ConfigurationError(f"TASKS_HARNESS names {name} twice: remove one of them.")
        fewshot[name] = number
    if not fewshot:
        raise ConfigurationError("TASKS_HARNESS names no task: write at least one, such as arc_challenge.")
    given = {name: number for name, number in fewshot.items() if number is not None}
    return NamedTasks(tuple(fewshot), given)


def _entries(named: object, setting: str) -> Iterable[object]:
    """Return the entries of a setting that names tasks. Raises ConfigurationError if it holds no list."""
    entries = [part for part in named.split(",") if part.strip()] if isinstance(named, str) else named
    if not isinstance(entries, Iterable):
        raise ConfigurationError(f"{setting} is {named!r}: write task names separated by commas.")
    return entries


def _read_entry(entry: object) -> tuple[str, int | None]:
    found = ENTRY.fullmatch(entry) if isinstance(entry, str) else None
    if not found:
        raise ConfigurationError(
            f"TASKS_HARNESS contains {entry!r}: write the name of an lm_eval task, or the name and a number "
            "of "
            "few-shot examples, such as arc_challenge|25."
        )
    name, number = found.groups()
    return name, None if number is None else int(number)


def read_tasks_of_lighteval(named: object, num_fewshot: int | None = None) -> NamedTasks:
    """Read `TASKS_LIGHTEVAL`, as a list or separated by commas, into lighteval's names: `task|few-shot`.

    lighteval ignores the suite of an older form, and no longer truncates examples. A task without a number
    has `num_fewshot` examples, or none. Raises ConfigurationError for an invalid entry.
    """
    fewshot: dict[str, int] = {}
    for entry in _entries(named, "TASKS_LIGHTEVAL"):
        found = ENTRY_OF_LIGHTEVAL.fullmatch(entry) if isinstance(entry, str) else None
        if not found:
            raise ConfigurationError(
                f"TASKS_LIGHTEVAL contains {entry!r}: write the name of a lighteval task and a number of "
                "few-shot examples, such as gsm8k|5."
            )
        task, number = found.groups()
        shots = int(number) if number else num_fewshot or 0
        name = f"{task}|{shots}"
        if name in fewshot:
            raise ConfigurationError(f"TASKS_LIGHTEVAL names {name} twice: remove one of them.")
        fewshot[name] = shots
    if not fewshot:
        raise ConfigurationError("TASKS_LIGHTEVAL names no task: write at least one, such as gsm8k|5.")
    return NamedTasks(tuple(fewshot), fewshot)
