"""The parts of a backup, and `backup.json` beside them, which is written last."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from src.shared.data.json_file import write_object
from src.shared.data.request_fields import Time
from src.shared.errors import StoreError
from src.upkeep.contents import is_storable

NAME = "backup.json"
UNFINISHED = "backup.unfinished"
"""The file that marks an unfinished backup."""

FORMAT = 1

NOT_THERE = (
    "There is no finished backup in {}. Make one with `python -m src.backup {}`, or name another folder."
)
NOT_READABLE = "{} is not a valid list of a backup's files: {}. Back up again, or use another backup."
NEWER = "{} was written by a newer version of the template. Update this clone first: make upgrade."

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Part(StrEnum):
    """One dataset of a backup; the value is the name of its folder."""

    REQUESTS = "requests"
    RESULTS = "results"
    SAMPLES = "samples"
    """The dataset of samples, where they have one of their own."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One file of a backup."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256


@dataclass(frozen=True, kw_only=True)
class KeptDataset:
    """One dataset of a backup, at one revision."""

    name: str
    revision: str
    private: bool | None
    """None for a folder."""
    files: Mapping[str, Kept]

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(each.bytes for each in self.files.values())


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A finished backup."""

    made: Time
    template: str
    """The version of the template that made it."""
    datasets: Mapping[Part, KeptDataset]


_FILE = TypeAdapter(Backup)


def write_backup(folder: Path, backup: Backup) -> None:
    """Write `backup.json`, all or nothing."""
    written = _FILE.dump_python(backup, mode="json")
    for part, dataset in backup.datasets.items():
        files = written["datasets"][part].pop("files")
        written["datasets"][part] |= {"number": len(files), "bytes": dataset.bytes, "files": files}
    waiting = folder / f".{NAME}.part"
    with waiting.open("wb") as file:
        file.write(write_object({"format": FORMAT, **written}))
        file.flush()
        os.fsync(file.fileno())
    waiting.replace(folder / NAME)


def read_backup(folder: Path) -> Backup:
    """Read `backup.json`. Raises StoreError if it is missing or cannot be trusted."""
    place = folder / NAME
    try:
        data = place.read_bytes()
    except FileNotFoundError:
        raise StoreError(NOT_THERE.format(folder, folder)) from None
    except OSError as error:
        raise StoreError(f"Cannot read {place}: {error.strerror}.") from error
    try:
        if TypeAdapter(_Format).validate_json(data).format > FORMAT:
            raise StoreError(NEWER.format(place))
        backup = _FILE.validate_json(data)
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"])) or "the file"
        raise StoreError(NOT_READABLE.format(place, f"{where}: {wrong['msg']}")) from None
    for dataset in backup.datasets.values():
        for path in dataset.files:
            if not is_storable(path):
                raise StoreError(NOT_READABLE.format(place, f"{path!r} cannot be a file of a dataset"))
    if not {Part.REQUESTS, Part.RESULTS} <= backup.datasets.keys():
        raise StoreError(NOT_READABLE.format(place, "a dataset is missing"))
    return backup


@dataclass(frozen=True)
class _Format:
    format: int
