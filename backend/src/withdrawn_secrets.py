"""Keeps secrets out of the environment that an evaluation child could read in `/proc`.

`/proc` shows a process's environment as it was at the start, even after variables are deleted. So a worker
that was started with a secret restarts itself without it, and passes it on through a pipe.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping

from src.shared.errors import ConfigurationError

PIPE = "LEADERBOARD_SECRETS_PIPE"
SECRET = re.compile(
    r"TOKEN|SECRET|PASS|PWD|CREDENTIAL|AUTH(?!OR)|KEY|_PAT$|WEBHOOK|DATABASE_URL|_DSN$|NOTIFY_URL",
    re.IGNORECASE,
)
HARMLESS = ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "TOKENIZERS_PARALLELISM", "PWD", "OLDPWD", PIPE)
LONGEST = 60_000
"""The most bytes that all secrets may have together. This much fits into a pipe before anyone reads it."""


def withdraw_secrets() -> Mapping[str, str]:
    """Return the secrets of the environment, by name, in a process whose environment contains none.

    The first call does not return: it executes the same command again without the secrets. Call it before
    starting threads or opening files. Raises ConfigurationError if the secrets are too long to pass on.
    """
    if PIPE in os.environ:
        with os.fdopen(int(os.environ.pop(PIPE)), "rb") as pipe:
            secrets: dict[str, str] = json.loads(pipe.read())
            return secrets
    found = {name: value for name, value in os.environ.items() if is_secret(name)}
    if not found:
        return {}
    reading = into_a_pipe(found)
    os.set_inheritable(reading, True)
    clean = {name: value for name, value in os.environ.items() if name not in found} | {PIPE: str(reading)}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], clean)


def into_a_pipe(secrets: Mapping[str, str]) -> int:
    """Return the end from which a program reads these secrets that finds its number in the variable PIPE.

    Raises ConfigurationError if they are too long.
    """
    message = json.dumps(dict(secrets)).encode()
    if len(message) > LONGEST:
        raise ConfigurationError(
            f"The secrets in the environment ({', '.join(sorted(secrets))}) take {len(message):,} bytes, but "
            f"at most {LONGEST:,} can be passed on. Unset those that the worker does not need."
        )
    reading, writing = os.pipe()
    os.write(writing, message)
    os.close(writing)
    return reading


def is_secret(name: str) -> bool:
    """Return whether a variable of this name counts as a secret."""
    return bool(SECRET.search(name)) and name not in HARMLESS
