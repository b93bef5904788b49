"""A fault of a task: what is wrong with it, where, and the words to say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from src.evaluation.lm_eval.tasks.configs import Leaf
from src.evaluation.lm_eval.tasks.task_yaml import Place, place_of

LONGEST = 300
"""The most characters of a library's error that a sentence quotes."""

MOST_LISTED = 12
"""The most names that a sentence lists."""

CORRECT = "correct it"
CORRECT_THE_PATH = "correct its path, which is relative to the backend's folder"


@dataclass(frozen=True)
class Fault:
    """A fault of a task, as parts of a sentence."""

    what: str
    """What is wrong, as the end of a sentence that starts with the task."""
    place: Place | None = None
    field: str | None = None
    """The field of the task's file."""
    do: str = CORRECT
    """What to do about it."""


Explained = tuple[Leaf, Fault]
"""A fault, and the task or the group that has it."""


def cut(text: str, longest: int) -> str:
    """Return a text, shortened if it is too long."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def error_summary(error: BaseException) -> str:
    """Return an error in a few words."""
    text = cut(" ".join(str(error).split()), LONGEST)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return a similar known word as the end of a sentence, or nothing if there is none."""
    close = get_close_matches(str(word), list(known), 1, cutoff=0.7)
    return f" (did you mean `{close[0]}`?)" if close else ""


def listed(names: Iterable[str]) -> str:
    """Return names as a list for a sentence."""
    shown = [f"`{each}`" for each in names]
    return ", ".join(shown[:MOST_LISTED]) + (" and others" if len(shown) > MOST_LISTED else "")


def fault_at(
    leaf: Leaf, what: str, field: str | None, *, keys: tuple[str | int, ...] = (), do: str = CORRECT
) -> Fault:
    """Return a fault at the line of the field, or at the file if it has no such line."""
    place = place_of(leaf.file, field, *keys) if field else None
    return Fault(what, place or (Place(leaf.file) if leaf.file else None), field, do)
