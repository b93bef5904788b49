"""An executor for tests: evaluates with a function, at once or on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from src.running.job import End, Ending, Job, Progress

Evaluate = Callable[[Job], Ending]


def report_of(job: Job, score: float = 0.5) -> dict[str, object]:
    """What lm_eval would report of a model with the same score in every task."""
    return {"results": {task: {"acc,none": score} for task in job.tasks}, "config": {}}


def good(job: Job) -> Ending:
    return Ending(End.FINISHED, "", report=report_of(job), log=b"evaluated\n")


def bad(job: Job) -> Ending:
    return Ending(End.REFUSED, f"{job.model} has no weights.", log=b"no weights\n")


class FunctionExecutor:
    """Evaluates with a function. With `wait`, an evaluation runs until `let_end` is called."""

    def __init__(self, evaluate: Evaluate = good, *, wait: bool = False) -> None:
        self.evaluate = evaluate
        self.started: list[Job] = []
        self.running: dict[str, Progress | None] = {}
        self._wait = wait
        self._jobs: dict[str, Job] = {}
        self._ended: dict[str, Ending] = {}

    def start(self, nonce: str, job: Job) -> None:
        self._jobs[nonce] = job
        self.running[nonce] = None
        self.started.append(job)  # last: a test that sees it may end it at once
        if not self._wait:
            self.let_end()

    def let_end(self) -> None:
        """End everything that runs."""
        for nonce in list(self.running):
            self._ended[nonce] = self.evaluate(self._jobs[nonce])
            del self.running[nonce]

    def progress(self) -> Mapping[str, Progress | None]:
        return dict(self.running)

    def endings(self) -> Mapping[str, Ending]:
        return dict(self._ended)

    def log(self, nonce: str) -> str:
        return f"evaluating {self._jobs[nonce].model}\n" if nonce in self.running else ""

    def forget(self, nonce: str) -> None:
        self.running.pop(nonce, None)
        self._ended.pop(nonce, None)

    def close(self) -> None:
        self.running.clear()
