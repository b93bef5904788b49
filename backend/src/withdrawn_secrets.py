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

from src.shared.errors import ConfigurationError

PIPE = "LEADERBOARD_SECRETS_PIPE"
SECRET = re.compile(
    r"TOKEN|SECRET|PASS|PWD|CREDENTIAL|AUTH(?!OR)|KEY|_PAT$|WEBHOOK|DATABASE_URL|_DSN$", re.IGNORECASE
)
HARMLESS = ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "TOKENIZERS_PARALLELISM", "PWD", "OLDPWD", PIPE)
LONGEST = 60_000
"""Bytes of all secrets together: what fits into a pipe before anyone reads it."""


def withdraw_secrets() -> Mapping[str, str]:
    """The secrets of the environment, by name, after making sure that this process was started without any.

    The first time it does not return: it executes the same command again. Call it first, before threads and
    open files. Raises ConfigurationError when there is too much to hand over.
    """
    if PIPE in os.environ:
        with os.fdopen(int(os.environ.pop(PIPE)), "rb") as pipe:
            secrets: dict[str, str] = json.loads(pipe.read())
            return secrets
    found = {name: value for name, value in os.environ.items() if is_secret(name)}
    if not found:
        return {}
    message = json.dumps(found).encode()
    if len(message) > LONGEST:
        raise ConfigurationError(
            f"The secrets in the environment ({', '.join(sorted(found))}) take {len(message):,} bytes, but "
            f"at most {LONGEST:,} can be passed on. Unset those that the worker does not need."
        )
    reading, writing = os.pipe()
    os.write(writing, message)
    os.close(writing)
    os.set_inheritable(reading, True)
    clean = {name: value for name, value in os.environ.items() if name not in found} | {PIPE: str(reading)}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], clean)


def is_secret(name: str) -> bool:
    """Whether a variable of this name is taken for a secret."""
    return bool(SECRET.search(name)) and name not in HARMLESS
