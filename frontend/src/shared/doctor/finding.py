"""A finding of the check-up, and how findings are told: to people, to programs, and as an exit status."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_NAMED = 3
"""How many things one sentence names. The others are counted."""


class Level(StrEnum):
    """How a thing is."""

    GREEN = "green"
    """Nothing is to be done."""
    WARNING = "warning"
    """It works, but an owner should look at it."""
    WRONG = "wrong"
    """It does not work, or will not for somebody."""


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    level: Level
    checked: str
    """The thing that was checked, in a few words."""
    sentence: str
    """What was found and, unless it is green, what to do."""
    is_public: bool = False
    """Whether strangers may read it, too."""


def green(checked: str, sentence: str, *, is_public: bool = False) -> Finding:
    """Return a finding about something that is well."""
    return Finding(Level.GREEN, checked, sentence, is_public)


def warning(checked: str, sentence: str, *, is_public: bool = False) -> Finding:
    """Return a finding about something that an owner should look at."""
    return Finding(Level.WARNING, checked, sentence, is_public)


def wrong(checked: str, sentence: str, *, is_public: bool = False) -> Finding:
    """Return a finding about something that does not work."""
    return Finding(Level.WRONG, checked, sentence, is_public)


def status(findings: Iterable[Finding], *, is_strict: bool = False) -> int:
    """Return the exit status: 1 if something is wrong or, if strict, not green; otherwise 0."""
    bad = (Level.WRONG, Level.WARNING) if is_strict else (Level.WRONG,)
    return int(any(each.level in bad for each in findings))


def as_lines(findings: Sequence[Finding]) -> str:
    """Return the findings as text, a line each and a last one that counts them."""
    width = max((len(each.level) for each in findings), default=0)
    lines = [f"{each.level:<{width}}  {each.checked}: {_on_one_line(each.sentence)}" for each in findings]
    return "\n".join([*lines, summary(findings)])


def as_json(findings: Sequence[Finding]) -> str:
    """Return the findings as a JSON list of objects."""
    told = [
        {"level": each.level.value, "checked": each.checked, "sentence": each.sentence} for each in findings
    ]
    return json.dumps(told, indent=2, ensure_ascii=False)


def summary(findings: Sequence[Finding]) -> str:
    """Return how many findings there are of each level."""
    numbers = [(sum(each.level is level for each in findings), level.value) for level in Level]
    return ", ".join(f"{number} {level}" for number, level in numbers)


def named(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _on_one_line(sentence: str) -> str:
    """Return a sentence without line breaks and control characters, which a file of a stranger may hold."""
    return "".join(each if each.isprintable() else " " for each in sentence)
