"""The command `python -m src.retire`: ends a board, freezes it for a while, or opens it again."""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from src.shared.errors import counted
from src.upkeep.board_backup import backed_up
from src.upkeep.commands import reason, run, say
from src.upkeep.places import UpkeepSettings, existing_stores
from src.upkeep.retiring import Retired, reopen, retire
from src.upkeep.who import who_runs

OPENED = "The board takes submissions again. Cancelled requests stay cancelled, and can be submitted again."
OPEN = "The board was open already: nothing was changed."
AS_BEFORE = "The board was already closed with this sentence."
CLOSED = "Submissions are closed, and the page says: {}"
FROZEN = "The queue goes on: {waiting} waiting, {running} running. To open the board again, use --undo."
RUNS = (
    "{} may finish. If one goes back to the queue, run this again. To cancel what runs, add --cancel-running."
)
WHAT_NEXT = (
    "Next: once nothing runs, pause the backend Space in its settings. Keep the frontend, or export the "
    "board as pages that need no server: `python -m src.export FOLDER` in frontend/ (docs/deploy.md)."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Retire, freeze or reopen a board, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m src.retire", description=__doc__)
    add = parser.add_argument
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--reason", type=reason, help="the sentence for visitors and submitters")
    which.add_argument("--undo", action="store_true", help="take submissions again")
    add("--freeze", action="store_true", help="only close submissions: what waits is still evaluated")
    add("--cancel-running", action="store_true", help="also cancel what a worker is evaluating")
    add("--backup", type=Path, metavar="FOLDER", help="back the board up first")
    options = parser.parse_args(arguments)
    if options.undo and (options.freeze or options.cancel_running):
        parser.error("--undo only takes submissions again: leave --freeze and --cancel-running out")
    if options.freeze and options.cancel_running:
        parser.error("--freeze lets the queue go on, and --cancel-running does not: leave one of them out")
    return run(lambda settings: changed(settings, options), UpkeepSettings)


def changed(settings: UpkeepSettings, options: argparse.Namespace) -> None:
    """Do what the options say, and say what was done. Raises LeaderboardError."""
    store, by = existing_stores(settings).requests, who_runs(settings)
    if options.backup:
        backed_up(settings, options.backup)
    if options.undo:
        say(OPENED if reopen(store, by=by) else OPEN)
        return
    done = retire(store, options.reason, by=by, freeze=options.freeze, cancel_running=options.cancel_running)
    for line in told(done, options.reason, freeze=options.freeze):
        say(line)


def told(done: Retired, reason: str, *, freeze: bool) -> list[str]:
    """Return what was done, and what to do next, in sentences."""
    closed = CLOSED.format(reason) if done.news else AS_BEFORE
    if freeze:
        return [closed, FROZEN.format(waiting=done.waiting, running=done.running)]
    lines = [closed, f"Cancelled: {counted(done.cancelled, 'request')}."]
    running = counted(done.running, "running request")
    return [*lines, *([RUNS.format(running)] if done.running else []), WHAT_NEXT]


if __name__ == "__main__":
    sys.exit(main())
