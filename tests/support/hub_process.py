"""A Hub (`support.hub`) in a process of its own, for tests whose environment lacks what it needs."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class RemoteHub:
    """The address of a Hub, and the commands in its `routes/control.py`."""

    url: str

    def do(self, command: str, **arguments: Any) -> Any:
        """Carry out a command: `hub.do("add_user", name="alice")`."""
        request = urllib.request.Request(f"{self.url}/_test/{command}", json.dumps(arguments).encode())
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


@contextmanager
def hub_process(python: str) -> Iterator[RemoteHub]:
    """Run a Hub until the block ends, with a Python that has starlette and uvicorn."""
    command = [python, "-m", "support.hub"]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            url = process.stdout.readline().strip()
            assert url, f"{' '.join(command)} does not start"
            yield RemoteHub(url)
        finally:
            process.terminate()
