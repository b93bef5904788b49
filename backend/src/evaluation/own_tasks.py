"""The leaderboard's own tasks: the name of their folder, and questions of tasks that the owner publishes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from src.running.suite import Suite
from src.shared.data.backend_description import BackendDescription, Example, TaskDescription

LONGEST_EXAMPLE = 1_500
"""The most characters of a published question, counted from its end. Its answer may have a fifth of that."""


def include_path(suite: Suite) -> str:
    """Return the folder of the leaderboard's own tasks, as a command in the backend's folder names it."""
    folder = Path(suite.tasks_dir)
    return folder.name if folder.is_absolute() else folder.as_posix()


def shortened(question: str, answer: str) -> Example:
    """Return a question as a model sees it, and the right answer, both cut to what is published."""
    is_long, longest = len(question) > LONGEST_EXAMPLE, LONGEST_EXAMPLE // 5
    return Example(
        question="…" + question[1 - LONGEST_EXAMPLE :] if is_long else question,
        answer=answer if len(answer) <= longest else answer[: longest - 1] + "…",
    )


def with_examples(description: BackendDescription, examples: dict[str, Example]) -> BackendDescription:
    """Add a question of each task."""

    def shown(task: TaskDescription) -> TaskDescription:
        return replace(task, example=examples.get(task.name))

    return replace(description, tasks=tuple(map(shown, description.tasks)))
