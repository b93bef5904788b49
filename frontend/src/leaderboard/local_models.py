"""The models in a local folder, which have no page to link to."""

from __future__ import annotations

from pathlib import Path


def local_models(folder: Path | None) -> frozenset[str]:
    """Return the names of the models below a folder, each `organisation/model` or `model`."""
    if folder is None:
        return frozenset()
    configs = [*folder.glob("*/config.json"), *folder.glob("*/*/config.json")]
    return frozenset(config.parent.relative_to(folder).as_posix() for config in configs)
