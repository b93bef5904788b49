"""Builds tasks with lighteval, and checks that all their questions were answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lighteval.logging.evaluation_tracker import EvaluationTracker
from lighteval.models.abstract_model import LightevalModel
from lighteval.pipeline import ParallelismManager, Pipeline, PipelineParameters

from src.evaluation.errors import TaskNotBuilt
from src.evaluation.failures import Failed
from src.evaluation.lighteval.tasks import Tasks
from src.running.job import End


def build(
    task: str,
    tasks: Tasks,
    model: LightevalModel,
    *,
    max_samples: float | None,
    bootstrap_iters: int = PipelineParameters.bootstrap_iters,
) -> Pipeline:
    """Build a task with its questions and prompts. Nothing is asked yet.

    With no `bootstrap_iters`, there will be no standard errors.
    """
    return Pipeline(
        tasks=task,
        pipeline_parameters=PipelineParameters(
            launcher_type=ParallelismManager.NONE,
            custom_tasks_directory=tasks.own,
            max_samples=None if max_samples is None else int(max_samples),
            bootstrap_iters=bootstrap_iters,
        ),
        evaluation_tracker=EvaluationTracker(output_dir=".", save_details=False),  # nothing is saved
        model=model,
    )


@contextmanager
def explained_by_the_task() -> Iterator[None]:
    """Raise `TaskNotBuilt` in place of an error: no model was asked yet."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise TaskNotBuilt(str(error)) from error


def check_samples(pipeline: Pipeline) -> None:
    """Raise `Failed` if a task was not scored on all questions that were asked."""
    for name, docs in pipeline.documents_dict.items():
        asked = sum(len(doc.sampling_methods) for doc in docs)
        scored = len(pipeline.evaluation_tracker.details_logger.details.get(name, ()))
        if scored != asked:
            raise Failed(
                f"The score of {name} was computed from {scored} answers instead of {asked}, so nothing was "
                "published.",
                End.INVALID,
            )
