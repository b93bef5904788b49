"""The jobs that squeue prints, read as members.

A format of ours is what all versions and all clusters have: `--json` differs between versions, and `sacct`
needs a database that small clusters lack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from src.fleet.flavour import MB_PER_GB
from src.fleet.member import Member
from src.fleet.own_machines import OwnMachine
from src.fleet.slurm_orders import NAME
from src.inference.endpoints import one_line

FORMAT = "|%A|%T|%V|%S|%e|%r|%j"
"""Id, state, times of submission, start and end, reason, name. The name comes last: it may hold anything."""

WAITING = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD"})
GOING = frozenset({"RUNNING", "RESIZING", "SIGNALING", "STOPPED", "SUSPENDED", "STAGE_OUT"})
"""All other states are ends, also COMPLETING: what is left of such a job claims nothing more."""

STARTS_LATER = "Slurm says: {}."
ENDED_AS = "Slurm says that it ended: {}."


def members_in(
    output: str, marker: str, digest: str, machines: Mapping[str, OwnMachine], now: datetime
) -> Iterator[Member]:
    """Yield the members of the leaderboard with this digest among the jobs of this user.

    A job may be named anything, also several lines of which one looks like a member. Lines of squeue
    begin with the marker, which nobody could know before.
    """
    for line in output.split("\n"):
        parts = line.split("|", FORMAT.count("|"))
        if parts[0] != marker or len(parts) <= FORMAT.count("|"):
            continue
        member = _member(*parts[1:], digest=digest, machines=machines, now=now)
        if member:
            yield member


def _member(
    id: str,
    state: str,
    submitted: str,
    start: str,
    end: str,
    reason: str,
    name: str,
    *,
    digest: str,
    machines: Mapping[str, OwnMachine],
    now: datetime,
) -> Member | None:
    """Return the member that a job is, or None for any other job."""
    found, ordered = NAME.fullmatch(name), time_of(submitted)
    if found is None or found["board"] != digest or not re.fullmatch(r"[0-9]{1,12}", id):
        return None
    machine = machines.get(found["flavour"])
    has_ended = state not in WAITING | GOING
    started = None if state in WAITING else time_of(start)
    return Member(
        name=found["name"],
        id=id,
        flavour=found["flavour"],
        price=machine.price if machine else None,
        smallest=int(found["smallest"]) / MB_PER_GB,
        largest=int(found["largest"]) / MB_PER_GB,
        ordered=ordered or now,
        started=started or (now if state in GOING else None),
        ended=(time_of(end) or now) if has_ended else None,
        message=_message(state, reason, has_ended=has_ended),
    )


def time_of(text: str) -> datetime | None:
    """Return a time as squeue writes it with TZ=UTC, or None for `N/A`, `Unknown` and whatever else."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _message(state: str, reason: str, *, has_ended: bool) -> str:
    """Return what Slurm says about a job, or nothing if that is nothing new."""
    known = reason if reason not in ("None", "") else ""
    if has_ended:
        ended = "" if state in ("COMPLETED", "COMPLETING") else state.lower()
        words = ", ".join(filter(None, (ended, known)))
        return one_line(ENDED_AS.format(words)) if words else ""
    return one_line(STARTS_LATER.format(known)) if known else ""
