"""Frees disk space by removing models that were downloaded for evaluations."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from pathlib import Path

from huggingface_hub import scan_cache_dir
from huggingface_hub.errors import CacheNotFound

log = logging.getLogger(__name__)


def make_room(
    cache: Path,
    *,
    wanted: int,
    in_use: Callable[[], Collection[str]],
    lock: AbstractContextManager[object],
) -> None:
    """Remove models from a Hub cache until `wanted` bytes are free, least recently used first.

    Models in use stay, and so do questions, since every evaluation needs them. Hold the lock while you start
    using a model, so that it is not removed at the same moment.
    """
    if not cache.is_dir() or _free(cache) >= wanted:
        return
    try:
        found = scan_cache_dir(cache)
    except CacheNotFound:
        return
    models = [repo for repo in found.repos if repo.repo_type == "model"]
    for model in sorted(models, key=lambda repo: repo.last_accessed):
        with lock:  # The scan takes time, so check for each model whether it is in use now.
            if model.repo_id in in_use():
                continue
            # Not by its revisions: a duplicate of a repository has the same ones.
            shutil.rmtree(model.repo_path, ignore_errors=True)
        log.info("removed the weights of %s to make room", model.repo_id)
        if _free(cache) >= wanted:
            return


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free
