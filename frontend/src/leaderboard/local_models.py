"""Which models lie in a local folder: the page has no link for them."""

from __future__ import annotations

from pathlib import Path


def local_models(folder: Path | None) -> frozenset[str]:
    """The names of the models below a folder, if there is one, each `organisation/model` or `model`."""
    if folder is None:
        return frozenset()
    configs = [*folder.glob("*/config.json"), *folder.glob("*/*/config.json")]
    return frozenset(config.parent.relative_to(folder).as_posix() for config in configs)
