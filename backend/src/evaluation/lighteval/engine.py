"""lighteval as an engine: evaluates a model in the child process, task by task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from src.evaluation.devices import spare_threads
from src.evaluation.failures import Failed
from src.evaluation.lighteval.answers import published_samples
from src.evaluation.lighteval.building import build, check_samples, explained_by_the_task
from src.evaluation.lighteval.description import describe, needs_ratings, problems
from src.evaluation.lighteval.model import MeteredModel
from src.evaluation.lighteval.report import merged, report_of
from src.evaluation.lighteval.served import ModelOnAServer, model_on_a_server
from src.evaluation.lighteval.tasks import COLLECTION, find_tasks, import_collection
from src.evaluation.lighteval.trial import try_suite
from src.evaluation.loading.copies import load_a_sound_copy
from src.evaluation.progress import OnProgress, ProgressMeter
from src.evaluation.reports.report import Report, names_for_paths, publishable
from src.evaluation.reports.samples_file import Sample
from src.evaluation.served.counts import EmptyAnswers
from src.running.job import End, Job, Trial
from src.running.suite import EngineName, Suite
from src.shared.data.backend_description import BackendDescription


class Lighteval:
    """Hugging Face's lighteval."""

    name = EngineName.LIGHTEVAL
    unnamed_packages = ("lighteval", "transformers", "torch", "datasets", "accelerate")

    def make_ready(self, suite: Suite) -> None:
        """Import all of lighteval's tasks. The owner's files may change, so each child reads them itself."""
        import_collection()

    def describe(self, suite: Suite) -> BackendDescription:
        """Describe the suite from its tasks' files."""
        return describe(suite, find_tasks(suite))

    def try_suite(self, suite: Suite, on_progress: OnProgress) -> Trial:
        """Have a small random model answer a few questions of each task."""
        return try_suite(suite, on_progress)

    def begin(self, job: Job) -> LightevalEvaluation:
        """Find the job's tasks, and check that they may be run."""
        return LightevalEvaluation(job)


class LightevalEvaluation:
    """One job's evaluation with lighteval."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._tasks = find_tasks(job)
        for sentence in problems(job, self._tasks):
            raise Failed(
                f"{sentence} The leaderboard's owner has to do this; the model is not at fault.", End.WORKER
            )
        self._model: MeteredModel | ModelOnAServer | None = None

    def load(self, meter: ProgressMeter, token: str | None) -> None:
        """Load the job's model for lighteval, or find it on its server."""
        if self._job.server:
            needed = needs_ratings(self._job, self._tasks)
            self._model = model_on_a_server(self._job, meter, token, needs_ratings=needed)
            return
        loaded = load_a_sound_copy(self._job)
        spare_threads(self._job, loaded.model)
        self._model = MeteredModel(self._job, meter, loaded)

    def evaluate(self, task: str) -> tuple[Report, Iterable[Sample]]:
        """Return the report of one task, or of all subsets of one, and the samples if they are kept."""
        job, model = self._job, self._model
        assert model, "the model is not loaded"
        model.truncated = 0
        with explained_by_the_task():
            pipeline = build(task, self._tasks, model, max_samples=job.limit)
        empty = EmptyAnswers(model.served) if isinstance(model, ModelOnAServer) else None
        pipeline.evaluate()
        check_samples(pipeline)
        report = report_of(pipeline, job, task, model.truncated) | (empty.of(job, task) if empty else {})
        published = publishable(report, names_for_paths(job, {str(COLLECTION): "lighteval/tasks"}))
        return published, (published_samples(pipeline, model.prompt) if job.save_samples else ())

    def merged(self, reports: Sequence[Report]) -> Report:
        """Return one report of all tasks, as if lighteval had evaluated them together."""
        return merged(reports)


ENGINE = Lighteval()
