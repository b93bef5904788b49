"""Room on the disk: models that were downloaded for evaluations are removed when it gets short."""

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
    """Remove models from a cache of the Hub until so many bytes are free: those first that were not used for
    longest, and none that is in use. Questions stay: every evaluation needs them.

    Whoever holds the lock when a model gets into use never has it removed under it.
    """
    if not cache.is_dir() or _free(cache) >= wanted:
        return
    try:
        found = scan_cache_dir(cache)
    except CacheNotFound:
        return
    models = [repo for repo in found.repos if repo.repo_type == "model"]
    for model in sorted(models, key=lambda repo: repo.last_accessed):
        with lock:  # The search took its time: what is in use is asked for each.
            if model.repo_id in in_use():
                continue
            # Not by its revisions: a copy of a repository has the same.
            shutil.rmtree(model.repo_path, ignore_errors=True)
        log.info("removed the weights of %s to make room", model.repo_id)
        if _free(cache) >= wanted:
            return


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free
