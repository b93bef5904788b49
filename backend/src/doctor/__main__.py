"""The command `python -m src.doctor`: check this Space, its settings, datasets and machine; change nothing.

It prints a line for each thing: green, or what is wrong and what to do. The exit status is 1 if something is
wrong.
"""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import logging
import os
import sys

from src.doctor.checkup import SPACE, check_up
from src.settings import Settings
from src.shared.doctor.card import check_card
from src.shared.doctor.command import arguments, tell
from src.shared.doctor.finding import Finding, green, wrong
from src.shared.doctor.settings import check_settings
from src.shared.environment import owners_file
from src.shared.errors import ConfigurationError, exit_on_configuration_error
from src.suite.by_hand import outcome_of, try_by_hand
from src.suite.from_settings import make_suite
from src.withdrawn_secrets import withdraw_secrets


def main() -> int:
    """Print the findings, and return the exit status."""
    options = arguments(__doc__, is_a_worker=True)
    with exit_on_configuration_error():
        secrets = withdraw_secrets()
    logging.basicConfig(level=logging.CRITICAL)  # the findings say it
    environment = {**os.environ, **secrets}
    try:
        envs = owners_file("src.envs")
    except ConfigurationError as error:
        return tell([wrong("envs.py", str(error)), *check_card(SPACE, is_a_leaderboard=False)], options)
    settings, found = check_settings(Settings, envs, environment)
    if settings is None:
        return tell([*found, *check_card(SPACE, is_a_leaderboard=False)], options)
    found += check_up(settings, is_here=not options.elsewhere)
    if options.tries:
        found = [each for each in found if each.checked != "tasks"] + tried(settings)
    return tell(found, options)


def tried(settings: Settings) -> list[Finding]:
    """Try the tasks now, with progress on standard error, and return what that found."""
    try:
        suite = make_suite(settings)
        is_well, sentences = outcome_of(try_by_hand(settings, suite), suite)
    except ConfigurationError as error:
        return [wrong("tasks", str(error))]
    return [green("tasks", each) if is_well else wrong("tasks", each) for each in sentences]


if __name__ == "__main__":
    sys.exit(main())
