"""Checks the worker's own copies of models before it refuses a model because of its files."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from huggingface_hub import HfApi

from src.evaluation.failures import Failed, Step, explained
from src.evaluation.loading.loading import Loaded, load
from src.evaluation.loading.model_files import revision
from src.running.job import End, Job

log = logging.getLogger(__name__)


def load_a_sound_copy(job: Job, load: Callable[[Job], Loaded] = load) -> Loaded:
    """Load the job's model with `load`.

    Before it is refused, check its files against the Hub, and fetch damaged ones again. Raises `Failed`.
    """
    try:
        return load(job)
    except Failed as failed:
        if failed.end is not End.REFUSED:
            raise
        if not are_removed([file for part in job.parts for file in damaged_files(part)]):
            raise
        log.warning("%s: this worker's copy of %s was damaged; fetching it again", failed, job.model)
    return load(job)


def damaged_files(job: Job) -> list[Path]:
    """Return the files of the worker's copy whose size or hash differs from the Hub's."""
    if Path(job.weights).is_absolute():  # a local folder is not a copy
        return []
    with explained(Step.WEIGHTS, job):
        try:
            found = HfApi().verify_repo_checksums(job.weights, revision=revision(job))
        except ValueError:  # there is no copy, so the refusal has another reason
            return []
    return [found.verified_path / each["path"] for each in found.mismatches]


def are_removed(files: list[Path]) -> bool:
    """Remove files from the cache, with the contents that they link to. Return whether there were any."""
    for file in files:
        file.resolve().unlink(missing_ok=True)
        file.unlink(missing_ok=True)
    return bool(files)
