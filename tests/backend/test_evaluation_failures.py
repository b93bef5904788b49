"""What only the owner can mend is the worker's fault, and never the model's."""

import errno

import pytest
from datasets.exceptions import DatasetNotFoundError
from httpx import Request, Response
from huggingface_hub import errors as hub
from lm_eval.tasks import TaskManager

from src.evaluation import tasks
from src.evaluation.failures import Failed, Step, explained
from src.evaluation.tasks import find_tasks
from src.job import End
from support.jobs import TASKS, make_job

GATED = hub.GatedRepoError("gated", response=Response(403, request=Request("GET", "https://huggingface.co")))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file", "questions.jsonl"), "cannot be found"),
        (DatasetNotFoundError("'org/sums' doesn't exist"), "cannot be found"),
        (DatasetNotFoundError("'org/sums' is a gated dataset"), "are gated"),
        (GATED, "are gated"),
        (ModuleNotFoundError("No module named 'nltk'"), "needs a Python package"),
    ],
)
def test_questions_and_packages_of_a_task_that_are_missing(error: Exception, told: str) -> None:
    with (
        pytest.raises(Failed, match=f"the task sums {told}|The task sums {told}") as failed,
        explained(Step.EVALUATION, make_job("org/model"), "sums"),
    ):
        raise error
    assert failed.value.end is End.WORKER
    assert str(failed.value).endswith("the model is not at fault.")


def test_a_gated_model_is_still_refused() -> None:
    with (
        pytest.raises(Failed, match="org/model is gated") as failed,
        explained(Step.WEIGHTS, make_job("org/model")),
    ):
        raise GATED
    assert failed.value.end is End.REFUSED


def test_a_task_that_is_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    index = TaskManager(include_path=[str(TASKS)], include_defaults=False)
    monkeypatch.setattr(tasks, "index_for", lambda names, tasks_dir: index)
    with pytest.raises(Failed, match="The task tiny_nothing is neither in") as failed:
        find_tasks(["tiny_copy", "tiny_nothing"], str(TASKS))
    assert failed.value.end is End.WORKER
