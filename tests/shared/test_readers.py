"""A mended reader reaches files that an older one has put into an index, and two versions do not quarrel."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import tokenize
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from src.shared.data.json_file import read_object
from src.shared.data.reports import read_result
from src.shared.data.result import Result
from src.shared.errors import StoreError
from src.shared.index import indexes
from src.shared.index.index import Index, IndexColumn
from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.indexer import AGE, Indexer
from src.shared.stores.mirror import READ_AGAIN_AT_ONCE, Mirror
from src.shared.times import utc_now
from support.factories import make_result_file

FEW, MANY = 3, 2 * READ_AGAIN_AT_ONCE + 50

Parse = Callable[[str, bytes], "Reading"]


@dataclass(frozen=True)
class Reading:
    """What a reader reads of a file. Its second version also reads the colour."""

    size: int
    colour: str | None = None


def first(path: str, data: bytes) -> Reading:
    return Reading(int(str(read_object(data)["size"])))


def second(path: str, data: bytes) -> Reading:
    return replace(first(path, data), colour=str(read_object(data)["colour"]))


INDEX = Index[Reading](
    path="index/things.parquet",
    reader=1,
    columns=[IndexColumn("size", "int64", lambda thing: thing.size)],
    dump=lambda thing: json.dumps(vars(thing)),
    load=lambda path, text: Reading(**json.loads(text)),
)


class Watched(FolderStore):
    """A folder that knows which files were read of it, and can refuse to read more."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.read_files: list[str] = []
        self.is_spent = False

    def read(self, snapshot: Any, paths: Any) -> Any:
        if self.is_spent and INDEX.path not in paths:
            raise StoreError("The Hub's rate limit is used up.")
        self.read_files += [path for path in paths if path != INDEX.path]
        return super().read(snapshot, paths)


class Space:
    """A Space of one version of the code, on a folder of things."""

    def __init__(self, folder: Path, parse: Parse, reader: int) -> None:
        self.store = Watched(folder)
        self.now = utc_now()
        index = replace(INDEX, reader=reader)
        self._mirror = Mirror(self.store, parse, index=index)
        self._indexer = Indexer(self.store, self._mirror, index, lambda: self.now)

    @classmethod
    def old(cls, folder: Path) -> Space:
        return cls(folder, first, 1)

    @classmethod
    def new(cls, folder: Path) -> Space:
        return cls(folder, second, 2)

    def look(self) -> dict[str, str | None]:
        """The colours that it shows after another look."""
        return {path: thing.colour for path, thing in self._mirror.refresh().values.items()}

    def keep_index(self) -> bool:
        """Whether it writes the index after half an hour."""
        self._indexer.due(self._mirror.refresh())
        self.now += AGE + timedelta(minutes=1)
        reading = self._mirror.refresh()
        data = self._indexer.due(reading)
        if data:
            self._indexer.write(reading, data)
        return data is not None


def add_things(folder: Path, number: int) -> dict[str, str | None]:
    """Put things into the folder; their colours by path."""
    (folder / "acme").mkdir(parents=True)
    for each in range(number):
        (folder / "acme" / f"{each}.json").write_text(f'{{"size": {each}, "colour": "red"}}')
    return {f"acme/{each}.json": "red" for each in range(number)}


def test_a_field_that_a_newer_reader_reads_shows_up_for_rows_of_an_older_index(tmp_path: Path) -> None:
    colours = add_things(tmp_path, MANY)
    assert Space.old(tmp_path).keep_index()
    space = Space.new(tmp_path)
    assert space.look() == dict.fromkeys(colours)  # at once, as the reader before read them
    assert not space.store.read_files
    looks = [sum(colour is not None for colour in space.look().values()) for _ in range(3)]
    assert looks == [READ_AGAIN_AT_ONCE, 2 * READ_AGAIN_AT_ONCE, MANY]
    assert sorted(space.store.read_files) == sorted(colours)
    assert space.look() == colours
    assert space.keep_index()
    again = Space.new(tmp_path)
    assert again.look() == colours
    assert not again.store.read_files


def test_an_index_that_is_renewed_half_way_says_which_rows_are_still_of_the_old_reader(
    tmp_path: Path,
) -> None:
    add_things(tmp_path, MANY)
    Space.old(tmp_path).keep_index()
    space = Space.new(tmp_path)
    space.look()
    space.look()
    space.store.is_spent = True
    assert space.keep_index()
    after_a_restart = Space.new(tmp_path)
    known = [colour for colour in after_a_restart.look().values() if colour]
    assert len(known) == READ_AGAIN_AT_ONCE
    after_a_restart.look()
    assert len(after_a_restart.store.read_files) == READ_AGAIN_AT_ONCE


def test_what_another_space_has_read_again_is_taken_from_its_index(tmp_path: Path) -> None:
    colours = add_things(tmp_path, READ_AGAIN_AT_ONCE)
    Space.old(tmp_path).keep_index()
    one, other = Space.new(tmp_path), Space.new(tmp_path)
    other.look()
    one.look()
    assert one.keep_index()
    assert other.look() == colours
    assert not other.store.read_files


