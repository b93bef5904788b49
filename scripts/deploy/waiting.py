"""Waiting until both Spaces are up: their stages, the end of a failing one's log, and `/health` of both."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from http.client import HTTPException
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from saying import Say
from src.shared.stores.hub import FAILURES, Hub

from .refusals import Stopped, ask

UP = "RUNNING"
FAILED = ("BUILD_ERROR", "RUNTIME_ERROR", "CONFIG_ERROR", "STOPPED", "DELETING", "NO_APP_FILE")
PAUSED, SLEEPING = "PAUSED", "SLEEPING"
ENDS = (UP, *FAILED, PAUSED, SLEEPING)
IN_WORDS = {
    "BUILDING": "is being built: the Hub installs its packages, which takes minutes",
    "RUNNING_BUILDING": "is being built, while the old version runs",
    "APP_STARTING": "is starting",
    "RUNNING_APP_STARTING": "is starting again",
    UP: "runs",
    PAUSED: "is paused",
    SLEEPING: "sleeps, and wakes when somebody opens its page",
}
PAUSES = (1.0, 2.0, 3.0, 5.0)
"""Seconds between two looks: the first ones, then always the last."""
LINES = 20
"""How many of a log's last lines are shown."""
GRACE_SECONDS = 15.0
"""For how long after a change the Hub may still tell the old stage."""
HEALTH_SECONDS = 300.0
"""For how long a Space that runs may be busy with its start."""
LONGEST_ANSWER = 65_536
OUR_FACTS = ("is_up_to_date", "is_ticking")
"""What the frontend's and the backend's `/health` tell, one each."""
NO_ANSWER = "does not answer /health"
OPEN = "Open its page: {}"


def wait_until_up(
    hub: Hub,
    spaces: Sequence[str],
    say: Say,
    *,
    changed: Collection[str],
    uploaded: Collection[str],
    minutes: float,
    sleep: Callable[[float], None],
) -> list[str]:
    """Wait until each Space runs its newest commit, then ask for its health. Returns what is wrong.

    `changed` are the Spaces of which something changed just now, `uploaded` those of them whose files did at
    the end. Raises Stopped when it takes too long.
    """
    begun, pauses = time.monotonic(), _pauses()
    stages = dict.fromkeys(spaces, "")
    restarted = set[str]()
    waited_for, problems = list(spaces), list[str]()
    hosts = dict[str, Look]()
    while True:
        for id in list(waited_for):
            look = _look(hub, id)
            if look.stage != stages[id]:
                stages[id] = look.stage
                say(f"{id} {IN_WORDS.get(look.stage, f'is {look.stage}')}")
            if look.stage not in ENDS:
                restarted.add(id)
            is_early = id in changed and time.monotonic() < begun + GRACE_SECONDS
            has_begun = id in uploaded or id in restarted
            if not look.is_final(is_early=is_early, has_begun=has_begun):
                continue
            waited_for.remove(id)
            if look.stage == UP:
                hosts[id] = look
            elif look.stage != SLEEPING:
                problems.append(_problem_of(hub, id, look))
        if not waited_for:
            break
        if time.monotonic() > begun + minutes * 60:
            reached = ", ".join(f"{id} ({stages[id]})" for id in waited_for)
            raise Stopped(
                f"Not up within {minutes:g} minutes: {reached}. Run the same command again: it waits on. The "
                "logs are on the Space's page."
            )
        sleep(next(pauses))
    for id, look in hosts.items():
        problem = unwell(hub, id, look, say, sleep)
        if problem:
            problems.append(f"{id} runs, but {problem}")
    return problems


class Look(NamedTuple):
    """What the Hub says of a Space at one moment.

    `commit` is what it was built of, empty if that is not told. `head` is its newest commit.
    """

    stage: str
    commit: str
    head: str
    host: str
    message: str
    is_private: bool

    def is_final(self, *, is_early: bool, has_begun: bool) -> bool:
        """Whether a Space has come to an end, good or bad, after what changed.

        While it `is_early`, the Hub may still tell the stage from before. Then only an end of the newest
        commit counts, and only if the Space `has_begun` anew: it has a new commit, or was seen to start.
        """
        if self.stage not in ENDS:
            return False
        if is_early:
            return has_begun and self.commit == self.head
        # What failed or is paused comes no further, whatever it was built of.
        return self.stage not in (UP, SLEEPING) or self.commit in ("", self.head)


