"""Starting the Spaces of a Hub for tests: from the files that were uploaded, in a Space's environment."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local_leaderboard import Space, free_port, stop, wait_until_open
from support.hub_process import RemoteHub

OF_THE_MACHINE = ("PATH", "LANG", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
"""What a Space's container has of its own."""
FOR_TESTS = {
    "GRADIO_SERVER_NAME": "127.0.0.1",
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
}
"""Beside the address, what the Hub of the tests and a busy machine need."""


@contextmanager
def started_spaces(
    hub: RemoteHub, pythons: Mapping[str, str], folder: Path, **settings: str
) -> Iterator[dict[str, Space]]:
    """Start Spaces of a Hub, each with a Python of its own, and tell the Hub when they are open.

    `pythons` has the Python of each Space by its id. Each begins in a folder with its uploaded files and
    nothing else, with a home of its own that is empty. `settings` are further variables of all of them.
    """
    with ExitStack() as stack:
        spaces = {}
        for id, python in pythons.items():
            spaces[id] = start_space(hub, id, python, folder / id.replace("/", "--"), settings)
            stack.callback(stop, spaces[id])
        for id, space in spaces.items():
            wait_until_open(space)
            hub.do("start_space", id=id, host=space.url)
        yield spaces


def start_space(hub: RemoteHub, id: str, python: str, folder: Path, settings: Mapping[str, str]) -> Space:
    """Lay out a Space's files in an empty folder, and run `python app.py` there."""
    found = hub.do("space", id=id)
    app, home = folder / "app", folder / "home"
    home.mkdir(parents=True)
    for path, content in found["files"].items():
        file = app / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(content))
    port = free_port(0)
    variables = environment(hub, id, found, port) | {"HOME": str(home)} | settings
    log = folder / "run.log"
    with log.open("wb") as file_of_log:
        process = subprocess.Popen(
            [python, "app.py"],
            cwd=app,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=file_of_log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Space(id, f"http://127.0.0.1:{port}", log, process)


def environment(hub: RemoteHub, id: str, found: Mapping[str, Any], port: int) -> dict[str, str]:
    """The variables that a Space has on the Hub, and the few that it needs on this machine."""
    owner, _, name = id.partition("/")
    readme = base64.b64decode(found["files"].get("README.md", "")).decode()
    variables = {name: os.environ[name] for name in OF_THE_MACHINE if name in os.environ} | {
        "SYSTEM": "spaces",
        "SPACE_ID": id,
        "SPACE_AUTHOR_NAME": owner,
        "SPACE_REPO_NAME": name,
        "SPACE_HOST": urlsplit(f"http://127.0.0.1:{port}").netloc,
        "CPU_CORES": "2",
        "MEMORY": "16Gi",
        "HF_ENDPOINT": hub.url,
        "GRADIO_SERVER_PORT": str(port),
        **FOR_TESTS,
    }
    if "\nhf_oauth: true\n" in readme:
        client_id, secret = hub.do("add_oauth_app")
        variables |= {
            "OAUTH_CLIENT_ID": client_id,
            "OAUTH_CLIENT_SECRET": secret,
            "OAUTH_SCOPES": "openid profile",
            "OPENID_PROVIDER_URL": hub.url,
        }
    return variables | found["variables"] | found["secrets"]
