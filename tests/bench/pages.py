"""A large leaderboard's page as a process: the frontend Space, or the bare component with the same data."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_leaderboard import ROOT, Space, free_port, stop, wait_until_open

PYTHON = str(ROOT / ".venv" / "frontend" / "bin" / "python")


def make_leaderboard(folder: Path, *, models: int, organizations: int, tasks: int) -> None:
    """Write the two datasets of a leaderboard below a folder."""
    numbers = map(str, (models, organizations, tasks))
    subprocess.run([PYTHON, "-m", "bench.make_folder", str(folder), *numbers], env=_variables(), check=True)


@contextmanager
def served(name: str, folder: Path, *, tasks: int, root: Path = ROOT) -> Iterator[Space]:
    """Run `many_tasks_app` or `bare_app` of the project in `root` on the folder until the block ends."""
    port = free_port(0)  # others may start at the same moment
    log = folder / f"{name}-{port}.log"
    variables = _variables(root) | {
        "LEADERBOARD_DATA_DIR": str(folder),
        "GRADIO_SERVER_PORT": str(port),
        "HF_HUB_OFFLINE": "1",
    }
    with log.open("wb") as file:
        process = subprocess.Popen(
            [PYTHON, "-m", f"bench.{name}", str(tasks)],
            cwd=root / "frontend",
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    space = Space(name, f"http://127.0.0.1:{port}", log, process)
    try:
        wait_until_open(space)
        yield space
    finally:
        stop(space)


def _variables(root: Path = ROOT) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{root / 'frontend'}{os.pathsep}{root / 'tests'}"}
