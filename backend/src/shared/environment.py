"""Reading a setting from the environment, so that a duplicated Space can be configured without an edit."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar, overload

from .errors import ConfigurationError

T = TypeVar("T")

TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

KINDS: dict[type, tuple[Callable[[str], object], str]] = {
    bool: (lambda text: TRUTHS[text.lower()], "true or false"),
    int: (int, "a whole number"),
    float: (float, "a number"),
    str: (str, "a text"),
}
"""How each type of value is read, and what to call it when it cannot be."""


@overload
def env(name: str, default: None = None) -> str | None: ...
@overload
def env(name: str, default: None, *, kind: type[T]) -> T | None: ...
@overload
def env(name: str, default: T, *, kind: type[T] | None = None) -> T: ...
def env(name: str, default: object = None, *, kind: type | None = None) -> object:
    """The value of an environment variable, or the default when it is unset or empty.

    It is read as a value of the default's type, or of `kind`. Raises ConfigurationError when it cannot be.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    read, wanted = KINDS[kind or (str if default is None else type(default))]
    try:
        return read(text)
    except (ValueError, KeyError):
        raise ConfigurationError(
            f"{name} is {text!r}, where {wanted} is needed: write {wanted}, or leave it unset."
        ) from None
