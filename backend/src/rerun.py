"""The command `python -m src.rerun`: computes scores again, all of them or those that need it.

Requests of models that are on the board go back into the queue, behind everything that visitors submit. Only
the tasks that are selected are computed. Results without a request, such as results by hand, get one.
"""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from src.settings import Settings
from src.shared.environment import owners_file, read_settings
from src.shared.errors import ConfigurationError, LeaderboardError, exit_on_configuration_error
from src.shared.moderation.reruns import Selection
from src.shared.wiring import open_stores
from src.suite.from_settings import make_suite
from src.try_task.told import printable
from src.upkeep.rerunning import rerun
from src.upkeep.who import who_runs
from src.withdrawn_secrets import withdraw_secrets

WELL, NOT_DONE, INTERRUPTED = 0, 1, 130
"""Exit statuses. 2 means a mistake in the settings or the arguments."""

NOT_A_TERMINAL = "Nobody can be asked here. If you are sure, add --yes."
STOPPED = "\nInterrupted. The same command goes on: what is in the queue already is left alone."


def main(arguments: Sequence[str] | None = None) -> int:
    """Have scores computed again, and return the exit status."""
    options = read_options(arguments)
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    with exit_on_configuration_error():
        try:
            secrets = withdraw_secrets()
            return run(read_settings(Settings, owners_file("src.envs"), {**os.environ, **secrets}), options)
        except ConfigurationError:
            raise
        except LeaderboardError as error:
            sys.stderr.write(f"{printable(str(error))}\n")
            return NOT_DONE
        except KeyboardInterrupt:
            sys.stderr.write(f"{STOPPED}\n")
            return INTERRUPTED


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m src.rerun", description=__doc__)
    add = parser.add_argument
    add("--all", action="store_true", help="every task of every model")
    add("--missing", action="store_true", help="the tasks without a score, such as new ones")
    add("--task-version-older", action="store_true", help="the tasks whose score is of another version")
    add("--task", action="append", default=[], metavar="NAME", help="this task only; may be repeated")
    add("--model", action="append", default=[], metavar="ORG/NAME", help="this model only; may be repeated")
    add("--dry-run", action="store_true", help="only say what would be computed")
    add("--yes", action="store_true", help="do not ask")
    options = parser.parse_args(arguments)
    narrower = options.missing or options.task_version_older or options.task
    if not (options.all or narrower):
        parser.error("say what to compute: --all, --missing, --task-version-older or --task NAME")
    if options.all and narrower:
        parser.error("--all is every task of every model: leave it out, or the others")
    return options


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Do what the options say, and return the exit status. Raises LeaderboardError."""
    # On the Hub a dataset that is missing is a mistake, and not to be created.
    stores = open_stores(settings, only_look=options.dry_run or settings.is_on_the_hub)
    selection = Selection(
        missing=options.missing,
        older=options.task_version_older,
        tasks=tuple(options.task),
        models=tuple(options.model),
    )
    is_done = rerun(
        stores.requests,
        stores.results,
        selection,
        by=None if options.dry_run else who_runs(settings),
        say=say,
        confirm=lambda question: options.yes or confirmed(question),
        dry_run=options.dry_run,
        suite=make_suite(settings).tasks,
    )
    return WELL if is_done else NOT_DONE


def confirmed(question: str) -> bool:
    """Ask on a terminal, and return whether the answer begins with y."""
    if not sys.stdin.isatty():
        say(NOT_A_TERMINAL)
        return False
    return input(f"{question} [y/N] ").strip().lower().startswith("y")


def say(line: str) -> None:
    """Print a line at once, without what could change a terminal."""
    sys.stdout.write(f"{printable(line)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
