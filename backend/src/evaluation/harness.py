"""Evaluates one model with lm_eval, task by task, into one report."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from lm_eval import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from lm_eval.utils import sanitize_model_name
from transformers import LogitsProcessorList

from src.evaluation.failures import Failed, Step, explained
from src.evaluation.loading.behaviour import bears_padding, continues_what_it_rates
from src.evaluation.loading.copies import load_a_sound_copy
from src.evaluation.loading.finite import FiniteScores
from src.evaluation.loading.model_files import revision
from src.evaluation.progress import OnProgress, ProgressMeter
from src.evaluation.reports.bootstrap import bootstrapping_reported
from src.evaluation.reports.kept import KeptReports
from src.evaluation.reports.machine import machine, machine_not_described
from src.evaluation.reports.report import (
    TIME,
    TRUNCATED,
    Report,
    merged,
    publishable,
    sha256,
    task_hashes,
    with_the_parts_of_a_tag,
)
from src.evaluation.reports.samples import check_samples
from src.evaluation.tasks.tasks import COLLECTION, check_code, check_overlaps, find_tasks
from src.evaluation.versions import added_versions
from src.running.job import End, Job
from src.running.suite import Suite
from src.shared.data.reports import OURS

log = logging.getLogger(__name__)

BATCH_SIZE_ON_A_CPU = "8"
"""Replaces `auto`, which tries batches of the model's full length until memory is full. Without a GPU, that
ends the process or even the machine."""

FEWEST_PARAMETERS_FOR_THREADS = 1_000_000
"""On a CPU, threads slow down smaller models: waking them takes longer than the computation.

With two threads in place of one, a model of 0.4 million parameters takes twice as long for a batch.
"""


class MeteredModel(HFLM):  # type: ignore[misc]  # lm_eval carries no types.
    """lm_eval's model, which reports progress, refuses NaN and infinity, and counts truncated prompts."""

    batch_size_per_gpu: int | str

    def __init__(self, job: Job, meter: ProgressMeter, **settings: Any) -> None:
        # Otherwise lm_eval takes the decoders of some families for models with an encoder, and leaves the
        # question in their answers.
        super().__init__(backend="causal", **settings)
        self._job = job
        self._meter = meter
        self.truncated = 0
        self.set_cache_hook(meter)

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        """Return the log-probability of each continuation, and whether it is the likeliest."""
        self._meter.expect(len(requests))
        answers: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm=disable_tqdm)
        self._refuse_what_is_not_finite(value for value, _ in answers)
        return answers

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = True) -> list[float]:
        """Return the log-probability of each whole text."""
        self._meter.expect(len(requests))
        answers: list[float] = super().loglikelihood_rolling(requests, disable_tqdm=disable_tqdm)
        self._refuse_what_is_not_finite(answers)
        return answers

    def generate_until(self, requests: list[Any], disable_tqdm: bool = True) -> list[str]:
        """Return what the model generates after each text."""
        self._meter.expect(len(requests))
        with self._alone_if_padding_matters():
            answers: list[str] = super().generate_until(requests, disable_tqdm=disable_tqdm)
        return answers

    def report_again(self) -> None:
        """Report that the task goes on, although no further request was answered."""
        self._meter.finish()

    def tok_batch_encode(
        self, strings: list[str], *args: Any, left_truncate_len: int | None = None, **settings: Any
    ) -> tuple[Any, Any]:
        """Return the tokens of prompts, of which the model reads only the last `left_truncate_len`."""
        if left_truncate_len is not None:
            self.truncated += sum(len(self.tok_encode(each)) > left_truncate_len for each in strings)
        encoded: tuple[Any, Any] = super().tok_batch_encode(
            strings, *args, left_truncate_len=left_truncate_len, **settings
        )
        return encoded

    def _loglikelihood_tokens(
        self, requests: list[tuple[Any, list[int], list[int]]], *args: Any, **settings: Any
    ) -> list[tuple[float, bool]]:
        self.truncated += sum(
            len(prompt) + len(answer) > self.max_length + 1 for _, prompt, answer in requests
        )
        answers: list[tuple[float, bool]] = super()._loglikelihood_tokens(requests, *args, **settings)
        return answers

    def _model_generate(self, context: Any, max_length: int, stop: list[str], **settings: Any) -> Any:
        ends = self.model.generation_config.eos_token_id
        finite = FiniteScores(context.shape[1], ends_in(ends), self._not_finite)
        return super()._model_generate(
            context, max_length, stop, logits_processor=LogitsProcessorList([finite]), **settings
        )

    @contextmanager
    def _alone_if_padding_matters(self) -> Iterator[None]:
        """Generate one text at a time if the lengths of others in the batch would change the answer."""
        batch_size = self.batch_size_per_gpu
        if not self._bears_padding:
            self.batch_size_per_gpu = 1
        try:
            yield
        finally:
            self.batch_size_per_gpu = batch_size

    @cached_property
    def _bears_padding(self) -> bool:
        continues_what_it_rates(self._job, self.model, self.tokenizer)
        bears = bears_padding(self.model, self.tokenizer)
        if not bears:
            log.info("generating one text at a time for %s: padding changes its answers", self._job.model)
        return bears

    def _refuse_what_is_not_finite(self, log_probabilities: Iterable[float]) -> None:
        if not all(map(math.isfinite, log_probabilities)):
            raise self._not_finite()

    def _not_finite(self) -> Failed:
        return Failed(
            f"{self._job.model} gives NaN or infinity as the probability of a text in {self._job.precision}. "
            "Submit it in a precision with a larger range, or repair its weights."
        )


