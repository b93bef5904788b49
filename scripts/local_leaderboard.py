"""The whole leaderboard on this machine: both Spaces as processes on one data folder, run as on the Hub."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = ROOT / ".venv"
PORTS = {"frontend": 7860, "backend": 7861}
ANY_PORTS = dict.fromkeys(PORTS, 0)
"""What several that start at the same time do not take from one another."""
NEVER_GIVEN = range(10_000, 32_768)
"""Ports below those that Linux and macOS give to whoever asks for any. A Space binds its own late."""

OPENS_WITHIN_SECONDS = 600
ENDS_WITHIN_SECONDS = 30

OF_ANOTHER_LEADERBOARD = re.compile(
    r"OWNER|.*_REPO|SPACE_|SYSTEM$|OAUTH_|OPENID_|GRADIO_|HF_|LEADERBOARD_|WORKER_ID"
)
"""Variables of the person's shell that would send a local leaderboard elsewhere."""


class DoesNotStart(Exception):
    """A Space's page does not open; the message holds the end of its log."""


@dataclass(frozen=True)
class Space:
    """A Space that runs: where its page is, and where its log is written."""

    name: str
    url: str
    log: Path
    process: subprocess.Popen[bytes]


@contextmanager
def running(
    data: Path,
    names: tuple[str, ...] = ("frontend", "backend"),
    *,
    environments: Path = ENVIRONMENTS,
    backend: str = "backend",
    ports: Mapping[str, int] = ANY_PORTS,
    program: str = "app.py",
    root: Path = ROOT,
    **settings: str,
) -> Iterator[dict[str, Space]]:
    """Run Spaces on a data folder until the block ends. `settings` are variables for all of them, `program`
    is what is run in the folder of each, which lies in `root`. `backend` names the backend's environment.

    Raises DoesNotStart. A taken port is passed over for the next free one: look at each Space's `url`.
    """
    data.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        spaces = {}
        given: list[int] = []
        for name in names:  # all are started before any is waited for, so none has its port yet
            given.append(free_port(ports[name], given))
            environment = environments / (backend if name == "backend" else name)
            spaces[name] = start(name, data, environment, given[-1], settings, program=program, root=root)
            stack.callback(stop, spaces[name])
        for space in spaces.values():
            wait_until_open(space)
        yield spaces


def start(
    name: str,
    data: Path,
    environment: Path,
    port: int,
    settings: dict[str, str],
    *,
    program: str = "app.py",
    root: Path = ROOT,
) -> Space:
    """Start a Space with `python app.py` in its folder, in a virtual environment of its own."""
    variables = {key: value for key, value in os.environ.items() if not OF_ANOTHER_LEADERBOARD.match(key)}
    variables |= {
        "LEADERBOARD_DATA_DIR": str(data.resolve()),
        "GRADIO_SERVER_PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }
    log = data / f"{name}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [str(environment / "bin" / "python"), program],
            cwd=root / name,
            env=variables | settings,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches only us, and we end it in our own time
        )
    return Space(name, f"http://127.0.0.1:{port}", log, process)


def wait_until_open(space: Space) -> None:
    """Wait until the Space's page answers. Raises DoesNotStart when it never does, or the process ends."""
    deadline = time.monotonic() + OPENS_WITHIN_SECONDS
    while time.monotonic() < deadline and space.process.poll() is None:
        with suppress(OSError):  # and URLError, which is one
            urllib.request.urlopen(space.url, timeout=5).close()
            return
        time.sleep(0.1)
    log = space.log.read_text(errors="replace")[-3000:]
    raise DoesNotStart(
        f"The {space.name} does not open at {space.url}. The end of its log {space.log}:\n{log}"
    )


def stop(space: Space) -> None:
    """End a Space as the Hub does, with SIGTERM, and with SIGKILL when that takes too long."""
    with suppress(ProcessLookupError):
        space.process.terminate()
    try:
        space.process.wait(ENDS_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        print(
            f"The {space.name} had not ended after {ENDS_WITHIN_SECONDS} s and was killed.", file=sys.stderr
        )
        os.killpg(space.process.pid, signal.SIGKILL)
        space.process.wait()


def free_port(wanted: int, given: Collection[int] = ()) -> int:
    """The wanted port, or the next one that nobody listens on and that was not given away yet; for 0 any."""
    for port in range(wanted, wanted + 1000) if wanted else SystemRandom().sample(NEVER_GIVEN, 1000):
        with socket.socket() as attempt, suppress(OSError):
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that was just left is free
            attempt.bind(("127.0.0.1", port))
            if port not in given:
                return port
    raise DoesNotStart(f"No port from {wanted} on is free.")
