"""Marks: why a score may not be comparable with most of its column, in a sentence each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from src.shared.data.result import Result, Setting
from src.shared.data.run_settings import SERVED, Conditions

T = TypeVar("T")

LEFT_OUT = "The score of {} is not shown: this column has the scores of {}."


def differences(settings: Sequence[Setting | None]) -> list[str]:
    """Return how each score of a column differs from most others; empty if it does not."""
    known = [setting for setting in settings if setting]
    if len(set(known)) < 2:
        return [""] * len(settings)
    usual = Setting(
        most_common(setting.version for setting in known),
        most_common(setting.n_shot for setting in known),
        most_common(setting.engine for setting in known),
    )
    always = _usual([setting.conditions for setting in known])
    in_chat = _usual([setting.chat_conditions for setting in known])
    return [
        " ".join(
            [
                *_difference(setting, usual),
                *_other_conditions(setting.conditions, always),
                *_other_conditions(setting.chat_conditions, in_chat),
            ]
        )
        if setting
        else ""
        for setting in settings
    ]


def conditions_in_words(result: Result) -> str:
    """Return the settings of a run that are not at their default, as marks name them; empty if none is."""
    always, in_chat = result.conditions or ((), ())
    return "; ".join(f"{name} {value}" for name, value in (*always, *(in_chat or ())))


def most_common(values: Iterable[T | None]) -> T | None:
    """Return the most common known value; among equals, the one that comes last."""
    known = [value for value in values if value is not None]
    return _most(known) if known else None


def _most(values: Sequence[T]) -> T:
    return Counter(reversed(values)).most_common(1)[0][0]


def _difference(setting: Setting, usual: Setting) -> Iterator[str]:
    phrases = (
        ("Task version {}; most others have {}.", setting.version, usual.version),
        ("{} examples before each question; most others have {}.", setting.n_shot, usual.n_shot),
        ("Evaluated with {}; most others with {}.", setting.engine, usual.engine),
    )
    for phrase, own, others in phrases:
        if own is not None and own != others:
            yield phrase.format(own, others)


def _usual(found: Sequence[Conditions | None]) -> Mapping[str, str | None]:
    """Return the most common value of each condition, None where most have none."""
    known = [dict(conditions) for conditions in found if conditions is not None]
    names = dict.fromkeys(name for conditions in known for name in conditions)
    return {name: _most([conditions.get(name) for conditions in known]) for name in names}


def _other_conditions(own: Conditions | None, usual: Mapping[str, str | None]) -> Iterator[str]:
    """Yield how conditions differ from the usual ones. What a report does not say does not differ."""
    if own is None:
        return
    values = dict(own)
    for name, others in usual.items():
        value = values.get(name)
        if value == others:
            continue
        if name == SERVED:
            yield f"Answered by {_who(value)}; most others by {_who(others)}."
        elif value is None:
            yield f"Without {name}; most others with {name} {others}."
        elif others is None:
            yield f"With {name} {value}; most others without."
        else:
            yield f"With {name} {value}; most others with {others}."


def _who(route: str | None) -> str:
    """Return who computed the answers: the worker, or a server through one of its routes."""
    return "the worker itself" if route is None else f"a server ({route})"
