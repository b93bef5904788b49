"""The questions of the leaderboard's own tasks as lm_eval builds them, row by row.

A row whose answer cannot be right gets a score without a word, or fails after models have been evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from lm_eval import utils
from lm_eval.api.task import ConfigurableTask

from src.evaluation.errors import last_line
from src.evaluation.lm_eval.tasks.configs import Leaf
from src.evaluation.lm_eval.tasks.own_rows import BadRow, Row, kind_of, place_of_row

AN_ANSWER = "The answer is (A) 1."

Wrong = tuple[str, str]
"""The setting that is concerned, and what is wrong with the row."""


@dataclass(frozen=True)
class Built:
    """What lm_eval makes of a row."""

    text: Any
    target: Any
    choices: Any


class RowFails(Exception):
    """A setting of the task fails on a row; the cause says how."""

    def __init__(self, setting: str) -> None:
        super().__init__(setting)
        self.setting = setting


def wrong_answers(task: Any, leaf: Leaf) -> Iterator[BadRow]:
    """Yield the first row that cannot be right, after building every row of every split that is used.

    Raise the error if the task fails on its first two rows: then not the row is wrong.
    """
    if not isinstance(task, ConfigurableTask) or not leaf.local_files:
        return
    config = leaf.config
    asked = config.get("test_split") or config.get("validation_split")
    shown = config.get("fewshot_split") or config.get("training_split") or config.get("validation_split")
    parts: list[tuple[object, Callable[[], Any], bool]] = [(asked, lambda: task.eval_docs, False)]
    if task.config.num_fewshot and shown not in (None, asked):
        parts.append((shown, task.fewshot_docs, True))
    with templates_compiled_once():
        for split, rows, is_example in parts:
            found = first_wrong(rows(), partial(build, task, is_example=is_example), task)
            if found:
                number, row, (setting, what) = found
                yield BadRow(place_of_row(leaf, split, number, row), what, setting)
                return


def first_wrong(
    rows: Iterable[Row], build_one: Callable[[Row], Built], task: Any
) -> tuple[int, Row, Wrong] | None:
    """Return the number of the first row that is wrong, the row, and what is wrong with it."""
    failed: tuple[int, Row, RowFails] | None = None
    empty: tuple[int, Row] | None = None
    lists: bool | None = None
    is_some_full = False
    for number, row in enumerate(rows):
        try:
            built = build_one(row)
        except RowFails as error:
            if number > 0 and not failed:
                return number, row, fails(error)
            if failed and error.__cause__:
                raise error.__cause__ from None
            failed = (number, row, error)
            continue
        if failed:
            return failed[0], failed[1], fails(failed[2])
        if wrong := wrong_with(task, built):
            return number, row, wrong
        if not is_compared(task):
            continue
        is_list = isinstance(built.target, list)
        if lists is not None and is_list is not lists:
            usual = "a list of answers" if lists else "one answer"
            return number, row, ("doc_to_target", f"its right answer is not {usual}, as in the rows before")
        lists = is_list
        if is_nothing(built.target):
            empty = empty or (number, row)
        else:
            is_some_full = True
    if failed:
        return failed[0], failed[1], fails(failed[2])
    if empty and is_some_full:
        return *empty, ("doc_to_target", "its right answer is empty")
    return None


def fails(error: RowFails) -> Wrong:
    """Return what to say about a setting that fails on one row."""
    cause = error.__cause__ or error
    return error.setting, f"its `{error.setting}` fails ({last_line(cause)})"


def build(task: Any, row: Row, *, is_example: bool = False) -> Built:
    """Build a row as lm_eval does, as a question or as an example before one. Raises `RowFails`."""
    config, shown = task.config, task.fewshot_cfg if is_example else None
    with failing("description"):
        task.resolve_field(row, None if is_example else config.description)
    with failing("gen_prefix"):
        task.doc_to_prefix(row)
    with failing("doc_to_text"):
        text = task.doc_to_text(row, shown and shown.doc_to_text)
    with failing("doc_to_choice"):
        choices = (
            None if config.doc_to_choice is None else task.doc_to_choice(row, shown and shown.doc_to_choice)
        )
    with failing("doc_to_target"):
        target = task.doc_to_target(row, shown and shown.doc_to_target)
    built = Built(text, target, choices)
    if callable(config.process_results) and not is_example and not config.unsafe_code:
        with failing("process_results"):
            for results in answers_to(task, built):
                config.process_results(row, results)
    return built


@contextmanager
def failing(setting: str) -> Iterator[None]:
    """Name the setting whose code or template fails."""
    try:
        yield
    except Exception as error:
        raise RowFails(setting) from error


def answers_to(task: Any, built: Built) -> Iterator[list[Any]]:
    """Yield answers as a task's own scoring gets them, unless filters make something else of them."""
    if task.config.filter_list is not None or task.config.repeats != 1:
        return
    if task.OUTPUT_TYPE == "generate_until":
        yield [AN_ANSWER]
        if isinstance(built.target, str):
            yield [built.target]
    elif task.OUTPUT_TYPE == "multiple_choice" and isinstance(built.choices, list):
        yield [(-1.0 - number, number == 0) for number in range(len(built.choices))]


