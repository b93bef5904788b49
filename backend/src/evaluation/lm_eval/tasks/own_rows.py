"""Checks the questions of the leaderboard's own tasks for impossible answers and inconsistent rows.

lm_eval silently scores such rows, or fails on them in the middle of an evaluation.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes
from lm_eval import utils

from src.evaluation.lm_eval.tasks.configs import Config, Leaf
from src.evaluation.lm_eval.tasks.task_yaml import Place
from src.shared.data.json_file import as_object

LARGEST = 200_000_000
"""The size of the largest file that is checked, in bytes."""

Row = Mapping[str, Any]

FieldPath = tuple[str, ...]
"""A field of a row; more than one name if it is in an object."""

MISSING = object()

KINDS = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
    type(None): "nothing",
}


@dataclass(frozen=True)
class BadRow:
    """An invalid row."""

    place: Place
    what: str
    """What is wrong with it."""
    field: str
    """The field of the row or task; empty if it concerns the whole row."""


@dataclass(frozen=True)
class Line:
    """A row with its line number in the file."""

    number: int
    row: Row


def broken_lines(leaf: Leaf) -> Iterator[BadRow]:
    """Yield the first line of each file of questions that is not JSON or not an object."""
    for file in map(Path, leaf.local_files):
        if not file.is_file() or file.suffix not in (".jsonl", ".json") or file.stat().st_size > LARGEST:
            continue
        if (bad := _broken_line(file)) is not None:
            yield bad


def _broken_line(file: Path) -> BadRow | None:
    data = file.read_bytes()
    if file.suffix == ".json" and data.lstrip()[:1] in (b"[", b"{"):
        try:
            json.loads(data)
            return None
        except ValueError:
            if data.lstrip()[:1] == b"[":
                return _not_json(file, data, 0)
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        if (bad := _not_json(file, line, number)) is not None:
            return bad
    return None


def _not_json(file: Path, data: bytes, line: int) -> BadRow | None:
    """Return what is wrong with a text that should be JSON: a whole file if `line` is 0, else an object."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        at = line or getattr(error, "lineno", 1)
        reason = getattr(error, "msg", "it is not text in UTF-8")
        return BadRow(Place(file, at), f"it is not valid JSON ({reason})", "")
    if line and not isinstance(value, dict):
        return BadRow(Place(file, line), "it is not an object, `{…}`", "")
    return None


def odd_rows(leaf: Leaf) -> Iterator[BadRow]:
    """Yield rows that lack a field the task uses, or whose answer has another type than in other rows."""
    if "process_docs" in leaf.config or "class" in leaf.config:
        return
    for file in map(Path, leaf.local_files):
        if lines := read_lines(file):
            yield from _odd_in(file, lines, leaf.config)


def read_lines(file: Path) -> Sequence[Line]:
    """Return the rows of a file with one object per line, or of a CSV file; none for any other file."""
    if file.suffix not in (".jsonl", ".csv") or not file.is_file() or file.stat().st_size > LARGEST:
        return ()
    if file.suffix == ".csv":
        return list(_lines_of_csv(file))
    lines = enumerate(file.read_bytes().split(b"\n"), 1)
    return [Line(number, json.loads(line)) for number, line in lines if line.strip()]


def _lines_of_csv(file: Path) -> Iterator[Line]:
    """Yield the rows with the values that `datasets` sees in them: numbers where all cells are, else text."""
    with suppress(csv.Error, UnicodeDecodeError), file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        before = reader.line_num if reader.fieldnames else 0
        for row in reader:
            yield Line(before + 1, {key: _value(cell) for key, cell in row.items() if isinstance(key, str)})
            before = reader.line_num


def _value(cell: object) -> object:
    """Return what a cell of a CSV file says; None if it is empty."""
    text = cell if isinstance(cell, str) else ""
    for number in (int, float):
        with suppress(ValueError):
            return number(text)
    return text or None


def empty_file(leaf: Leaf) -> Path | None:
    """Return the first file of questions that has none."""
    for file in map(Path, leaf.local_files):
        if file.suffix == ".csv" and file.is_file() and not read_lines(file):
            return file
        if file.suffix in (".jsonl", ".json") and file.is_file() and _is_empty(file):
            return file
    return None


def _is_empty(file: Path) -> bool:
    with file.open("rb") as data:
        start = data.read(1_000).strip()
    return start in (b"", b"[]", b"{}") and (b"{" not in start or file.suffix == ".json")


