"""A folder that this user may not read: the tests may run as root, who may read everything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest


def forbid(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the system refuse to list a folder."""
    listed = os.scandir

    def scandir(place: Any = ".") -> Any:
        if Path(place) == folder:
            raise PermissionError(13, "Permission denied", str(place))
        return listed(place)

    monkeypatch.setattr(os, "scandir", scandir)
