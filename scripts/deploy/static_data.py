"""The datasets that a static Space shows: their names, and whether everybody may see what they hold."""

from __future__ import annotations

import os
from typing import NamedTuple

from huggingface_hub.errors import RepositoryNotFoundError

from src.shared.stores.hub import Hub

from .names import Board
from .refusals import Stopped, ask
from .space_settings import Reader, settle_one


class Datasets(NamedTuple):
    """The two datasets of a board, and its owner."""

    owner: str
    requests: str
    results: str

    @property
    def variables(self) -> dict[str, str]:
        """The variables by which a program reads these datasets, whatever its files say."""
        return {"OWNER": self.owner, "QUEUE_REPO": self.requests, "RESULTS_REPO": self.results}


def settle_datasets(reader: Reader, board: Board) -> Datasets:
    """Find the datasets of a board as `make deploy` does for a new frontend. Raises Stopped.

    The shell's variables have no say, and are refused if they name other datasets.
    """
    _, settings = settle_one(reader, board, "frontend", there={}, wanted={}, secrets={"HF_TOKEN"})
    found = Datasets(settings.owner, settings.requests, settings.results)
    for name in ("QUEUE_REPO", "RESULTS_REPO"):
        given, expected = os.environ.get(name), found.variables[name]
        if given and given != expected:
            raise Stopped(
                f"{name} is {given} in this shell, but the board {board.arguments} has {expected}. Remove "
                f"the variable: `unset {name}`. If the board's dataset is called otherwise, write its name "
                "into frontend/src/envs.py."
            )
    return found


def private_ones(hub: Hub, datasets: Datasets) -> list[str]:
    """Return the datasets that not everybody can see. A missing one is not among them. Raises Stopped."""

    def is_private(id: str) -> bool:
        try:
            return bool(hub.api.dataset_info(id).private)
        except RepositoryNotFoundError:
            return False

    return [
        id
        for id in (datasets.requests, datasets.results)
        if ask(hub, f"look at the dataset {id}", is_private, id)
    ]
