"""A whole dataset, every file of it, in a folder or on the Hub: listed, read to the disk, and written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from src.upkeep.contents import Content

Say = Callable[[str], None]
"""Takes a line for the person who runs a command."""

AGAIN = "Run the command again: it goes on where it stopped."


@dataclass(frozen=True)
class Listing:
    """All files of a dataset at one moment, by path."""

    revision: str
    files: Mapping[str, Content] = field(repr=False)


class Dataset(Protocol):
    """One dataset. `str()` gives its name, for people."""

    is_local: bool
    readers: int
    """The number of files that are read at a time."""
    spaces: bool
    """Whether Spaces may use it, which `.leaderboard/board.yaml` names."""

    def revision(self) -> str | None:
        """Return the id of the dataset's present state; None if it does not exist. Raises StoreError."""

    def listing(self) -> Listing | None:
        """Return all files of the dataset; None if it does not exist. Raises StoreError."""

    def held(self) -> AbstractContextManager[None]:
        """Keep the dataset as it is until the block ends, if its past cannot be read. Raises StoreError."""

    def is_private(self) -> bool | None:
        """Return whether only its owner sees it; None for a folder. Raises StoreError."""

    def save(self, listing: Listing, path: str, place: Path) -> None:
        """Write one file of a listing to a place on this machine's disk. Raises StoreError."""

    def create(self, *, private: bool) -> None:
        """Make the dataset, empty. Raises StoreError."""

    def write(
        self, parent: Listing, add: Mapping[str, Path], delete: Collection[str], message: str
    ) -> str | None:
        """Write files from this machine's disk and delete others, and return the new revision.

        Raises Conflict if the dataset is no longer at `parent`, and StoreError.
        """
