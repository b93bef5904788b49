"""The backend's settings as read at the start. Owners write them in envs.py."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from src.fleet.kind import FleetKind
from src.fleet.own_machines import EXAMPLE, THIS_MACHINE, OwnMachine, read_machines
from src.fleet.situation import STOPS_WITHIN
from src.inference.options import (
    Place,
    check_encryption,
    is_this_machine,
    read_args,
    read_image,
    read_names,
    read_place,
)
from src.queue.lifecycle import LeaseTerms
from src.queue.retries import RetryTerms
from src.queue.shipped import SHIPPED_TASKS
from src.running.arguments import LONGEST, MODEL_ARGS, read_arguments, read_model_args, read_seeds
from src.running.inference import Api, Inference, Machine
from src.running.memory import SHARE_FOR_WEIGHTS, SHARE_OF_MEMORY
from src.running.suite import EngineName, Suite
from src.running.watch import GB
from src.shared.data.provenance import LONGEST_HARDWARE
from src.shared.data.queue_order import DEFAULT
from src.shared.data.request_fields import MOST_DOLLARS_AN_HOUR
from src.shared.environment import Port, Positive
from src.shared.errors import ConfigurationError
from src.shared.settings import TOKEN, CommonSettings, is_repo_id

FewShot = Annotated[int, Field(ge=0), "a whole number of at least 0"]
PositiveNumber = Annotated[int, Field(ge=1), "a whole number above 0"]
BootstrapIters = Annotated[int, Field(ge=100, le=10_000_000), "a whole number from 100 to 10,000,000"]
NotNegative = Annotated[float, Field(ge=0), "a number"]
DollarsPerHour = Annotated[
    float, Field(ge=0, le=MOST_DOLLARS_AN_HOUR), f"dollars an hour, from 0 to {MOST_DOLLARS_AN_HOUR:,}"
]

SLACK = timedelta(minutes=2)
"""How long a tick, and stopping what is rented, may take beside the time between two ticks."""

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


def _short_line(text: str) -> str:
    if not text.isprintable() or len(text) > LONGEST_HARDWARE:
        raise ValueError(text)
    return text


MachineName = Annotated[
    str, AfterValidator(_short_line), f"a name such as `a10g-small` of at most {LONGEST_HARDWARE} characters"
]
ThinkEnd = Annotated[
    str, Field(min_length=1, max_length=100), "a text such as `</think>`, or the number of a token,"
]

Engine = Annotated[
    EngineName, BeforeValidator(lambda name: EngineName(str(name).strip())), "`lm_eval` or `lighteval`"
]

ServerApi = Annotated[Api, BeforeValidator(lambda name: Api(str(name).strip())), "`completions` or `chat`"]
Share = Annotated[float, Field(ge=0, le=1), "a share from 0 to 1"]
Concurrency = Annotated[int, Field(ge=1, le=1_000), "a whole number from 1 to 1,000"]
LOCAL = Place()

Where = Annotated[Place, BeforeValidator(read_place)]
Names = Annotated[tuple[str, ...], BeforeValidator(read_names), "names such as `nvidia-l4, nvidia-a100-x2`"]
Image = Annotated[str, AfterValidator(read_image), "an image such as `vllm/vllm-openai:v0.23.0`"]
Words = Annotated[tuple[str, ...], BeforeValidator(read_args), "arguments such as `--max-model-len 8192`"]


def _check_receiver(text: str) -> None:
    """Raise ConfigurationError if this is no address of a webhook. It is not shown: it holds a secret."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigurationError(NO_RECEIVER) from None
    is_encrypted = parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(host))
    if not (host and is_encrypted and "@" not in parts.netloc and TOKEN.fullmatch(text)):
        raise ConfigurationError(NO_RECEIVER)


FleetName = Annotated[
    FleetKind,
    BeforeValidator(lambda name: FleetKind(str(name).strip())),
    "`jobs`, `slurm`, `local` or `off`",
]
SpaceName = Annotated[
    str, AfterValidator(_dataset), "the name of a Space on the Hub, such as `acme/backend`,"
]
Flavours = Annotated[tuple[str, ...], BeforeValidator(read_names), "names such as `l4x1, a100-large`"]
Machines = Annotated[tuple[OwnMachine, ...], BeforeValidator(read_machines), f"machines such as `{EXAMPLE}`"]
Workers = Annotated[int, Field(ge=1, le=1_000), "a whole number from 1 to 1,000"]
Minutes = Annotated[float, Field(gt=0, le=10_080), "a number of minutes, up to a week,"]
Hours = Annotated[float, Field(gt=0, le=8_784), "a number of hours, up to a year,"]
Seconds = Annotated[float, Field(gt=0, le=604_800), "a number of seconds, up to a week,"]


def _folder(text: str) -> str:
    try:
        Path(text).expanduser().resolve()
    except RuntimeError:  # of a user that there is not
        raise ValueError(text) from None
    return text


