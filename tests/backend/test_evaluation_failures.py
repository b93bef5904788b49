"""What only the owner can mend is the worker's fault, and never the model's."""

import errno

import httpx
import jinja2
import pytest
from datasets.exceptions import DatasetNotFoundError
from httpx import Request, Response
from huggingface_hub import errors as hub
from lm_eval.tasks import TaskManager
from safetensors import SafetensorError

from src.evaluation.errors import last_line
from src.evaluation.failures import Failed, Step, explained, unexpected
from src.evaluation.lm_eval.tasks import tasks
from src.evaluation.lm_eval.tasks.tasks import find_tasks
from src.running.job import End, Failure
from support.blamed import MODEL, NOBODY, OWNER, blamed
from support.jobs import TASKS, make_job

GATED = hub.GatedRepoError("gated", response=Response(403, request=Request("GET", "https://huggingface.co")))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file", "questions.jsonl"), "cannot be found"),
        (DatasetNotFoundError("'org/sums' doesn't exist"), "cannot be found"),
        (DatasetNotFoundError("'org/sums' is a gated dataset"), "are gated"),
        (GATED, "are gated"),
        (ModuleNotFoundError("No module named 'nltk'"), "needs a Python package"),
    ],
)
def test_questions_and_packages_of_a_task_that_are_missing(error: Exception, expected: str) -> None:
    with (
        pytest.raises(Failed, match=f"the task sums {expected}|The task sums {expected}") as failed,
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
    monkeypatch.setattr(tasks, "index_for", lambda names, tasks_dir, metadata: index)
    with pytest.raises(Failed, match="The task tiny_nothing is neither in") as failed:
        find_tasks(["tiny_copy", "tiny_nothing"], str(TASKS))
    assert failed.value.end is End.WORKER


UNREACHABLE_HUB = httpx.ConnectError("no route", request=Request("GET", "https://huggingface.co"))


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


JUDGED = [
    (Step.CONFIGURATION, ValueError("bad rope_scaling"), MODEL, End.REFUSED, "cannot read the config.json"),
    (Step.CONFIGURATION, ImportError("needs timm"), OWNER, End.REFUSED, "needs a Python package that this"),
    (Step.TOKENIZER, ImportError("needs rjieba"), OWNER, End.REFUSED, "(ImportError: needs rjieba); the"),
    (Step.TOKENIZER, ModuleNotFoundError("No module named 'x'"), OWNER, End.REFUSED, "model is not at fault"),
    (Step.TOKENIZER, ValueError("no tokenizer"), MODEL, End.REFUSED, "The tokenizer of org/model cannot be"),
    (Step.WEIGHTS, ImportError("needs gptqmodel"), OWNER, End.REFUSED, "(ImportError: needs gptqmodel)"),
    (Step.WEIGHTS, ValueError("shapes"), MODEL, End.REFUSED, "do not match its config.json"),
    (Step.WEIGHTS, SafetensorError("header"), MODEL, End.REFUSED, "are damaged or cut off"),
    (Step.WEIGHTS, OSError(errno.EIO, "I/O error"), NOBODY, End.CRASHED, "unexpected error (OSError"),
    (Step.WEIGHTS, OSError(errno.ENOSPC, "No space left on device"), OWNER, End.DISK_FULL, "disk is full"),
    (Step.WEIGHTS, UNREACHABLE_HUB, NOBODY, End.UNREACHABLE, "The Hub did not answer while org/model was"),
    (Step.CHAT_TEMPLATE, jinja2.TemplateError("no"), MODEL, End.REFUSED, "The chat template of org/model"),
    (Step.EVALUATION, MemoryError(), MODEL, End.OUT_OF_MEMORY, "needs more memory than this worker has"),
    (Step.EVALUATION, UNREACHABLE_HUB, NOBODY, End.UNREACHABLE, "The Hub did not answer while org/model"),
    (
        Step.EVALUATION,
        ConnectionError("Couldn't reach 'org/sums' on the Hub (ConnectError)"),
        NOBODY,
        End.UNREACHABLE,
        "The Hub did not answer",
    ),
    (
        Step.EVALUATION,
        ConnectionError("the judge is away"),
        NOBODY,
        End.UNREACHABLE,
        "The task sums needs a site that did not answer (ConnectionError: the judge is away). If",
    ),
    (
        Step.EVALUATION,
        caused(RuntimeError("no score"), ConnectionRefusedError(111, "Connection refused")),
        NOBODY,
        End.UNREACHABLE,
        "The task sums needs a site that did not answer (RuntimeError: no score)",
    ),
    (Step.EVALUATION, TimeoutError("judge"), NOBODY, End.UNREACHABLE, "The task sums needs a site"),
    (Step.EVALUATION, ZeroDivisionError("division by zero"), NOBODY, End.CRASHED, "says nothing about the"),
    (Step.EVALUATION, KeyError("answer"), NOBODY, End.CRASHED, "unexpected error (KeyError: 'answer')"),
    (Step.OTHER, ImportError("lm_eval"), NOBODY, End.CRASHED, "unexpected error (ImportError: lm_eval)"),
    (Step.OTHER, RuntimeError("a\nb\x1b[31m" + "x" * 9999), NOBODY, End.CRASHED, "(RuntimeError: a b [31mx"),
]


@pytest.mark.parametrize(
    ("step", "error", "to_blame", "end", "sentence"),
    JUDGED,
    ids=[f"{step.name}-{last_line(error)[:60]}" for step, error, *_ in JUDGED],
)
def test_each_error_reaches_whom_it_concerns(
    step: Step, error: Exception, to_blame: str, end: End, sentence: str
) -> None:
    failure = failure_of(step, error)
    assert (failure.end, sentence in failure.message) == (end, True), failure.message
    assert len(failure.message) < 700
    assert failure.message.isprintable()
    assert blamed(failure.end, failure.message) == to_blame


def failure_of(step: Step, error: Exception) -> Failure:
    """What a child would say of an error at a step."""
    try:
        with explained(step, make_job("org/model"), "sums"):
            raise error
    except Failed as failed:
        return Failure(failed.end, str(failed))
    except Exception as let_through:  # noqa: BLE001  # as the child does
        return unexpected(let_through)
