"""The command `python -m src.backup FOLDER`: copies every file of a board into a folder."""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from src.upkeep.board_backup import backed_up
from src.upkeep.commands import run
from src.upkeep.places import UpkeepSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Back up, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m src.backup", description=__doc__)
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="where to; an older backup there is brought up to date"
    )
    folder: Path = parser.parse_args(arguments).folder
    return run(lambda settings: backed_up(settings, folder), UpkeepSettings)


if __name__ == "__main__":
    sys.exit(main())