def test_two_versions_do_not_rewrite_the_index_in_turns(tmp_path: Path) -> None:
    add_things(tmp_path, FEW)
    old, new = Space.old(tmp_path), Space.new(tmp_path)
    assert old.keep_index()
    new.look()
    assert new.keep_index()
    for hour in range(5):
        (tmp_path / "acme" / f"new-{hour}.json").write_text('{"size": 1, "colour": "blue"}')
        assert (old.keep_index(), new.keep_index()) == (False, True)
    assert set(Space.new(tmp_path).look().values()) == {"red", "blue"}


def test_an_older_version_shows_the_rows_of_a_newer_index_and_reads_them_itself(tmp_path: Path) -> None:
    colours = add_things(tmp_path, FEW)
    Space.new(tmp_path).keep_index()
    old = Space.old(tmp_path)
    assert old.look() == colours
    assert old.look() == dict.fromkeys(colours)
    assert not old.keep_index()


def test_while_the_hub_delivers_no_more_files_what_the_old_reader_read_stays(tmp_path: Path) -> None:
    colours = add_things(tmp_path, FEW)
    Space.old(tmp_path).keep_index()
    space = Space.new(tmp_path)
    space.look()
    space.store.is_spent = True
    assert space.look() == dict.fromkeys(colours)
    space.store.is_spent = False
    assert space.look() == colours


def test_a_file_that_changes_or_goes_meanwhile_is_not_read_twice(tmp_path: Path) -> None:
    add_things(tmp_path, FEW)
    Space.old(tmp_path).keep_index()
    space = Space.new(tmp_path)
    space.look()
    (tmp_path / "acme" / "0.json").write_text('{"size": 0, "colour": "green"}')
    (tmp_path / "acme" / "1.json").unlink()
    assert space.look() == {"acme/0.json": "green", "acme/2.json": "red"}
    assert sorted(space.store.read_files) == ["acme/0.json", "acme/2.json"]


@dataclass(frozen=True, kw_only=True)
class MendedResult(Result):
    """What a later version reads of result files: also who wrote them."""

    author: str | None = None


def test_a_field_that_is_added_to_results_shows_up_for_rows_of_an_older_index(tmp_path: Path) -> None:
    file = make_result_file(author="ada")
    for name in ("a", "b"):
        (tmp_path / "acme" / name).mkdir(parents=True)
        (tmp_path / "acme" / name / "results_1.json").write_bytes(file)
    store = FolderStore(tmp_path)
    Indexer(store, Mirror(store, read_result, index=RESULTS_INDEX), RESULTS_INDEX).renew()

    def read_mended(path: str, data: bytes) -> MendedResult:
        return MendedResult(**vars(read_result(path, data)), author=str(read_object(data)["author"]))

    adapter = TypeAdapter(MendedResult)
    index = Index[MendedResult](
        path=RESULTS_INDEX.path,
        reader=RESULTS_INDEX.reader + 1,
        columns=[],
        dump=lambda result: adapter.dump_json(result).decode(),
        load=lambda path, text: adapter.validate_json(text),
    )
    mirror = Mirror(store, read_mended, index=index)
    looks = [{result.author for result in mirror.refresh().values.values()} for _ in range(2)]
    assert looks == [{None}, {"ada"}]


NOT_READERS = {"errors", "index.index", "data.names", "stores.store"}


def code(path: Path) -> str:
    """The code of a file; comments, docstrings and spaces do not count."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        for each in body if isinstance(body, list) else ():
            if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant):
                lines[each.lineno - 1 : each.end_lineno] = [""] * ((each.end_lineno or 0) - each.lineno + 1)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            line, column = token.start
            lines[line - 1] = lines[line - 1][:column]
    return " ".join(" ".join(lines).split())


def fingerprint(module: str) -> str:
    """The code that reads a file: a module of the shared package, and what it imports from there."""
    folder = Path(indexes.__file__).parents[1]
    found: dict[str, str] = {}

    def follow(name: str) -> None:
        if name in found or name in NOT_READERS:
            return
        file = folder / f"{name.replace('.', '/')}.py"
        found[name] = code(file)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level and node.module:
                room = name.split(".")[: -node.level]
                follow(".".join([*room, node.module]))

    follow(module)
    return hashlib.sha256("".join(found[name] for name in sorted(found)).encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("index", "module", "known"),
    [
        (REQUESTS_INDEX, "data.request", (5, "0b96f7a2dfaf36c5")),
        (RESULTS_INDEX, "data.reports", (7, "62020137e4be65aa")),
    ],
    ids=["requests", "results"],
)
def test_what_reads_files_does_not_change_without_a_new_version_of_the_reader(
    index: Index[Any], module: str, known: tuple[int, str]
) -> None:
    """If a file may be read differently now, raise `reader` in indexes.py: then indexed files are read again.
    Either way, write version and fingerprint here.
    """
    assert (index.reader, fingerprint(module)) == known
