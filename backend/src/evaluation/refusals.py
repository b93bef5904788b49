"""Which failures have a cause that someone can mend, and the sentence that tells the model's submitter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from errno import ENOENT

import httpx
import torch
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub import errors as hub
from safetensors import SafetensorError

from src.job import Job

Matches = Callable[[BaseException], bool]


class Refused(Exception):
    """The model cannot be evaluated as it is; the message is for its submitter."""


class Step(Enum):
    """What the child was doing when something failed."""

    CONFIGURATION = auto()
    TOKENIZER = auto()
    WEIGHTS = auto()
    EVALUATION = auto()


LOADING = frozenset({Step.CONFIGURATION, Step.TOKENIZER, Step.WEIGHTS})
ANY_STEP = frozenset(Step)


@dataclass(frozen=True)
class Rule:
    """A failure that was foreseen: at which steps, which error, and the sentence for it.

    The sentence is None where nobody is at fault and another try may go well: the error is let through.
    """

    steps: frozenset[Step]
    matches: Matches
    sentence: str | None


@contextmanager
def refusing(step: Step, job: Job, task: str = "") -> Iterator[None]:
    """Raise `Refused` in place of an error that RULES has a sentence for; let every other error through."""
    try:
        yield
    except Refused:
        raise
    except BaseException as error:
        rule = next((rule for rule in RULES if step in rule.steps and rule.matches(error)), None)
        if rule is None or rule.sentence is None:
            raise
        raise Refused(rule.sentence.format(model=job.model, commit=job.commit, task=task)) from error


def caused_by(*kinds: type[BaseException]) -> Matches:
    """Match an error of one of these classes, and one that such an error led to."""
    return lambda error: any(isinstance(cause, kinds) for cause in causes(error))


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, the one it was raised from or during, and so on: what a traceback shows."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def reported_by_the_system(error: BaseException) -> bool:
    """Match what the operating system could not do, such as write to a full disk; but not a missing file."""
    return any(isinstance(cause, OSError) and cause.errno not in (None, ENOENT) for cause in causes(error))


def out_of_memory(error: BaseException) -> bool:
    """Match what PyTorch raises without memory; on a CPU only the text tells it from other errors."""
    texts = ("unable to mmap", "can't allocate memory", "Cannot allocate memory")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError | OSError) and any(text in str(error) for text in texts)
    )


def token_out_of_range(error: BaseException) -> bool:
    """Match what PyTorch raises, on a CPU, for a token number that the model has no weights for."""
    return isinstance(error, IndexError | RuntimeError) and any(
        text in str(error) for text in ("index out of range", "out of bounds")
    )


def gated_questions(error: BaseException) -> bool:
    """Match what `datasets` raises for a gated dataset: it drops the Hub's own error, and keeps its text."""
    return any(isinstance(cause, DatasetNotFoundError) and "gated" in str(cause) for cause in causes(error))


# The first that matches decides.
RULES = [
    Rule(
        ANY_STEP,
        out_of_memory,
        "{model} needs more memory than this worker has. Submit a smaller model, or ask the leaderboard's "
        "owner for a larger worker.",
    ),
    Rule(
        ANY_STEP,
        caused_by(hub.GatedRepoError),
        "{model} is gated and this leaderboard has no access to it. Open it, or ask the leaderboard's owner "
        "to request access.",
    ),
    Rule(
        LOADING,
        caused_by(hub.RevisionNotFoundError),
        "The commit {commit} of {model} is no longer there. Submit the model again with one that is.",
    ),
    Rule(
        LOADING,
        caused_by(hub.RepositoryNotFoundError, hub.HFValidationError),
        "{model} is no longer there: it was deleted, renamed or made private. Make it public again, or "
        "submit it under its new name.",
    ),
    Rule(
        ANY_STEP,
        caused_by(
            hub.HfHubHTTPError, hub.LocalEntryNotFoundError, httpx.HTTPError, ConnectionError, TimeoutError
        ),
        None,
    ),
    Rule(ANY_STEP, reported_by_the_system, None),
    Rule(
        frozenset({Step.CONFIGURATION}),
        caused_by(OSError, ValueError, TypeError, KeyError, AttributeError, hub.StrictDataclassError),
        "transformers cannot read the config.json of {model}. Correct it, for example by saving the model "
        "again with `save_pretrained`.",
    ),
    Rule(
        frozenset({Step.TOKENIZER}),
        caused_by(Exception),  # The tokenizers library raises nothing more exact.
        "The tokenizer of {model} cannot be loaded: a file is missing or damaged, or it needs code of its "
        "own, which is not run here. Add one that `AutoTokenizer` loads without remote code.",
    ),
    Rule(
        frozenset({Step.WEIGHTS}),
        caused_by(SafetensorError),
        "The weights of {model} are damaged or cut off: a safetensors file cannot be read. Upload it again.",
    ),
    Rule(
        frozenset({Step.WEIGHTS}),
        caused_by(OSError),
        "{model} has no complete weights in the safetensors format. Upload model.safetensors, or all of its "
        "parts and their index; other formats are not read here.",
    ),
    Rule(
        frozenset({Step.WEIGHTS}),
        caused_by(ImportError),
        "{model} needs a package that this worker does not have, such as one for quantized weights. Submit "
        "the model without quantization, or ask the leaderboard's owner to add the package.",
    ),
    Rule(
        frozenset({Step.WEIGHTS}),
        caused_by(ValueError, TypeError, KeyError),
        "The weights of {model} do not fit its config.json. Save both again from one model with "
        "`save_pretrained`.",
    ),
    Rule(
        frozenset({Step.EVALUATION}),
        gated_questions,
        "The questions of the task {task} are gated, and this worker has no access to them. The "
        "leaderboard's owner has to get it access or take the task out; the model is not at fault.",
    ),
    Rule(
        frozenset({Step.EVALUATION}),
        caused_by(FileNotFoundError),  # The class of the error for a dataset that is not on the Hub, too.
        "The questions of the task {task} cannot be found. The leaderboard's owner has to correct the task; "
        "the model is not at fault.",
    ),
    Rule(
        frozenset({Step.EVALUATION}),
        caused_by(AssertionError),  # How lm_eval says that a text, or what is to be written, is too long.
        "{model} cannot take texts as long as the task {task} has. Submit a model with a longer context.",
    ),
    Rule(
        frozenset({Step.EVALUATION}),
        token_out_of_range,
        "The tokenizer of {model} gives token numbers that its weights do not have. Save model and tokenizer "
        "again, after `resize_token_embeddings` if tokens were added.",
    ),
]
