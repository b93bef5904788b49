"""The index: one Parquet table of a dataset's requests or results, so that a cold start reads one file.

A row is a file: its path, git's id of its content, columns for people and programs, and all that was read
from it. It is a cache and never trusted over the dataset: a row counts only while the dataset holds that very
content at that path.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from .errors import BadFile
from .json_file import as_number, as_object, as_text, read_object

T = TypeVar("T")

FORMAT = 1
"""It goes up when what is read from a file changes; an index of another format is not read."""

METADATA = b"leaderboard"
"""The key of our own entry in the table's metadata."""

MOST_SCORES = 500
"""So many columns of scores at most: those that most results have."""

PATH, BLOB, PARSED = "path", "blob", "parsed"

TIME = "time"
"""The type of a column of times; the others are named as Arrow names them."""


class NewerIndex(BadFile):
    """An index that a newer version of this code has written: it is not for us to write over it."""


class Column(NamedTuple, Generic[T]):
    """A column for people: its name, its type, and what a row has there."""

    name: str
    kind: str
    value: Callable[[T], object]


@dataclass(frozen=True)
class Indexed(Generic[T]):
    """What an index holds: every file that was there when it was written (git's id by path), and what was
    read from those that could be understood.
    """

    files: Mapping[str, str]
    values: Mapping[str, T]


@dataclass(frozen=True)
class Index(Generic[T]):
    """One index: where it lies, which columns it has for people, and how a value is written and read again.

    `scores` gives more columns, of numbers, by name.
    """

    path: str
    columns: Sequence[Column[T]]
    dump: Callable[[T], str]
    load: Callable[[str, str], T]
    scores: Callable[[T], Mapping[str, float]] = lambda _: {}

    def write(self, files: Mapping[str, str], values: Mapping[str, T]) -> bytes:
        """The Parquet file: the same bytes for the same content."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        paths = sorted(path for path in values if path in files)
        found = [self.scores(values[path]) for path in paths]
        table: dict[str, Any] = {PATH: pa.array(paths, pa.string())}
        for column in self.columns:
            kind = pa.timestamp("us", "UTC") if column.kind == TIME else column.kind
            table[column.name] = pa.array([column.value(values[path]) for path in paths], kind)
        for name in _most_common(found):
            table.setdefault(name, pa.array([scores.get(name) for scores in found], pa.float64()))
        table[BLOB] = pa.array([files[path] for path in paths], pa.string())
        table[PARSED] = pa.array([self.dump(values[path]) for path in paths], pa.string())
        others = {path: blob for path, blob in sorted(files.items()) if path not in values}
        ours = json.dumps({"format": FORMAT, "files": others}).encode()
        buffer = io.BytesIO()
        whole = pa.table(table).replace_schema_metadata({METADATA: ours})
        with pq.ParquetWriter(buffer, whole.schema, compression="zstd", write_page_checksum=True) as writer:
            if whole.num_rows:  # `datasets` cannot read a group of no rows
                writer.write_table(whole)
        return buffer.getvalue()

    def read(self, data: bytes) -> Indexed[T]:
        """What a file holds. Raises BadFile when it is none of ours, or of another version."""
        others, (paths, blobs, parsed) = _columns(data, [PATH, BLOB, PARSED])
        try:
            values = {path: self.load(path, text) for path, text in zip(paths, parsed, strict=True)}
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise BadFile(f"it is not an index: {type(error).__name__}") from None
        return Indexed({**others, **dict(zip(paths, blobs, strict=True))}, values)

    def read_files(self, data: bytes) -> Mapping[str, str]:
        """Only which files there were. Raises BadFile as `read` does."""
        others, (paths, blobs) = _columns(data, [PATH, BLOB])
        return {**others, **dict(zip(paths, blobs, strict=True))}


def _columns(data: bytes, names: Sequence[str]) -> tuple[Mapping[str, str], list[list[str]]]:
    """The files that are no rows, and columns of an index. Raises BadFile when there are none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(data), columns=list(names), page_checksum_verification=True)
        ours = read_object((table.schema.metadata or {}).get(METADATA, b""))
        columns = [table.column(name).cast(pa.string()).to_pylist() for name in names]
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise BadFile(f"it is not an index: {type(error).__name__}") from None
    version = as_number(ours.get("format"))
    if version is not None and version > FORMAT:
        raise NewerIndex("it is of a newer version")
    if version != FORMAT:
        raise BadFile("it is of another version")
    if any(value is None for column in columns for value in column):
        raise BadFile("it is not an index: a cell is empty")
    others = {path: as_text(blob) for path, blob in as_object(ours.get("files")).items()}
    return others, columns


def _most_common(found: Sequence[Mapping[str, float]]) -> list[str]:
    """The names of scores, in their order by name."""
    counts = Counter(name for scores in found for name in scores)
    return sorted(name for name, _ in counts.most_common(MOST_SCORES))
