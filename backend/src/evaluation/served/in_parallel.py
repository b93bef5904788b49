"""Asks several questions at once, in threads that never hold up the end of the process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


def in_parallel(
    ask: Callable[[Q], A], questions: Sequence[Q], *, threads: int, on_answer: Callable[[int], None]
) -> list[A]:
    """Return the answer to each question. `on_answer(1)` is called here, in this thread, after each.

    Raises the first error of `ask`, without waiting for the questions that are still open.
    """
    todo: SimpleQueue[int] = SimpleQueue()
    for number in range(len(questions)):
        todo.put(number)
    done: SimpleQueue[tuple[int, A] | BaseException] = SimpleQueue()
    stop = Event()

    def work() -> None:
        while not stop.is_set():
            try:
                number = todo.get_nowait()
            except Empty:
                return
            try:
                done.put((number, ask(questions[number])))
            except BaseException as error:  # noqa: BLE001  # raised again below
                done.put(error)
                return

    for _ in range(min(threads, len(questions))):
        Thread(target=work, daemon=True).start()
    answers: dict[int, A] = {}
    try:
        while len(answers) < len(questions):
            match done.get():
                case BaseException() as error:
                    raise error
                case number, answer:
                    answers[number] = answer
                    on_answer(1)
    finally:
        stop.set()
    return [answers[number] for number in range(len(questions))]
