"""Turns what a client sends with a call into plain values of limited size.

A page sends the values of its controls, but anybody can send anything instead. Nothing here raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr
from gradio.components.api_component import Api

from ...data.json_file import as_number

LONGEST_TEXT = 10_000
"""The longest text in characters. No control holds that many."""

LONGEST_CHOICE = 200
MOST_CHOICES = 1000
"""The most choices of one control, such as columns, types or precisions, and the longest choice."""


def text(value: object) -> str:
    """Return a text, cut if too long, or a mark in place of something else.

    Half a surrogate pair, which no answer could contain, becomes a question mark.
    """
    if isinstance(value, str):
        return value[:LONGEST_TEXT].encode("utf-8", "replace").decode()
    if value is None:
        return ""
    if isinstance(value, list | dict):  # as large as they like, and as deep
        return "[…]" if isinstance(value, list) else "{…}"
    return str(value)[:LONGEST_TEXT]


def texts(value: object) -> list[str]:
    """Return the texts in a list, without those that could not be a choice."""
    items = value[:MOST_CHOICES] if isinstance(value, list) else []
    return [text(item) for item in items if isinstance(item, str) and len(item) <= LONGEST_CHOICE]


def choice(value: object) -> str | None:
    """Return a text that was chosen; None when nothing was."""
    return None if value is None else text(value)


def truth(value: object) -> bool:
    """Return whether a box is ticked."""
    return value is True


def anything(value: object) -> object:
    """Return what a program may send: a number, a truth value, None, or else a text."""
    return value if value is None or isinstance(value, bool | int | float) else text(value)


READERS: Mapping[type, Callable[[object], object]] = {
    gr.Textbox: text,
    gr.Number: as_number,
    gr.Checkbox: truth,
    gr.CheckboxGroup: texts,
    gr.Radio: choice,
    Api: anything,
}
"""The reader of each kind of component's value."""


def reader(component: Any) -> Callable[[object], object] | None:
    """Return how the value of a component is read; None for a kind that this page does not have."""
    if isinstance(component, gr.Dropdown):
        return texts if component.multiselect else choice
    return READERS.get(type(component))
