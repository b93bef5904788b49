"""The provenance of scores: when and on what they were computed, with which versions and prompts.

A report may hold anything, so every value is checked and bounded here. A wrong one counts as unknown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from sys import intern
from typing import NamedTuple
from urllib.parse import urlsplit

from ..times import from_seconds, from_text
from .dollars import cost
from .json_file import Object, as_number, as_object, as_text, read_number
from .model_name import is_model_name
from .names import SAMPLES_FOLDER
from .request_fields import MOST_DOLLARS_AN_HOUR
from .run_settings import CHAT, COMPLETIONS

FINGERPRINT_DIGITS = 12
"""How many digits of a fingerprint are kept: enough to tell prompts apart."""

LONGEST_EVALUATION = timedelta(days=366)
LONGEST_HARDWARE = 100
LONGEST_ENVIRONMENT = 5_000
"""How many characters are read of lm_eval's description of the environment. Versions and GPUs come first."""

MOST_PARAMETERS = 10**15
MOST_VERSIONS = 20
MOST_TASKS = 2_000
MOST_ANSWERS = 10**12
LONGEST_ADDRESS = 300

FINGERPRINT = re.compile(rf"[0-9a-f]{{{FINGERPRINT_DIGITS}}}")
COMMIT = re.compile(r"[0-9a-f]{40}")
SAMPLES = re.compile(rf"{re.escape(SAMPLES_FOLDER)}(?:/(?!\.)[\w.-]{{1,100}}){{1,6}}", re.ASCII)
"""The folder of a run's samples in its dataset: nothing hidden below ours, and nothing above it."""
PACKAGE = re.compile(r"[A-Za-z][\w.-]{0,39}", re.ASCII)
VERSION = re.compile(r"[\w.+!-]{1,40}", re.ASCII)

ENDPOINT, SERVER = "endpoint", "server"
"""Who answered for a model, other than the worker: an Inference Endpoint, or a server that was there."""

HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
PATH = re.compile(r"(?:/[\w.~-]{1,100}){0,5}/?", re.ASCII)
IMAGE = re.compile(r"[a-z0-9][\w./:@-]{0,199}", re.ASCII)
"""The name of a container image, with its tag or digest."""

TORCH = re.compile(r"^PyTorch version: (\S{1,40})$", re.MULTILINE)
GPU = re.compile(r"\bGPU \d{1,3}: ([^\n(]{1,100})")
"""What PyTorch's description of an environment, which lm_eval publishes, says of the versions and GPUs."""


class Samples(NamedTuple):
    """Where the questions of a run lie with the model's answers."""

    path: str
    """A folder of Parquet files."""
    repo: str | None = None
    """The dataset on the Hub; None means the results dataset."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """Which server answered for a model, if the worker did not compute the answers itself."""

    inference: str
    """`endpoint` for an Inference Endpoint that was made for the evaluation, `server` for any other."""
    api: str | None = None
    """`completions` or `chat`: which of OpenAI's routes answered."""
    address: str | None = None
    """Its scheme, host and path."""
    is_exact: bool = False
    """Whether the name of the model on the server proves the commit."""
    image: str | None = None
    """The container image that it ran in."""
    region: str | None = None
    answers: int | None = None
    """How many answers models wrote, over all tasks."""
    empty_answers: int | None = None
    """How many of them were empty, null or filtered."""


class Imported(NamedTuple):
    """Who brought a result to the leaderboard that no worker of it computed."""

    by: str | None
    """The login; None if the command had none."""
    at: datetime | None
    file: str | None
    """The name of the file that it was read from, without its folder."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What an evaluation took. Unknown is None, and never 0."""

    hardware: str | None = None
    """The machine, by the name under which it is rented: `a10g-small`, `aws-us-east-1-nvidia-l4-x1`."""
    seconds: float | None = None
    """How long the attempt that led to the result took, from its claim to its end."""
    price: float | None = None
    """Dollars an hour."""

    @property
    def minutes(self) -> float | None:
        """How long it took, in minutes."""
        return None if self.seconds is None else self.seconds / 60

    @property
    def dollars(self) -> float | None:
        """What it cost at most, in dollars: the price for that long."""
        if self.price is None or self.seconds is None:
            return None
        return cost(self.price, timedelta(seconds=self.seconds))


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where the scores of a report come from. None, or a missing entry, stands for what is unknown."""

    started: datetime | None = None
    """When the evaluation began."""
    seconds: float | None = None
    """How long it took, as the report says."""
    hardware: str | None = None
    """The machine in a few words, `1 × NVIDIA H200 (140 GB)`, or else the device's name, `cuda:0`."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """The versions of packages besides lm_eval and transformers, which `Setup` has."""
    task_hashes: Mapping[str, str] = field(default_factory=dict)
    """lm_eval's fingerprints of questions, prompts and targets, by task: the first digits."""
    chat_template_sha: str | None = None
    """The fingerprint of the chat template that prompts went through: the first digits."""
    system_instruction_sha: str | None = None
    fewshot_as_multiturn: bool | None = None
    """Whether examples were earlier turns of the conversation."""
    num_parameters: int | None = None
    """The model's number of parameters, as lm_eval counted them."""
    base_model: str | None = None
    """The model that an adapter was put on."""
    base_commit: str | None = None
    samples: Samples | None = None
    """Where the model's answers are, if they were kept."""
    served: Served | None = None
    """The server that answered; None if the worker computed the answers."""
    imported: Imported | None = None
    """Who imported it; None for a result that a worker published."""
    cost: Cost = field(default_factory=Cost)
    """What the evaluation took."""


