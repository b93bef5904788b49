"""Hostile calls of a page, several at a time, in a process of their own."""

from __future__ import annotations

import http.client
import json
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import Any

AT_ONCE = 4
REFUSED = 413


@dataclass(frozen=True)
class Plan:
    """Which calls are made: the `bodies` in turn, at a path of a page on this machine.

    There are at least `calls` of them, and they go on until somebody ends the standard input. `is_queued` is
    whether the answer is fetched in a second call.
    """

    port: int
    path: str
    bodies: Sequence[dict[str, Any]]
    calls: int
    is_queued: bool = False

    def write(self, file: Path) -> None:
        """Write it for the process that makes the calls."""
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")


def main() -> None:
    """Make the calls, and print how many there were of each status."""
    plan = Plan(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    numbers, over = count(), threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    statuses: Counter[int] = Counter()

    def call() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", plan.port, timeout=600)
        while (number := next(numbers)) < plan.calls or not over.is_set():
            body = {**plan.bodies[number % len(plan.bodies)], "session_hash": token_hex(8)}
            statuses[_status(connection, plan, body)] += 1

    callers = [threading.Thread(target=call) for _ in range(AT_ONCE)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    print(json.dumps(statuses))


def _status(connection: http.client.HTTPConnection, plan: Plan, body: dict[str, Any]) -> int:
    headers = {"Content-Type": "application/json"}
    try:
        connection.request("POST", plan.path, json.dumps(body).encode(), headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):  # what is too large is refused while it is sent
        connection.close()
        return REFUSED
    if plan.is_queued and answer.status == 200:
        connection.request("GET", f"/gradio_api/queue/data?session_hash={body['session_hash']}")
        connection.getresponse().read()  # it ends when the answer is there
    return answer.status


if __name__ == "__main__":
    main()
