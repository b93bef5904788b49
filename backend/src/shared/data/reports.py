"""Reading result files: every form of report becomes a `Result`, each fact from its own place in that form.

Read are lm_eval's report (metric keys such as `acc,none`), its older ones back to 0.3, the old template's
minimal file, lighteval's report, and Open LLM Leaderboard v1's. docs/data-format.md shows an example of each.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import PurePosixPath

from ..errors import BadFile, shown
from ..times import from_seconds, from_text
from .benchmark import SEPARATOR, key_of
from .json_file import Object, as_number, as_object, as_text, read_number, read_object
from .model_name import model_name
from .precision import UNKNOWN, precision_name
from .provenance import COMMIT, VERSION, read_provenance
from .result import UNKNOWN_TIME, Result, Setup
from .run_settings import (
    LIGHTEVAL,
    LM_EVAL,
    SEEDS,
    RunConditions,
    arguments,
    conditions_of_lighteval,
    conditions_of_lm_eval,
    read_run_settings,
)

OURS = "leaderboard"
"""The section that our worker adds to an engine's report."""

NOT_SCORES = {"alias", "name", "sample_len", "sample_count"}
"""Keys among a task's scores that are not scores."""

STDERR = "_stderr"

NO_COMMIT = {"", "main", "?", "none", "null"}
"""Texts in place of an unknown commit."""

A_FOLDER = re.compile(r"[/~\\]|\.{1,2}/|[A-Za-z]:[/\\]")
"""The beginning of a folder's path."""


def read_result(path: str, data: bytes) -> Result:
    """Read a result file in any of the known forms.

    Raises BadFile for a file that is not a result, or that does not name the model.
    """
    report = _Report(read_object(data))
    if not isinstance(report.raw.get("results"), dict):
        raise BadFile("it is not a result: it has no object named results")
    return Result(
        path=path,
        model=_model(report),
        commit=_commit(report),
        precision=_precision(report),
        weight_type=_weight_type(report),
        use_chat_template=_use_chat_template(report),
        ended=_ended(path, report),
        scores=_scores(report.results),
        stderrs=_stderrs(report.results),
        n_samples=_n_samples(report),
        higher_is_better=_directions(report),
        n_shot=_n_shot(report),
        versions=_versions(report),
        engine=_engine(report),
        limit=_limit(report),
        request=as_text(report.ours.get("request")) or None,
        run=as_text(report.ours.get("run")) or None,
        attempt=_whole(report.ours.get("attempt")),
        setup=_setup(report),
        conditions=_conditions(report),
        rated=_rated(report),
        provenance=read_provenance(report.raw, config=report.config, ours=report.ours),
    )


@dataclass(frozen=True)
class _Report:
    """A parsed file, and the parts of it that hold facts; a part that is missing or malformed is empty."""

    raw: Object

    @cached_property
    def results(self) -> Object:
        return as_object(self.raw.get("results"))

    @cached_property
    def config(self) -> Object:
        """About the whole evaluation. lighteval calls it `config_general`; our worker adds `config`."""
        return {**as_object(self.raw.get("config_general")), **as_object(self.raw.get("config"))}

    @cached_property
    def model_config(self) -> Object:
        """About the model, in newer reports of lighteval."""
        return as_object(self.config.get("model_config"))

    @cached_property
    def model_args(self) -> Object:
        """lm_eval's arguments for the model: `pretrained=org/name,dtype=float16`, or an object."""
        return arguments(self.config.get("model_args"))

    @cached_property
    def ours(self) -> Object:
        return as_object(self.raw.get(OURS))

    @cached_property
    def config_tasks(self) -> Mapping[str, Object]:
        """lighteval's configuration of each task, by the task's key among the results."""
        configs = as_object(self.raw.get("config_tasks"))
        if not configs:  # nearly always, and thousands of reports have thousands of tasks
            return {}
        found = {
            key: as_object(configs.get(key)) or as_object(configs.get(_unshot(key))) for key in self.results
        }
        return {key: config for key, config in found.items() if config}


def _unshot(key: str) -> str:
    """A key without its number of shots: older versions of lighteval name the configurations so."""
    return key.rpartition(SEPARATOR)[0]


# The model


def _model(report: _Report) -> str:
    named = as_text(report.config.get("model_name"))
    part = _text_of(report.model_args, "peft", "delta")  # lm_eval names the model below it
    given = (
        named,
        part,
        as_text(report.model_config.get("model_name")),
        as_text(report.raw.get("model_name")),
        _text_of(report.model_args, "pretrained", "model"),
    )
    name = model_name(next((text for text in given if text.strip()), ""))
    if not name:
        raise BadFile("it is not a result: config.model_name (or config_general.model_name) names no model")
    if A_FOLDER.match(name) or name.count("/") > 1:
        raise BadFile(
            f"it names a folder or an address as its model, {shown(name)}: write the model's name on the Hub "
            "into config.model_name"
        )
    return name


