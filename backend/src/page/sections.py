"""The parts of the backend's page as HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from markupsafe import Markup

from src.fleet.dispatcher import Shown
from src.fleet.member import Member
from src.page.html import render
from src.queue.overview import Overview, Running, Spending
from src.shared.data.dollars import at_most, cost, in_dollars
from src.shared.data.request import Phase, Request, Status
from src.shared.doctor.finding import Finding

ICONS = {
    Status.WAITING: "✋",
    Status.PENDING: "⏳",
    Status.RUNNING: "⚙️",
    Status.FINISHED: "✅",
    Status.FAILED: "❌",
    Status.CANCELLED: "🚫",
}

PHASES = {Phase.WAITING: "waiting for hardware", Phase.STARTING: "starting the model's server"}
"""What rented hardware does before the first task."""

LONGEST_HARDWARE = 100
"""The most characters that are shown of its name."""

UNPRICED = ", without workers of which nobody said what they cost"

SHOWN = 50
"""Entries shown of a long list. The rest is only counted."""

Address = Callable[[str], str | None]
"""The URL at which a browser can open a file of the results dataset, or None."""


def header(
    worker: str,
    *,
    last_tick: datetime | None,
    notes: Sequence[str],
    problems: Sequence[str],
    spending: Spending | None = None,
) -> Markup:
    """Return the worker's name, the time of its last tick, what it spent today, its notes and problems."""
    return render(
        "header.html",
        worker=worker,
        last_tick=last_tick,
        spent=_spent(spending) if spending else "",
        notes=notes,
        problems=problems,
    )


def checkup(findings: Sequence[Finding]) -> Markup:
    """Return what the check-up found; empty if it found nothing."""
    return render("checkup.html", findings=findings) if findings else Markup()


def running(overview: Overview, now: datetime) -> Markup:
    """Return the running evaluations, each with a progress bar, the time since its start and its costs."""
    evaluations = [
        (each, (_clock(now - each.started), _clock(each.time_left(now))), _rented(each, now))
        for each in overview.running
    ]
    return render("running.html", evaluations=evaluations, phases=PHASES)


def fleet(shown: Shown | None, now: datetime) -> Markup:
    """Return the members of the fleet, what they cost, and for what requests wait; empty without a fleet."""
    if shown is None:
        return Markup()
    there, ended = (
        [(each, each.standing(now), _cost(each, now)) for each in shown.members if bool(each.ended) is over]
        for over in (False, True)
    )
    money = "" if shown.limit is None else f"{in_dollars(shown.spent)} of {in_dollars(shown.limit)}"
    if money and any(each.price is None for each in shown.members):
        money += UNPRICED
    reasons = sorted(Counter(shown.reasons.values()).items(), key=lambda pair: (-pair[1], pair[0]))
    return render(
        "fleet.html",
        number=len(there),
        there=there[:SHOWN],
        ended=ended[:SHOWN],
        money=money,
        reasons=reasons[:SHOWN],
    )


def _cost(member: Member, now: datetime) -> str:
    """Return what a member cost so far; empty if nobody knows, or it is not billed yet."""
    if member.price is None or member.started is None:
        return ""
    return in_dollars(cost(member.price, (member.ended or now) - member.started))


def waiting(overview: Overview) -> Markup:
    """Return the queue in order."""
    found = overview.waiting
    return render("waiting.html", number=len(found), requests=found[:SHOWN], more=_more(found))


def failed(overview: Overview, address: Address) -> Markup:
    """Return the failed requests of all workers, newest first, each with its reason and log."""
    found = overview.failed
    failures = [(request, _log(request, address)) for request in found[:SHOWN]]
    return render("failed.html", number=len(found), failures=failures, icons=ICONS, more=_more(found))


def events(overview: Overview) -> Markup:
    """Return the recent events, newest first."""
    return render("events.html", events=overview.events, icons=ICONS)


def _spent(spending: Spending) -> str:
    return f"{in_dollars(spending.today)} of {in_dollars(spending.limit).removesuffix('.00')}"


def _rented(running: Running, now: datetime) -> Sequence[str]:
    """Return the hardware, its price, and what it cost so far; empty if all that is unknown."""
    lease = running.request.lease
    if lease is None:
        return ()
    hardware = (lease.hardware[:LONGEST_HARDWARE],) if lease.hardware else ()
    if lease.price is None:
        return hardware
    so_far = cost(lease.price, now - running.started)
    return (*hardware, f"{in_dollars(lease.price)} an hour", f"{at_most(so_far)} so far")


def _more(requests: Sequence[Request]) -> str:
    more = len(requests) - SHOWN
    return f"and {more:,} more" if more > 0 else ""


def _log(request: Request, address: Address) -> str | None:
    log = request.history[-1].log if request.history else None
    return address(log) if log else None


def _clock(time: timedelta | None) -> str:
    """Return a duration as minutes and seconds, or nothing if it is unknown."""
    if time is None:
        return ""
    seconds = max(0, int(time.total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02d}"
