"""Gives the queue back to the old template's backend, before that starts: `python -m src.for_old_template`.

Our keys go out of every request that waits or runs, since the old backend cannot read them. Stop our backend
first. What this backend runs is no longer said in the results dataset, so that our frontend takes no more
submissions.
"""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import argparse
import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from src.settings import Settings
from src.shared.data.names import BACKEND_DESCRIPTION, places
from src.shared.data.old_template import can_be_read_by_the_old_template, write_for_the_old_template
from src.shared.data.request import Request, Status, read_request, write_request
from src.shared.environment import owners_file, read_settings
from src.shared.errors import Conflict, LeaderboardError, StoreError, exit_on_configuration_error
from src.shared.stores.conflicts import TRIES, tries
from src.shared.stores.mirror import Mirror, Reading
from src.shared.stores.store import Store, blob_id
from src.shared.times import Clock, utc_now
from src.shared.wiring import open_stores
from src.withdrawn_secrets import withdraw_secrets

IN_ONE_COMMIT = 500
"""Requests: a queue of ten thousand takes 20 of the commits that the Hub takes in an hour."""

NEEDS_ITS_CHAT_TEMPLATE = (
    "The old backend knows no chat template, so this request was taken back when the leaderboard returned to "
    "it: submit it again once the leaderboard evaluates with chat templates."
)
RUNS = (
    "{} is being evaluated by {}: stop that worker, and it gives the request back. If it is gone for good, "
    "add --even-running."
)
FULL = "{} takes no more commits this hour: run the command again later, it goes on where it stopped."


class StillRunning(LeaderboardError):
    """A worker holds requests."""


@dataclass(frozen=True)
class Change:
    """What becomes of the open requests: files by path."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    taken_back: Collection[str] = ()
    """Those that the old backend could not evaluate as they were asked for."""


def changed(reading: Reading[Request], *, now: datetime, even_running: bool) -> Change:
    """Return what must be written so that the old backend reads every open request.

    Raises StillRunning while a worker of ours holds one.
    """
    files, taken_back = {}, []
    for path, request in reading.values.items():
        if request.status not in (Status.PENDING, Status.RUNNING):
            continue
        lease = request.lease
        if lease and not lease.has_run_out(now) and not even_running:
            raise StillRunning(RUNS.format(request.model, lease.worker))
        if can_be_read_by_the_old_template(request):
            data = write_for_the_old_template(request)
        else:
            data = write_request(_taken_back(request))
            taken_back.append(path)
        if blob_id(data) != reading.snapshot.files[path]:
            files[path] = data
    return Change(files, taken_back)


def _taken_back(request: Request) -> Request:
    return replace(
        request, status=Status.CANCELLED, lease=None, progress=None, message=NEEDS_ITS_CHAT_TEMPLATE
    )


def for_the_old_template(
    requests: Store,
    results: Store,
    *,
    dry_run: bool = False,
    even_running: bool = False,
    clock: Clock = utc_now,
) -> str:
    """Write what `changed` says, and return a summary. Raises StillRunning and StoreError."""
    mirror = Mirror(requests, lambda _, data: read_request(data))
    first = changed(mirror.refresh(), now=clock(), even_running=even_running)
    if not dry_run:
        _withdraw_the_description(results)
        for _ in range(1 + len(first.files) // IN_ONE_COMMIT):
            _write_some(requests, mirror, even_running=even_running, clock=clock)
    kept = len(first.files) - len(set(first.taken_back) & first.files.keys())
    verb = "would lose" if dry_run else "lost"
    lines = [f"{kept} open requests in {requests} {verb} the keys that the old backend does not know."]
    if first.taken_back:
        lines.append(
            f"{len(first.taken_back)} ask for a chat template, which it does not know either, and "
            f"{'would be' if dry_run else 'were'} cancelled: {', '.join(sorted(first.taken_back)[:10])}."
        )
    if mirror.latest.broken:
        lines.append(f"{len(mirror.latest.broken)} files cannot be understood, and stay as they are.")
    return "\n".join(lines)


def _write_some(requests: Store, mirror: Mirror[Request], *, even_running: bool, clock: Clock) -> None:
    """One commit of what is still to be written. Raises StillRunning and StoreError."""
    for _ in tries():
        reading = mirror.refresh()
        files = changed(reading, now=clock(), even_running=even_running).files
        if not files:
            return
        if requests.pace.is_full:
            raise StoreError(FULL.format(requests))
        some = dict(list(files.items())[:IN_ONE_COMMIT])
        try:
            requests.commit(
                add=some,
                message=f"give {len(some)} requests back to the old backend",
                parent=reading.snapshot,
            )
        except Conflict:
            continue
        return
    raise StoreError(f"Others wrote to {requests} at each of {TRIES} tries: stop both Spaces first.")


def _withdraw_the_description(results: Store) -> None:
    """Say no longer what our backend runs. Raises StoreError."""
    for _ in tries():
        snapshot = results.snapshot()
        delete = [place for place in places(BACKEND_DESCRIPTION) if place in snapshot.files]
        if not delete:
            return
        try:
            results.commit(add={}, delete=delete, message="return to the old backend", parent=snapshot)
        except Conflict:
            continue
        return
    raise StoreError(f"Others wrote to {results} at each of {TRIES} tries: stop both Spaces first.")


def main() -> None:
    """Do it, or say what would be done."""
    parser = argparse.ArgumentParser(prog="python -m src.for_old_template", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="write nothing, say what would be written")
    parser.add_argument(
        "--even-running", action="store_true", help="also what a worker holds: it is evaluated again"
    )
    options = parser.parse_args()
    secrets = withdraw_secrets()
    settings = read_settings(Settings, owners_file("src.envs"), {**os.environ, **secrets})
    stores = open_stores(settings)
    try:
        done = for_the_old_template(
            stores.requests, stores.results, dry_run=options.dry_run, even_running=options.even_running
        )
    except LeaderboardError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None
    sys.stdout.write(f"{done}\n")


if __name__ == "__main__":
    with exit_on_configuration_error():
        main()
