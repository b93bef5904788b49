"""The result: the scores of one evaluation, and under which conditions they were computed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import fsum, sqrt
from typing import Annotated, NamedTuple

from pydantic import AliasChoices, Field

from ..times import from_text
from .benchmark import MixedSettings, keys_meant, metric_key
from .json_file import as_number
from .provenance import Provenance
from .run_settings import GEN_KWARGS, LM_EVAL, Conditions, RunConditions, RunSettings

UNKNOWN_TIME = datetime.min.replace(tzinfo=UTC)

Scores = Mapping[str, Mapping[str, float | None]]
"""Scores as a report gives them, by task and metric key; None where it holds no finite number."""


class Score(NamedTuple):
    """One score, as the report has it."""

    value: float
    stderr: float | None = None
    """Its standard error."""
    samples: int | None = None
    """The number of questions that it is of."""


class Setting(NamedTuple):
    """What two scores must share to be comparable; None if the report does not say."""

    version: str | None = None
    """The task's version."""
    n_shot: int | None = None
    """The number of examples before each question."""
    engine: str | None = None
    """The program that evaluated: `lm_eval` or `lighteval`."""
    conditions: Conditions | None = None
    """The settings of the run that are not at their default."""
    chat_conditions: Conditions | None = None
    """Those that matter only with a chat template; None also for a run without one."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How an engine was run, in its own terms: what its command needs to reproduce the scores."""

    engine: str = LM_EVAL
    version: Annotated[str, Field(validation_alias=AliasChoices("version", "lm_eval"))]
    """The engine's. Older indexes call it lm_eval."""
    transformers: str
    tasks: Mapping[str, int | None]
    """The tasks that it was given, each with its number of examples; None means the task's own."""
    batch_size: str
    device: str
    limit: float | None
    has_chat_template: bool
    seeds: tuple[int | None, ...]
    """Those of Python, NumPy, PyTorch and the choice of examples. Empty if unknown."""
    settings: RunSettings = field(default_factory=RunSettings)


@dataclass(frozen=True, kw_only=True)
class Result:
    """One result file."""

    path: str
    model: str
    commit: str | None
    precision: str
    weight_type: str | None
    use_chat_template: bool = False
    """Whether prompts went through the model's chat template; false if the report does not say."""
    ended: datetime
    """When the evaluation ended: orders results."""
    scores: Scores
    stderrs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """The standard errors, by task and metric key as in `scores`."""
    n_samples: Mapping[str, int] = field(default_factory=dict)
    """The numbers of questions that were asked, by task."""
    higher_is_better: Mapping[str, Mapping[str, bool]]
    """By task and metric, if the report says so."""
    n_shot: Mapping[str, int]
    """The numbers of examples before each question, by task."""
    versions: Mapping[str, str]
    """The versions of the tasks."""
    engine: str | None = None
    limit: float | None
    """The number or fraction of questions that every task was limited to, or None."""
    request: str | None
    """The path of its request. Only files of our worker have this, `run` and `attempt`."""
    run: str | None
    attempt: int | None
    setup: Setup | None
    """None if the report does not say which version of which engine it is of."""
    conditions: RunConditions | None = None
    """The settings of the run that another must share to be comparable; None if the report does not say."""
    rated: tuple[str, ...] = ()
    """The tasks in which models write nothing, if the run has settings for what they write."""
    provenance: Provenance = field(default_factory=Provenance)

    @property
    def began(self) -> datetime:
        """When its run began, as the run's name says; without one, when it ended."""
        return (from_text(self.run) if self.run else None) or self.ended

    def score(self, benchmark: str, metric: str) -> float | None:
        """Return the value of a score, or None when it is missing or not finite."""
        scores = self.scores.get(benchmark)
        if scores is not None:  # nearly always, and thousands of results have thousands of scores
            key = metric_key(scores, metric)
            return None if key is None else scores[key]
        found = self.measured(benchmark, metric)
        return found.value if found else None

    def measured(self, benchmark: str, metric: str) -> Score | None:
        """Return a score with what is known about it, or None when it is missing or not finite.

        `acc` also finds `acc,none`, and the metric in its only filter. A benchmark that means several tasks,
        as `mmlu` means all subsets of lighteval's task, is the mean over them.
        """
        if benchmark in self.scores:
            return self._measured(benchmark, metric)
        found = [self._measured(task, metric) for task in self.tasks(benchmark)]
        known = [score for score in found if score]
        return _mean(known) if known and len(known) == len(found) else None

    def tasks(self, benchmark: str) -> tuple[str, ...]:
        """Return the tasks of this report that a benchmark means; none if they are of different settings."""
        if benchmark in self.scores:
            return (benchmark,)
        meant = keys_meant(tuple(self.scores), benchmark)
        return () if isinstance(meant, MixedSettings) else meant

    def mixed_settings(self, benchmark: str) -> tuple[str, ...]:
        """Return the tasks that a benchmark means, if they have different settings: then it means none."""
        meant = () if benchmark in self.scores else keys_meant(tuple(self.scores), benchmark)
        return meant.keys if isinstance(meant, MixedSettings) else ()

    def goes_up(self, benchmark: str, metric: str) -> bool | None:
        """Return whether higher is better, or None if the report does not say, or says both."""
        if benchmark in self.scores:
            return self._direction(benchmark, metric)
        found = {self._direction(task, metric) for task in self.tasks(benchmark) or (benchmark,)} - {None}
        return found.pop() if len(found) == 1 else None

    def setting(self, benchmark: str) -> Setting:
        """Return what another score of the benchmark must share with this one to be compared."""
        always, in_chat = self.conditions or (None, None)
        if benchmark in self.scores:  # nearly always, and thousands of results have thousands of scores
            if self.rated:
                always = self._always((benchmark,))
            return Setting(
                self.versions.get(benchmark), self.n_shot.get(benchmark), self.engine, always, in_chat
            )
        tasks = self.tasks(benchmark)
        versions = {self.versions.get(task) for task in tasks}
        shots = {self.n_shot.get(task) for task in tasks}
        return Setting(
            versions.pop() if len(versions) == 1 else None,
            shots.pop() if len(shots) == 1 else None,
            self.engine,
            self._always(tasks),
            in_chat,
        )

    def _always(self, tasks: Collection[str]) -> Conditions | None:
        """Return the conditions that tasks are under. How models write has no effect where they do not."""
        found = self.conditions.always if self.conditions else None
        if not found or not all(task in self.rated for task in tasks):
            return found
        return tuple(each for each in found if each[0] != GEN_KWARGS)

    def _measured(self, task: str, metric: str) -> Score | None:
        key = metric_key(self.scores[task], metric)
        value = None if key is None else self.scores[task][key]
        if key is None or value is None:
            return None
        return Score(value, self.stderrs.get(task, {}).get(key), self.n_samples.get(task))

    def _direction(self, task: str, metric: str) -> bool | None:
        found = self.higher_is_better.get(task, {})
        return found.get(metric, found.get(metric.split(",")[0]))


def _mean(scores: list[Score]) -> Score | None:
    """Return the mean of independent scores; its standard error is the root of the summed squares, divided by
    their number.
    """
    if len(scores) == 1:
        return scores[0]
    number = len(scores)
    value = as_number(fsum(score.value / number for score in scores))
    stderrs = [score.stderr / number for score in scores if score.stderr is not None]
    samples = [score.samples for score in scores if score.samples is not None]
    return (
        value
        if value is None
        else Score(
            value,
            sqrt(fsum(each * each for each in stderrs)) if len(stderrs) == number else None,
            sum(samples) if len(samples) == number else None,
        )
    )
