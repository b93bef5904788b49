"""The token for the server that runs a model: handed to an evaluation in a file that it removes at once.

Linux shows a process's environment as it was at the start, to whatever runs as its user: also to code that a
model has written. A file leaves no trace there, nor in the warm parent from which children are forked.
"""

from __future__ import annotations

import os
from pathlib import Path

TOKEN_FILE = "inference_token"


def hand_token(folder: Path, token: str) -> None:
    """Leave a token in the folder of a job, for this user only. Raises OSError."""
    path = folder / TOKEN_FILE
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(token)


def take_token(folder: Path) -> str | None:
    """Return the token in the folder of a job, if there is one, and remove it there. Raises OSError."""
    path = folder / TOKEN_FILE
    try:
        token = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    path.unlink()
    return token
