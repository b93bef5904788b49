"""The index: one Parquet table of a dataset's requests or results, so that a cold start reads one file.

A row is a file: its path, git's id of its content, columns for people and programs, all that was read from
it, and the version of the reader that read it. It is a cache and never trusted over the dataset: a row counts
only while the dataset holds that very content at that path, and until our own reader has read the file.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from ..data.json_file import as_number, as_object, as_text, read_object
from ..errors import BadFile

T = TypeVar("T")

FORMAT = 2
"""The layout of the table. A newer one is not read."""

FIRST_FORMAT, FIRST_READER = 1, 1
"""The first layout named no reader: its rows are all from the first one."""

METADATA = b"leaderboard"
"""The key of our own entry in the table's metadata."""

MOST_SCORES = 500
"""The most columns of scores: those that most results have."""

PATH, BLOB, PARSED, READER = "path", "blob", "parsed", "reader"

TIME = "time"
"""The type of a column of times; the others are named as Arrow names them."""


class NewerIndex(BadFile):
    """An index that a newer version of this code has written. We must not overwrite it."""


class IndexColumn(NamedTuple, Generic[T]):
    """A column for people: its name, its type, and how to get its value from a row."""

    name: str
    kind: str
    value: Callable[[T], object]


@dataclass(frozen=True)
class Indexed(Generic[T]):
    """The content of an index."""

    files: Mapping[str, str] = field(default_factory=dict)
    """Every file that was there when it was written: git's id of its content, by path."""
    values: Mapping[str, T] = field(default_factory=dict)
    """The values that were read from the files that could be understood, by path."""
    readers: Mapping[str, int] = field(default_factory=dict)
    """The version of the reader that read each value, by path."""
    writer: int = FIRST_READER
    """The version of the reader of the Space that wrote the index."""


@dataclass(frozen=True)
class Index(Generic[T]):
    """One index: its path, its columns, and how a value is written and loaded again."""

    path: str
    reader: int
    """The version of what reads the files. Raise it whenever a file may be read differently than before."""
    columns: Sequence[IndexColumn[T]]
    """The columns for people."""
    dump: Callable[[T], str]
    load: Callable[[str, str], T]
    scores: Callable[[T], Mapping[str, float]] = lambda _: {}
    """More columns, of numbers, by name."""

    def write(
        self, files: Mapping[str, str], values: Mapping[str, T], readers: Mapping[str, int] | None = None
    ) -> bytes:
        """Return the Parquet file: the same bytes for the same content.

        `readers` names the readers of values that another version than ours read.
        """
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
        table[READER] = pa.array([(readers or {}).get(path, self.reader) for path in paths], pa.int32())
        table[PARSED] = pa.array([self.dump(values[path]) for path in paths], pa.string())
        others = {path: blob for path, blob in sorted(files.items()) if path not in values}
        ours = json.dumps({"format": FORMAT, "reader": self.reader, "files": others}).encode()
        buffer = io.BytesIO()
        whole = pa.table(table).replace_schema_metadata({METADATA: ours})
        with pq.ParquetWriter(buffer, whole.schema, compression="zstd", write_page_checksum=True) as writer:
            if whole.num_rows:  # `datasets` cannot read a group of no rows
                writer.write_table(whole)
        return buffer.getvalue()

    def read(self, data: bytes) -> Indexed[T]:
        """Return what a file holds. Raises BadFile for a file that is not an index, or NewerIndex."""
        found = _columns(data, [PATH, BLOB, PARSED])
        paths, blobs, parsed = found.columns
        readers = dict(zip(paths, found.readers, strict=True))
        values = {}
        for path, text in zip(paths, parsed, strict=True):
            try:
                values[path] = self.load(path, text)
            except (ValueError, TypeError, AttributeError, RecursionError) as error:
                if readers[path] == self.reader:
                    raise BadFile(f"it is not an index: {type(error).__name__}") from None
        return Indexed(
            {**found.others, **dict(zip(paths, blobs, strict=True))}, values, readers, found.writer
        )

    def read_files(self, data: bytes) -> Mapping[str, str]:
        """Return only the files that there were. Raises BadFile as `read` does."""
        found = _columns(data, [PATH, BLOB])
        paths, blobs = found.columns
        return {**found.others, **dict(zip(paths, blobs, strict=True))}


class _Table(NamedTuple):
    """An index without its columns for people. `others` are the files that have no row."""

    others: Mapping[str, str]
    columns: list[list[str]]
    readers: list[int]
    writer: int


def _columns(data: bytes, names: Sequence[str]) -> _Table:
    """Read columns of an index. Raises BadFile when there are none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data), page_checksum_verification=True)
        ours = read_object((file.schema_arrow.metadata or {}).get(METADATA, b""))
        version = as_number(ours.get("format"))
        _refuse_other_formats(version)
        has_readers = version != FIRST_FORMAT
        table = file.read([*names, READER] if has_readers else list(names))
        columns = [table.column(name).cast(pa.string()).to_pylist() for name in names]
        readers = table.column(READER).cast(pa.int32()).to_pylist() if has_readers else None
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise BadFile(f"it is not an index: {type(error).__name__}") from None
    readers = readers or [FIRST_READER] * table.num_rows
    if any(value is None for column in (*columns, readers) for value in column):
        raise BadFile("it is not an index: a cell is empty")
    others = {path: as_text(blob) for path, blob in as_object(ours.get("files")).items()}
    return _Table(others, columns, readers, int(as_number(ours.get("reader")) or FIRST_READER))


def _refuse_other_formats(version: float | None) -> None:
    if version is not None and version > FORMAT:
        raise NewerIndex("it is of a newer version")
    if version not in (FIRST_FORMAT, FORMAT):
        raise BadFile("it is of another version")


def _most_common(found: Sequence[Mapping[str, float]]) -> list[str]:
    """The names of scores, in their order by name."""
    counts = Counter(name for scores in found for name in scores)
    return sorted(name for name, _ in counts.most_common(MOST_SCORES))