def _commit(report: _Report) -> str | None:
    sha = as_text(report.config.get("model_sha")).strip()
    if sha.lower() not in NO_COMMIT:
        return sha.lower() if COMMIT.fullmatch(sha.lower()) else sha
    revisions = (report.model_config, report.model_args)
    given = (as_text(part.get("revision")).strip().lower() for part in revisions)
    return next((text for text in given if COMMIT.fullmatch(text)), None)


def _precision(report: _Report) -> str:
    given = (
        report.ours.get("precision"),
        report.config.get("model_dtype"),
        report.model_config.get("dtype"),
        report.model_args.get("dtype"),
    )
    names = (precision_name(as_text(text)) for text in given)
    return next((name for name in names if name != UNKNOWN), UNKNOWN)


def _weight_type(report: _Report) -> str | None:
    given = as_text(report.ours.get("weight_type"))
    for kind in ("Adapter", "Delta"):
        if report.model_config.get(f"{kind.lower()}_weights") is True:
            return given or kind
    parts = {"peft": "Adapter", "delta": "Delta"}
    return given or next((kind for name, kind in parts.items() if _text_of(report.model_args, name)), None)


def _use_chat_template(report: _Report) -> bool:
    given = (
        report.ours.get("use_chat_template"),
        report.config.get("use_chat_template"),
        report.model_config.get("use_chat_template"),
        report.model_config.get("override_chat_template"),
    )
    found = next((value for value in given if isinstance(value, bool)), None)
    return bool(report.raw.get("chat_template")) if found is None else found


# The evaluation


def _engine(report: _Report) -> str | None:
    if "config_general" in report.raw or "lighteval_sha" in report.config:
        return LIGHTEVAL
    is_lm_evals = report.raw.get("lm_eval_version") or "bootstrap_iters" in report.config
    return LM_EVAL if is_lm_evals else None


def _limit(report: _Report) -> float | None:
    given = (report.config.get("limit"), report.config.get("max_samples"))
    return next((number for value in given if (number := read_number(value)) is not None), None)


def _ended(path: str, report: _Report) -> datetime:
    """Return when the evaluation ended: from our worker, or else the file's name, or else
    lm_eval's `date`.
    """
    found = from_text(as_text(report.ours.get("ended"))) or from_text(PurePosixPath(path).name)
    date = as_number(report.raw.get("date"))
    return found or (None if date is None else from_seconds(date)) or UNKNOWN_TIME


def _setup(report: _Report) -> Setup | None:
    """Return how the engine was run; None without its version."""
    if _engine(report) == LIGHTEVAL:
        return _setup_of_lighteval(report)
    version = as_text(report.raw.get("lm_eval_version"))
    return _setup_of_lm_eval(report, version) if version else None


def _setup_of_lm_eval(report: _Report, version: str) -> Setup:
    """Return how lm_eval was run. A report that is not our worker's gives the tasks and examples it lists."""
    raw, config = report.raw, report.config
    given = as_object(report.ours.get("tasks")) or _reported_tasks(report)
    seeds = [f"{name}_seed" for name in SEEDS]
    return Setup(
        engine=LM_EVAL,
        version=version,
        transformers=as_text(raw.get("transformers_version")),
        tasks={task: _whole(number) for task, number in given.items()},
        batch_size=str(config.get("batch_size") or 1),
        device=as_text(config.get("device")),
        limit=as_number(config.get("limit")),
        has_chat_template=bool(raw.get("chat_template")),
        seeds=tuple(_whole(config[name]) for name in seeds) if all(name in config for name in seeds) else (),
        settings=read_run_settings(raw, config=config, model_args=report.model_args, ours=report.ours),
    )


def _setup_of_lighteval(report: _Report) -> Setup | None:
    """Return how lighteval was run. Its own report does not say its version, but our worker does."""
    versions = as_object(report.ours.get("versions"))
    version, transformers = (as_text(versions.get(name)) for name in (LIGHTEVAL, "transformers"))
    if not VERSION.fullmatch(version):
        return None
    given = as_object(report.ours.get("tasks")) or {key: None for key in report.results if SEPARATOR in key}
    return Setup(
        engine=LIGHTEVAL,
        version=version,
        transformers=transformers,
        tasks=dict.fromkeys(given),  # the numbers of examples are in the names
        batch_size=str(report.model_config.get("batch_size") or ""),
        device=as_text(report.model_config.get("device")),
        limit=_limit(report),
        has_chat_template=_use_chat_template(report),
        seeds=(),
    )


def _conditions(report: _Report) -> RunConditions | None:
    """Return the settings that another run must share, as far as the engine's reports have them."""
    engine = _engine(report)
    if engine == LIGHTEVAL:
        return conditions_of_lighteval(report.model_config, report.ours)
    if engine is None:
        return None
    return conditions_of_lm_eval(
        report.raw,
        config=report.config,
        model_args=report.model_args,
        ours=report.ours,
        in_chat=_use_chat_template(report),
    )


