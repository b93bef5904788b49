"""A warm parent that imports nothing and whose children only pretend: each does what its folder's name says.

Run as `python fast_warm_parent.py warm FILE`, as the real one is, with the backend on PYTHONPATH.
"""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

from src.evaluation.warm import WarmParent

FOREVER = 3600
HELD = 200_000_000
"""Bytes that a parent whose folder is named so shares with its children."""


def run(folder: Path) -> int:
    print("in", folder.name, "of parent", os.getppid(), flush=True)
    os.write(1, b"from a library\n")
    if folder.name == "endless":
        subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({FOREVER})"])
        time.sleep(FOREVER)
    if folder.name == "alone":
        time.sleep(FOREVER)
    if folder.name == "leaves-another":
        child = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({FOREVER})"])
        (folder / "other.txt").write_text(str(child.pid))
    if folder.name == "error":
        raise RuntimeError("nobody foresaw this")
    if folder.name == "exits":
        sys.exit(3)
    if folder.name == "input":
        print("input:", sys.stdin.read())
    return 7 if folder.name == "seven" else 0


def fail_to_fork() -> int:
    raise OSError(errno.ENOMEM, "Cannot allocate memory")


if __name__ == "__main__":
    if "broken" in sys.argv[2]:
        sys.exit("cannot import torch")
    if "hanging" in sys.argv[2]:
        time.sleep(FOREVER)
    if "forkless" in sys.argv[2]:
        os.fork = fail_to_fork
    held = bytearray(HELD if "holding" in sys.argv[2] else 0)
    held[::4096] = b"x" * len(held[::4096])
    print("this is no answer")
    WarmParent({"evaluate": run}).serve()
