"""Tables in the docs whose rows a test obtains: it compares them, or writes them with WRITE_DOCS=1."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

CODE = re.compile(r"(``.*?``|`[^`]*`)")


def compare_table(file: Path, name: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Compare the table between `<!-- name -->` and `<!-- end of name -->` with these rows.

    With WRITE_DOCS=1 in the environment the table is written instead.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    text = file.read_text(encoding="utf-8")
    before, _, rest = text.partition(begin)
    old, _, after = rest.partition(end)
    assert rest, f"{file.name} has no line {begin!r}"
    new = "".join(f"{line}\n" for line in _lines(header, rows))
    if os.environ.get("WRITE_DOCS"):
        file.write_text(f"{before}{begin}{new}{end}{after}", encoding="utf-8")
    else:
        assert old == new, f"docs/{file.name} is out of date: run this test with WRITE_DOCS=1"


def _lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines]


def _cell(text: str) -> str:
    plain = " ".join(text.replace("|", r"\|").split())
    parts = CODE.split(plain)
    return "".join(part if CODE.fullmatch(part) else part.replace("__", r"\_\_") for part in parts)
