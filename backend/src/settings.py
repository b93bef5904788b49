"""The backend's settings as read at the start. Owners write them in envs.py."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from src.queue.lifecycle import LeaseTerms
from src.queue.retries import RetryTerms
from src.queue.shipped import SHIPPED_TASKS
from src.running.arguments import LONGEST, MODEL_ARGS, read_arguments, read_model_args, read_seeds
from src.running.suite import EngineName, Suite
from src.running.watch import GB
from src.shared.data.queue_order import DEFAULT
from src.shared.environment import Port, Positive
from src.shared.settings import CommonSettings, is_repo_id

FewShot = Annotated[int, Field(ge=0), "a whole number of at least 0"]
PositiveNumber = Annotated[int, Field(ge=1), "a whole number above 0"]
BootstrapIters = Annotated[int, Field(ge=100, le=10_000_000), "a whole number from 100 to 10,000,000"]
NotNegative = Annotated[float, Field(ge=0), "a number"]

BATCH_SIZE = re.compile(r"[1-9]\d{0,5}|auto(:[1-9]\d{0,5})?")
"""lm_eval's forms of a batch size: `8`, `auto`, and `auto:4`, which searches again four times."""


def _batch_size(text: str) -> str:
    if not BATCH_SIZE.fullmatch(text):
        raise ValueError(text)
    return text


BatchSize = Annotated[
    str, AfterValidator(_batch_size), "a whole number above 0, `auto`, or `auto:4` with such a number"
]


def _unless_empty(given: dict[str, object] | None) -> dict[str, object] | None:
    """Return None for no arguments, as for an empty text."""
    return given or None


Arguments = Annotated[dict[str, object] | None, AfterValidator(_unless_empty)]
GenKwargs = Annotated[
    Arguments,
    BeforeValidator(partial(read_arguments, setting="GEN_KWARGS")),
    "arguments such as `temperature=0.6,do_sample=true`, or a JSON object",
]
Metadata = Annotated[Arguments, BeforeValidator(partial(read_arguments, setting="METADATA")), "a JSON object"]
ModelArgs = Annotated[
    Arguments,
    BeforeValidator(read_model_args),
    f"arguments such as `add_bos_token=true`, with valid values of {', '.join(MODEL_ARGS)},",
]
Seeds = Annotated[
    tuple[int | None, ...],
    BeforeValidator(read_seeds),
    "a whole number, or four such as `0,1234,1234,1234` (of Python, NumPy, PyTorch and the examples),",
]


def _dataset(text: str) -> str:
    if not is_repo_id(text, slashes=1):
        raise ValueError(text)
    return text


Dataset = Annotated[str, AfterValidator(_dataset), "a dataset's name on the Hub, such as `acme/samples`,"]
Instruction = Annotated[str, Field(max_length=LONGEST), f"a text of at most {LONGEST:,} characters"]
Name = Annotated[str, Field(pattern=r"^[\w.-]{1,100}$"), "a name of letters, digits, `_`, `.` and `-`"]
ThinkEnd = Annotated[
    str, Field(min_length=1, max_length=100), "a text such as `</think>`, or the number of a token,"
]

Engine = Annotated[
    EngineName, BeforeValidator(lambda name: EngineName(str(name).strip())), "`lm_eval` or `lighteval`"
]

LeaseMinutes = Annotated[float, Field(gt=0, le=10_080), "a number of minutes, up to a week"]

SHARE_OF_MEMORY = 0.9
"""The share of the machine's memory for evaluations. The rest is for the worker."""

SHARE_FOR_WEIGHTS = 0.8
"""The share of an evaluation's memory that its weights may take."""


@dataclass(frozen=True)
class Settings(CommonSettings):
    """Each field is the setting of the same name in capitals. docs/configuration.md explains them."""

    engine: Engine = Suite.engine
    tasks_harness: object = ", ".join(SHIPPED_TASKS)
    tasks_lighteval: object = ", ".join(f"{task}|0" for task in SHIPPED_TASKS)
    tasks_dir: str = "tasks"
    num_fewshot: FewShot | None = None
    limit: Positive | None = None
    device: str = Suite.device
    batch_size: BatchSize = Suite.batch_size
    bootstrap_iters: BootstrapIters = Suite.bootstrap_iters
    confirm_run_unsafe_code: bool = Suite.confirm_run_unsafe_code
    publish_examples: bool = Suite.publish_examples
    save_samples: bool = Suite.save_samples
    samples_repo: Dataset | None = None
    samples_private: bool = True
    gen_kwargs: GenKwargs = None
    system_instruction: Instruction | None = None
    fewshot_as_multiturn: bool | None = None
    chat_template_name: Name | None = None
    enable_thinking: bool | None = None
    think_end_token: ThinkEnd | None = None
    max_length: PositiveNumber | None = None
    seeds: Seeds = Suite.seeds
    metadata: Metadata = None
    model_args: ModelArgs = None
    adapters: bool = Suite.adapters
    max_parallel: PositiveNumber | None = None
    max_hours: Positive = 24.0
    stuck_minutes: Positive = 60.0
    max_memory_gb: Positive | None = None
    max_model_gb: Positive | None = None
    free_disk_gb: NotNegative = 20.0
    max_attempts: PositiveNumber = RetryTerms.attempts
    queue_order: object = ", ".join(DEFAULT)
    worker_id: str | None = None
    gradio_server_port: Port = 7861
    refresh_rate: Positive = 60.0
    lease_minutes: LeaseMinutes = LeaseTerms.duration / timedelta(minutes=1)

    @property
    def devices(self) -> tuple[str, ...]:
        """Return the devices on which evaluations run."""
        return tuple(name.strip() for name in self.device.split(",") if name.strip()) or ("cpu",)

    @property
    def slots(self) -> int:
        """Return how many evaluations run at once: as set, or else one per device."""
        return self.max_parallel or len(self.devices)

    def memory_per_evaluation(self, available: int) -> int:
        """Return the bytes that one evaluation may use. `available` is the memory of the machine."""
        if self.max_memory_gb:
            return int(self.max_memory_gb * GB)
        return int(available * SHARE_OF_MEMORY / self.slots)

    def largest_model(self, memory: int) -> float | None:
        """Return the largest weights to accept, in GB; None for any size.

        As set, or else on a CPU what leaves enough memory for the rest.
        """
        if self.max_model_gb or set(self.devices) != {"cpu"}:
            return self.max_model_gb
        return memory * SHARE_FOR_WEIGHTS / GB

    @property
    def name_of_the_worker(self) -> str | None:
        """Return the name as set, or else the Space's. None means a name made from the host's."""
        return self.worker_id or self.space_id