def _odd_in(file: Path, lines: Sequence[Line], config: Config) -> Iterator[BadRow]:
    known = {key for line in lines for key in line.row}
    for setting in ("doc_to_text", "doc_to_target", "doc_to_choice"):
        for path in sorted(fields_used(config.get(setting), known)):
            values = [value_at(line.row, path) for line in lines]
            if all(value is MISSING for value in values):
                continue
            at = next((at for at, value in enumerate(values) if value in (None, MISSING)), None)
            if at is not None:
                place, name = Place(file, lines[at].number), ".".join(path)
                yield BadRow(place, f"it has no `{name}`, which `{setting}` uses", setting)
    may_mix = file.suffix == ".csv" and config.get("output_type") != "multiple_choice"
    for path in () if may_mix else sorted(fields_used(config.get("doc_to_target"), known)):
        if odd := _odd_kind(lines, path):
            line, what = odd
            yield BadRow(Place(file, line.number), what, "doc_to_target")


def _odd_kind(lines: Sequence[Line], path: FieldPath) -> tuple[Line, str] | None:
    """Return the first row whose value has another type than in most rows, and what to say about it."""
    values = [(line, value_at(line.row, path)) for line in lines]
    values = [(line, value) for line, value in values if value is not None and value is not MISSING]
    for kind in (kind_of, exact_kind_of):
        kinds = Counter(kind(value) for _, value in values)
        if len(kinds) > 1:
            usual = kinds.most_common(1)[0][0]
            line, value = next((line, value) for line, value in values if kind(value) != usual)
            others = f"but in {kinds[usual]:,} other rows it is {usual}"
            return line, f"its `{'.'.join(path)}` is {kind(value)}, {others}"
    return None


def kind_of(value: object) -> str:
    """Return what people call the type of a JSON value."""
    return KINDS.get(type(value), "something else")


def exact_kind_of(value: object) -> str:
    """Return the type of a JSON value. `datasets` makes all numbers fractions if one has a decimal point."""
    exact = {int: "a whole number", float: "a number with a decimal point"}
    return exact.get(type(value)) or kind_of(value)


def value_at(row: object, path: FieldPath) -> object:
    """Return the value of a field, or MISSING."""
    for key in path:
        if not isinstance(row, Mapping) or key not in row:
            return MISSING
        row = row[key]
    return row


def fields_used(template: object, known: set[str]) -> set[FieldPath]:
    """Return the fields that a setting uses in every row, because it names or inserts them."""
    if not isinstance(template, str):
        return set()
    if template in known:
        return {(template,)}
    if "{%" in template:
        return set()
    try:
        parts = [part for node in utils.env.parse(template).body for part in getattr(node, "nodes", ())]
    except jinja2.TemplateError:
        return set()
    return {path for part in parts for path in _paths(part) if path[0] in known}


def _paths(node: nodes.Node) -> Iterator[FieldPath]:
    """Yield the fields that an expression of a template cannot do without."""
    if (path := _path(node)) is not None:
        yield path
    elif isinstance(node, nodes.Getitem):
        yield from (*_paths(node.node), *_paths(node.arg))
    elif isinstance(node, nodes.Filter) and node.node and node.name not in ("default", "d"):
        yield from _paths(node.node)
    elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        yield from _paths(node.node.node)  # a method such as `strip`
    elif isinstance(node, nodes.BinExpr) and not isinstance(node, nodes.And | nodes.Or):
        yield from (*_paths(node.left), *_paths(node.right))


def _path(node: nodes.Node) -> FieldPath | None:
    """Return the field that an expression names, at any depth."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    key = node.attr if isinstance(node, nodes.Getattr) else None
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        key = node.arg.value if isinstance(node.arg.value, str) else None
    above = _path(node.node) if isinstance(node, nodes.Getattr | nodes.Getitem) and key else None
    return (*above, key) if above and key else None


def place_of_row(leaf: Leaf, split: object, number: int, row: Row) -> Place:
    """Return the line of a row of a built task, or else the task's file.

    `process_docs` may have left out or moved rows: then it is the line that has the row's values.
    """
    named = as_object(as_object(leaf.config.get("dataset_kwargs")).get("data_files")).get(str(split))
    lines = read_lines(Path(named)) if isinstance(named, str) else ()
    if "process_docs" not in leaf.config:
        found = lines[number : number + 1]
    else:
        alike = [sum(row.get(key) == value for key, value in line.row.items()) for line in lines]
        most = max(alike, default=0)
        found = [line for line, count in zip(lines, alike, strict=True) if count == most and most]
    if len(found) == 1:
        return Place(Path(str(named)), found[0].number)
    return Place(leaf.file or Path(leaf.name))
