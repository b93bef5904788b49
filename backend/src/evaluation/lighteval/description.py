"""Describes what this worker runs with lighteval, for `backend.yaml`, and what prevents it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lighteval.metrics.metrics_sample import JudgeLLM, SamplingMetric
from lighteval.metrics.utils.metric_utils import Metric as LightevalMetric
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import SamplingMethod

from src.evaluation.devices import batch_size
from src.evaluation.lighteval.tasks import Tasks, name_of, published_path
from src.evaluation.loading.architectures import known_architectures
from src.evaluation.loading.quantization import known_quantizations
from src.evaluation.own_tasks import include_path
from src.evaluation.served.conversations import CANNOT_RATE, is_chat
from src.evaluation.versions import versions
from src.running.suite import Suite
from src.shared.data.backend_description import BackendDescription, Metric, TaskDescription
from src.shared.data.benchmark import SEPARATOR
from src.shared.data.precision import PRECISIONS
from src.shared.data.request import ORIGINAL

KINDS = {
    SamplingMethod.LOGPROBS: "multiple_choice",
    SamplingMethod.GENERATIVE: "generate_until",
    SamplingMethod.PERPLEXITY: "loglikelihood_rolling",
}
"""lm_eval's names for what lighteval asks a model."""

RUN_CODE = ("lighteval.tasks.tasks.lcb",)
"""The packages of lighteval whose metrics run code which models write."""


def describe(suite: Suite, tasks: Tasks) -> BackendDescription:
    """Describe what a worker with this suite runs, without loading questions or calling the Hub."""
    known = [entry for entry in suite.tasks if tasks.missing(name_of(entry)) is None]
    return BackendDescription(
        engine=suite.engine.value,
        tasks=tuple(_described(entry, suite, tasks) for entry in known),
        problems=(*tasks.problems, *problems(suite, tasks)),
        limit=suite.limit,
        batch_size=batch_size(suite),
        device=suite.device,
        include_path=include_path(suite),
        precisions=PRECISIONS,
        weight_types=(ORIGINAL,),
        versions=versions(suite.packages),
        architectures=known_architectures(),
        quantizations=known_quantizations(suite),
    )


def _described(entry: str, suite: Suite, tasks: Tasks) -> TaskDescription:
    name, _, shots = entry.partition(SEPARATOR)
    parts = tasks.parts(name)
    configs = [tasks.configs[part] for part in parts]
    metrics = {metric.key: metric for config in configs for metric in _metrics(config)}
    return TaskDescription(
        name=entry,
        kind=_common(_kind(config) for config in configs),
        metrics=tuple(metrics.values()),
        num_fewshot=int(shots),
        given_num_fewshot=int(shots),
        version=_common(str(config.version) for config in configs),
        datasets=tuple(sorted({config.hf_repo for config in configs if not Path(config.hf_repo).exists()})),
        file=_common(published_path(tasks.files[part], suite) for part in parts),
        subtasks=len(parts) if parts != [name] else None,
        parts=tuple(f"{part}|{shots}" for part in parts) if parts != [name] else (),
    )


def _metrics(config: LightevalTaskConfig) -> Iterator[Metric]:
    """Yield a task's metrics. Some of lighteval's are several at once."""
    for metric in config.metrics:
        names = metric.metric_name if isinstance(metric.metric_name, list) else [metric.metric_name]
        for name in names:
            up: Any = metric.higher_is_better
            yield Metric(key=name, higher_is_better=up.get(name) if isinstance(up, Mapping) else bool(up))


def _kind(config: LightevalTaskConfig) -> str | None:
    return _common(KINDS.get(metric.category) for metric in config.metrics)


def _common(values: Iterator[str | None]) -> str | None:
    """Return the value if it is the same for all, or else None."""
    different = set(values)
    return different.pop() if len(different) == 1 else None