def is_compared(task: Any) -> bool:
    """Return whether lm_eval compares what a model writes with the right answer of each row."""
    is_written = task.OUTPUT_TYPE == "generate_until"
    return is_written and not task.config.process_results and task.config.doc_to_choice is None


def is_nothing(target: object) -> bool:
    """Return whether there is no right answer."""
    return target is None or target == [] or (isinstance(target, str) and not target.strip())


def wrong_with(task: Any, built: Built) -> Wrong | None:
    """Return what is wrong with a row; None if it is valid."""
    if not isinstance(built.text, str) and (built.choices is None or not isinstance(built.text, int)):
        return "doc_to_text", f"its question is {kind_of(built.text)}, not text"
    if task.OUTPUT_TYPE == "multiple_choice":
        return wrong_choices(built) or (None if task.config.process_results else wrong_choice(built))
    if task.OUTPUT_TYPE in ("loglikelihood", "loglikelihood_rolling"):
        if not isinstance(built.target, str) or not built.target:
            return (
                "doc_to_target",
                f"its text to rate is {kind_of(built.target) if built.target else 'empty'}",
            )
        return None
    if built.choices is None or task.config.process_results:
        return None
    return wrong_choices(built) or wrong_number(built)


def wrong_choices(built: Built) -> Wrong | None:
    """Return what is wrong with the choices of a row."""
    choices = built.choices
    if not isinstance(choices, Sequence) or isinstance(choices, str) or not choices:
        return "doc_to_choice", "it has no list of choices"
    if not all(isinstance(each, str) and each for each in choices):
        return "doc_to_choice", "one of its choices is empty or not text"
    return None


def wrong_number(built: Built) -> Wrong | None:
    """Return what is wrong with the answer to a question that a model answers in writing."""
    if isinstance(built.target, bool) or not isinstance(built.target, int):
        return "doc_to_target", f"its answer is {kind_of(built.target)}, not the number of one of its choices"
    return out_of_range(built.target, built.choices, "doc_to_target")


def out_of_range(answer: int, choices: Sequence[str], setting: str) -> Wrong | None:
    """Return what is wrong with the number of a choice."""
    if 0 <= answer < len(choices):
        return None
    return (
        setting,
        f"its answer is {answer}, but its {len(choices)} choices are numbered 0 to {len(choices) - 1}",
    )


def wrong_choice(built: Built) -> Wrong | None:
    """Return what is wrong with the answer to a question with choices.

    If the text is a number, the choices are inserted into the question, and the target is what follows.
    """
    is_input = isinstance(built.text, int)
    setting, gold = ("doc_to_text", built.text) if is_input else ("doc_to_target", built.target)
    for answer in gold if isinstance(gold, list) else [gold]:
        if isinstance(answer, int):
            if wrong := out_of_range(answer, built.choices, setting):
                return wrong
        elif not isinstance(answer, str):
            return (
                setting,
                f"its answer is {kind_of(answer)}, which is neither a number nor one of its choices",
            )
        elif answer not in built.choices:
            return setting, f"its answer {shortened(answer)} is not one of its choices"
    return None


def shortened(text: str, longest: int = 60) -> str:
    """Return a text of a row as a sentence quotes it."""
    return repr(text if len(text) <= longest else text[: longest - 1] + "…")


@contextmanager
def templates_compiled_once() -> Iterator[None]:
    """Keep lm_eval from compiling each template again for each row, which takes most of the time."""
    compile_one = utils.env.from_string

    @lru_cache(maxsize=1000)
    def from_string(source: str) -> Any:
        return compile_one(source)

    utils.env.from_string = from_string
    try:
        yield
    finally:
        del utils.env.from_string
