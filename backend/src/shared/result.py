"""The result: the scores of one evaluation, read from every form of report that result files hold.

Read are lm_eval's report (metric keys such as `acc,none`), the old template's minimal file, lighteval's
report and Open LLM Leaderboard v1's (task keys such as `harness|arc:challenge|25`). docs/data-format.md shows
an example of each.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

from .errors import BadFile
from .json_file import as_number, as_object, as_text, read_object
from .times import from_text

UNKNOWN_TIME = datetime.min.replace(tzinfo=UTC)

Scores = Mapping[str, Mapping[str, float | None]]
"""Scores as a report gives them, by benchmark and metric key; None where it holds no finite number."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How lm_eval was run, in its own terms: what its command needs to compute the same again.

    `tasks` are those that it was told, each with the number of examples that it was told, None for the task's
    own. `seeds` are those of Python, NumPy, PyTorch and the choice of examples.
    """

    lm_eval: str
    transformers: str
    tasks: Mapping[str, int | None]
    batch_size: str
    device: str
    limit: float | None
    has_chat_template: bool
    seeds: tuple[int | None, ...]


@dataclass(frozen=True, kw_only=True)
class Result:
    """One result file; `request`, `run` and `attempt` are known only of those that our worker wrote.

    `ended` orders results. `n_shot`, `versions` and `higher_is_better` are by benchmark, as far as the report
    tells; `limit` is the number or the fraction of samples to which every task was cut short, or None.
    `setup` is known of lm_eval's reports only.
    """

    path: str
    model: str
    commit: str | None
    precision: str
    weight_type: str | None
    ended: datetime
    scores: Scores
    higher_is_better: Mapping[str, Mapping[str, bool]]
    n_shot: Mapping[str, int]
    versions: Mapping[str, str]
    limit: float | None
    request: str | None
    run: str | None
    attempt: int | None
    setup: Setup | None

    def score(self, benchmark: str, metric: str) -> float | None:
        """The score of a benchmark as the report has it, or None when it is missing or not finite.

        `acc` also finds `acc,none`, and the metric under its only filter. A benchmark that names a part of
        v1's or lighteval's task keys (`arc:challenge` in `harness|arc:challenge|25`) is the mean of all tasks
        so named.
        """
        if benchmark in self.scores:
            return _metric(self.scores[benchmark], metric)
        tasks = [scores for key, scores in self.scores.items() if "|" in key and benchmark in key]
        parts = [_metric(scores, metric) for scores in tasks]
        known = [part for part in parts if part is not None]
        return as_number(sum(known) / len(known)) if known and len(known) == len(parts) else None

    def goes_up(self, benchmark: str, metric: str) -> bool | None:
        """Whether more is better, or None when the report does not say."""
        said = self.higher_is_better.get(benchmark, {})
        return said.get(metric, said.get(metric.split(",")[0]))


def read_result(path: str, data: bytes) -> Result:
    """The result in a file of any of the known forms. Raises BadFile when there is none to be understood."""
    raw = read_object(data)
    config = as_object(raw.get("config")) or as_object(raw.get("config_general"))
    ours = as_object(raw.get("leaderboard"))
    model = as_text(config.get("model_name")) or as_text(raw.get("model_name"))
    if not model.strip():
        raise BadFile("it is not a result: config.model_name (or config_general.model_name) names no model")
    if not isinstance(raw.get("results"), dict):
        raise BadFile("it is not a result: it has no object named results")
    dtype = as_text(config.get("model_dtype")).removeprefix("torch.")
    return Result(
        path=path,
        model=model,
        commit=as_text(config.get("model_sha")) or None,
        precision=as_text(ours.get("precision")) or dtype or "?",
        weight_type=as_text(ours.get("weight_type")) or None,
        ended=_ended(path, raw, ours),
        scores=_scores(as_object(raw["results"])),
        higher_is_better=_directions(as_object(raw.get("higher_is_better"))),
        n_shot={task: int(number) for task, number in _numbers(raw.get("n-shot")).items()},
        versions={task: str(version) for task, version in as_object(raw.get("versions")).items()},
        limit=as_number(config.get("limit")),
        request=as_text(ours.get("request")) or None,
        run=as_text(ours.get("run")) or None,
        attempt=_whole(ours.get("attempt")),
        setup=_setup(raw, config, ours),
    )


def metric_key(keys: Collection[str], metric: str) -> str | None:
    """Which of the keys `metric,filter` is meant: the metric itself, unfiltered, or with its only filter."""
    for key in (metric, f"{metric},none"):
        if key in keys:
            return key
    filtered = [key for key in keys if key.split(",")[0] == metric]
    return filtered[0] if len(filtered) == 1 else None


def _metric(scores: Mapping[str, float | None], metric: str) -> float | None:
    key = metric_key(scores, metric)
    return None if key is None else scores[key]


def _scores(results: Mapping[str, object]) -> Scores:
    """Only what can be a score: numbers, and nothing where a number is missing, broken or not finite."""
    return {
        task: {key: as_number(value) for key, value in as_object(metrics).items() if "_stderr" not in key}
        for task, metrics in results.items()
    }


def _directions(raw: Mapping[str, object]) -> Mapping[str, Mapping[str, bool]]:
    return {
        task: {metric: up for metric, up in as_object(metrics).items() if isinstance(up, bool)}
        for task, metrics in raw.items()
    }


def _numbers(raw: object) -> Mapping[str, float]:
    numbers = {key: as_number(value) for key, value in as_object(raw).items()}
    return {key: number for key, number in numbers.items() if number is not None}


def _setup(
    raw: Mapping[str, object], config: Mapping[str, object], ours: Mapping[str, object]
) -> Setup | None:
    """How lm_eval was run; of a report that is not our worker's, the tasks and examples that it reports."""
    lm_eval, transformers = as_text(raw.get("lm_eval_version")), as_text(raw.get("transformers_version"))
    if not lm_eval:
        return None
    told = as_object(ours.get("tasks")) or _reported_tasks(raw)
    return Setup(
        lm_eval=lm_eval,
        transformers=transformers,
        tasks={task: _whole(number) for task, number in told.items()},
        batch_size=str(config.get("batch_size") or 1),
        device=as_text(config.get("device")),
        limit=as_number(config.get("limit")),
        has_chat_template=bool(raw.get("chat_template")),
        seeds=tuple(_whole(config.get(f"{name}_seed")) for name in ("random", "numpy", "torch", "fewshot")),
    )


def _reported_tasks(raw: Mapping[str, object]) -> Mapping[str, object]:
    """The tasks and groups of a report that are no part of another one, with their numbers of examples."""
    groups = as_object(raw.get("group_subtasks"))
    parts = [part for parts in groups.values() if isinstance(parts, list) for part in parts]
    n_shot = as_object(raw.get("n-shot"))
    return {task: n_shot.get(task) for task in as_object(raw.get("results")) if task not in parts}


def _whole(value: object) -> int | None:
    number = as_number(value)
    return None if number is None else int(number)


def _ended(path: str, raw: Mapping[str, object], ours: Mapping[str, object]) -> datetime:
    """When the evaluation ended: as our worker says, else the file's name, else lm_eval's `date`."""
    said = from_text(as_text(ours.get("ended"))) or from_text(PurePosixPath(path).name)
    date = as_number(raw.get("date"))
    if said or date is None:
        return said or UNKNOWN_TIME
    try:
        return datetime.fromtimestamp(date, UTC)
    except (ValueError, OverflowError, OSError):
        return UNKNOWN_TIME
