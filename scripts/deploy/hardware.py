"""The hardware that Spaces run on, and when they sleep there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from src.shared.stores.hub import Hub

from .refusals import Stopped, ask

FREE = "cpu-basic"
UNITS = {"m": 60, "h": 3600, "d": 86_400}
SLEEP = re.compile(r"(\d{1,6})([mhd])")
NEVER = -1


def read_sleep_time(text: str | None) -> int | None:
    """Read `30m`, `2h`, `1d` or `never`, in seconds; -1 for never. Raises Stopped."""
    if text is None:
        return None
    if text == "never":
        return NEVER
    found = SLEEP.fullmatch(text)
    if not found or not int(found[1]):
        raise Stopped(f"--sleep {text!r} is not understood: write 30m, 2h, 1d or never.")
    return int(found[1]) * UNITS[found[2]]


def check_hardware(hub: Hub, wanted: Mapping[str, str | None]) -> None:
    """Refuse hardware that the Hub does not have. Raises Stopped."""
    named = [each for each in wanted.values() if each]
    if named:
        there = [each.name for each in ask(hub, "list the Hub's hardware", hub.api.list_spaces_hardware)]
        for name in named:
            if name not in there:
                meant = get_close_matches(name, there, 1)
                did = f"Did you mean {meant[0]}?" if meant else f"There are {', '.join(there)}."
                raise Stopped(f"The Hub has no hardware {name!r}. {did}")
