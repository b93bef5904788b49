"""Starting the server as a process, and telling it what to do."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.sources import ROOT

BACKEND = ROOT / ".venv" / "backend" / "bin" / "python"


@dataclass(frozen=True)
class RunningServer:
    """A server that runs. `url` is the base address for clients, which ends in `/v1`."""

    address: str
    model: str
    process: subprocess.Popen[str] = field(repr=False)

    @property
    def url(self) -> str:
        return f"{self.address}/v1"

    def fault(
        self, fault: str, *, route: str | None = None, next: int | None = None, every: int | None = None
    ) -> None:
        """Let all calls fail from here on, the `next` ones, or one in `every`.

        `route` is `completions`, `chat`, `models` or `health`; None means any of them.
        """
        self._do("faults", fault=fault, route=route, next=next, every=every)

    def clear(self) -> None:
        """Let nothing fail any more."""
        self._do("clear")

    def die_after(self, answers: int) -> None:
        """Answer so many more calls of completions or chat. At the next one, the process ends."""
        self._do("die_after", answers=answers)

    def change(self, **settings: Any) -> None:
        """Set `name`, `most_stops`, `has_prompt_logprobs` or `flat_errors`."""
        self._do("change", **settings)

    def seen(self, route: str | None = None) -> list[dict[str, Any]]:
        """The calls so far, the oldest first: `route`, `token`, `status` and `body`."""
        return [call for call in self._do("seen") if route in (None, call["route"])]

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.process.wait()

    def _do(self, command: str, **arguments: Any) -> Any:
        return told(self.address, command, **arguments)


def told(address: str, command: str, **arguments: Any) -> Any:
    """Carry out a command of the server at an address (`app.COMMANDS`)."""
    request = urllib.request.Request(f"{address}/_test/{command}", json.dumps(arguments).encode())
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


@contextmanager
def running_server(
    folder: Path,
    *,
    name: str = "org/model",
    token: str | None = None,
    arguments: Sequence[str] = (),
    **settings: Any,
) -> Iterator[RunningServer]:
    """Serve the model in a folder until the block ends, to those who have the token if there is one.

    `arguments` are more of the command's (`["--max-model-len", "32"]`), `settings` those of `change`.
    """
    environment = {"OPENAI_SERVER_TOKENS": json.dumps([token])} if token else {}
    process = start_server(folder, ["--served-model-name", name, *arguments], environment)
    try:
        server = RunningServer(address_of(process), name, process)
        if settings:
            server.change(**settings)
        yield server
    finally:
        end(process)


def start_server(
    folder: Path, arguments: Sequence[str], environment: Mapping[str, str], *, errors: Any = None
) -> subprocess.Popen[str]:
    """Start a server, without waiting for it. `errors` is a file for what it says when it fails."""
    command = [python_with_models(), "-m", "support.openai_server", "--model", str(folder), *arguments]
    return subprocess.Popen(
        command,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT / "tests"), **environment},
        stdin=subprocess.PIPE,  # the process ends when nobody holds this any more
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )


def address_of(process: subprocess.Popen[str]) -> str:
    """Where a server answers. Waits until its model is loaded."""
    assert process.stdout
    address = process.stdout.readline().strip()
    assert address, f"the server does not start: {process.args!r}"
    return address


def end(process: subprocess.Popen[str]) -> None:
    """End a server at once."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()


def python_with_models() -> str:
    """A Python that has torch: this one, or else the backend's."""
    return sys.executable if importlib.util.find_spec("torch") else str(BACKEND)
