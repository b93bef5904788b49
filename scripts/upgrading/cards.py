"""The card of a Space: the lines between the two `---` of its README.md, merged name by name."""

from __future__ import annotations

import re

from .lists import in_order

HEAD = re.compile(r"\A---\n(.*?\n)---\n(.*)\Z", re.DOTALL)
OURS = {"sdk", "sdk_version", "python_version", "app_file"}
"""What the program needs to run. The owner's values do not count."""


def split_card(text: str) -> tuple[dict[str, str], str] | None:
    """Return the lines of each name in the head, and the text below; None if there is no head."""
    found = HEAD.match(text)
    if not found:
        return None
    names: dict[str, str] = {}
    name = ""
    for line in found[1].splitlines(keepends=True):
        if re.match(r"[\w-]+:", line):
            name = line.partition(":")[0]
        names[name] = names.get(name, "") + line
    return names, found[2]


def merge_heads(
    base: dict[str, str], ours: dict[str, str], new: dict[str, str]
) -> tuple[str, tuple[str, ...]]:
    """Return the head with the owner's values wherever the owner changed them, and the lines left out."""
    values = dict(new)
    dropped = []
    for name, lines in ours.items():
        if lines in (base.get(name), new.get(name)):
            continue
        if name in OURS:
            dropped.append(lines.strip())
        else:
            values[name] = lines
    for name in base.keys() - ours.keys() - OURS:
        values.pop(name, None)
    order = in_order(list(base), list(ours), list(new), values)
    return "---\n" + "".join(values[name] for name in order) + "---\n", tuple(dropped)
