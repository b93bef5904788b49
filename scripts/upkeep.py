"""Runs a command of upkeep on a leaderboard, such as `make backup`.

With --org it is that leaderboard on the Hub, as `make deploy` names it; without, the one that the variables
and the backend's `src/envs.py` name. The commands run in the frontend's environment, which is small: they
need no engine.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.names import Board
from deploy.refusals import Stopped
from doctor import ROOT, variables

FOLDERS = ("backup", "restore")
"""The commands whose first argument is a folder, relative to where `make` runs."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in the backend's folder, and return its exit status."""
    line = argparse.ArgumentParser(prog="make", description=__doc__)
    line.add_argument("--org", default="", help="the owner of a leaderboard on the Hub")
    line.add_argument("--board", default="", help="the name of a board beside the first one")
    line.add_argument("command", choices=["backup", "restore", "remove", "retire", "rerun"])
    line.add_argument("rest", nargs=argparse.REMAINDER)
    options = line.parse_args(arguments)
    try:
        board = Board(options.org, options.board) if options.org else None
    except Stopped as error:
        sys.stderr.write(f"{error}\n")
        return 1
    environment = dict(variables(board))
    if board:
        environment.pop("LEADERBOARD_DATA_DIR", None)  # it would win over the board that is named
    command = [sys.executable, "-m", f"src.{options.command}", *with_whole_folders(options)]
    try:
        return subprocess.run(command, cwd=ROOT / "backend", env=environment, check=False).returncode
    except KeyboardInterrupt:  # the command was interrupted too, and has said what to do
        return 130


def with_whole_folders(options: argparse.Namespace) -> list[str]:
    """Return the arguments with folders as seen from everywhere."""
    rest: list[str] = options.rest
    if options.command in FOLDERS and rest and not rest[0].startswith("-"):
        return [str(Path(rest[0]).resolve()), *rest[1:]]
    if options.command == "retire" and "--backup" in rest[:-1]:
        place = rest.index("--backup") + 1
        return [*rest[:place], str(Path(rest[place]).resolve()), *rest[place + 1 :]]
    return rest


if __name__ == "__main__":
    sys.exit(main())
