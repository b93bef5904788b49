"""The command `python -m src.remove MODEL`: deletes all that a board has of a model."""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import argparse
import sys
from collections.abc import Sequence

from src.shared.data.names import SAMPLES_FOLDER
from src.shared.errors import DatasetMissing, counted
from src.shared.moderation.acts import Act, Done
from src.shared.moderation.removal import Removed, remove
from src.shared.stores.store import Store
from src.shared.times import utc_now
from src.upkeep.commands import confirmed, model, reason, run, say
from src.upkeep.places import UpkeepSettings, existing_stores, samples_store
from src.upkeep.who import who_runs

QUESTION = "Delete the requests, results, logs and samples of {} in {}?"
NOTHING = "Nothing was removed."
ELSEWHERE = (
    "Samples of it are in {}, which was not touched. Delete {}/{} there, and set SAMPLES_REPO next time."
)
AGAIN = "Unless it is hidden or blocked, it can be submitted again."
HISTORY = "The history of the datasets still has the files: docs/maintaining.md says how to delete that too."


def main(arguments: Sequence[str] | None = None) -> int:
    """Remove a model, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m src.remove", description=__doc__)
    add = parser.add_argument
    add("model", type=model, metavar="MODEL", help="its name, such as acme/tiny, in any letter case")
    add("--reason", type=reason, required=True, help="why: it is kept with your name in the requests dataset")
    add("--yes", action="store_true", help="do not ask")
    options = parser.parse_args(arguments)
    return run(lambda settings: removed(settings, options), UpkeepSettings)


def removed(settings: UpkeepSettings, options: argparse.Namespace) -> bool:
    """Remove a model, say what was deleted, and return whether it was. Raises LeaderboardError."""
    stores, samples = existing_stores(settings), existing_samples(settings)
    by = who_runs(settings)
    datasets = ", ".join(str(each) for each in (stores.requests, stores.results, samples) if each)
    if not confirmed(QUESTION.format(options.model, datasets), yes=options.yes):
        say(NOTHING)
        return False
    done = Done(act=Act.REMOVE, name=options.model, reason=options.reason, by=by, at=utc_now())
    say(*told(options.model, remove(done, stores.requests, stores.results, samples)))
    say(AGAIN, *([HISTORY] if settings.is_on_the_hub else []))
    return True


def existing_samples(settings: UpkeepSettings) -> Store | None:
    """Return the dataset of samples, if it is there. Raises StoreError if the Hub does not say."""
    samples = samples_store(settings)
    try:
        if samples:
            samples.snapshot()
    except DatasetMissing:
        return None
    return samples


def told(model: str, removed: Removed) -> list[str]:
    """Return what was deleted, and what is left elsewhere, in sentences."""
    lines = [
        f"Removed {model}: {counted(removed.requests, 'request')}, {counted(removed.results, 'result')}, "
        f"{counted(removed.others, 'other file')} (logs, samples, unreadable ones)."
    ]
    return [
        *lines,
        *(ELSEWHERE.format(each, SAMPLES_FOLDER, model) for each in removed.samples_elsewhere),
    ]


if __name__ == "__main__":
    sys.exit(main())
