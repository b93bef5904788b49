"""Describes the machine of an evaluation in a few words, in place of lm_eval's long description.

lm_eval runs ten programs for it after each task. We publish neither a name, nor a folder, nor a driver.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils import collect_env

from src.running.memory import available_memory

NOT_DESCRIBED = ""

GB = 1024**3


def machine(device: str) -> str:
    """Return what evaluates a model on this device, such as `1 × NVIDIA H200 (140 GB)` or
    `CPU, 2 cores, 8 GB`.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        card = torch.cuda.get_device_properties(device)
        return f"1 × {card.name} ({_gb(card.total_memory)} GB)"
    cores = _cores()
    return f"{kind.upper()}, {cores} core{'s' * (cores != 1)}, {_gb(available_memory())} GB"


@contextmanager
def machine_not_described() -> Iterator[None]:
    """Have lm_eval put an empty description of the machine into its report."""
    original = collect_env.get_pretty_env_info
    collect_env.get_pretty_env_info = lambda: NOT_DESCRIBED
    try:
        yield
    finally:
        collect_env.get_pretty_env_info = original


def _cores() -> int:
    """Return how many cores this process may use. Only some systems restrict it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gb(size: int) -> int:
    """Return a size rounded up: drivers and systems keep some of the memory that was bought."""
    return math.ceil(size / GB)
