"""Which failures were foreseen, how each ends an attempt, and the sentence that its submitter is told."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from errno import EDQUOT, ENOENT, ENOSPC
from socket import gaierror

import aiohttp
import httpx
import jinja2
import torch
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub import errors as hub
from huggingface_hub.constants import ENDPOINT
from safetensors import SafetensorError

from src.running.job import NEEDS_MORE_MEMORY, End, Failure, Job

Matches = Callable[[BaseException], bool]


class Failed(Exception):
    """The evaluation cannot be finished, and ends so; the message is for the model's submitter."""

    def __init__(self, message: str, end: End = End.REFUSED) -> None:
        super().__init__(message)
        self.end = end


class Step(Enum):
    """What the child was doing when something failed."""

    CONFIGURATION = auto()
    TOKENIZER = auto()
    CHAT_TEMPLATE = auto()
    WEIGHTS = auto()
    BEHAVIOUR = auto()
    """Trying the loaded model on a few words."""
    EVALUATION = auto()
    OTHER = auto()
    """Finding the tasks, or writing its own files."""


LOADING = frozenset({Step.CONFIGURATION, Step.TOKENIZER, Step.CHAT_TEMPLATE, Step.WEIGHTS, Step.BEHAVIOUR})
ANY_STEP = frozenset(Step)


@dataclass(frozen=True)
class Rule:
    """A failure that was foreseen: at which steps, which error, the sentence for it, and how it ends.

    The sentence is None where nothing is known of the cause: the error is let through.
    """

    steps: frozenset[Step]
    matches: Matches
    sentence: str | None
    end: End = End.REFUSED


@contextmanager
def explained(step: Step, job: Job, task: str = "") -> Iterator[None]:
    """Raise `Failed` in place of an error that RULES has a sentence for; let every other error through."""
    try:
        yield
    except Failed:
        raise
    except BaseException as error:
        rule = next((rule for rule in RULES if step in rule.steps and rule.matches(error)), None)
        if rule is None or rule.sentence is None:
            raise
        names = {"model": job.model, "commit": job.commit, "task": task, "error": last_line(error)}
        sentence = rule.sentence.format(**names)
        raise Failed(sentence, rule.end) from error


def unexpected(error: BaseException) -> Failure:
    """What is said of an error that no rule has a sentence for: nobody knows whose fault it is."""
    return Failure(End.CRASHED, UNEXPECTED.format(last_line(error)))


def last_line(error: BaseException) -> str:
    """An error as the last line of its traceback has it, short: tasks and models have a say in it."""
    text = "".join(each if each.isprintable() else " " for each in str(error)[:LONGEST_ERROR])
    return f"{type(error).__name__}: {' '.join(text.split())}".removesuffix(": ")


def caused_by(*kinds: type[BaseException]) -> Matches:
    """Match an error of one of these classes, and one that such an error led to."""
    return lambda error: any(isinstance(cause, kinds) for cause in causes(error))


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, the one it was raised from or during, and so on: what a traceback shows."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def not_answered(error: BaseException) -> bool:
    """Match what is raised when the Hub, or another site, is not there, is busy or breaks off; but not its
    answer that it has no such file.
    """
    return any(
        (isinstance(cause, NO_ANSWER) and not isinstance(cause, hub.RemoteEntryNotFoundError))
        or CUT_OFF in str(cause)
        for cause in causes(error)
    )


NO_ANSWER = (
    hub.HfHubHTTPError,
    hub.LocalEntryNotFoundError,
    hub.XetDownloadError,
    httpx.HTTPError,
    aiohttp.ClientError,  # From files of questions that lie elsewhere on the web.
    ConnectionError,  # Also what `datasets` raises for questions that it cannot fetch.
    TimeoutError,
    gaierror,  # A name that cannot be looked up.
)

CUT_OFF = "Consistency check failed: file should be of size"
"""What the Hub's client says of a download that broke off; the class of the error does not tell."""