Folder = Annotated[str, AfterValidator(_folder), "a folder such as `~/leaderboard-fleet`"]

NO_RECEIVER = (
    "NOTIFY_URL is not the address of a webhook. Write one that begins with https://, without a login in it "
    "(on this machine also http://), or leave it unset."
)
COMMENTS_NEED_THE_HUB = (
    "COMMENT_ON_MODELS is true, but the data is in a local folder, where no models of the Hub are evaluated "
    "for a leaderboard. Set OWNER, or leave COMMENT_ON_MODELS unset."
)
NO_SIZE = "MIN_MODEL_GB is {:g} and MAX_MODEL_GB is {:g}, so no model is of a size to take. Lower the first."
NO_TOKEN = "INFERENCE_TOKEN holds characters that no token has. Copy it again from where it was created."
NOT_ITS_OWN_TOKEN = (
    "INFERENCE_TOKEN is the same token as HF_TOKEN or HF_READ_TOKEN, but evaluations hold it. Create "
    "another one, which may only make calls to Inference Endpoints."
)
NOT_ON_THE_HUB = (
    "INFERENCE is `endpoint`, but the data is in a local folder, and endpoints load models from the Hub. "
    "Set OWNER, or leave INFERENCE unset."
)
TWO_TOKENS = (
    "INFERENCE is `endpoint`, which needs two secrets: HF_TOKEN, which may manage Inference Endpoints, and "
    "INFERENCE_TOKEN, which may only make calls to them. docs/engines.md says how to create them."
)

