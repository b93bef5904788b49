"""What a command must know of a row's model, and which words may stand in one."""

from __future__ import annotations

import re
from typing import NamedTuple

from src.shared.data.provenance import Served

PLAIN = re.compile(r"[\w.:+-]{1,200}", re.ASCII)
"""Names of tasks and devices, numbers, versions."""

LOCAL_MODELS = "$LEADERBOARD_DATA_DIR/models"
"""The place of a model that is not on the Hub. The shell of whoever runs the leaderboard knows the folder."""

NEXT_LINE = " \\\n  "


class Place(NamedTuple):
    """Where a model is: on the Hub at a commit, or in the leaderboard's folder. Both are checked."""

    name: str
    commit: str | None = None
    is_local: bool = False

    @property
    def path(self) -> str:
        """The model's name, or its folder for within double quotes."""
        return f"{LOCAL_MODELS}/{self.name}" if self.is_local else self.name

    @property
    def revision(self) -> str | None:
        """The commit to load. A folder has none."""
        return None if self.is_local else self.commit


class Model(NamedTuple):
    """What is evaluated."""

    place: Place
    precision: str
    base: Place | None = None
    """The model that an adapter is put on."""
    peft: str | None = None
    """The version of peft that did so."""
    served: Served | None = None
    """The server that answered; None if the worker computed the answers."""