def asked_the_hub(error: BaseException) -> bool:
    """Match what is raised where it was the Hub that was asked, by the error's class or by its text."""
    return any(
        isinstance(cause, hub.HfHubHTTPError | hub.LocalEntryNotFoundError | hub.XetDownloadError)
        or any(text in f"{cause} {_address(cause)}" for text in ("on the Hub", CUT_OFF, ENDPOINT))
        for cause in causes(error)
    )


def _address(error: BaseException) -> str:
    """What was asked for when an HTTP error was raised; empty where that is not known."""
    request = vars(error).get("_request")  # `request` raises where there is none
    return str(request.url) if isinstance(request, httpx.Request) else ""


def not_fetched(error: BaseException) -> bool:
    """Match what `datasets` raises for a file on the web: its site is not there, or has no such file."""
    return any(isinstance(cause, FileNotFoundError) and NOT_FETCHED in str(cause) for cause in causes(error))


NOT_FETCHED = "Unable to find 'http"


def disk_full(error: BaseException) -> bool:
    """Match what is raised on a full disk: by the system's number, or by the text where a library keeps no
    more than that.
    """
    texts = ("No space left on device", "Disk quota exceeded", "Not enough disk space")
    return any(
        (isinstance(cause, OSError) and cause.errno in (ENOSPC, EDQUOT))
        or any(text in str(cause) for text in texts)
        for cause in causes(error)
    )


def reported_by_the_system(error: BaseException) -> bool:
    """Match what else the operating system could not do, such as read from a broken disk; but not a missing
    file.
    """
    return any(isinstance(cause, OSError) and cause.errno not in (None, ENOENT) for cause in causes(error))


def out_of_memory(error: BaseException) -> bool:
    """Match what PyTorch raises without memory; on a CPU only the text tells it from other errors."""
    texts = (
        "unable to mmap",
        "can't allocate memory",
        "Cannot allocate memory",
        "No executable batch size found",  # From the search for a batch size, when not even 1 fits.
    )
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError | OSError) and any(text in str(error) for text in texts)
    )


def needs_kernels(error: BaseException) -> bool:
    """Match what transformers raises for weights that it computes with code which it downloads."""
    return any(
        isinstance(cause, ImportError | ValueError) and KERNELS.search(str(cause)) for cause in causes(error)
    )


KERNELS = re.compile(r"\bkernels`? (is either not installed|package)|requires `?kernels\b|install kernels\b")


def not_converted(error: BaseException) -> bool:
    """Match what transformers raises when it cannot turn saved weights into those of its own class."""
    texts = ("during automatic conversion of the weights", "Error(s) in loading state_dict")
    return isinstance(error, RuntimeError) and any(text in str(error) for text in texts)


def token_out_of_range(error: BaseException) -> bool:
    """Match what PyTorch raises, on a CPU, for a token number that the model has no weights for; but not what
    Python says of a list that is too short.
    """
    return isinstance(error, IndexError | RuntimeError) and any(
        text in str(error) for text in ("index out of range in self", "out of bounds for dimension")
    )


def too_long(error: BaseException) -> bool:
    """Match how lm_eval says that a text, or what is to be written after it, is too long for a model."""
    return any(
        isinstance(cause, AssertionError)
        and (TOO_MUCH_TO_WRITE in str(cause) or any(word in asserted(cause) for word in LENGTHS))
        for cause in causes(error)
    )


TOO_MUCH_TO_WRITE = "Invalid configuration: requested max tokens to generate"

LENGTHS = ("self.max_length", "max_ctx_len", "max_seq_len")
"""What lm_eval's own assertions about length compare with."""


