"""The parts that the commands of upkeep share: the start, questions, output, arguments and exit status."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple, TextIO, TypeVar

from src.shared.data.model_name import is_model_name
from src.shared.environment import owners_file, read_settings
from src.shared.errors import (
    ConfigurationError,
    LeaderboardError,
    exit_on_configuration_error,
    on_one_line,
    printable,
    shown,
)
from src.shared.moderation.acts import LONGEST_REASON
from src.shared.process.logs import BRIEF, begin_logging
from src.shared.settings import CommonSettings
from src.shared.stores.hub import RETRIED
from src.upkeep.datasets import AGAIN
from src.withdrawn_secrets import withdraw_secrets

S = TypeVar("S", bound=CommonSettings)

WELL, NOT_DONE, INTERRUPTED = 0, 1, 130
"""Exit statuses. 2 means a mistake in the settings, the suite or the arguments."""

NOT_A_TERMINAL = "There is no terminal to ask you on. If you are sure, add --yes."


class ModelAt(NamedTuple):
    """A model at a branch, a tag or a commit. An empty name means no model."""

    name: str = ""
    revision: str = "main"


def say(*lines: str) -> None:
    """Print lines at once, with control characters spelled out."""
    _write(sys.stdout, lines)


def note(*lines: str) -> None:
    """Print lines about progress and errors on standard error."""
    _write(sys.stderr, lines)


def _write(file: TextIO, lines: Iterable[str]) -> None:
    """Write lines. Once nobody can read them, as after `| head`, the work goes on in silence."""
    try:
        file.write("".join(f"{printable(line)}\n" for line in lines))
        file.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, file.fileno())
        os.close(nowhere)


def run(act: Callable[[S], bool | None], kind: type[S]) -> int:
    """Read the settings, do the command, and return the exit status. What went wrong is printed.

    `act` may return whether all was done, and raise KeyboardInterrupt with a sentence that says what to do.
    `kind` are the settings that it needs.
    """
    begin_logging(logging.ERROR, BRIEF)
    with exit_on_configuration_error():
        try:
            secrets = withdraw_secrets()
            is_done = act(read_settings(kind, owners_file("src.envs"), {**os.environ, **secrets}))
        except ConfigurationError:
            raise
        except LeaderboardError as error:
            note(*str(error).replace(RETRIED, AGAIN).split("\n"))
            return NOT_DONE
        except KeyboardInterrupt as interrupted:
            note("", str(interrupted) or f"Interrupted. {AGAIN}")
            return INTERRUPTED
    return NOT_DONE if is_done is False else WELL


def confirmed(question: str, *, yes: bool) -> bool:
    """Ask on a terminal; return whether the answer begins with y."""
    if yes:
        return True
    if not sys.stdin.isatty():
        say(NOT_A_TERMINAL)
        return False
    try:
        return input(f"{question} [y/N] ").strip().lower().startswith("y")
    except EOFError:  # Ctrl-D
        say("")
        return False


def reason(text: str) -> str:
    """Return a reason as it is kept. Raises ArgumentTypeError."""
    line = on_one_line(text)
    if not line or len(line) > LONGEST_REASON:
        raise argparse.ArgumentTypeError(f"write a sentence of at most {LONGEST_REASON} characters")
    return line


def model(text: str) -> str:
    """Return a model's name. Raises ArgumentTypeError."""
    if not is_model_name(text):
        raise argparse.ArgumentTypeError(
            f"{shown(text)} is not a model's name: write it as organisation/model"
        )
    return text


def model_at(text: str) -> ModelAt:
    """Return the model in `organisation/model@revision`. Raises ArgumentTypeError."""
    name, _, revision = text.partition("@")
    return ModelAt(model(name), revision or "main")


def add_base_model(parser: argparse.ArgumentParser) -> None:
    """Let a command take `--base-model`, as a `ModelAt`."""
    parser.add_argument(
        "--base-model",
        type=model_at,
        default=ModelAt(),
        metavar="ORG/BASE[@REVISION]",
        help="the base model of an adapter",
    )
