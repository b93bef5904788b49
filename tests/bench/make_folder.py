"""Makes a leaderboard in a folder: `python -m bench.make_folder FOLDER MODELS ORGANIZATIONS TASKS`."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.corpora import Corpus


def main() -> None:
    """Write both datasets below the folder."""
    folder = Path(sys.argv[1])
    models, organizations, tasks = map(int, sys.argv[2:])
    Corpus(models, organizations, tasks).write(folder / "requests", folder / "results", has_logs=False)


if __name__ == "__main__":
    main()
