"""What follows from the device on which a model is evaluated: whether it is there, batches, threads."""

from __future__ import annotations

from typing import Any

import torch

from src.evaluation.failures import Failed
from src.running.job import End, Job
from src.running.suite import Suite

BATCH_SIZE_ON_A_CPU = "8"
"""Replaces `auto`, which tries batches of the model's full length until memory is full. Without a GPU, that
ends the process or even the machine."""

FEWEST_PARAMETERS_FOR_THREADS = 1_000_000
"""On a CPU, threads slow down smaller models: waking them takes longer than the computation.

With two threads in place of one, a model of 0.4 million parameters takes twice as long for a batch.
"""


def check_device(job: Job) -> None:
    """Raise `Failed` if the job's device is not available."""
    try:
        torch.empty(0, device=job.device)
    except (AssertionError, ImportError, RuntimeError) as error:  # Each kind of device raises its own.
        raise Failed(
            f"This worker has no device {job.device}, or cannot use it. The leaderboard's owner has to "
            "correct DEVICE or fix the worker; the model is not at fault.",
            End.WORKER,
        ) from error


def batch_size(suite: Suite) -> str:
    """Return the suite's batch size, or a number where the engine must not search for one."""
    if suite.device == "cpu" and suite.batch_size.startswith("auto"):
        return BATCH_SIZE_ON_A_CPU
    return suite.batch_size


def spare_threads(job: Job, model: Any) -> None:
    """Compute small models with one thread on a CPU."""
    if job.device == "cpu" and model.num_parameters() < FEWEST_PARAMETERS_FOR_THREADS:
        torch.set_num_threads(1)


def kind_of(device: str) -> str:
    """Return what identifies a device: a card's name, since two cards of one kind give the same scores."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device