def asserted(error: AssertionError) -> str:
    """The line of lm_eval's model that made the assertion; empty if it was made elsewhere."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or not is_in_lm_evals_models(frames[-1].filename):
        return ""
    return frames[-1].line or ""


def is_in_lm_evals_models(file: str) -> bool:
    """Whether a file is part of what lm_eval calls models with, and not of tasks."""
    return "/lm_eval/models/" in file or file.endswith("/lm_eval/utils.py")


def the_tasks_fault(error: BaseException) -> bool:
    """Match what is raised while lm_eval builds a task or puts its questions together.

    The chat template is the model's, though lm_eval fills it in at the same time. An error while answers
    are scored may be due to the answers.
    """
    places = [
        (frame.filename, frame.name)
        for cause in causes(error)
        for frame in traceback.extract_tb(cause.__traceback__)
    ]
    is_building = any(
        name in BUILDING and ("/lm_eval/api/task.py" in file or "/lm_eval/tasks/" in file)
        for file, name in places
    )
    return is_building and not any("/lm_eval/models/" in file for file, _ in places)


BUILDING = ("build_all_requests", "_build_task", "load")
"""lm_eval's functions that build a task and its requests."""


def gated_questions(error: BaseException) -> bool:
    """Match what is raised for a gated dataset; `datasets` drops the Hub's own error, and keeps its text."""
    return any(
        isinstance(cause, hub.GatedRepoError)
        or (isinstance(cause, DatasetNotFoundError) and "gated" in str(cause))
        for cause in causes(error)
    )


UNEXPECTED = (
    "The evaluation failed with an unexpected error ({}), which says nothing about the model. The "
    "leaderboard's owner can find details in its log."
)

LONGEST_ERROR = 300

HUB_DID_NOT_ANSWER = "The Hub did not answer while {model} was being loaded."

TEMPLATE_FAILS = (
    "The chat template of {model} fails on a user's question. Correct it, or submit the model without it."
)

