"""The command `python -m src.import_results FOLDER`: publishes results that were computed elsewhere."""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from src.running.child_environment import clean_environment
from src.running.identity import take_identity
from src.running.launchers import ProgramLauncher
from src.settings import Settings
from src.shared.data.backend_description import BackendDescription
from src.shared.data.precision import PRECISIONS
from src.shared.data.provenance import COMMIT
from src.shared.errors import counted
from src.shared.times import utc_now
from src.shared.wiring import Stores, open_stores
from src.suite.from_settings import make_suite
from src.upkeep.checked_report import check
from src.upkeep.commands import add_base_model, model, note, run, say
from src.upkeep.found_reports import find_reports, read_report
from src.upkeep.importing import Importing, Planned
from src.upkeep.stated import Refused, Stated
from src.upkeep.tried_suite import published_description, try_the_suite
from src.upkeep.who import who_runs

STOPPED = "Stopped. Import the same folders again: nothing is imported twice."
STAYS = "its request stays in the queue"
NOTHING_FOUND = "There is no file results_*.json in these folders, so there is nothing to import."


def main(arguments: Sequence[str] | None = None) -> int:
    """Import the results in folders, print a line for each, and return the exit status."""
    options = read_options(arguments)
    return run(lambda settings: import_folders(settings, options), Settings)


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m src.import_results", description=__doc__)
    add = parser.add_argument
    add("folders", nargs="+", type=Path, metavar="FOLDER", help="what lm_eval or lighteval wrote")
    add(
        "--model",
        type=model,
        metavar="ORG/NAME",
        help="the model on the Hub, if the files name a folder",
    )
    add("--commit", default="", metavar="SHA", help="the model's commit, if the files do not name it")
    add("--precision", default="", choices=PRECISIONS, help="if the files do not name it")
    add_base_model(parser)
    add("--allow-limit", action="store_true", help="also import results of only some questions")
    add("--allow-scale", action="store_true", help="also import scores on another scale than the board's")
    add("--dry-run", action="store_true", help="only check, and write nothing")
    options = parser.parse_args(arguments)
    if options.commit and not COMMIT.fullmatch(options.commit):
        parser.error("--commit is not a whole commit: write all 40 digits")
    return options


def stated_in(options: argparse.Namespace) -> Stated:
    """Return what the options say about all files."""
    return Stated(
        model=options.model or "",
        commit=options.commit,
        precision=options.precision,
        base_model=options.base_model.name,
        base_revision=options.base_model.revision,
        allow_limit=options.allow_limit,
        allow_scale=options.allow_scale,
    )


def import_folders(settings: Settings, options: argparse.Namespace) -> bool:
    """Import what can be imported, and return whether that is all. Raises LeaderboardError."""
    try:
        return _import(settings, options)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(STOPPED) from None


def _import(settings: Settings, options: argparse.Namespace) -> bool:
    found = find_reports(options.folders)
    if not found.reports:
        say(NOTHING_FOUND)
        return False
    stores = open_stores(settings, only_look=options.dry_run)
    if not options.dry_run:
        for store in (stores.requests, stores.results):
            store.snapshot()
            store.check_writing()
    board = _board(settings, stores, announce=not options.dry_run)
    importing = Importing(stores, who=None if options.dry_run else who_runs(settings), now=utc_now())
    outcomes = [_outcome(path, stated_in(options), board, stores, importing) for path in found.reports]
    lost = {} if options.dry_run else importing.publish()
    outcomes = list(_shared(outcomes, lost, is_dry=options.dry_run))
    for path, outcome in zip(found.reports, outcomes, strict=True):
        say(f"{path}: {_in_words(outcome, lost, importing, is_dry=options.dry_run)}")
    taken = sum(_is_taken(outcome, lost) for outcome in outcomes)
    say("", *_summary(taken, len(outcomes), found.samples, is_dry=options.dry_run))
    return taken == len(outcomes)


Outcome = Planned | Refused | str
"""The outcome for a file: it is planned, refused, or there already, at this path."""


def _outcome(
    path: Path, stated: Stated, board: BackendDescription, stores: Stores, importing: Importing
) -> Outcome:
    try:
        data = read_report(path)
        checked = check(path, data, stated, board, importing.scales, stores.models, utc_now())
        return importing.plan(checked)
    except ValueError as error:
        return Refused(str(error))
    except Refused as error:
        return error


def _shared(outcomes: Sequence[Outcome], lost: Mapping[str, str], *, is_dry: bool) -> Iterator[Outcome]:
    """Yield the outcomes. A copy of an earlier file is there only if that file was published."""
    planned = {each.result_path: each for each in outcomes if isinstance(each, Planned)}
    for each in outcomes:
        first = planned.get(each) if isinstance(each, str) else None
        yield first if first and (is_dry or first.request_path in lost) else each


def _board(settings: Settings, stores: Stores, *, announce: bool) -> BackendDescription:
    """Return the description of the board's own evaluations: as published, or else as a trial finds it."""
    if published := published_description(stores.results):
        return published
    folder = take_identity(None).folder
    launcher = ProgramLauncher(clean_environment(folder, settings.hf_read_token))
    suite = make_suite(settings)
    return try_the_suite(
        settings, suite, stores.results, folder=folder, launcher=launcher, say=note, announce=announce
    )


def _is_taken(outcome: Outcome, lost: Mapping[str, str]) -> bool:
    if isinstance(outcome, Planned):
        return outcome.request_path not in lost
    return isinstance(outcome, str)


def _in_words(outcome: Outcome, lost: Mapping[str, str], importing: Importing, *, is_dry: bool) -> str:
    if isinstance(outcome, Refused):
        return f"refused: {str(outcome).rstrip('.')}."
    if isinstance(outcome, str):
        return f"already imported, as {outcome}."
    if outcome.request_path in lost:
        return f"refused: {lost[outcome.request_path]}."
    request = outcome.checked.request
    done = "can be imported" if is_dry else f"imported as {outcome.result_path}"
    what = f"{request.model}, {request.kind}, {len(outcome.checked.tasks)} of the board's tasks"
    waits = [STAYS] if importing.stays_in_the_queue(outcome) else []
    notes = "".join(f"; {each}" for each in (*outcome.checked.notes, *waits))
    warnings = "".join(f"; WARNING: {each}" for each in outcome.checked.warnings)
    return f"{done} ({what}{notes}{warnings})."


def _summary(taken: int, number: int, samples: int, *, is_dry: bool) -> Iterator[str]:
    done = "can be imported" if is_dry else ("is imported" if taken == 1 else "are imported")
    yield f"{taken:,} of {counted(number, 'result file')} {done}."
    if samples:
        yield f"{counted(samples, 'file')} of samples: not imported."


if __name__ == "__main__":
    sys.exit(main())
