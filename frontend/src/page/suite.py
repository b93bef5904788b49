"""The tests as HTML: what is run for each column, from the backend's description and about.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import quote

from huggingface_hub import constants
from markupsafe import Markup

from src.columns import score
from src.leaderboard.agreement import described
from src.leaderboard.scoring import TaskColumn
from src.page.links import link
from src.shared.data.backend_description import BackendDescription, Example, TaskDescription

LM_EVAL = "https://github.com/EleutherAI/lm-evaluation-harness"
COLLECTION = "lm_eval/tasks/"
"""The beginning of the path of a task file in lm_eval's own collection."""

UNKNOWN = Markup('<span class="quiet">–</span>')
NOT_DESCRIBED = "The backend has not reported yet what it runs. This is what the leaderboard expects of it."

KINDS = {
    "multiple_choice": "the likeliest of the given answers",
    "generate_until": "the text that the model writes",
    "loglikelihood": "how likely a continuation is",
    "loglikelihood_rolling": "how likely a whole text is",
}
"""What decides the score, by lm_eval's `output_type`."""


class _Test(NamedTuple):
    """One column of scores, and the backend's description of its task."""

    column: TaskColumn
    known: TaskDescription | None
    backend: BackendDescription | None
    num_fewshot: int | None


def suite(
    columns: Sequence[TaskColumn], backend: BackendDescription | None, *, num_fewshot: int | None
) -> Markup:
    """Return a table with a line per column, and how the tests are run. `num_fewshot` is about.py's."""
    tests = [_Test(column, described(column.task, backend), backend, num_fewshot) for column in columns]
    facts = [fact for fact in FACTS if any(fact.text(test) is not None for test in tests)]
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(fact.header) for fact in facts)
    body = Markup("").join(_line(test, facts) for test in tests)
    return Markup(
        '<div class="suite" tabindex="0" role="region" aria-label="The tests">'
        "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>{}{}{}"
    ).format(head, body, _average(columns), _how(backend), _questions_of(tests))


def _average(columns: Sequence[TaskColumn]) -> Markup:
    """Return how the average is computed, unless it is the plain mean of all higher-is-better columns."""
    inside = [each for each in columns if each.task.in_average and each.higher_is_better]
    sentences = []
    if len({each.task.weight for each in inside}) > 1:
        weights = ", ".join(f"{each.task.col_name} {each.task.weight:g}" for each in inside)
        sentences.append(f"The average is weighted: {weights}.")
    outside = [each.task.col_name for each in columns if not each.task.in_average]
    if outside:
        sentences.append(f"Not in the average: {', '.join(outside)}.")
    return Markup("<p>{}</p>").format(" ".join(sentences)) if sentences else Markup()


class _Fact(NamedTuple):
    """A column of this table; None if unknown for a test."""

    header: str
    text: Callable[[_Test], Markup | str | None]


def _line(test: _Test, facts: Sequence[_Fact]) -> Markup:
    texts = [fact.text(test) for fact in facts]
    cells = Markup("").join(Markup("<td>{}</td>").format(UNKNOWN if text is None else text) for text in texts)
    return Markup("<tr>{}</tr>").format(cells)


def _task(test: _Test) -> Markup:
    """The task's name, which leads to its file where that is lm_eval's, and where its questions are from."""
    name = Markup("<code>{}</code>").format(test.column.task.benchmark)
    file = test.known.file if test.known else None
    if test.backend and file and file.startswith(COLLECTION):
        tag = f"v{test.backend.versions.get('lm_eval', '')}" if "lm_eval" in test.backend.versions else "main"
        name = link(f"{LM_EVAL}/blob/{quote(tag)}/{quote(file)}", name)
    datasets = test.known.datasets if test.known else ()
    return Markup("{}{}").format(name, Markup("").join(map(_dataset, datasets[:3])))


def _dataset(name: str) -> Markup:
    return Markup('<br><span class="quiet">{}</span>').format(
        name if "://" in name else link(f"{constants.ENDPOINT}/datasets/{quote(name)}", name)
    )


def _metric(test: _Test) -> str:
    better = "higher" if test.column.higher_is_better else "lower"
    return f"{test.column.task.metric}, {better} is better"


def _scored_by(test: _Test) -> str | None:
    return KINDS.get(test.known.kind or "") if test.known else None


def _questions(test: _Test) -> str | None:
    known = test.known
    if not known or (known.questions is None and known.subtasks is None):
        return None
    questions = f"{known.questions:,}" if known.questions is not None else ""
    tasks = f"{known.subtasks} tasks" if known.subtasks is not None else ""
    return " in ".join(filter(None, [questions, tasks]))


def _examples(test: _Test) -> str | None:
    number = test.num_fewshot if test.known is None else test.known.num_fewshot
    return None if number is None else str(number)


def _guessing(test: _Test) -> str | None:
    given, known = test.column.task.random_baseline, test.known
    baseline = known.random_baseline if given is None and known else given
    shown = test.column.shown(baseline)
    return None if shown is None else score(shown)


def _version(test: _Test) -> str | None:
    return test.known.version if test.known else None


FACTS = [
    _Fact("Column", lambda test: Markup("<b>{}</b>").format(test.column.header)),
    _Fact("Task", _task),
    _Fact("Metric", _metric),
    _Fact("Scored by", _scored_by),
    _Fact("Questions", _questions),
    _Fact("Examples", _examples),
    _Fact("Guessing scores", _guessing),
    _Fact("Version", _version),
]


def _questions_of(tests: Sequence[_Test]) -> Markup:
    """Return a question from each task for which the backend publishes one."""
    known = {test.known.name: test.known for test in tests if test.known and test.known.example}
    return Markup("").join(map(_question_of, known.values()))


def _question_of(task: TaskDescription) -> Markup:
    example = task.example or Example()
    answer = Markup("<p>Correct answer: <code>{}</code></p>").format(example.answer) if example.answer else ""
    return Markup(
        '<details class="example"><summary>A question from <code>{}</code></summary><pre>{}</pre>{}</details>'
    ).format(task.name, example.question, answer)


def _how(backend: BackendDescription | None) -> Markup:
    """With which versions, on what, and how much of each task."""
    if backend is None:
        return Markup('<p class="quiet">{}</p>').format(NOT_DESCRIBED)
    versions = ", ".join(f"{package} {version}" for package, version in backend.versions.items())
    amount = "all questions" if backend.limit is None else f"only part of the questions ({backend.limit:g})"
    return Markup(
        "<p>Run with {} on <code>{}</code>, batch size {}, {}. <i>Examples</i> is the number of answered "
        "questions that a model sees before each question.</p>"
    ).format(versions or "lm_eval", backend.device, backend.batch_size, amount)