NO_MACHINES = (
    "FLEET is `slurm`, but FLEET_MACHINES is not set, and no cluster says how large models may be. "
    f"Describe them, such as `{EXAMPLE}`."
)
OPTIONS_OF_A_CLUSTER = (
    "FLEET is `local`, but FLEET_MACHINES has options of sbatch for {}. Remove them, or set FLEET to `slurm`."
)
UNKNOWN_MACHINES = (
    "FLEET_FLAVORS names {}, but the machines are {}. Name some of these, or leave FLEET_FLAVORS unset."
)
SIZES_FROM_THE_FLEET = (
    "MIN_MODEL_GB is set, but FLEET is `{}`, and the fleet gives each worker its sizes. Leave one of the two "
    "unset."
)
FLEET_OR_SERVER = (
    "FLEET is `{}`, so workers on other machines evaluate the models, but INFERENCE says that a server does. "
    "Leave one of the two unset."
)
NO_FLEET_TOKEN = "FLEET_TOKEN holds characters that no token has. Copy it again from where it was created."
NOT_THE_FLEETS_OWN = (
    "FLEET_TOKEN is the same token as HF_TOKEN or HF_READ_TOKEN, but jobs hold it. Create another one, which "
    "may only write the two datasets."
)


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
    inference: Where = LOCAL
    inference_api: ServerApi = Suite.inference_api
    inference_concurrency: Concurrency = Suite.concurrency
    inference_token: str | None = field(default=None, repr=False)
    max_empty_answers: Share = Suite.most_empty
    max_endpoints: PositiveNumber = 1
    max_dollars_per_day: Positive = 20.0
    endpoint_namespace: str | None = None
    endpoint_hardware: Names = ()
    endpoint_regions: Names = ()
    endpoint_image: Image = "vllm/vllm-openai:v0.23.0"
    endpoint_args: Words = ()
    endpoint_start_minutes: Minutes = 60.0
    inference_endpoints_url: str | None = None
    fleet: FleetName = FleetKind.OFF
    max_workers: Workers = 1
    fleet_flavors: Flavours = ()
    fleet_machines: Machines = ()
    fleet_folder: Folder = "~/leaderboard-fleet"
    fleet_start_minutes: Minutes = 30.0
    fleet_image: Image | None = None
    fleet_code: SpaceName | None = None
    fleet_namespace: Name | None = None
    fleet_token: str | None = field(default=None, repr=False)
    max_parallel: PositiveNumber | None = None
    hardware: MachineName | None = None
    dollars_per_hour: DollarsPerHour | None = None
    max_hours: Hours = 24.0
    stuck_minutes: Minutes = 60.0
    max_memory_gb: Positive | None = None
    max_model_gb: Positive | None = None
    min_model_gb: Positive | None = None
    free_disk_gb: NotNegative = 20.0
    max_attempts: PositiveNumber = RetryTerms.attempts
    notify_url: str | None = field(default=None, repr=False)
    comment_on_models: bool = False
    queue_order: object = ", ".join(DEFAULT)
    worker_id: str | None = None
    gradio_server_port: Port = 7861
    refresh_rate: Seconds = 60.0
    lease_minutes: Minutes = LeaseTerms.duration / timedelta(minutes=1)

    def __post_init__(self) -> None:
        """Refuse values that cannot be right, at the start. Raises ConfigurationError."""
        super().__post_init__()
        least, most = self.min_model_gb, self.max_model_gb
        if least is not None and most is not None and least > most:
            raise ConfigurationError(NO_SIZE.format(least, most))
        if self.notify_url is not None:
            _check_receiver(self.notify_url)
        if self.comment_on_models and not self.is_on_the_hub:
            raise ConfigurationError(COMMENTS_NEED_THE_HUB)
        token = self.inference_token
        if token is not None and not TOKEN.fullmatch(token):
            raise ConfigurationError(NO_TOKEN)
        if token is not None and token in (self.hf_token, self.hf_read_token):
            raise ConfigurationError(NOT_ITS_OWN_TOKEN)
        self._check_fleet()
        if self.inference.url:
            check_encryption(self.inference.url, token)
        if self.inference_endpoints_url:
            check_encryption(self.inference_endpoints_url, self.hf_token, setting="INFERENCE_ENDPOINTS_URL")
        if self.inference.inference is not Inference.ENDPOINT:
            return
        if not self.is_on_the_hub:
            raise ConfigurationError(NOT_ON_THE_HUB)
        if token is None or self.hf_token is None:
            raise ConfigurationError(TWO_TOKENS)

    def _check_fleet(self) -> None:
        """Refuse settings of the fleet that cannot be right. Raises ConfigurationError."""
        if self.fleet_token is not None and not TOKEN.fullmatch(self.fleet_token):
            raise ConfigurationError(NO_FLEET_TOKEN)
        if self.fleet_token is not None and self.fleet_token in (self.hf_token, self.hf_read_token):
            raise ConfigurationError(NOT_THE_FLEETS_OWN)
        if self.fleet is FleetKind.SLURM and not self.fleet_machines:
            raise ConfigurationError(NO_MACHINES)
        with_options = [each.name for each in self.fleet_machines if each.options]
        if self.fleet is FleetKind.LOCAL and with_options:
            raise ConfigurationError(OPTIONS_OF_A_CLUSTER.format(", ".join(with_options)))
        if self.fleet in (FleetKind.SLURM, FleetKind.LOCAL):
            machines = [each.name for each in self.fleet_machines] or [THIS_MACHINE]
            if unknown := [each for each in self.fleet_flavors if each not in machines]:
                raise ConfigurationError(UNKNOWN_MACHINES.format(", ".join(unknown), ", ".join(machines)))
        if self.fleet is not FleetKind.OFF and self.min_model_gb is not None:
            raise ConfigurationError(SIZES_FROM_THE_FLEET.format(self.fleet))
        if self.fleet is not FleetKind.OFF and self.inference.inference is not Inference.LOCAL:
            raise ConfigurationError(FLEET_OR_SERVER.format(self.fleet))

    @property
    def devices(self) -> tuple[str, ...]:
        """Return the devices on which evaluations run."""
        return tuple(name.strip() for name in self.device.split(",") if name.strip()) or ("cpu",)

    @property
    def slots(self) -> int:
        """Return how many evaluations run at once: as set, or else one per device."""
        if self.inference.inference is Inference.ENDPOINT:
            return min(self.max_parallel or self.max_endpoints, self.max_endpoints)
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
        is_local = self.inference.inference is Inference.LOCAL
        if self.max_model_gb or not is_local or set(self.devices) != {"cpu"}:
            return self.max_model_gb
        return memory * SHARE_FOR_WEIGHTS / GB

    @property
    def machine(self) -> Machine | None:
        """Return what models run on, with its share for one evaluation of the price; None if unknown.

        What runs at once shares the machine, so each evaluation costs an equal part of it.
        """
        if self.hardware is None and self.dollars_per_hour is None:
            return None
        price = None if self.dollars_per_hour is None else self.dollars_per_hour / self.slots
        return Machine(self.hardware, price)

    @property
    def namespace_of_endpoints(self) -> str:
        """Return the account that has the endpoints: as set, or else the owner of the requests."""
        return self.endpoint_namespace or self.requests_dataset.partition("/")[0]

    @property
    def namespace_of_the_fleet(self) -> str:
        """Return the account that runs the jobs of the fleet: as set, or else the owner of the requests."""
        return self.fleet_namespace or self.requests_dataset.partition("/")[0]

    @property
    def stops_within(self) -> timedelta:
        """Return the longest time from one look at the money until what the next one stops has stopped."""
        return 2 * timedelta(seconds=self.refresh_rate) + SLACK

    @property
    def members_stop_within(self) -> timedelta:
        """Return the same for members of the fleet, which are never ended at once."""
        return max(self.stops_within, STOPS_WITHIN)

    @property
    def start_of_a_member(self) -> timedelta:
        """Return how long a member of the fleet may take from its start to its first claim."""
        return timedelta(minutes=self.fleet_start_minutes)

    @property
    def longest_of_a_member(self) -> timedelta:
        """Return how long a member's start and one evaluation may take together."""
        return self.start_of_a_member + timedelta(hours=self.max_hours)

    @property
    def name_of_the_worker(self) -> str | None:
        """Return the name as set, or else the Space's. None means a name made from the host's."""
        return self.worker_id or self.space_id
