"""A child's log as published: its end, without secrets or this machine's folders."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from src.running.looks_secret import without_secrets

KEPT_BYTES = 200_000
"""How much of the end of a log is kept."""

LARGEST = 50_000_000
"""How large a log may grow on the disk, in bytes."""

CUT = b"[the first %d bytes or more are left out]\n"


def read_log(path: Path, most: int = KEPT_BYTES, names: Mapping[str, str] | None = None) -> bytes:
    """Return the end of a log in whole lines, or the end of its last line if that is longer.

    It is empty when there is no log. `names` maps this machine's folders to the text that replaces them.
    """
    try:
        text = _end_of(path, most)
    except OSError:
        return b""
    return cleaned(text, names or {})


def shorten(path: Path, largest: int = LARGEST) -> None:
    """Keep only the end of a log that grew too large. Its writer appends, and continues after that."""
    with suppress(OSError):
        if path.stat().st_size <= largest:
            return
        end = _end_of(path, min(largest, KEPT_BYTES))
        os.truncate(path, 0)
        with path.open("ab") as file:
            file.write(end)


def cleaned(text: bytes, names: Mapping[str, str]) -> bytes:
    """Return the text without secrets, and with names in place of folders, the longest folder first."""
    text = without_secrets(text.decode("latin-1")).encode("latin-1")  # which loses no byte of what is no text
    for folder, name in sorted(names.items(), key=lambda item: -len(item[0])):
        text = text.replace(folder.encode(), name.encode()) if len(folder) > 1 else text
    return text


def _end_of(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        start = max(0, file.seek(0, os.SEEK_END) - most)
        file.seek(start)
        text = file.read(most)
    if not start:
        return text
    rest = text.partition(b"\n")[2] or text.partition(b" ")[2] or text
    return CUT % (start + len(text) - len(rest)) + rest
