"""What other processes do to a store while a test looks on."""

import os
import shutil
import signal
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from src.shared.errors import Conflict
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.store import Store

WRITES = ("mkdir", "replace", "unlink", "fsync")
"""The functions of `os` through which a folder store changes the disk."""


def start(function: Callable[..., None], *arguments: object) -> BaseProcess:
    """A new process (not a fork, which would have copies of this one's locks) that calls a function."""
    process = get_context("spawn").Process(target=function, args=arguments)
    process.start()
    return process


def count_up(open_store: Callable[[], Store], times: int) -> None:
    """Add one to the number in the file `count`, so many times, by compare-and-swap."""
    store = open_store()
    while times:
        snapshot = store.snapshot()
        try:
            count = int(store.read(snapshot, ["count"])["count"])
            store.commit(add={"count": b"%d" % (count + 1)}, message="count", parent=snapshot)
        except Conflict:
            continue
        times -= 1


def die_at_every_write(folder: Path, crashes: Path, add: dict[str, bytes], delete: list[str]) -> None:
    """Commit to copies of a folder, `crashes/1` and so on: in each the process is killed one write later."""
    for number in range(1, 100):
        copy = crashes / str(number)
        shutil.copytree(folder, copy)
        child = os.fork()
        if not child:
            store = FolderStore(copy)
            snapshot = store.snapshot()
            _be_killed_before_write(number)
            store.commit(add=add, delete=delete, message="die", parent=snapshot)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            return


def _be_killed_before_write(number: int) -> None:
    left = number

    def counted(write: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            return write(*arguments, **options)

        return wrapper

    for name in WRITES:
        setattr(os, name, counted(getattr(os, name)))
