"""Waiting until both Spaces are up: their stages, the end of a failing one's log, and `/health` of both."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.error import HTTPError

from src.shared.stores.hub import FAILURES, Hub

from .refusals import Stopped, ask

Say = Callable[[str], None]

UP = "RUNNING"
FAILED = ("BUILD_ERROR", "RUNTIME_ERROR", "CONFIG_ERROR", "STOPPED", "DELETING", "NO_APP_FILE")
PAUSED, SLEEPING = "PAUSED", "SLEEPING"
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
"""For how long after a change the old stage may be told, where the Hub does not tell the commit with it."""
HEALTH_SECONDS = 300.0
"""For how long a Space that runs may be busy with its start."""
LONGEST_ANSWER = 65_536


def wait_until_up(
    hub: Hub,
    spaces: Mapping[str, str],
    say: Say,
    *,
    is_changed: bool,
    minutes: float,
    sleep: Callable[[float], None],
) -> list[str]:
    """Wait until each Space runs its commit, then ask for its health. Returns what is wrong, in sentences.

    `spaces` has the commit of each Space, `is_changed` tells if something of them changed just now. Raises
    Stopped when it takes too long.
    """
    begun, pauses = time.monotonic(), _pauses()
    stages = dict.fromkeys(spaces, "")
    waited_for, hosts, problems = dict(spaces), dict[str, str](), list[str]()
    while True:
        for id, commit in list(waited_for.items()):
            look = _look(hub, id)
            if look.stage != stages[id]:
                stages[id] = look.stage
                say(f"{id} {IN_WORDS.get(look.stage, f'is {look.stage}')}")
            may_be_old = is_changed and time.monotonic() < begun + GRACE_SECONDS
            if not look.is_final(commit, may_be_old=may_be_old):
                continue
            del waited_for[id]
            if look.stage == UP:
                hosts[id] = look.host
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
    for id, host in hosts.items():
        problem = unwell(id, host, say, sleep)
        if problem:
            problems.append(f"{id} runs, but is not well: {problem}")
    return problems


class Look(NamedTuple):
    """What the Hub says of a Space at one moment. `commit` is what it was built of, empty if not told."""

    stage: str
    commit: str
    host: str
    message: str

    def is_final(self, commit: str, *, may_be_old: bool) -> bool:
        """Whether a Space has come to an end with its commit, good or bad."""
        is_of_it = self.commit == commit if self.commit else not may_be_old
        return is_of_it and self.stage in (UP, *FAILED, PAUSED, SLEEPING)


def _look(hub: Hub, id: str) -> Look:
    info = ask(hub, f"look at the Space {id}", hub.api.space_info, id)
    raw = info.runtime.raw if info.runtime else {}
    return Look(
        str(raw.get("stage") or ""),
        str(raw.get("sha") or ""),
        str(info.host or ""),
        str(raw.get("errorMessage") or "")[:500],
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


def unwell(id: str, host: str, say: Say, sleep: Callable[[float], None]) -> str:
    """Ask a Space for its health until it is well. Returns what is wrong at the end, empty if nothing is."""
    if not host.startswith(("http://", "https://")):
        return "the Hub does not tell its address. Open its page"
    begun, pauses, said = time.monotonic(), _pauses(), ""
    while problem := _ask_health(f"{host.rstrip('/')}/health"):
        if problem != said:
            said = problem
            say(f"{id} is not well yet: {problem}")
        if time.monotonic() > begun + HEALTH_SECONDS:
            return problem
        sleep(next(pauses))
    say(f"{id} is well")
    return ""


def _ask_health(address: str) -> str:
    """Return what `/health` says is wrong; nothing for a Space without such a page."""
    try:
        with urllib.request.urlopen(address, timeout=20) as answer:
            return _problem(answer.read(LONGEST_ANSWER))
    except HTTPError as error:
        with error:
            if error.code == 404:
                return ""
            return _problem(error.read(LONGEST_ANSWER)) or f"its /health answers with {error.code}"
    except (OSError, ValueError) as error:
        return f"{address} does not answer: {error}"


def _problem(answer: bytes) -> str:
    try:
        facts = json.loads(answer)
    except ValueError:
        return ""
    return str(facts.get("problem") or "")[:500] if isinstance(facts, dict) else ""
