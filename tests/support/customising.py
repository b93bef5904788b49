"""What docs/customise.md has to paste, taken out of it as an owner would take it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from support.sources import ROOT

TEXT = (ROOT / "docs" / "customise.md").read_text(encoding="utf-8")
COMMENTED_OUT = re.compile(r'^(\s*)# (task\d+ = |")', re.MULTILINE)
"""A line of a block that is to be brought in by removing the mark before it."""


@dataclass(frozen=True)
class Pasted:
    """A suite: its two blocks, and the table that says in words what they hold, a line per column."""

    title: str
    about: str
    envs: str
    table: tuple[dict[str, str], ...] = field(compare=False)

    @property
    def has_comments(self) -> bool:
        return bool(COMMENTED_OUT.search(self.about) or COMMENTED_OUT.search(self.envs))

    @property
    def with_comments(self) -> "Pasted":
        """The suite with the lines that are commented out brought in, if there are any."""
        if not self.has_comments:
            return self
        about, envs = (COMMENTED_OUT.sub(r"\1\2", block) for block in (self.about, self.envs))
        return replace(self, title=f"{self.title}, with the comments", about=about, envs=envs)

    def columns(self, task: type) -> list[object]:
        """What `Tasks` holds, made with this class of task."""
        names: dict[str, object] = {"Enum": Enum, "Task": task}
        exec(self.about, names)
        return [member.value for member in names["Tasks"]]  # type: ignore[attr-defined]


def section(title: str) -> str:
    """The text below a heading of any level, up to the next heading."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", without_code(TEXT), re.M | re.S)
    assert found, f"docs/customise.md has no heading {title!r}"
    return TEXT[slice(*found.span(1))]


def without_code(text: str) -> str:
    """A text of the same length in which no line of a block of code looks like a heading."""
    return re.sub(r"^```.*?^```", lambda code: code[0].replace("\n#", "\n "), text, flags=re.M | re.S)


def blocks(text: str, language: str = "python") -> list[str]:
    """The blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def table(text: str) -> Iterator[dict[str, str]]:
    """The lines of the first table, by the names of its columns."""
    first = re.search(r"(^\|.*\|\n)+", text, re.M)
    assert first, "there is no table"
    lines = (line.removeprefix("| ").removesuffix(" |") for line in first[0].splitlines())
    header, _, *rest = (line.split(" | ") for line in lines)
    for cells in rest:
        yield dict(zip(header, cells, strict=True))


def codes(text: str) -> list[str]:
    """What is written as code within a line."""
    return re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def suites() -> list[Pasted]:
    """Every section that has a block to paste into about.py or envs.py."""
    found = []
    for title in re.findall(r"^### (.*)$", without_code(TEXT), re.M):
        text = section(title)
        about = [block for block in blocks(text) if "class Tasks" in block]
        envs = [block for block in blocks(text) if "TASKS_HARNESS" in block]
        if about or envs:
            [about_block], [envs_block] = about, envs
            plain = [{name: cell.strip("`") for name, cell in row.items()} for row in table(text)]
            found.append(Pasted(title, about_block, envs_block, tuple(plain)))
    return found


def suites_and_variants() -> list[Pasted]:
    """Each suite as it stands there, and those with comments also with them brought in."""
    return [form for suite in suites() for form in dict.fromkeys([suite, suite.with_comments])]
