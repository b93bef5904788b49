"""The secrets: typed at a prompt that shows nothing, or read from standard input, never the command line."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TextIO

from src.shared.settings import TOKEN

from .names import ROLES
from .refusals import Stopped

SECRETS = {
    "HF_TOKEN": ROLES,
    "HF_READ_TOKEN": ROLES,
    "INFERENCE_TOKEN": ("backend",),
    "FLEET_TOKEN": ("backend",),
    "NOTIFY_URL": ("backend",),
}
"""The Spaces that have each secret."""
PURPOSE = {
    "HF_TOKEN": "the token that the Spaces write to their datasets with",
    "HF_READ_TOKEN": "a token that can only read, for gated models; evaluations see it",
    "INFERENCE_TOKEN": "the token for calls to endpoints or to your own server of models",
    "FLEET_TOKEN": "the token of workers that the fleet starts: it may write the two datasets only",
    "NOTIFY_URL": "the address of a webhook, which is a secret by itself",
}
LONGEST_INPUT = 65_536


@dataclass
class Secrets:
    """What the owner gave. The values appear in no message."""

    is_at_a_terminal: bool
    values: dict[str, str] = field(default_factory=dict, repr=False)

    def ask(self, name: str, *, otherwise: str = "", purpose: str = "") -> str:
        """Return a secret. Ask for it unless it was given; Enter stands for `otherwise`. Raises Stopped.

        `purpose` says what it is used for, where that is more than usual.
        """
        if name in self.values:
            return self.values[name]
        purpose = purpose or PURPOSE[name]
        if not self.is_at_a_terminal:
            raise Stopped(
                f"{name} is needed ({purpose}), and there is no terminal to ask at. Give a line "
                f"{name}=… on standard input, with ARGS=--stdin."
            )
        enter = ", Enter: the one that deploys" if otherwise else ""
        value = getpass.getpass(f"{name} ({purpose}{enter}): ").strip() or otherwise
        self.values[name] = checked(name, value)
        return self.values[name]


def read_secrets(*, from_stdin: bool, stdin: TextIO | None = None) -> Secrets:
    """Read lines `NAME=value` from standard input if that is wanted. Raises Stopped."""
    stdin = stdin or sys.stdin
    if not from_stdin:
        return Secrets(stdin.isatty())
    found = {}
    for line in stdin.read(LONGEST_INPUT).splitlines():
        if not line.strip():
            continue
        name, equals, value = line.strip().partition("=")
        if not equals or name not in SECRETS:
            names = ", ".join(SECRETS)
            raise Stopped(f"A line on standard input is not NAME=value with one of the names {names}.")
        found[name] = checked(name, value.strip())
    return Secrets(is_at_a_terminal=False, values=found)


def checked(name: str, value: str) -> str:
    """Return a secret that can be one. Raises Stopped."""
    if not TOKEN.fullmatch(value):
        raise Stopped(f"{name} is empty or holds characters that no token has: copy it again.")
    return value


def wanted_secrets(names: Collection[str]) -> list[str]:
    """The secrets that were named on the command line. Raises Stopped."""
    for name in names:
        if name not in SECRETS:
            raise Stopped(
                f"--secret takes the name of a secret: {', '.join(SECRETS)}. Its value is asked for."
            )
    return list(names)
