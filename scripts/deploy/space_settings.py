"""The settings that a Space will have, as its own code reads them, and the variables that lead to them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from .names import ROLES, Board
from .refusals import Stopped
from .secret_values import SECRETS

PROGRAM = Path(__file__).with_name("read_settings.py")
SECONDS = 120
KEPT = ("PATH", "LANG", "HOME", "HF_ENDPOINT", "SYSTEMROOT")
"""Variables of the person's shell that a Python needs, and the Hub's address."""
A_SECRET = "not-shown"
AN_ADDRESS = "https://not-shown.example/"
"""What stands for secrets while the settings are read: a Space refuses what cannot be one."""


@dataclass(frozen=True)
class SpaceSettings:
    """What matters here of a Space's settings, and what the Space would log about them."""

    requests: str
    results: str
    owner: str
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reader:
    """Reads the settings of a clone's two Spaces."""

    root: Path

    def read(
        self, role: str, space: str, variables: Mapping[str, str], secrets: Collection[str]
    ) -> SpaceSettings:
        """Read a Space's settings with these variables and secrets. Raises Stopped with its own sentence."""
        answer = self._answer(role, space, variables, secrets)
        if "error" in answer:
            raise Stopped(f"The {role} would not start: {answer['error']}")
        if "refused" in answer:
            raise Stopped(f"The {role}: {answer['refused']}")
        sentences = tuple(answer["sentences"])
        return SpaceSettings(answer["requests"], answer["results"], answer["owner"], sentences)

    def names(self, role: str) -> frozenset[str]:
        """The names of the settings of a Space."""
        return frozenset(self._answer(role, "acme/space", {}, ())["names"])

    def _answer(
        self, role: str, space: str, variables: Mapping[str, str], secrets: Collection[str]
    ) -> dict[str, Any]:
        python = self.root / ".venv" / role / "bin" / "python"
        has_its_own = role == "frontend" or python.exists()
        command = [str(python if python.exists() else sys.executable), str(PROGRAM)]
        given = {"SYSTEM": "spaces", "SPACE_ID": space, "SPACE_AUTHOR_NAME": space.partition("/")[0]}
        # No two are the same: a Space refuses one token for two purposes.
        hidden = {name: AN_ADDRESS if name == "NOTIFY_URL" else f"{A_SECRET}-{name}" for name in secrets}
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        try:
            ran = subprocess.run(
                command if has_its_own else [*command, "--common"],
                cwd=self.root / role,
                env={"PYTHONDONTWRITEBYTECODE": "1", **kept},
                input=json.dumps({**variables, **given, **hidden}),
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Stopped(
                f"The settings of the {role} could not be read within {SECONDS} s. Look at what "
                f"{role}/src/envs.py does."
            ) from None
        try:
            answer: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
        except (IndexError, ValueError):
            end = " ".join(ran.stderr.split())[-500:]
            raise Stopped(f"The settings of the {role} in {self.root / role} cannot be read: {end}") from None
        return answer


@dataclass(frozen=True)
class Settled:
    """The variables to set in each Space, the datasets that both will use, and sentences for the owner."""

    variables: Mapping[str, Mapping[str, str]]
    requests: str
    results: str
    notes: tuple[str, ...]


def settle(
    reader: Reader,
    board: Board,
    there: Mapping[str, Mapping[str, str]],
    wanted: Mapping[str, Mapping[str, str]],
    secrets: Mapping[str, Collection[str]],
) -> Settled:
    """Find the variables that each Space lacks. What is wanted wins over those that are `there`, and those
    over the names of the board. Raises Stopped.
    """
    with ThreadPoolExecutor(len(ROLES)) as both:
        chosen = [
            both.submit(settle_one, reader, board, role, there[role], wanted[role], secrets[role])
            for role in ROLES
        ]
        found = {role: each.result() for role, each in zip(ROLES, chosen, strict=True)}
    (_, frontend), (_, backend) = (found[role] for role in ROLES)
    for name, one, other in [
        ("QUEUE_REPO", frontend.requests, backend.requests),
        ("RESULTS_REPO", frontend.results, backend.results),
    ]:
        if one != other:
            raise Stopped(
                f"The two Spaces would use different datasets: {one} the frontend, {other} the backend. Set "
                f"{name} to the same name in both: ARGS='--set {name}={one}'."
            )
    return Settled(
        {
            role: {name: value for name, value in variables.items() if there[role].get(name) != value}
            for role, (variables, _) in found.items()
        },
        frontend.requests,
        frontend.results,
        tuple(f"{role}: {sentence}" for role in ROLES for sentence in found[role][1].sentences),
    )


def settle_one(
    reader: Reader,
    board: Board,
    role: str,
    there: Mapping[str, str],
    wanted: Mapping[str, str],
    secrets: Collection[str],
) -> tuple[dict[str, str], SpaceSettings]:
    """Return the variables of one Space beyond those that are there, and the settings that follow.

    Raises Stopped.
    """
    for_board = {"QUEUE_REPO": board.requests, "RESULTS_REPO": board.results} if board.name else {}
    chosen = {name: value for name, value in for_board.items() if name not in there} | dict(wanted)
    space = board.spaces[role]
    settings = reader.read(role, space, {**there, **chosen}, secrets)
    if settings.owner != board.owner and "OWNER" not in {*there, *wanted}:
        chosen["OWNER"] = board.owner
        settings = reader.read(role, space, {**there, **chosen}, secrets)
    return chosen, settings


def read_assignments(
    texts: Collection[str], names: Mapping[str, Collection[str]]
) -> dict[str, dict[str, str]]:
    """Read `NAME=VALUE`, for each Space that has it, and `backend:NAME=VALUE`, for one. Raises Stopped."""
    found: dict[str, dict[str, str]] = {role: {} for role in ROLES}
    for text in texts:
        target, colon, rest = text.partition(":")
        is_for_one = bool(colon) and target in ROLES
        name, equals, value = (rest if is_for_one else text).partition("=")
        roles = [target] if is_for_one else list(ROLES)
        if not equals or not name.isidentifier() or not value.strip():
            raise Stopped(f"--set {name} is not understood: write NAME=VALUE, or backend:NAME=VALUE.")
        if name in SECRETS:
            raise Stopped(f"{name} is a secret, and everybody can read a variable. Use --secret {name}.")
        those = [role for role in roles if name in names[role]]
        if not those:
            raise Stopped(unknown(name, roles, names))
        for role in those:
            found[role][name] = value
    return found


def unknown(name: str, roles: Collection[str], names: Mapping[str, Collection[str]]) -> str:
    """Say that no such setting exists, and which one may be meant."""
    known = sorted({each for role in roles for each in names[role]})
    meant = get_close_matches(name, known, 1)
    did = f"Did you mean {meant[0]}?" if meant else "docs/configuration.md lists all of them."
    return f"{name} is not a setting of the {' or the '.join(roles)}. {did}"
