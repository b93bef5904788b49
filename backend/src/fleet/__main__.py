"""The command `python -m src.fleet`: starts and stops workers elsewhere, as the Space does with FLEET set.

With `--once` it looks once and ends, for a schedule. `--offers` lists the hardware, and what it costs.
"""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import argparse
import logging
import os
import sys

from src.fleet.dispatcher import Dispatcher
from src.fleet.seam import FleetError
from src.settings import Settings
from src.shared.environment import as_written, owners_file, read_settings
from src.shared.errors import LeaderboardError, exit_on_configuration_error
from src.shared.process.logs import begin_logging
from src.shared.process.stop_signal import StopSignal
from src.shared.times import utc_now
from src.upkeep.commands import NOT_DONE, WELL, say
from src.withdrawn_secrets import withdraw_secrets
from src.worker import Worker, make_worker

NO_FLEET = "FLEET is `off`: set it to `jobs`, for example. docs/fleet.md says what each engine needs."
NOTHING = "No request can be claimed now, and no worker is there."
COLUMNS = ("hardware", "memory", "models up to", "an hour", "")


def main() -> int:
    """Dispatch once, or until a signal. Return 0, or 1 if something did not go well."""
    parser = argparse.ArgumentParser(prog="python -m src.fleet", description=__doc__)
    parser.add_argument("--once", action="store_true", help="look once and end, for a schedule")
    parser.add_argument("--offers", action="store_true", help="list the hardware and end")
    arguments = parser.parse_args()
    secrets = withdraw_secrets()
    begin_logging()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    owners = owners_file("src.envs"), {**os.environ, **secrets}
    worker = make_worker(read_settings(Settings, *owners), given=as_written(Settings, *owners))
    if worker.dispatcher is None:
        say(NO_FLEET)
        return NOT_DONE
    if arguments.offers:
        return list_offers(worker.dispatcher)
    if arguments.once:
        return dispatch_once(worker, worker.dispatcher)
    stop = StopSignal()
    worker.ticker.start(worker.tick)
    stop.wait()
    worker.close()
    return 0


def dispatch_once(worker: Worker, dispatcher: Dispatcher) -> int:
    """Settle what ended, decide once, and say what is there. Return 0, or 1 with problems."""
    try:
        worker.dispatch()
    except LeaderboardError as error:
        say(str(error))
        return NOT_DONE
    finally:
        worker.close()
    shown, now = dispatcher.shown, utc_now()
    there = [each for each in shown.members if each.ended is None]
    lines = [f"{each.worker} on {each.flavour} {each.standing(now)}" for each in there]
    lines += [f"{path}: {why}" for path, why in shown.reasons.items()]
    say(*(lines or [NOTHING] * (not shown.problems)), *shown.problems)
    return NOT_DONE if shown.problems else WELL


def list_offers(dispatcher: Dispatcher) -> int:
    """Print the hardware. Return 0, or 1 if it could not be had."""
    try:
        offers = dispatcher.offers()
    except FleetError as error:
        say(str(error))
        return NOT_DONE
    rows = [COLUMNS]
    for each, is_allowed in offers:
        room, price = f"{each.room:,.0f} GB", f"${each.price:.2f}" if each.price else "–"
        rows.append(
            (each.name, f"{each.memory_gb:,.0f} GB", room, price, "" if is_allowed else "not allowed")
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    say(*("  ".join(map(str.ljust, each, widths)).rstrip() for each in rows))
    return WELL


if __name__ == "__main__":
    with exit_on_configuration_error():
        sys.exit(main())
