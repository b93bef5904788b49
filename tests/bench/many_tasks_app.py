"""The frontend Space with as many tasks as the command line says: an owner has written them into about.py."""

from __future__ import annotations

import sys
from enum import Enum
from types import SimpleNamespace

import app
from bench.corpora import Corpus
from src import about


def main() -> None:
    """Run the Space."""
    tasks = Corpus(1, 1, int(sys.argv[1])).columns
    values = {
        f"task{place}": SimpleNamespace(benchmark=task.benchmark, metric=task.metric, col_name=task.col_name)
        for place, task in enumerate(tasks)
    }
    about.Tasks = Enum("Tasks", values)  # type: ignore[misc,assignment]
    app.main()


if __name__ == "__main__":
    main()
