"""The command `python -m src.restore FOLDER`: gives a board the files of a backup, and no others."""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from src.upkeep.backup_file import Part, read_backup
from src.upkeep.commands import run, say
from src.upkeep.places import UpkeepSettings, present_requests, whole_datasets
from src.upkeep.restoring import ForWhom, Restored, Terms, restore

FIRST = "Pause the Spaces and stop the workers first: what they write meanwhile gets in the way."
SAMPLES_LEFT = (
    "The backup also has the samples of {}. To restore them too, set SAMPLES_REPO and run this again."
)
WHAT_NEXT = "The board is as it was on {:%Y-%m-%d %H:%M} UTC. Restart its Spaces and workers."


def main(arguments: Sequence[str] | None = None) -> int:
    """Restore, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m src.restore", description=__doc__)
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="a folder that `python -m src.backup` wrote")
    add("--replace", action="store_true", help="delete and replace what the datasets have now")
    add(
        "--even-running",
        action="store_true",
        help="also replace requests that a worker is evaluating; its work is lost",
    )
    add(
        "--board",
        type=ForWhom,
        choices=list(ForWhom),
        help="for datasets of other names: whether the same Spaces use them, or those of another board",
    )
    options = parser.parse_args(arguments)
    terms = Terms(replace=options.replace, even_running=options.even_running, board=options.board)
    return run(lambda settings: restored(settings, options.folder, terms), UpkeepSettings)


def restored(settings: UpkeepSettings, folder: Path, terms: Terms) -> None:
    """Restore, and say what was done. Raises StoreError."""
    backup = read_backup(folder)
    datasets = whole_datasets(settings, say)
    say(FIRST)
    done = restore(
        folder,
        datasets,
        terms,
        say,
        requests=lambda: present_requests(settings),
        private_by_default={
            Part.REQUESTS: False,
            Part.RESULTS: False,
            Part.SAMPLES: settings.samples_private,
        },
    )
    for each in done:
        say(told(each))
    if Part.SAMPLES in backup.datasets and Part.SAMPLES not in datasets:
        say(SAMPLES_LEFT.format(backup.datasets[Part.SAMPLES].name))
    say(WHAT_NEXT.format(backup.made))


def told(restored: Restored) -> str:
    """Return what was done to one dataset, in a sentence."""
    made = "created, " if restored.created else ""
    return (
        f"{restored.dataset}: {made}{restored.written:,} files written, {restored.deleted:,} deleted, "
        f"{restored.same:,} already right."
    )


if __name__ == "__main__":
    sys.exit(main())