# The first that matches decides.
RULES = [
    Rule(
        ANY_STEP,
        out_of_memory,
        f"{{model}} needs more memory than this worker has. {NEEDS_MORE_MEMORY}",
        End.OUT_OF_MEMORY,
    ),
    Rule(
        ANY_STEP,
        disk_full,
        "The worker's disk is full, so {model} could not be evaluated. The leaderboard's owner has to free "
        "some space, or give the worker a larger disk.",
        End.DISK_FULL,
    ),
    Rule(
        frozenset({Step.EVALUATION}),
        gated_questions,
        "The questions of the task {task} are gated, and this worker has no access to them. The "
        "leaderboard's owner has to request access or remove the task; the model is not at fault.",
        End.WORKER,
    ),
    Rule(
        ANY_STEP,
        caused_by(hub.GatedRepoError),
        "{model} is gated, and this leaderboard has no access to it. Remove the gate, or ask the "
        "leaderboard's owner to request access.",
    ),
    Rule(
        LOADING,
        caused_by(hub.RevisionNotFoundError),
        "The commit {commit} of {model} no longer exists. Submit the model again at an existing commit.",
    ),
    Rule(
        LOADING,
        caused_by(hub.RepositoryNotFoundError, hub.HFValidationError),
        "{model} is no longer available: it was deleted, renamed or made private. Make it public again, or "
        "submit it under its new name.",
    ),
    Rule(LOADING, not_answered, HUB_DID_NOT_ANSWER, End.UNREACHABLE),
    Rule(
        frozenset({Step.EVALUATION}),
        lambda error: not_answered(error) and not asked_the_hub(error),
        "The task {task} needs a site that did not answer ({error}). If this goes on, the leaderboard's "
        "owner has to correct or remove the task; the model is not at fault.",
        End.UNREACHABLE,
    ),
    Rule(
        ANY_STEP, not_answered, "The Hub did not answer while {model} was being evaluated.", End.UNREACHABLE
    ),
    Rule(ANY_STEP, reported_by_the_system, None),
    Rule(
        LOADING - {Step.WEIGHTS},
        caused_by(ImportError),
        "{model} needs a Python package that this worker does not have ({error}); the model is not at fault. "
        "Ask the leaderboard's owner to add the package.",
    ),
    Rule(
        frozenset({Step.CONFIGURATION}),
        caused_by(OSError, ValueError, TypeError, LookupError, AttributeError, hub.StrictDataclassError),
        "transformers cannot read the config.json of {model}. Correct it, for example by saving the model "
        "again with `save_pretrained`.",
    ),
    Rule(
        frozenset({Step.TOKENIZER}),
        caused_by(Exception),  # The tokenizers library raises nothing more exact.
        "The tokenizer of {model} cannot be loaded: a file is missing or damaged, or it needs code of its "
        "own, which is not run here. Add one that `AutoTokenizer` loads without remote code.",
    ),
    Rule(frozenset({Step.CHAT_TEMPLATE}), caused_by(Exception), TEMPLATE_FAILS),
    Rule(
        frozenset({Step.WEIGHTS}),
        caused_by(SafetensorError),
        "The weights of {model} are damaged or cut off: a safetensors file cannot be read. Upload it again.",
    ),
    Rule(
        frozenset({Step.WEIGHTS}),
        caused_by(OSError),
        "{model} has no complete weights in the safetensors format. Upload model.safetensors, or all of its "
        "parts and their index; other formats are not supported here.",
    ),
    Rule(
        frozenset({Step.WEIGHTS}),
        needs_kernels,
        "The quantized weights of {model} need code that is downloaded from the Hub (`kernels`). Such code "
        "is not run here. Submit the model without quantization.",
    ),
    Rule(
        frozenset({Step.WEIGHTS}),
        caused_by(ImportError),
        "{model} needs a Python package that this worker does not have, such as one for quantized weights "
        "({error}); the model is not at fault. Ask the leaderboard's owner to add the package, or submit the "
        "model without quantization.",
    ),
    Rule(
        frozenset({Step.WEIGHTS}),
        lambda error: not_converted(error) or caused_by(ValueError, TypeError, KeyError)(error),
        "The weights of {model} do not match its config.json. Save both again from one model with "
        "`save_pretrained`.",
    ),
    Rule(
        frozenset({Step.EVALUATION}),
        not_fetched,
        "The questions of the task {task} are on a site that did not answer, or that no longer has them. If "
        "this goes on, the leaderboard's owner has to correct or remove the task; the model is not at fault.",
        End.UNREACHABLE,
    ),
    Rule(
        frozenset({Step.EVALUATION}),
        # The first is the class of the error for a dataset that is not on the Hub, too.
        caused_by(FileNotFoundError, hub.RemoteEntryNotFoundError),
        "The questions of the task {task} cannot be found. The leaderboard's owner has to correct the task; "
        "the model is not at fault.",
        End.WORKER,
    ),
    Rule(
        frozenset({Step.EVALUATION}),
        caused_by(ImportError),
        "The task {task} needs a Python package that this worker does not have. The leaderboard's owner has "
        "to install it or remove the task; the model is not at fault.",
        End.WORKER,
    ),
    Rule(
        frozenset({Step.EVALUATION}),
        the_tasks_fault,
        "The task {task} cannot be built. The leaderboard's owner has to correct its file, its "
        "questions or its number of examples; the model is not at fault.",
        End.WORKER,
    ),
    Rule(frozenset({Step.EVALUATION}), caused_by(jinja2.TemplateError), TEMPLATE_FAILS),
    Rule(
        frozenset({Step.EVALUATION}),
        too_long,
        "The texts of the task {task} are too long for {model}. Submit a model with a longer context.",
    ),
    Rule(
        frozenset({Step.BEHAVIOUR, Step.EVALUATION}),
        token_out_of_range,
        "The tokenizer of {model} produces token ids for which its weights have no embedding. Save model and "
        "tokenizer again, after `resize_token_embeddings` if tokens were added.",
    ),
]
