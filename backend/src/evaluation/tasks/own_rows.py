"""Checks the questions of the leaderboard's own tasks for impossible answers and inconsistent rows.

lm_eval silently scores such rows, or fails on them in the middle of an evaluation.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lm_eval import utils

from src.evaluation.tasks.configs import Config, Leaf
from src.evaluation.tasks.task_yaml import Place
from src.shared.data.json_file import as_object

LARGEST = 200_000_000
"""The size of the largest file that is checked, in bytes."""

Row = Mapping[str, Any]

PRINTED = re.compile(r"\{\{-?\s*([A-Za-z_]\w*)\s*(?:\|(?![^}]*default)[^}]*)?-?\}\}")
"""A field of the row that a template inserts unchanged."""

KINDS = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
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
    """Return the rows of a file with one object per line; none for any other file."""
    if file.suffix != ".jsonl" or not file.is_file() or file.stat().st_size > LARGEST:
        return ()
    lines = enumerate(file.read_bytes().split(b"\n"), 1)
    return [Line(number, json.loads(line)) for number, line in lines if line.strip()]


def _odd_in(file: Path, lines: Sequence[Line], config: Config) -> Iterator[BadRow]:
    known = {key for line in lines for key in line.row}
    for setting in ("doc_to_text", "doc_to_target", "doc_to_choice"):
        for name in sorted(fields_used(config.get(setting), known)):
            empty = next((line for line in lines if line.row.get(name) is None), None)
            if empty:
                yield BadRow(
                    Place(file, empty.number), f"it has no `{name}`, which `{setting}` uses", setting
                )
    for name in sorted(fields_used(config.get("doc_to_target"), known)):
        kinds = Counter(kind_of(line.row.get(name)) for line in lines if line.row.get(name) is not None)
        if len(kinds) > 1:
            usual = kinds.most_common(1)[0][0]
            odd = next(
                line for line in lines if line.row.get(name) is not None and kind_of(line.row[name]) != usual
            )
            yield BadRow(
                Place(file, odd.number),
                f"its `{name}` is {kind_of(odd.row[name])}, but in {kinds[usual]:,} other rows it is {usual}",
                "doc_to_target",
            )


def kind_of(value: object) -> str:
    """Return what people call the type of a JSON value."""
    return KINDS.get(type(value), "something else")


def fields_used(template: object, known: set[str]) -> set[str]:
    """Return the fields that a setting uses in every row, because it names or inserts them."""
    if not isinstance(template, str):
        return set()
    if template in known:
        return {template}
    return set() if "{%" in template else set(PRINTED.findall(template)) & known


def wrong_answers(task: Any, leaf: Leaf) -> Iterator[BadRow]:
    """Yield the first row whose right answer is not one of its choices, after checking every row.

    Skip tasks that score with their own code, since they may keep anything there.
    """
    is_choice = getattr(task, "OUTPUT_TYPE", None) == "multiple_choice"
    if not is_choice or not leaf.local_files or leaf.config.get("process_results"):
        return
    config = leaf.config
    asked = config.get("test_split") or config.get("validation_split")
    shown = config.get("fewshot_split") or config.get("training_split") or config.get("validation_split")
    parts: list[tuple[object, Callable[[], Any]]] = [(asked, lambda: task.eval_docs)]
    if task.config.num_fewshot and shown not in (None, asked):
        parts.append((shown, task.fewshot_docs))
    with templates_compiled_once():
        for split, rows in parts:
            for number, row in enumerate(rows()):
                if found := _wrong_answer(task, row):
                    setting, what = found
                    yield BadRow(_place(leaf, split, number), what, setting)
                    return


def _wrong_answer(task: Any, row: Row) -> tuple[str, str] | None:
    """Return the setting that is concerned, and what is wrong with the row; None if it is valid."""
    text, target, choices = task.doc_to_text(row), task.doc_to_target(row), task.doc_to_choice(row)
    if not isinstance(choices, Sequence) or isinstance(choices, str) or not choices:
        return "doc_to_choice", "it has no list of choices"
    if not all(isinstance(each, str) and each for each in choices):
        return "doc_to_choice", "one of its choices is empty or not text"
    setting = "doc_to_text" if isinstance(text, int) else "doc_to_target"
    gold = text if isinstance(text, int) else target
    for answer in gold if isinstance(gold, list) else [gold]:
        if isinstance(answer, int) and not 0 <= answer < len(choices):
            return setting, (
                f"its answer is {answer}, but its {len(choices)} choices are numbered 0 to {len(choices) - 1}"
            )
        if isinstance(answer, str) and answer not in choices and not _is_input(text):
            return setting, f"its answer {shortened(answer)} is not one of its choices"
        if not isinstance(answer, int | str):
            return (
                setting,
                f"its answer is {kind_of(answer)}, which is neither a number nor one of its choices",
            )
    return None


def _is_input(text: object) -> bool:
    """Return whether the choices are inserted into the question. Then the target is what follows it."""
    return isinstance(text, int)


def shortened(text: str, longest: int = 60) -> str:
    """Return a text of a row as a sentence quotes it."""
    return repr(text if len(text) <= longest else text[: longest - 1] + "…")


def _place(leaf: Leaf, split: object, number: int) -> Place:
    """Return the line of a row if the rows are the lines of one file, or else the task's file."""
    named = as_object(as_object(leaf.config.get("dataset_kwargs")).get("data_files")).get(str(split))
    if isinstance(named, str) and "process_docs" not in leaf.config:
        lines = read_lines(Path(named))
        if number < len(lines):
            return Place(Path(named), lines[number].number)
    return Place(leaf.file or Path(leaf.name))


@contextmanager
def templates_compiled_once() -> Iterator[None]:
    """Keep lm_eval from compiling each template again for each row, which takes most of the time."""
    compile_one = utils.env.from_string

    @lru_cache(maxsize=1000)
    def from_string(source: str) -> Any:
        return compile_one(source)

    utils.env.from_string = from_string
    try:
        yield
    finally:
        del utils.env.from_string
