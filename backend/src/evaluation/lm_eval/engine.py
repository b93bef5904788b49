"""lm_eval as an engine: its suites, and the evaluation of one model task by task."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from lm_eval import simple_evaluate
from lm_eval.utils import sanitize_model_name

from src.evaluation.devices import batch_size, spare_threads
from src.evaluation.lm_eval.answers import published_samples
from src.evaluation.lm_eval.arguments import chat_template, evaluation_args, has_turns, model_args
from src.evaluation.lm_eval.bootstrap import bootstrapping_reported
from src.evaluation.lm_eval.description import describe
from src.evaluation.lm_eval.model import MeteredModel
from src.evaluation.lm_eval.report import TRUNCATED, merged, task_hashes, with_the_parts_of_a_tag
from src.evaluation.lm_eval.samples import check_samples
from src.evaluation.lm_eval.served import ServedLm, load_served
from src.evaluation.lm_eval.tasks.configs import WRITES, leaves
from src.evaluation.lm_eval.tasks.tasks import (
    COLLECTION,
    check_code,
    check_overlaps,
    find_tasks,
    make_ready,
)
from src.evaluation.lm_eval.trial.trial import try_suite
from src.evaluation.loading.copies import load_a_sound_copy
from src.evaluation.loading.model_files import revision
from src.evaluation.progress import OnProgress, ProgressMeter
from src.evaluation.reports.machine import machine_not_described
from src.evaluation.reports.report import TIME, Report, names_for_paths, publishable, sha256
from src.evaluation.reports.samples_file import Sample
from src.evaluation.served.counts import EmptyAnswers
from src.running.inference import Api
from src.running.job import Job, Trial
from src.running.suite import EngineName, Suite
from src.shared.data.backend_description import BackendDescription


class LmEval:
    """EleutherAI's lm-evaluation-harness."""

    name = EngineName.LM_EVAL
    unnamed_packages = ("torch", "datasets", "accelerate")

    def make_ready(self, suite: Suite) -> None:
        """Index the suite's tasks."""
        make_ready(suite)

    def describe(self, suite: Suite) -> BackendDescription:
        """Describe the suite from its tasks' files."""
        return describe(suite)

    def try_suite(self, suite: Suite, on_progress: OnProgress) -> Trial:
        """Have a stand-in answer a few questions of each task."""
        return try_suite(suite, on_progress)

    def begin(self, job: Job) -> LmEvalEvaluation:
        """Find the job's tasks, and check that they may be run together."""
        return LmEvalEvaluation(job)


class LmEvalEvaluation:
    """One job's evaluation with lm_eval."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._tasks = find_tasks(job.tasks, job.tasks_dir, job.metadata)
        check_code(job, self._tasks)
        check_overlaps(job, self._tasks)
        self._model: MeteredModel | None = None

    def load(self, meter: ProgressMeter, token: str | None) -> None:
        """Load the job's model for lm_eval, or find it on its server."""
        if self._job.server:
            self._model = load_served(self._job, meter, token, needs_ratings=self._has_to_rate())
        else:
            self._model = load_metered(self._job, meter)

    def evaluate(self, task: str) -> tuple[Report, Iterable[Sample]]:
        """Return the report of one task, group or tag, with fingerprints in place of the samples."""
        job, model = self._job, self._model
        assert model, "the model is not loaded"
        started = time.monotonic()
        model.truncated = 0
        empty = EmptyAnswers(model.served) if isinstance(model, ServedLm) else None
        with bootstrapping_reported(model.report_again), machine_not_described():
            report: Report = simple_evaluate(
                model=model,
                tasks=[task],
                task_manager=self._tasks,
                num_fewshot=job.fewshot(task),
                **evaluation_args(job),
            )
        check_samples(report, job.limit)
        report[TRUNCATED] = {task: model.truncated}
        report |= empty.of(job, task) if empty else {}
        samples = report.pop("samples")
        report["task_hashes"] = task_hashes(samples)
        report = signed(with_the_parts_of_a_tag(report, task), job, model)
        report[TIME] = str(time.monotonic() - started)
        published = publishable(report, names_for_paths(job, {str(COLLECTION): "lm_eval/tasks"}))
        return published, (published_samples(samples) if job.save_samples else ())

    def merged(self, reports: Sequence[Report]) -> Report:
        """Return one report of all tasks, as if lm_eval had evaluated them together."""
        return merged(reports)

    def _has_to_rate(self) -> bool:
        """Return whether a server must be able to rate given texts. Tasks in Python do not say it."""
        kinds = {leaf.kind for name in self._job.tasks for leaf in leaves(name, self._tasks)}
        return self._job.inference_api is Api.COMPLETIONS and bool(kinds - {None, WRITES})


ENGINE = LmEval()


def load_metered(job: Job, meter: ProgressMeter) -> MeteredModel:
    """Load the job's model for lm_eval. It reports its requests to the meter."""
    loaded = load_a_sound_copy(job)
    spare_threads(job, loaded.model)
    return MeteredModel(
        job,
        meter,
        model_args(job, loaded),
        pretrained=loaded.model,
        tokenizer=loaded.tokenizer,
        revision=revision(job),
        batch_size=batch_size(job),
    )


def signed(report: Report, job: Job, model: MeteredModel) -> Report:
    """Add what lm_eval's command line adds: the model, and how it was prompted."""
    is_chat = job.server is not None and job.inference_api is Api.CHAT  # the template is the server's
    has_template = job.use_chat_template and not is_chat
    template = model.chat_template(chat_template(job)) if has_template else None
    source = ("local-chat-completions" if is_chat else "local-completions") if job.server else "hf"
    adapter = {"peft": job.model} if job.base else {}
    named = {
        "pretrained": job.whole_model.model,
        **adapter,
        "revision": revision(job),
        "dtype": job.precision,
    }
    instruction = job.system_instruction
    return {
        **report,
        "config": {**report["config"], "model": source, "model_args": {**named, **model.arguments}},
        "model_source": source,
        "model_name": job.model,
        "model_name_sanitized": sanitize_model_name(job.model),
        "system_instruction": instruction,
        "system_instruction_sha": sha256(instruction) if instruction else None,
        "fewshot_as_multiturn": has_turns(job),
        "chat_template": template,
        "chat_template_sha": sha256(template) if template else None,
    }
