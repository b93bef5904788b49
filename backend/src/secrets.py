"""Keeps secrets out of the environment that an evaluation child could read in `/proc`.

A process's environment stays readable there as it was when the process began, whatever it deletes later. So a
worker that was started with a secret starts itself anew without it, and hands it over in a pipe.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping

PIPE = "LEADERBOARD_SECRETS_PIPE"
SECRET = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY", re.IGNORECASE
)
HARMLESS = ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "TOKENIZERS_PARALLELISM", PIPE)


def withdraw_secrets() -> Mapping[str, str]:
    """The secrets of the environment, by name, after making sure that this process was started without any.

    The first time it does not return: it executes the same command again. Call it first, before threads and
    open files.
    """
    if PIPE in os.environ:
        with os.fdopen(int(os.environ.pop(PIPE)), "rb") as pipe:
            secrets: dict[str, str] = json.loads(pipe.read())
            return secrets
    found = {name: value for name, value in os.environ.items() if is_secret(name)}
    if not found:
        return {}
    reading, writing = os.pipe()
    os.write(writing, json.dumps(found).encode())
    os.close(writing)
    os.set_inheritable(reading, True)
    clean = {name: value for name, value in os.environ.items() if name not in found} | {PIPE: str(reading)}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], clean)


def is_secret(name: str) -> bool:
    """Whether a variable of this name is taken for a secret."""
    return bool(SECRET.search(name)) and name not in HARMLESS
