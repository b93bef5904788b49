"""`transformers serve`: transformers' own OpenAI-compatible server, as a second opinion on ours.

It needs the packages of its extra `serving`, which lighteval brings, so it is run from .venv/lighteval. It
serves a folder too, but lists only the models in the Hub's cache at `/v1/models`: so it gets a cache.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.running.inference import Server
from support.sources import ROOT
from support.waiting import wait_for

PROGRAM = ROOT / ".venv" / "lighteval" / "bin" / "transformers"

RUNNING = re.compile(r"Uvicorn running on (http://\S+)")


@contextmanager
def transformers_serve(folder: Path, place: Path, *, name: str = "org/model") -> Iterator[Server]:
    """Serve the model in a folder in float32 until the block ends. `place` is a folder for its files."""
    assert PROGRAM.exists(), "there is no .venv/lighteval: run make test-lighteval once"
    cache, log = place / "cache", place / "transformers_serve.txt"
    put_into_the_cache(folder, cache, name)
    command = [PROGRAM, "serve", name, "--host", "127.0.0.1", "--port", "0", "--dtype", "float32"]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--device", "cpu"],
            env={**os.environ, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1"},
            stdout=output,
            stderr=output,
        )
        try:
            wait_for(lambda: process.poll() is not None or RUNNING.search(log.read_text()))
            found = RUNNING.search(log.read_text())
            assert found, f"transformers serve does not start: {log.read_text()[-2000:]}"
            yield Server(url=f"{found[1]}/v1", model=name)
        finally:
            process.kill()
            process.wait()


def put_into_the_cache(folder: Path, cache: Path, name: str) -> None:
    """Put the model's files where a download from the Hub leaves them."""
    place = cache / f"models--{name.replace('/', '--')}"
    commit = "c" * 40
    shutil.copytree(folder, place / "snapshots" / commit)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(commit)
