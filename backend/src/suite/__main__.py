"""The command `python -m src.suite`: try the suite once, in a child, and print its problems."""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import argparse
import os
import sys

from src.running.job import Ending
from src.running.suite import Suite
from src.settings import Settings
from src.shared.environment import owners_file, read_settings
from src.shared.errors import exit_on_configuration_error, printable
from src.suite.by_hand import outcome_of, try_by_hand
from src.suite.from_settings import make_suite
from src.suite.trial import trial_from
from src.withdrawn_secrets import withdraw_secrets

WELL, HAS_PROBLEMS, NOT_FOUND_OUT = 0, 1, 3
"""Exit statuses. 2 means a mistake in the settings."""


def try_here() -> int:
    """Try the suite of the settings, print its problems, and return the exit status."""
    argparse.ArgumentParser(prog="python -m src.suite", description=__doc__).parse_args()
    with exit_on_configuration_error():
        secrets = withdraw_secrets()
        settings = read_settings(Settings, owners_file("src.envs"), {**os.environ, **secrets})
        suite = make_suite(settings)
        ending = try_by_hand(settings, suite)
    return print_outcome(ending, suite)


def print_outcome(ending: Ending, suite: Suite) -> int:
    """Print the outcome of the trial, and return the exit status."""
    is_well, sentences = outcome_of(ending, suite)
    trial = trial_from(ending.report)
    if trial is None:
        sys.stderr.write(ending.log.decode(errors="replace"))
    has_problems = trial is not None and bool(trial.description.problems)
    return print_lines(WELL if is_well else HAS_PROBLEMS if has_problems else NOT_FOUND_OUT, *sentences)


def print_lines(status: int, *sentences: str) -> int:
    """Print sentences, one per line, and return the status."""
    sys.stdout.write("".join(f"{printable(each)}\n" for each in sentences))
    return status


if __name__ == "__main__":
    sys.exit(try_here())
