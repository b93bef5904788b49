"""The frontend Space of an owner whose tasks are in groups."""

from __future__ import annotations

from enum import Enum

import app
from src import about
from src.tasks import Task


class Grouped(Enum):
    """The seeds' tasks, two of them in a group."""

    task0 = Task("tiny_addition", "acc", "Addition", group="Reasoning")
    task1 = Task("tiny_agreement", "acc", "Agreement")
    task2 = Task("tiny_copy", "exact_match", "Copying", group="Reasoning")


if __name__ == "__main__":
    about.Tasks = Grouped  # type: ignore[misc,assignment]
    app.main()
