"""Which of the Hub's hardware for Inference Endpoints fits a model. No calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from huggingface_hub import InferenceEndpointHardware

from src.running.inference import Hardware
from src.shared.data.precision import weights_in_gb

SHARE_FOR_WEIGHTS = 0.75
"""The share of the memory that weights may take. vLLM leaves a tenth unused, and the rest holds what the
model has read: enough for some long prompts at once.
"""

GPU = "gpu"

WITHOUT_BFLOAT16 = ("nvidia-t4", "nvidia-v100")
"""Instance types whose GPUs cannot compute in bfloat16: vLLM asks for compute capability 8.0."""

FOR_RENT = ("available", "low_availability", "not_available")
"""The states of hardware that is free, or will be. The others are `reserved` and `deprecated`."""

FREE = ("available", "low_availability")


@dataclass(frozen=True)
class Allowed:
    """What the owner allows to be rented. Nothing named means everything."""

    hardware: tuple[str, ...] = ()
    """Names of hardware (`aws-us-east-1-nvidia-l4-x1`), of instance types (`nvidia-l4`) or of both with the
    size (`nvidia-l4-x1`).
    """
    regions: tuple[str, ...] = ()
    """Names of regions (`us-east-1`), or of vendors (`aws`)."""

    def allows(self, hardware: Hardware) -> bool:
        """Return whether it may be rented."""
        names = {
            hardware.id,
            hardware.instance_type,
            f"{hardware.instance_type}-{hardware.instance_size}",
        }
        places = {hardware.region, hardware.vendor}
        is_named = bool(names & set(self.hardware)) if self.hardware else hardware.accelerator == GPU
        return is_named and (not self.regions or bool(places & set(self.regions)))


@dataclass(frozen=True)
class Offers:
    """What can be rented, cheapest first."""

    all: tuple[Hardware, ...]
    """Everything that the owner allows, and that the account's quota is large enough for."""
    free: frozenset[str]
    """The ids of what is free at the moment."""
    beyond_the_quota: tuple[Hardware, ...] = ()
    """What the owner allows, but the account may not have."""


def offers(listed: Iterable[InferenceEndpointHardware], allowed: Allowed) -> Offers:
    """Return what can be rented of what the Hub lists."""
    known = sorted(
        ((hardware_from(each), each) for each in listed if each.status in FOR_RENT),
        key=lambda pair: (pair[0].price, pair[0].id),
    )
    named = [(hardware, each) for hardware, each in known if allowed.allows(hardware)]
    return Offers(
        all=tuple(hardware for hardware, each in named if each.max_accelerators >= each.num_accelerators),
        free=frozenset(
            hardware.id
            for hardware, each in named
            if each.status in FREE and each.max_accelerators - each.used_accelerators >= each.num_accelerators
        ),
        beyond_the_quota=tuple(
            hardware for hardware, each in named if each.max_accelerators < each.num_accelerators
        ),
    )


def hardware_from(listed: InferenceEndpointHardware) -> Hardware:
    """Return an entry of the Hub's list as this project has it."""
    memory = listed.memory_gb if listed.gpu_memory_gb is None else listed.gpu_memory_gb
    number = max(1, listed.num_accelerators)
    return Hardware(
        id=listed.id,
        vendor=listed.vendor,
        region=listed.region,
        accelerator=listed.accelerator,
        instance_type=listed.instance_type,
        instance_size=listed.instance_size,
        name=f"{number} × {listed.architecture} ({memory / number:.4g} GB)",
        gpus=number if listed.accelerator == GPU else 0,
        memory_gb=float(memory),
        price=float(listed.price_per_hour),
    )


def fits(hardware: Hardware, params: float, precision: str) -> bool:
    """Return whether this many billions of parameters fit in a precision, and it can compute in that."""
    if precision == "bfloat16" and hardware.instance_type in WITHOUT_BFLOAT16:
        return False
    size = weights_in_gb(params, precision)
    return size is not None and size <= largest(hardware)


def largest(hardware: Hardware) -> float:
    """Return the largest weights that it has room for, in GB."""
    return room(hardware.memory_gb)


def room(memory_gb: float) -> float:
    """Return the largest weights, in GB, that this much memory has room for."""
    return memory_gb * SHARE_FOR_WEIGHTS
