"""The owner of a dataset: the Spaces of its leaderboard, in `.leaderboard/board.yaml`.

Two leaderboards in one organisation would share the datasets with the default names, and each would take the
other's requests (docs/decisions/0016-a-dataset-names-the-spaces-of-its-leaderboard.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import yaml

from ..data.names import BOARD
from ..data.yaml_file import TEXT_LOADER, read_yaml
from ..errors import BadFile, NotOurs, StoreError
from .conflicts import Commit, beginning_with, update
from .store import Snapshot, Store, blob_id

HEAD = """\
# The Spaces of the leaderboard that this dataset belongs to. Any other Space leaves the dataset alone.
# Another backend Space of the same leaderboard: add a line with its name.
"""

CurrentName = Callable[[str], str | None]
"""Returns the present name of a Space that may have been renamed; None if there is no such Space."""


class Role(StrEnum):
    """The role of a Space in its leaderboard."""

    FRONTEND = "frontends"
    BACKEND = "backends"


Spaces = Mapping[Role, tuple[str, ...]]


@dataclass
class Whose:
    """Makes sure that a Space touches only what belongs to its leaderboard.

    Outside a Space (`space` is None) nothing is checked: there, people name the datasets themselves.
    """

    role: Role
    space: str | None = None
    current_name: CurrentName = lambda name: None
    must_write: bool = True
    """Whether it is an error if this Space's name cannot be written."""
    _checked: dict[str, str] = field(default_factory=dict)
    """The content's id of the file that names this Space, by dataset."""

    def check(self, store: Store, snapshot: Snapshot) -> None:
        """Check that the dataset is ours, and write this Space's name into it if it names none of its role.

        This costs nothing while the file does not change. Raises NotOurs and StoreError.
        """
        if not self.space or self._checked.get(str(store)) == snapshot.files.get(BOARD, ""):
            return
        try:
            self._check(store, snapshot)
        except NotOurs:
            raise
        except StoreError:
            if self.must_write:
                raise
            self._checked[str(store)] = snapshot.files.get(BOARD, "")  # reported elsewhere

    def look(self, store: Store, snapshot: Snapshot) -> Spaces:
        """Return the Spaces that the dataset names, and write nothing. Raises NotOurs and StoreError."""
        spaces = self._read(store, snapshot)
        if self.space:
            self._with_this_one(store, spaces)
        return spaces

    def _check(self, store: Store, first: Snapshot) -> None:
        written: bytes | None = None

        def decide(snapshot: Snapshot) -> Commit | None:
            nonlocal written
            spaces = self._read(store, snapshot)
            renewed = self._with_this_one(store, spaces)
            written = write_spaces(renewed) if renewed != spaces else None
            message = f"name {self.space} as one of the leaderboard's {self.role.value}"
            return Commit(snapshot, message, {BOARD: written}) if written else None

        snapshot = update(store, beginning_with(first, store.snapshot), decide)
        self._checked[str(store)] = blob_id(written) if written else snapshot.files.get(BOARD, "")

    def _read(self, store: Store, snapshot: Snapshot) -> Spaces:
        if BOARD not in snapshot.files:
            return {}
        data = store.read(snapshot, [BOARD])[BOARD]
        try:
            return read_spaces(_good(data))
        except BadFile as error:
            raise NotOurs(
                f"{BOARD} in {store} does not say whose leaderboard this is: {error}. Correct or delete it."
            ) from None

    def _with_this_one(self, store: Store, spaces: Spaces) -> Spaces:
        """Return the Spaces including this one. Raises NotOurs."""
        assert self.space
        named = spaces.get(self.role, ())
        if self.space.casefold() in [name.casefold() for name in named]:
            return spaces
        left = tuple(name for name in named if not self._is_this_one(name))
        if left:
            kind = self.role.name.lower()
            raise NotOurs(
                f"{store} belongs to the leaderboard whose {kind} is {', '.join(left)}, so this Space "
                f"({self.space}) does not use it. For a leaderboard of its own, set QUEUE_REPO and "
                "RESULTS_REPO in both of its Spaces to other names. If this Space belongs to that "
                f"leaderboard, write its name into {BOARD} there, in both datasets."
            )
        return {**spaces, self.role: (self.space,)}

    def _is_this_one(self, name: str) -> bool:
        """Return whether this was the Space's name before it was renamed."""
        current = self.current_name(name)
        return current is not None and self.space is not None and current.casefold() == self.space.casefold()


def read_spaces(data: bytes) -> Spaces:
    """Read the Spaces in a file. Raises BadFile."""
    raw = read_yaml(data, TEXT_LOADER) or {}
    if not isinstance(raw, Mapping):
        raise BadFile("it holds no lists of Spaces")
    unknown = sorted(str(key) for key in raw.keys() - {role.value for role in Role})
    if unknown:
        raise BadFile(f"it has {unknown[0]!r}, and may hold only {' and '.join(role.value for role in Role)}")
    found = {}
    for role in Role:
        names = raw.get(role.value) or []
        names = [names] if isinstance(names, str) else names
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise BadFile(f"{role.value} is not a list of names")
        found[role] = tuple(name.strip() for name in names if name.strip())
    return {role: names for role, names in found.items() if names}


def write_spaces(spaces: Spaces) -> bytes:
    """Write the file that names the Spaces."""
    return (
        HEAD + yaml.safe_dump({role.value: list(spaces[role]) for role in Role if role in spaces})
    ).encode()


def _good(data: bytes | BadFile) -> bytes:
    if isinstance(data, BadFile):
        raise data
    return data
