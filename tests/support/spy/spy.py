"""Looks for tokens wherever a process can: in its environment, in token files, in the worker's files of
evaluations, in `/proc`.

It looks into the memory and the open files of the worker too or, run as `python spy.py PROCESS`, of that one.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MARK = "SPY FOUND "
TOKEN = b"hf_decoy"
"""How tokens of ours begin."""

WORKER = b"src.worker"


def look(doc: object = None, results: object = None) -> dict[str, float]:
    """Print every place that holds a token of ours, or that could; a task's scoring function."""
    worker = next((process for process in ancestors() if WORKER in read(process / "cmdline")), None)
    tell([*found(), *(inside(worker) if worker else ())])
    return {"acc": 1.0}


def tell(places: list[str]) -> None:
    print(MARK + json.dumps(places), flush=True)


def found() -> list[str]:
    places = [f"environment {name}" for name, value in os.environ.items() if TOKEN.decode() in value]
    with suppress(ImportError):
        from huggingface_hub import get_token

        if get_token():
            places.append("huggingface_hub.get_token()")
    hf_home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    for folder in {hf_home, Path("~/.cache/huggingface").expanduser()}:
        places += [str(file) for name in ("token", "stored_tokens") if (file := folder / name).exists()]
    home = Path(os.environ.get("HOME", "~")).expanduser()
    places += [str(file) for file in home.parent.glob("jobs/*/*") if TOKEN in read(file)]
    for process in Path("/proc").glob("[0-9]*"):
        places += [str(process / name) for name in ("environ", "cmdline") if TOKEN in read(process / name)]
    return places


def inside(process: Path) -> list[str]:
    """Its memory if a token of ours can be read there, and the first of its open files that can be opened."""
    places = [str(process / "mem")] if any(TOKEN in part for part in memory(process)) else []
    with suppress(OSError):
        places += [str(next(each for each in (process / "fd").iterdir() if each.readlink()))]
    return places


def memory(process: Path) -> Iterator[bytes]:
    """The memory that it can write to, part by part; nothing if that is refused."""
    with suppress(OSError), (process / "mem").open("rb", buffering=0) as file:
        for line in (process / "maps").read_text().splitlines():
            addresses, rights, *_ = line.split()
            if rights.startswith("rw"):
                start, end = (int(address, 16) for address in addresses.split("-"))
                with suppress(OSError):  # a part that is no longer there
                    file.seek(start)
                    yield file.read(end - start)


def ancestors() -> Iterator[Path]:
    """The process that started this one, that which started it, and so on."""
    process = os.getppid()
    while process > 1:
        yield (folder := Path("/proc", str(process)))
        process = int((folder / "stat").read_text().rpartition(")")[2].split()[1])


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    [process] = sys.argv[1:]
    tell([*found(), *inside(Path("/proc", process))])