def ends_in(tokens: int | list[int] | None) -> list[int]:
    """Return the tokens that end a text. generation_config.json names one, several or none."""
    return tokens if isinstance(tokens, list) else [] if tokens is None else [tokens]


def evaluate(job: Job, on_progress: OnProgress) -> Report:
    """Return the report of this model on all the job's tasks, for publication.

    Reuse the reports that an earlier attempt kept. If those are all, do not even load the model. Raises
    `Failed` if the model cannot be evaluated.
    """
    tasks = find_tasks(job.tasks, job.tasks_dir)
    check_code(job, tasks)
    check_overlaps(job, tasks)
    check_device(job)
    made_with = {"hardware": machine(job.device), "versions": added_versions()}
    kept = KeptReports.of(job, batch_size(job))
    reports = {task: report for task in job.tasks if (report := kept.read(task))}
    missing = [task for task in job.tasks if task not in reports]
    if missing:
        meter = ProgressMeter(on_progress)
        model = load_metered(job, meter)
        for task in missing:
            meter.start(task)
            with explained(Step.EVALUATION, job, task):
                reports[task] = evaluate_task(job, model, task, tasks)
            meter.finish()
            kept.write(task, reports[task])
            log.info("evaluated %s on %s", job.model, task)
    return {**merged([reports[task] for task in job.tasks]), OURS: made_with}


def check_device(job: Job) -> None:
    """Raise `Failed` if the job's device is not available."""
    try:
        torch.empty(0, device=job.device)
    except (AssertionError, ImportError, RuntimeError) as error:  # Each kind of device raises its own.
        raise Failed(
            f"This worker has no device {job.device}, or cannot use it. The leaderboard's owner has to "
            "correct DEVICE or fix the worker; the model is not at fault.",
            End.WORKER,
        ) from error


def load_metered(job: Job, meter: ProgressMeter) -> MeteredModel:
    """Load the job's model for lm_eval. It reports its requests to the meter."""
    loaded = load_a_sound_copy(job)
    if job.device == "cpu" and loaded.model.num_parameters() < FEWEST_PARAMETERS_FOR_THREADS:
        torch.set_num_threads(1)
    return MeteredModel(
        job,
        meter,
        pretrained=loaded.model,
        tokenizer=loaded.tokenizer,
        revision=revision(job),
        batch_size=batch_size(job),
    )


def evaluate_task(job: Job, model: MeteredModel, task: str, tasks: TaskManager) -> Report:
    """Return the report of one task, group or tag, for publication.

    It has fingerprints in place of the samples. The seeds are lm_eval's.
    """
    started = time.monotonic()
    model.truncated = 0
    with bootstrapping_reported(model.report_again), machine_not_described():
        report: Report = simple_evaluate(
            model=model,
            tasks=[task],
            task_manager=tasks,
            num_fewshot=job.fewshot(task),
            limit=job.limit,
            bootstrap_iters=job.bootstrap_iters,
            batch_size=batch_size(job),
            device=job.device,
            apply_chat_template=job.use_chat_template,
            confirm_run_unsafe_code=job.confirm_run_unsafe_code,
        )
    check_samples(report, job.limit)
    report[TRUNCATED] = {task: model.truncated}
    report["task_hashes"] = task_hashes(report.pop("samples"))
    report = signed(with_the_parts_of_a_tag(report, task), job, model.tokenizer)
    report[TIME] = str(time.monotonic() - started)
    return publishable(report, names_for_paths(job))


def batch_size(suite: Suite) -> str:
    """Return the suite's batch size, or a number where lm_eval must not search for one."""
    if suite.device == "cpu" and suite.batch_size.startswith("auto"):
        return BATCH_SIZE_ON_A_CPU
    return suite.batch_size


def signed(report: Report, job: Job, tokenizer: Any) -> Report:
    """Add what lm_eval's command line adds: the model, and how it was prompted."""
    template = tokenizer.get_chat_template() if job.use_chat_template else None
    arguments = {"pretrained": job.model, "revision": revision(job), "dtype": job.precision}
    return {
        **report,
        "config": {**report["config"], "model": "hf", "model_args": arguments},
        "model_source": "hf",
        "model_name": job.model,
        "model_name_sanitized": sanitize_model_name(job.model),
        "system_instruction": None,
        "system_instruction_sha": None,
        "fewshot_as_multiturn": job.use_chat_template,
        "chat_template": template,
        "chat_template_sha": sha256(template) if template else None,
    }


def names_for_paths(job: Job) -> dict[str, str]:
    """Return the names that replace this machine's folders in a report. Names on the Hub stay as they are."""
    folders = {job.tasks_dir: "tasks", str(COLLECTION): "lm_eval/tasks"}
    if Path(job.weights).is_absolute():
        folders[job.weights] = job.model
    return {str(form): name for folder, name in folders.items() for form in absolute_forms(Path(folder))}


def absolute_forms(folder: Path) -> set[Path]:
    """Return the forms in which a text may name a folder: as given, and with its links resolved."""
    return {folder.absolute(), folder.resolve()}