def read_provenance(report: Object, *, config: Object, ours: Object) -> Provenance:
    """Return what a report says about the provenance of its scores.

    `config` is its configuration in either program's form, `ours` the part that our worker adds.
    """
    environment = as_text(report.get("pretty_env_info"))[:LONGEST_ENVIRONMENT]
    seconds = _seconds(report, config)
    multiturn = report.get("fewshot_as_multiturn")
    return Provenance(
        started=_started(report, ours),
        seconds=seconds,
        hardware=_hardware(config, ours, environment),
        versions=dict(islice(_versions(config, ours, environment), MOST_VERSIONS)),
        task_hashes=_task_hashes(report),
        chat_template_sha=_fingerprint(report.get("chat_template_sha")),
        system_instruction_sha=_fingerprint(report.get("system_instruction_sha")),
        fewshot_as_multiturn=multiturn if isinstance(multiturn, bool) else None,
        num_parameters=_num_parameters(config),
        base_model=_base_model(ours),
        base_commit=_base_commit(ours),
        samples=_samples(ours),
        served=_served(ours),
        imported=_imported(ours),
        cost=_cost(ours, seconds),
    )


def _started(report: Object, ours: Object) -> datetime | None:
    """Return when it began: from our worker, or else lm_eval's `date`, the time of its start."""
    found, date = from_text(as_text(ours.get("started"))), as_number(report.get("date"))
    return found or (None if date is None else from_seconds(date))


def _seconds(report: Object, config: Object) -> float | None:
    """Return how long it took; lighteval's misspelt key for it comes second."""
    given = (report.get("total_evaluation_time_seconds"), config.get("total_evaluation_time_secondes"))
    found = (_possible(read_number(value)) for value in given)
    return next((seconds for seconds in found if seconds is not None), None)


def _possible(seconds: float | None) -> float | None:
    most = LONGEST_EVALUATION.total_seconds()
    return seconds if seconds is not None and 0 <= seconds <= most else None


def _hardware(config: Object, ours: Object, environment: str) -> str | None:
    device = config.get("device") or as_object(config.get("model_config")).get("device")
    gpus = Counter(name.strip() for name in GPU.findall(environment)) if device != "cpu" else {}
    listed = " + ".join(f"{number} × {name}" for name, number in gpus.items())
    given = map(_short_line, (ours.get("hardware"), listed, device))
    return next(filter(None, given), None)


def _short_line(value: object) -> str | None:
    text = as_text(value).strip()
    return text if 0 < len(text) <= LONGEST_HARDWARE and text.isprintable() else None


def _versions(config: Object, ours: Object, environment: str) -> Iterator[tuple[str, str]]:
    torch = TORCH.search(environment)
    found = {
        "torch": torch[1] if torch else None,
        "lighteval": as_text(config.get("lighteval_sha"))[:FINGERPRINT_DIGITS],
        **as_object(ours.get("versions")),
    }
    for name, value in found.items():
        if PACKAGE.fullmatch(name) and isinstance(value, str) and VERSION.fullmatch(value):
            yield name, value


def _task_hashes(report: Object) -> dict[str, str]:
    """Return the fingerprints of tasks that have results."""
    results = as_object(report.get("results"))
    given = islice(as_object(report.get("task_hashes")).items(), MOST_TASKS)
    return {task: sha for task, value in given if task in results and (sha := _fingerprint(value))}


