"""The log of a child as it is published: its end, without secrets and without this machine's folders."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

KEPT_BYTES = 200_000
"""How much of the end of a log is kept."""

SECRETS = re.compile(
    rb"\b(?:hf|api_org)_[A-Za-z0-9]{12,}|\bhf_oauth_[\w.-]{12,}"  # the Hub's tokens
    rb"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # a login in an address
    rb"|(?<=[Bb]earer )\S+",
)
REMOVED = b"[removed]"

CUT = b"[the first %d bytes are left out]\n"


def read_log(path: Path, most: int = KEPT_BYTES, names: Mapping[str, str] | None = None) -> bytes:
    """The end of a log, in whole lines; empty when there is none.

    `names` says what to write in place of this machine's folders.
    """
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - most)
            file.seek(start)
            text = file.read()
    except OSError:
        return b""
    if start:
        rest = text.partition(b"\n")[2]
        text = CUT % (start + len(text) - len(rest)) + rest
    return cleaned(text, names or {})


def cleaned(text: bytes, names: Mapping[str, str]) -> bytes:
    """The text without secrets, and with other names for folders; the longest folder is replaced first."""
    text = SECRETS.sub(REMOVED, text)
    for folder, name in sorted(names.items(), key=lambda item: -len(item[0])):
        text = text.replace(folder.encode(), name.encode()) if len(folder) > 1 else text
    return text
