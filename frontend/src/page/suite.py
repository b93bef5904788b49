"""The tests as HTML: what is run for each column, from the backend's description and about.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

from huggingface_hub import constants
from markupsafe import Markup, escape

from src.columns import AVERAGE, score
from src.leaderboard.agreement import described
from src.leaderboard.engines import engine_of
from src.leaderboard.scoring import TaskColumn, groups_of
from src.page.details.links import TASK
from src.page.html import render
from src.page.links import link
from src.page.run_settings import told_settings
from src.shared.data.backend_description import BackendDescription, TaskDescription

KINDS = {
    "multiple_choice": "the likeliest of the given answers",
    "generate_until": "the text that the model writes",
    "loglikelihood": "how likely a continuation is",
    "loglikelihood_rolling": "how likely a whole text is",
}
"""What decides the score, by the kind of task in lm_eval's words."""


class _Test(NamedTuple):
    """One column of scores, and the backend's description of its task."""

    column: TaskColumn
    known: TaskDescription | None
    backend: BackendDescription | None
    num_fewshot: int | None

    @property
    def name(self) -> Markup:
        """The task's name, with a link to its file if that is in the engine's own collection."""
        name = Markup("<code>{}</code>").format(self.column.task.benchmark)
        file = self.known.file if self.known else None
        if not self.backend or not file:
            return name
        engine = engine_of(self.backend)
        return link(engine.address_of(file, self.backend.versions.get(engine.name)), name)

    @property
    def address(self) -> str:
        """The page with the task's details open."""
        return f"?{urlencode({TASK: self.column.task.col_name})}"

    @property
    def datasets(self) -> list[Markup]:
        """Where its questions are from."""
        return [_dataset(name) for name in (self.known.datasets[:3] if self.known else ())]


def suite(
    columns: Sequence[TaskColumn], backend: BackendDescription | None, *, num_fewshot: int | None
) -> Markup:
    """Return a table with a line per column, and how the tests are run. `num_fewshot` is about.py's."""
    tests = [_Test(column, described(column.task, backend), backend, num_fewshot) for column in columns]
    asked = {test.known.name: test.known for test in tests if test.known and test.known.example}
    name = engine_of(backend).name
    versions = [each for each in (backend.versions if backend else {}).items() if each[0] != name]
    return render(
        "tests.html",
        tests=tests,
        facts=[fact for fact in FACTS if any(fact.text(test) is not None for test in tests)],
        average=_average(columns),
        backend=backend,
        engine=_engine(backend),
        versions=", ".join(f"{package} {version}" for package, version in versions),
        settings=told_settings(backend) if backend else (),
        with_a_question=list(asked.values()),
    )


def _engine(backend: BackendDescription | None) -> Markup:
    """Return the engine, with its version and a link to it."""
    engine = engine_of(backend)
    version = backend.versions.get(engine.name) if backend else None
    return link(engine.released(version), f"{engine.name} {version}" if version else engine.name)


def facts_of(
    column: TaskColumn, backend: BackendDescription | None, *, num_fewshot: int | None
) -> list[tuple[str, str]]:
    """Return what is known about a column's test, each with its name."""
    test = _Test(column, described(column.task, backend), backend, num_fewshot)
    return [(fact.header, text) for fact in FACTS if (text := fact.text(test)) is not None]


def header_titles(
    columns: Sequence[TaskColumn], backend: BackendDescription | None, *, num_fewshot: int | None
) -> dict[str, str]:
    """Return what the table says under the pointer about each column of scores, by its header."""
    facts = {each.header: facts_of(each, backend, num_fewshot=num_fewshot) for each in columns}
    titles = {header: "\n".join(f"{name}: {text}" for name, text in each) for header, each in facts.items()}
    titles |= {
        group.name: f"The mean of {', '.join(columns[place].task.col_name for place in group.places)}"
        for group in groups_of(columns)
    }
    average = _average(columns)
    return titles | {AVERAGE.header: average} if average else titles


def _average(columns: Sequence[TaskColumn]) -> str:
    """Return how the average is computed, unless it is the plain mean of all higher-is-better columns."""
    inside = [each for each in columns if each.is_averaged]
    sentences = []
    if len({each.task.weight for each in inside}) > 1:
        weights = ", ".join(f"{each.task.col_name} {each.task.weight:g}" for each in inside)
        sentences.append(f"The average is weighted: {weights}.")
    outside = [each.task.col_name for each in columns if not each.task.in_average]
    if outside:
        sentences.append(f"Not in the average: {', '.join(outside)}.")
    return " ".join(sentences)


class _Fact(NamedTuple):
    """A column of this table besides the column's and the task's names; None if unknown for a test."""

    header: str
    text: Callable[[_Test], str | None]


def _dataset(name: str) -> Markup:
    """A dataset on the Hub is a link; one from elsewhere is only named."""
    return escape(name) if "://" in name else link(f"{constants.ENDPOINT}/datasets/{quote(name)}", name)


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
    return None if test.column.guessing is None else score(test.column.guessing)


def _version(test: _Test) -> str | None:
    return test.known.version if test.known else None


FACTS = [
    _Fact("Group", lambda test: test.column.task.group),
    _Fact("Metric", _metric),
    _Fact("Scored by", _scored_by),
    _Fact("Questions", _questions),
    _Fact("Examples", _examples),
    _Fact("Guessing scores", _guessing),
    _Fact("Version", _version),
]