def _rated(report: _Report) -> tuple[str, ...]:
    """Return the tasks in which models write nothing, with the groups of only such tasks.

    This matters only to a run with settings for what models write.
    """
    if not report.config.get("gen_kwargs"):
        return ()
    kinds = {
        task: as_text(as_object(config).get("output_type"))
        for task, config in as_object(report.raw.get("configs")).items()
    }
    rated = {task for task, kind in kinds.items() if kind not in ("", "generate_until")}
    groups = _groups(report)
    rated |= {group for group in groups if (leaves := _leaves(group, groups)) and leaves <= rated}
    return tuple(sorted(rated & report.results.keys()))


def _reported_tasks(report: _Report) -> Object:
    """Return the top tasks and groups of a report, with their numbers of examples."""
    parts = {part for group in _groups(report).values() for part in group}
    n_shot = as_object(report.raw.get("n-shot"))
    return {task: n_shot.get(task) for task in report.results if task not in parts}


# The tasks


def names_a_score(key: str) -> bool:
    """Return whether a key among a task's metrics is that of a score, not of a standard error or a count."""
    return STDERR not in key and key not in NOT_SCORES


def _scores(results: Object) -> dict[str, dict[str, float | None]]:
    """Return only what can be a score, with None where a number is missing, broken or not finite."""
    return {
        task: {key: read_number(value) for key, value in as_object(metrics).items() if names_a_score(key)}
        for task, metrics in results.items()
    }


def _stderrs(results: Object) -> dict[str, dict[str, float]]:
    found = {
        task: {
            key.replace(STDERR, "", 1): number
            for key, value in as_object(metrics).items()
            if STDERR in key and (number := read_number(value)) is not None and number >= 0
        }
        for task, metrics in results.items()
    }
    return {task: stderrs for task, stderrs in found.items() if stderrs}


def _directions(report: _Report) -> dict[str, dict[str, bool]]:
    found = {
        task: {metric: up for metric, up in as_object(metrics).items() if isinstance(up, bool)}
        for task, metrics in as_object(report.raw.get("higher_is_better")).items()
    }
    of_lighteval = {key: dict(_lighteval_directions(config)) for key, config in report.config_tasks.items()}
    return {**of_lighteval, **found}


def _lighteval_directions(config: Object) -> Iterator[tuple[str, bool]]:
    """Yield lighteval's direction for each metric of a task; some of its metrics are several at once."""
    listed = [*_listed(config.get("metrics")), *_listed(config.get("metric"))]
    for metric in map(as_object, listed):
        up = metric.get("higher_is_better")
        for name in _listed(metric.get("metric_name")):
            goes_up = as_object(up).get(str(name)) if isinstance(up, dict) else up
            if isinstance(goes_up, bool):
                yield str(name), goes_up


def _versions(report: _Report) -> dict[str, str]:
    given = {key: config.get("version") for key, config in report.config_tasks.items()}
    versions = {**given, **as_object(report.raw.get("versions"))}
    return {
        task: str(version) for task, version in versions.items() if isinstance(version, str | int | float)
    }


def _n_shot(report: _Report) -> dict[str, int]:
    keys = {task: key_of(task) for task in report.results if SEPARATOR in task}
    named = {task: key.shots for task, key in keys.items() if key}
    given = {**named, **as_object(report.raw.get("n-shot"))}
    return {task: number for task, value in given.items() if (number := _whole(value)) is not None}


def _n_samples(report: _Report) -> dict[str, int]:
    """Return how many questions were asked per task; for a group, of all its tasks together."""
    given: dict[str, object] = {
        task: as_object(metrics).get("sample_len") for task, metrics in report.results.items()
    }
    given |= {key: config.get("effective_num_docs") for key, config in report.config_tasks.items()}
    for task, count in as_object(report.raw.get("n-samples")).items():
        given[task] = as_object(count).get("effective")
    known = {task: number for task, value in given.items() if (number := _whole(value)) and number > 0}
    groups = _groups(report)
    for group in groups.keys() - known.keys():
        leaves = _leaves(group, groups)
        if leaves and leaves <= known.keys():
            known[group] = sum(known[leaf] for leaf in leaves)
    return known


def _groups(report: _Report) -> dict[str, list[str]]:
    """The parts of each of lm_eval's groups."""
    groups = as_object(report.raw.get("group_subtasks"))
    return {
        group: [part for part in parts if isinstance(part, str)]
        for group, parts in groups.items()
        if isinstance(parts, list)
    }


def _leaves(group: str, groups: Mapping[str, Collection[str]]) -> set[str]:
    """The single tasks of a group, at any depth."""
    found, left = {group}, [group]
    while left:
        new = set(groups.get(left.pop(), ())) - found
        found |= new
        left += new
    return {each for each in found if not groups.get(each)}


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _text_of(values: Object, *names: str) -> str:
    return next((text for name in names if (text := as_text(values.get(name)))), "")


def _whole(value: object) -> int | None:
    number = read_number(value)
    return None if number is None else int(number)
