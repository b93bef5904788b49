"""Where a model runs while it is evaluated: in the evaluation child, or on a server that the child asks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Inference(StrEnum):
    """Who computes a model's answers."""

    LOCAL = "local"
    """The evaluation child, with transformers."""
    ENDPOINT = "endpoint"
    """An Inference Endpoint of the Hub, made for each evaluation and deleted after it."""
    SERVER = "server"
    """A server that is there already."""


class Api(StrEnum):
    """Which of the routes of an OpenAI-compatible server answers."""

    COMPLETIONS = "completions"
    """`/v1/completions`: continues and rates the very tokens that the engine made."""
    CHAT = "chat"
    """`/v1/chat/completions`: writes only, and puts its own chat template around the messages."""


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """One kind of machine that the Hub rents out for Inference Endpoints."""

    id: str
    """The Hub's name: `aws-us-east-1-nvidia-l4-x1`."""
    vendor: str
    region: str
    accelerator: str
    instance_type: str
    instance_size: str
    gpus: int = 1
    """The number of its GPUs."""
    name: str
    """In a few words: `1 × Nvidia L4 (24 GB)`."""
    memory_gb: float
    """The memory for a model, in GB: of all its GPUs together, or else of the machine."""
    price: float
    """Dollars an hour."""


@dataclass(frozen=True)
class Machine:
    """What models of a worker run on, as whoever started the worker says."""

    id: str | None = None
    """The name under which it is rented, such as `a10g-small`."""
    price: float | None = None
    """The share of one evaluation in its price, in dollars an hour."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that answers for one model through OpenAI's routes, as the evaluation child sees it."""

    url: str
    """The base address, which ends in `/v1`. It holds neither a login nor a query."""
    model: str
    """The name by which the server knows the model."""
    is_exact: bool = False
    """Whether that name proves the commit, because we gave it to the server."""
    image: str | None = None
    """The container image that it runs in, if we chose it."""
    hardware: str | None = None
    """The machine in a few words, if we chose it."""
    region: str | None = None
    price: float | None = None
    """Dollars an hour, if we rent it."""
