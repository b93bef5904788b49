"""Shows how far an evaluation is: a bar on a terminal, otherwise a line for each tenth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TextIO

from tqdm import tqdm

from src.shared.data.request import Progress


class Shown(Protocol):
    """Shows progress to a person."""

    def show(self, progress: Progress) -> None:
        """Show how far the running task is."""

    def close(self) -> None:
        """Leave the last state on the screen."""


class Lines:
    """Says a sentence when a task begins, and again at each tenth."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: tuple[str, int] | None = None

    def show(self, progress: Progress) -> None:
        """Say how far the task is, unless nobody would see a difference."""
        state = progress.task, 10 * progress.done // max(progress.total, 1)
        if state != self._said:
            self._said = state
            self._say(f"{progress.task}: {progress.done:,} of {progress.total:,} calls of the model")

    def close(self) -> None:
        """Do nothing: what was said stays."""


class Bars:
    """Draws a bar for each task."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._task = ""
        """The task of the bar. tqdm changes the name that it is given."""
        self._bar: tqdm[None] | None = None

    def show(self, progress: Progress) -> None:
        """Move the task's bar, or begin it."""
        if self._bar is None or self._task != progress.task:
            self.close()
            self._task = progress.task
            self._bar = tqdm(desc=progress.task, total=progress.total, unit=" calls", file=self._file)
        self._bar.total = progress.total
        self._bar.update(progress.done - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()


def shown_on(file: TextIO, say: Callable[[str], None]) -> Shown:
    """Return what shows progress there."""
    return Bars(file) if file.isatty() else Lines(say)
