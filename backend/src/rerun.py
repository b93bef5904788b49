"""The command `python -m src.rerun`: computes scores again, all of them or those that need it.

Requests of models that are on the board go back into the queue, behind everything that visitors submit. Only
the tasks that are selected are computed. Results without a request, such as results by hand, get one.
"""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from src.running.suite import EngineName, read_tasks, read_tasks_of_lighteval
from src.shared.moderation.rerun_tasks import Selection
from src.shared.wiring import open_stores
from src.upkeep.commands import confirmed, run, say
from src.upkeep.places import UpkeepSettings, existing_stores
from src.upkeep.rerunning import rerun
from src.upkeep.who import who_runs


@dataclass(frozen=True)
class RerunSettings(UpkeepSettings):
    """The settings of the datasets, and those with which the owner names the suite's tasks."""

    engine: str = EngineName.LM_EVAL
    tasks_harness: object = None
    tasks_lighteval: object = None
    num_fewshot: int | None = None

    @property
    def suite(self) -> tuple[str, ...]:
        """The names of the tasks; empty if they are the shipped ones. Raises ConfigurationError."""
        if self.engine.strip() == EngineName.LIGHTEVAL:
            named = self.tasks_lighteval
            return read_tasks_of_lighteval(named, self.num_fewshot).names if named else ()
        return read_tasks(self.tasks_harness).names if self.tasks_harness else ()


def main(arguments: Sequence[str] | None = None) -> int:
    """Have scores computed again, and return the exit status."""
    options = read_options(arguments)
    return run(lambda settings: rerun_selected(settings, options), RerunSettings)


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
        parser.error("--all already means every task: leave it out, or the other options")
    return options


def rerun_selected(settings: RerunSettings, options: argparse.Namespace) -> bool:
    """Do what the options say, and return whether all was done. Raises LeaderboardError."""
    stores = open_stores(settings, only_look=True) if options.dry_run else existing_stores(settings)
    selection = Selection(
        missing=options.missing,
        older=options.task_version_older,
        tasks=tuple(options.task),
        models=tuple(options.model),
    )
    return rerun(
        stores.requests,
        stores.results,
        selection,
        by=None if options.dry_run else who_runs(settings),
        say=say,
        confirm=lambda question: confirmed(question, yes=options.yes),
        dry_run=options.dry_run,
        suite=settings.suite,
    )


if __name__ == "__main__":
    sys.exit(main())