def problems(suite: Suite, tasks: Tasks) -> Iterator[str]:
    """Yield a sentence for each task of the suite that cannot be evaluated here."""
    for entry in suite.tasks:
        yield from problems_of(name_of(entry), suite, tasks)


def problems_of(name: str, suite: Suite, tasks: Tasks) -> Iterator[str]:
    """Yield the problems of one name that show without its questions."""
    missing = tasks.missing(name)
    if missing is not None:
        if not tasks.problems:  # the task may be in a file that cannot be read
            yield missing
        return
    for part in tasks.parts(name):
        found = next((text for rule in RULES if (text := rule(tasks.configs[part], suite, tasks))), None)
        if found:
            yield f"The task {part} {found}"
            return
        if is_chat(suite) and rates(tasks.configs[part]):
            yield CANNOT_RATE.format(task=part)
            return


def runs_the_models_code(config: LightevalTaskConfig, suite: Suite, tasks: Tasks) -> str | None:
    """Check for metrics that run code written by models, which needs the owner's permission.

    Tasks in any file may use these metrics.
    """
    if suite.confirm_run_unsafe_code or not any(map(_runs_code, config.metrics)):
        return None
    return (
        "runs code that models write, which this worker does not allow: set CONFIRM_RUN_UNSAFE_CODE to True, "
        "or remove the task from TASKS_LIGHTEVAL."
    )


def _runs_code(metric: LightevalMetric) -> bool:
    """Return whether a class or function of RUN_CODE scores an answer, or a subclass of one."""
    score = metric.sample_level_fn
    modules = {getattr(each, "__module__", "") for each in (score, *type(score).__mro__)}
    return any(f"{module}.".startswith(f"{package}.") for module in modules for package in RUN_CODE)


def is_judged_by_a_model(config: LightevalTaskConfig, suite: Suite, tasks: Tasks) -> str | None:
    """Check for metrics that ask another model, which the worker has neither here nor an account for."""
    if not any(isinstance(metric.sample_level_fn, JudgeLLM) for metric in config.metrics):
        return None
    return "has a metric that asks another model (a judge), which this worker does not do: remove the task."


def wants_samples(config: LightevalTaskConfig, suite: Suite, tasks: Tasks) -> str | None:
    """Check for metrics over several answers to a question. The worker takes the likeliest answer only."""
    samples = [metric.sample_level_fn for metric in config.metrics]
    many = [each for each in samples if isinstance(each, SamplingMetric) and _wanted(each) > 1]
    if not many:
        return None
    return (
        "has a metric that needs several different answers to each question. This worker takes only the "
        "likeliest: remove the task, or define it with another metric."
    )


def measures_perplexity(config: LightevalTaskConfig, suite: Suite, tasks: Tasks) -> str | None:
    """Check for perplexities of whole texts. lighteval takes the probability of a word after reading it."""
    if not any(metric.category is SamplingMethod.PERPLEXITY for metric in config.metrics):
        return None
    return (
        f"measures the perplexity of whole texts, which lighteval {version('lighteval')} does not compute "
        "correctly: remove the task, or measure it with lm_eval."
    )


def needs_ratings(suite: Suite, tasks: Tasks) -> bool:
    """Return whether a task of the suite has models rate given answers."""
    return any(rates(tasks.configs[part]) for entry in suite.tasks for part in tasks.parts(name_of(entry)))


def rates(config: LightevalTaskConfig) -> bool:
    """Return whether models rate given answers."""
    return any(metric.category is SamplingMethod.LOGPROBS for metric in config.metrics)


def _wanted(metric: SamplingMetric) -> int:
    """Return how many answers a metric needs. A metric without its number is for lighteval's `@n=`."""
    try:
        return int(metric.num_samples())
    except (TypeError, ValueError):
        return 2


RULES: list[Callable[[LightevalTaskConfig, Suite, Tasks], str | None]] = [
    runs_the_models_code,
    is_judged_by_a_model,
    wants_samples,
    measures_perplexity,
]