def _fingerprint(value: object) -> str | None:
    """Return the first digits, as one text for all results that have them."""
    digits = FINGERPRINT.match(value) if isinstance(value, str) else None
    return intern(digits[0]) if digits else None


def _num_parameters(config: Object) -> int | None:
    """Return their number; lm_eval writes -1 where it could not count them."""
    number = as_number(config.get("model_num_parameters"))
    return int(number) if number and 0 < number <= MOST_PARAMETERS else None


def _base_model(ours: Object) -> str | None:
    name = as_text(ours.get("base_model"))
    return name if name and is_model_name(name) else None


def _base_commit(ours: Object) -> str | None:
    commit = as_text(ours.get("base_commit"))
    return commit if COMMIT.fullmatch(commit) else None


def _samples(ours: Object) -> Samples | None:
    """Return where the samples are. A path or a dataset that the Hub could not have counts as none."""
    given = as_object(ours.get("samples"))
    repo, path = given.get("repo"), as_text(given.get("path")).rstrip("/")
    if not SAMPLES.fullmatch(path):
        return None
    if repo is None:
        return Samples(path)
    return Samples(path, repo) if isinstance(repo, str) and "/" in repo and is_model_name(repo) else None


def _imported(ours: Object) -> Imported | None:
    given = ours.get("imported")
    if not isinstance(given, Mapping):
        return None
    at = from_text(as_text(given.get("at")))
    return Imported(_short_line(given.get("by")), at, _short_line(given.get("file")))


def _served(ours: Object) -> Served | None:
    """Return which server answered; None if the report names none, or one of a kind that we do not know."""
    given = as_object(ours.get("served"))
    inference, api, image = (as_text(given.get(name)) for name in ("inference", "api", "image"))
    if inference not in (ENDPOINT, SERVER):
        return None
    answers, empty = _total(given.get("answers")), _total(given.get("empty_answers"))
    are_possible = answers is not None and empty is not None and empty <= answers
    return Served(
        inference=inference,
        api=api if api in (COMPLETIONS, CHAT) else None,
        address=_address(given),
        is_exact=given.get("is_exact") is True,
        image=image if IMAGE.fullmatch(image) else None,
        region=_short_line(given.get("region")),
        answers=answers if are_possible else None,
        empty_answers=empty if are_possible else None,
    )


def _cost(ours: Object, of_tasks: float | None) -> Cost:
    """Return what the evaluation took. `of_tasks` is how long its tasks took, in seconds.

    An attempt that took over tasks of an interrupted one took less time than all its tasks: then those count.
    A price is that of an attempt, so with a price only an attempt's time counts. Reports of earlier versions
    have no section for costs, but times, and the price of an endpoint. No evaluation takes no time: 0 seconds
    are unknown.
    """
    given, served = as_object(ours.get("cost")), as_object(ours.get("served"))
    price = _price(given.get("price") if given else served.get("price"))
    attempt = _possible(as_number(given.get("seconds"))) if given else _time(ours)
    has_time = attempt or price is None
    seconds = max(attempt or 0.0, of_tasks or 0.0) if has_time else None
    return Cost(hardware=_short_line(given.get("hardware")), seconds=seconds or None, price=price)


def _price(value: object) -> float | None:
    price = as_number(value)
    return price if price is not None and 0 <= price <= MOST_DOLLARS_AN_HOUR else None


def _time(ours: Object) -> float | None:
    """Return how many seconds an attempt took, from its claim, when hardware is ordered, to its end."""
    started, ended = (from_text(as_text(ours.get(name))) for name in ("started", "ended"))
    return _possible((ended - started).total_seconds()) if started and ended else None


def _address(served: Object) -> str | None:
    """Return the server's address. One that may hold a secret, such as a login or a query, is unknown."""
    given = as_text(served.get("address"))
    if len(given) > LONGEST_ADDRESS:
        return None
    try:
        parts = urlsplit(given)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    place = f"{host}:{port}" if port else host
    is_plain = parts.scheme in ("http", "https") and HOST.fullmatch(host) and PATH.fullmatch(parts.path)
    address = f"{parts.scheme}://{place}{parts.path}"
    return address if is_plain and address.casefold() == given.casefold() else None


def _total(by_task: object) -> int | None:
    """Return the sum of numbers by task; None if one of them cannot be, or if there is none."""
    numbers = list(islice(as_object(by_task).values(), MOST_TASKS))
    if not all(type(number) is int and 0 <= number <= MOST_ANSWERS for number in numbers):
        return None
    return sum(number for number in numbers if isinstance(number, int)) if numbers else None