def _look(hub: Hub, id: str) -> Look:
    info = ask(hub, f"look at the Space {id}", hub.api.space_info, id)
    raw = info.runtime.raw if info.runtime else {}
    return Look(
        str(raw.get("stage") or ""),
        str(raw.get("sha") or ""),
        str(info.sha or ""),
        str(info.host or ""),
        str(raw.get("errorMessage") or "")[:500],
        bool(info.private),
    )


def _pauses() -> Iterator[float]:
    """The pauses between looks, without an end."""
    yield from PAUSES
    while True:
        yield PAUSES[-1]


def _problem_of(hub: Hub, id: str, look: Look) -> str:
    if look.stage == PAUSED:
        return f"{id} is paused. Restart it on its settings page: {hub.api.endpoint}/spaces/{id}/settings"
    return failure(hub, id, look.stage, look.message)


def failure(hub: Hub, id: str, stage: str, message: str) -> str:
    """Say how a Space failed, with the end of the log that tells why."""
    is_build = stage != "RUNTIME_ERROR"
    try:
        log = "".join(hub.call(lambda: list(hub.api.fetch_space_logs(id, build=is_build))))
    except FAILURES:
        log = ""
    lines = [line for line in log.splitlines() if line.strip()][-LINES:]
    kind = "build" if is_build else "run"
    end = f" The end of its {kind} log:\n" + "\n".join(f"    {line}" for line in lines) if lines else ""
    why = f" ({message})" if message else ""
    return (
        f"{id} ended with {stage}{why}. Correct what its log tells ({hub.api.endpoint}/spaces/{id}), and run "
        f"the same command again.{end}"
    )


def unwell(hub: Hub, id: str, look: Look, say: Say, sleep: Callable[[float], None]) -> str:
    """Ask a Space for its health until it is well. Returns what is wrong at the end, empty if nothing is."""
    if not look.host.startswith(("http://", "https://")):
        return f"the Hub does not tell its address. {OPEN.format(f'{hub.api.endpoint}/spaces/{id}')}"
    address = f"{look.host.rstrip('/')}/health"
    # Only a private Space needs it, and only the Hub's own proxy may see it.
    headers = (
        {"Authorization": f"Bearer {hub.api.token}"} if look.is_private and _is_the_hubs(hub, address) else {}
    )
    begun, pauses, said = time.monotonic(), _pauses(), ""
    while problem := _ask_health(Request(address, headers=headers)):
        if problem != said:
            said = problem
            say(f"{id} runs, but {problem}")
        if time.monotonic() > begun + HEALTH_SECONDS:
            return problem
        sleep(next(pauses))
    say(f"{id} is well")
    return ""


def _is_the_hubs(hub: Hub, address: str) -> bool:
    """Whether an address is the Hub's, or a Space's on the Hub's own domain."""
    host, own = urlsplit(address), urlsplit(hub.api.endpoint)
    if (host.scheme, host.netloc) == (own.scheme, own.netloc):
        return True
    return host.scheme == "https" and (host.hostname or "").endswith(".hf.space")


class NoRedirects(HTTPRedirectHandler):
    """Takes a redirect for an answer: following it could carry the token elsewhere."""

    def redirect_request(self, *_: object) -> None:
        """Return no further request."""


def _ask_health(request: Request) -> str:
    """Return what `/health` says is wrong; empty if the Space is well."""
    try:
        with build_opener(NoRedirects).open(request, timeout=20) as answer:
            return _problem(answer.status, answer.read(LONGEST_ANSWER))
    except HTTPError as error:
        with error:
            return _problem(error.code, error.read(LONGEST_ANSWER))
    except (OSError, ValueError, HTTPException) as error:
        return f"{NO_ANSWER} ({error})"


def _problem(status: int, answer: bytes) -> str:
    """Read an answer. Anything that is not our Spaces' own JSON, such as the Hub's error page, is none."""
    try:
        facts = json.loads(answer)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict) or not any(isinstance(facts.get(name), bool) for name in OUR_FACTS):
        return f"{NO_ANSWER} (its answer, {status}, is not a leaderboard's)"
    said = " ".join(str(facts.get("problem") or "").split())[:500]
    if said:
        return f"is not well: {said}"
    return "" if status == 200 else f"is not well: its /health answers with {status}"
