"""Returns the queue to the old template's backend: `python -m src.for_old_template`.

Stop this backend first, and start the old one afterwards. The command removes our keys from every pending or
running request, because the old backend cannot read them. It also removes this backend's description from the
results dataset, so that our frontend accepts no more submissions.
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
from src.shared.data.old_template import (
    can_be_read_by_the_old_template,
    is_of_the_old_template,
    write_for_the_old_template,
)
from src.shared.data.request import Request, Status, read_request, write_request
from src.shared.environment import owners_file, read_settings
from src.shared.errors import LeaderboardError, StoreError, exit_on_configuration_error, printable
from src.shared.stores.conflicts import Commit, update
from src.shared.stores.mirror import Mirror, Reading
from src.shared.stores.store import Snapshot, Store, blob_id
from src.shared.times import Clock, utc_now
from src.shared.wiring import open_stores
from src.withdrawn_secrets import withdraw_secrets

IN_ONE_COMMIT = 500
"""The number of requests per commit. A queue of ten thousand takes 20 of the hour's commits."""

NEEDS_ITS_CHAT_TEMPLATE = (
    "The old backend does not support chat templates, so this request was withdrawn when the leaderboard "
    "returned to it. Submit it again once the leaderboard supports chat templates."
)
RUNS = (
    "{} is being evaluated by {}. Stop that worker, and it returns the request to the queue. If the worker "
    "is gone for good, add --even-running."
)
FULL = "{} accepts no more commits this hour. Run the command again later; it continues where it stopped."


class StillRunning(LeaderboardError):
    """A worker still holds requests."""


@dataclass(frozen=True)
class Rewrite:
    """How to rewrite the open requests."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    """The new files, by path."""
    withdrawn: Collection[str] = ()
    """The paths of requests that the old backend could not evaluate as requested."""


def changed(reading: Reading[Request], *, now: datetime, even_running: bool) -> Rewrite:
    """Return what must be written so that the old backend reads every open request.

    Raises StillRunning while a worker of ours holds one.
    """
    files, withdrawn = {}, []
    for path, request in reading.values.items():
        if request.status not in (Status.PENDING, Status.RUNNING):
            continue
        if is_of_the_old_template(request) and can_be_read_by_the_old_template(request):
            continue  # as its frontend wrote it, with keys that its owner may have added
        lease = request.lease
        if lease and not lease.has_run_out(now) and not even_running:
            raise StillRunning(RUNS.format(request.model, lease.worker))
        if can_be_read_by_the_old_template(request):
            data = write_for_the_old_template(request)
        else:
            data = write_request(_withdrawn(request))
            withdrawn.append(path)
        if blob_id(data) != reading.snapshot.files[path]:
            files[path] = data
    return Rewrite(files, withdrawn)


def _withdrawn(request: Request) -> Request:
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
    """Write the files that `changed` returns, and return a summary. Raises StillRunning and StoreError."""
    mirror = Mirror(requests, lambda _, data: read_request(data))
    first = changed(mirror.refresh(), now=clock(), even_running=even_running)
    if not dry_run:
        _withdraw_the_description(results)
        for _ in range(1 + len(first.files) // IN_ONE_COMMIT):
            _write_some(requests, mirror, even_running=even_running, clock=clock)
    kept = len(first.files) - len(set(first.withdrawn) & first.files.keys())
    verb = "would lose" if dry_run else "lost"
    lines = [f"{kept} open requests in {requests} {verb} the keys that the old backend does not know."]
    if first.withdrawn:
        lines.append(
            f"{len(first.withdrawn)} ask for a chat template, which it does not support, and "
            f"{'would be' if dry_run else 'were'} cancelled: {', '.join(sorted(first.withdrawn)[:10])}."
        )
    if mirror.latest.broken:
        lines.append(f"{len(mirror.latest.broken)} files could not be read and stay as they are.")
    return "\n".join(lines)


def _write_some(requests: Store, mirror: Mirror[Request], *, even_running: bool, clock: Clock) -> None:
    """Commit some of the files that are not written yet. Raises StillRunning and StoreError."""

    def decide(reading: Reading[Request]) -> Commit | None:
        files = changed(reading, now=clock(), even_running=even_running).files
        if not files:
            return None
        if requests.pace.is_full:
            raise StoreError(FULL.format(requests))
        some = dict(list(files.items())[:IN_ONE_COMMIT])
        return Commit(reading.snapshot, f"give {len(some)} requests back to the old backend", some)

    update(requests, mirror.refresh, decide)


def _withdraw_the_description(results: Store) -> None:
    """Remove the description of our backend. Raises StoreError."""

    def decide(snapshot: Snapshot) -> Commit | None:
        delete = [place for place in places(BACKEND_DESCRIPTION) if place in snapshot.files]
        return Commit(snapshot, "return to the old backend", {}, delete) if delete else None

    update(results, results.snapshot, decide)


def main() -> None:
    """Return the queue, or print what would be done."""
    parser = argparse.ArgumentParser(prog="python -m src.for_old_template", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="only print what would be written")
    parser.add_argument(
        "--even-running",
        action="store_true",
        help="include requests that a worker holds; they will be evaluated again",
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
        sys.stderr.write(f"{printable(str(error))}\n")
        raise SystemExit(1) from None
    sys.stdout.write("".join(f"{printable(line)}\n" for line in done.split("\n")))


if __name__ == "__main__":
    with exit_on_configuration_error():
        main()
