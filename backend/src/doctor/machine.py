"""Checks of this machine: its disk, memory and GPUs, and the packages of the engine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from huggingface_hub import constants

from src.running.inference import Inference
from src.running.memory import available_memory
from src.running.suite import EngineName, Suite
from src.running.watch import GB
from src.settings import Settings
from src.shared.doctor.finding import Finding, green, warning, wrong

DEVICES = Path("/dev")
"""Where Linux shows the GPUs of NVIDIA as `nvidia0`, `nvidia1`, …"""

NOT_INSTALLED = "ENGINE is {engine}, but its package is not installed. {remedy}"
REMEDIES = {
    EngineName.LM_EVAL: "Install requirements.txt, or set ENGINE to lighteval.",
    EngineName.LIGHTEVAL: (
        "Copy requirements-lighteval.txt over requirements.txt and install it, or set ENGINE to lm_eval."
    ),
}
NO_FOLDER = (
    "TASKS_DIR is {!r}, and there is no such folder. Create it, or set TASKS_DIR to the folder that has your "
    "tasks."
)
NO_GPU = (
    "DEVICE is {}, but this machine shows no GPU. Rent hardware with a GPU in the Space's settings, or set "
    "DEVICE to cpu."
)
IDLE_GPU = "This machine has {} GPU{}, and DEVICE is cpu, so they are idle. Set DEVICE to cuda."
TOO_FEW_GPUS = "DEVICE names {} GPUs, and this machine shows {}. Name as many as there are."
FULL = (
    "{free:,.0f} GB of the disk are free, and FREE_DISK_GB asks for {wanted:g}. The worker removes "
    "downloaded models to make room; if that is not enough, rent a larger disk or lower FREE_DISK_GB."
)
MORE_THAN_THERE_IS = (
    "MAX_MEMORY_GB is {:g}, for each of {} evaluations at a time, but this machine has {:,.1f} GB. Lower it, "
    "or unset it."
)
MODELS_TOO_LARGE = (
    "MAX_MODEL_GB is {:g}, but an evaluation may use {:,.1f} GB of memory, so such models end for lack of "
    "it. Lower it, or unset it."
)


def check_machine(settings: Settings, suite: Suite) -> list[Finding]:
    """Check whether this machine can do what the settings ask of it."""
    memory = available_memory()
    found = [
        *of_the_engine(suite),
        *of_the_devices(settings, _gpus()),
        *of_the_disk(settings, _free_disk()),
        *of_the_memory(settings, memory),
    ]
    told = f"{memory / GB:,.1f} GB of memory, {_free_disk() / GB:,.0f} GB of disk free."
    return found or [green("machine", told)]


def of_the_engine(suite: Suite) -> Iterator[Finding]:
    """The engine's package and the tasks' folder must be there."""
    try:
        version(suite.engine.value)
    except PackageNotFoundError:
        yield wrong("engine", NOT_INSTALLED.format(engine=suite.engine.value, remedy=REMEDIES[suite.engine]))
    if not Path(suite.tasks_dir).is_dir():
        yield wrong("tasks", NO_FOLDER.format(suite.tasks_dir))


def of_the_devices(settings: Settings, gpus: int | None) -> Iterator[Finding]:
    """DEVICE must fit to the GPUs. Nothing is said if their number is unknown."""
    if gpus is None or settings.inference.inference is not Inference.LOCAL:
        return
    named = [each for each in settings.devices if each.startswith("cuda")]
    if named and not gpus:
        yield wrong("hardware", NO_GPU.format(settings.device))
    elif len(named) > gpus:
        yield wrong("hardware", TOO_FEW_GPUS.format(len(named), gpus))
    elif not named and gpus:
        yield warning("hardware", IDLE_GPU.format(gpus, "s" * (gpus > 1)))


def of_the_disk(settings: Settings, free: int) -> Iterator[Finding]:
    """Downloaded models need room."""
    if free < settings.free_disk_gb * GB:
        yield warning("disk", FULL.format(free=free / GB, wanted=settings.free_disk_gb))


def of_the_memory(settings: Settings, memory: int) -> Iterator[Finding]:
    """Limits beyond what there is end evaluations in a way that nobody understands."""
    if settings.max_memory_gb and settings.max_memory_gb * GB * settings.slots > memory:
        yield wrong("memory", MORE_THAN_THERE_IS.format(settings.max_memory_gb, settings.slots, memory / GB))
    each = settings.memory_per_evaluation(memory)
    is_on_cpu = settings.inference.inference is Inference.LOCAL and set(settings.devices) == {"cpu"}
    if is_on_cpu and settings.max_model_gb and settings.max_model_gb * GB > each:
        yield wrong("memory", MODELS_TOO_LARGE.format(settings.max_model_gb, each / GB))


def _gpus() -> int | None:
    """Return the number of NVIDIA's GPUs, or None where it cannot be known."""
    if not DEVICES.is_dir():
        return None
    return sum(1 for each in DEVICES.glob("nvidia[0-9]*"))


def _free_disk() -> int:
    """Return the bytes that are free where models are downloaded to."""
    folder = Path(constants.HF_HUB_CACHE)
    there = next((each for each in (folder, *folder.parents) if each.is_dir()), Path("/"))
    return shutil.disk_usage(there).free
