"""Tells errors apart: by their classes and causes, the system's numbers, and the texts of the libraries."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator
from errno import EDQUOT, ENOENT, ENOSPC
from socket import gaierror

import aiohttp
import httpx
import torch
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub import errors as hub
from huggingface_hub.constants import ENDPOINT

from src.shared.errors import on_one_line

Matches = Callable[[BaseException], bool]

ANY_ERROR = (Exception, SystemExit)
"""What Python beside a task's file may raise: it is the owner's, and may even call `sys.exit`."""

LONGEST_ERROR = 300


def last_line(error: BaseException) -> str:
    """Return the last line of an error's traceback, shortened, because tasks and models can influence it."""
    text = on_one_line(str(error)[:LONGEST_ERROR])
    return f"{type(error).__name__}: {text}".removesuffix(": ")


def caused_by(*kinds: type[BaseException]) -> Matches:
    """Match an error of one of these classes, or one that was caused by such an error."""
    return lambda error: any(isinstance(cause, kinds) for cause in causes(error))


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, the one it was raised from or during, and so on, as a traceback shows them."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def not_answered(error: BaseException) -> bool:
    """Match errors of a site that is unreachable, busy or drops the connection, such as the Hub.

    An answer that there is no such file does not match.
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
    aiohttp.ClientError,  # From files of questions elsewhere on the web.
    ConnectionError,  # `datasets` also raises it for questions that it cannot fetch.
    TimeoutError,
    gaierror,  # A host name that cannot be resolved.
)

CUT_OFF = "Consistency check failed: file should be of size"
"""The Hub client's message for an interrupted download. The class of the error is not specific enough."""


def asked_the_hub(error: BaseException) -> bool:
    """Match errors of calls to the Hub, by their class or text."""
    return any(
        isinstance(cause, hub.HfHubHTTPError | hub.LocalEntryNotFoundError | hub.XetDownloadError)
        or any(text in f"{cause} {_address(cause)}" for text in ("on the Hub", CUT_OFF, ENDPOINT))
        for cause in causes(error)
    )


def _address(error: BaseException) -> str:
    """Return the URL of the request that caused an HTTP error; empty if unknown."""
    request = vars(error).get("_request")  # the property `request` raises if there is none
    return str(request.url) if isinstance(request, httpx.Request) else ""


def not_fetched(error: BaseException) -> bool:
    """Match what `datasets` raises for a file on the web whose site is unreachable or has no such file."""
    return any(isinstance(cause, FileNotFoundError) and NOT_FETCHED in str(cause) for cause in causes(error))


NOT_FETCHED = "Unable to find 'http"


def disk_full(error: BaseException) -> bool:
    """Match errors of a full disk, by the error number, or by the text if a library kept only that."""
    texts = ("No space left on device", "Disk quota exceeded", "Not enough disk space")
    return any(
        (isinstance(cause, OSError) and cause.errno in (ENOSPC, EDQUOT))
        or any(text in str(cause) for text in texts)
        for cause in causes(error)
    )


def reported_by_the_system(error: BaseException) -> bool:
    """Match other errors of the operating system, such as those of a broken disk, but not a missing file."""
    return any(isinstance(cause, OSError) and cause.errno not in (None, ENOENT) for cause in causes(error))


def out_of_memory(error: BaseException) -> bool:
    """Match what PyTorch raises when memory runs out. On a CPU only the text is specific."""
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
    """Match what transformers raises for weights that need downloaded code."""
    return any(
        isinstance(cause, ImportError | ValueError) and KERNELS.search(str(cause)) for cause in causes(error)
    )


KERNELS = re.compile(r"\bkernels`? (is either not installed|package)|requires `?kernels\b|install kernels\b")


def no_attention_package(error: BaseException) -> bool:
    """Match what transformers raises if the package for the chosen `attn_implementation` is missing."""
    return isinstance(error, ImportError) and "has been toggled on, but it cannot be used" in str(error)


def attention_not_supported(error: BaseException) -> bool:
    """Match what transformers raises if an architecture has no such `attn_implementation`."""
    texts = ("does not support an attention implementation", "does not support Flash Attention")
    return isinstance(error, ValueError) and any(text in str(error) for text in texts)


def not_converted(error: BaseException) -> bool:
    """Match what transformers raises when it cannot convert saved weights for its own class."""
    texts = ("during automatic conversion of the weights", "Error(s) in loading state_dict")
    return isinstance(error, RuntimeError) and any(text in str(error) for text in texts)


def token_out_of_range(error: BaseException) -> bool:
    """Match what PyTorch raises on a CPU for a token id without weights, but not Python's own IndexError."""
    return isinstance(error, IndexError | RuntimeError) and any(
        text in str(error) for text in ("index out of range in self", "out of bounds for dimension")
    )


def too_long(error: BaseException) -> bool:
    """Match lm_eval's assertions that a text, or the text to generate, is too long for a model."""
    return any(
        isinstance(cause, AssertionError)
        and (
            isinstance(cause, TooLong)
            or TOO_MUCH_TO_WRITE in str(cause)
            or any(word in asserted(cause) for word in LENGTHS)
        )
        for cause in causes(error)
    )


def wants_too_much(error: BaseException) -> bool:
    """Match how lm_eval says that a task has a model write more tokens than any model can."""
    asked = (
        ASKED_TO_WRITE.search(str(cause)) for cause in causes(error) if isinstance(cause, AssertionError)
    )
    return any(found and int(found[1]) > MOST_TO_WRITE for found in asked)


class TooLong(AssertionError):
    """A text is longer than a model that a server runs can read at once."""


TOO_MUCH_TO_WRITE = "Invalid configuration: requested max tokens to generate"

ASKED_TO_WRITE = re.compile(rf"{TOO_MUCH_TO_WRITE} \((\d+)\)")

MOST_TO_WRITE = 65_536
"""Tokens that a task may have a model write: few models have a context for more."""

LENGTHS = ("self.max_length", "max_ctx_len", "max_seq_len")
"""The names in lm_eval's assertions about length."""


def asserted(error: AssertionError) -> str:
    """Return the line of lm_eval's model code that made the assertion; empty if it was made elsewhere."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or not is_in_lm_evals_models(frames[-1].filename):
        return ""
    return frames[-1].line or ""


def is_in_lm_evals_models(file: str) -> bool:
    """Return whether a file is part of lm_eval's model code, and not of its tasks."""
    return "/lm_eval/models/" in file or file.endswith("/lm_eval/utils.py")


def the_tasks_fault(error: BaseException) -> bool:
    """Match errors that are raised while lm_eval builds a task or its requests.

    Chat templates are applied at the same time, but belong to the model. Errors during scoring may come from
    the answers. lighteval builds tasks before it uses the model, and has an error of its own for it.
    """
    if isinstance(error, TaskNotBuilt):
        return True
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


class TaskNotBuilt(Exception):
    """lighteval cannot build a task from its file and questions. Its cause says why."""


def gated_questions(error: BaseException) -> bool:
    """Match errors of a gated dataset. `datasets` drops the Hub's error but keeps its text."""
    return any(
        isinstance(cause, hub.GatedRepoError)
        or (isinstance(cause, DatasetNotFoundError) and "gated" in str(cause))
        for cause in causes(error)
    )
