"""Runs the check-up of both Spaces, each in its own environment: `make doctor ORG=acme`.

Prints both lists, and exits with 1 if something is wrong in either. With ORG it checks that leaderboard on
the Hub, as `make deploy` names it; without, the one that the variables and the files `src/envs.py` name.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from huggingface_hub import get_token

from deploy.names import Board
from deploy.refusals import Stopped

ROOT = Path(__file__).resolve().parent.parent
SPACES = ("frontend", "backend")
FAILED = "The check-up of the {} did not end as it should (status {}). Its output is above."
CHECKS = "Checking {spaces} and {datasets}."
CHECKS_THIS = (
    "Checking the leaderboard that this machine's variables and src/envs.py name. "
    "For one on the Hub: make doctor ORG=acme."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both, and return the exit status."""
    options = parser().parse_args(arguments)
    try:
        board = Board(options.org, options.board) if options.org else None
    except Stopped as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not options.json:
        print(told(board), flush=True)
    lists, statuses = {}, []
    for space in SPACES:
        done = run(space, board, options)
        statuses.append(done.returncode)
        if done.returncode not in (0, 1):
            sys.stderr.write(f"{FAILED.format(space, done.returncode)}\n")
        elif options.json:
            lists[space] = json.loads(done.stdout)
    if options.json:
        print(json.dumps(lists, indent=2, ensure_ascii=False))
    return max(min(abs(status), 1) for status in statuses)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    line = argparse.ArgumentParser(prog="make doctor", description=__doc__)
    line.add_argument(
        "org", nargs="?", default="", metavar="ORG", help="the owner of a leaderboard on the Hub"
    )
    line.add_argument("--board", default="", help="the name of a board beside the first one")
    line.add_argument("--json", action="store_true", help="print one JSON object with a list for each Space")
    line.add_argument("--strict", action="store_true", help="exit with 1 for warnings, too")
    line.add_argument("--try", action="store_true", dest="tries", help="try the backend's tasks first")
    return line


def told(board: Board | None) -> str:
    """Return what is checked, in a sentence."""
    if board is None:
        return CHECKS_THIS
    return CHECKS.format(
        spaces=" and ".join(board.spaces.values()), datasets=f"{board.requests} and {board.results}"
    )


def run(space: str, board: Board | None, options: argparse.Namespace) -> subprocess.CompletedProcess[str]:
    """Run the check-up of one Space in its own environment."""
    flags = [f"--{name}" for name in ("json", "strict") if getattr(options, name)]
    if space == "backend":
        flags += ["--try"] * options.tries + ["--elsewhere"] * (board is not None)
    if not options.json:
        print(f"\n{space}", flush=True)
    return subprocess.run(
        [ROOT / ".venv" / space / "bin" / "python", "-m", "src.doctor", *flags],
        cwd=ROOT / space,
        env=variables(board),
        stdout=subprocess.PIPE if options.json else None,
        text=True,
        check=False,
    )


def variables(board: Board | None) -> Mapping[str, str]:
    """Return the environment: of a board, with its names, and with the saved login unless a token is set."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if board is None:
        return inherited
    names = {"OWNER": board.owner, "QUEUE_REPO": board.requests, "RESULTS_REPO": board.results}
    token = get_token()
    return {**inherited, **names, **({"HF_TOKEN": token} if token else {})}


if __name__ == "__main__":
    sys.exit(main())
