"""The known failures: how each ends an attempt, and the sentence for the model's submitter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto

import jinja2
from huggingface_hub import errors as hub
from safetensors import SafetensorError

from src.evaluation.errors import (
    Matches,
    asked_the_hub,
    attention_not_supported,
    caused_by,
    disk_full,
    gated_questions,
    last_line,
    needs_kernels,
    no_attention_package,
    not_answered,
    not_converted,
    not_fetched,
    out_of_memory,
    reported_by_the_system,
    the_tasks_fault,
    token_out_of_range,
    too_long,
    wants_too_much,
)
from src.running.job import NEEDS_MORE_MEMORY, End, Failure, Job
from src.shared.errors import BadFile


class Failed(Exception):
    """The evaluation cannot be finished. The message is for the model's submitter."""

    def __init__(self, message: str, end: End = End.REFUSED) -> None:
        super().__init__(message)
        self.end = end


class Step(Enum):
    """What the child was doing when something failed."""

    CONFIGURATION = auto()
    TOKENIZER = auto()
    CHAT_TEMPLATE = auto()
    WEIGHTS = auto()
    ADAPTER_CONFIG = auto()
    ADAPTER = auto()
    """Putting an adapter onto its base model."""
    BEHAVIOUR = auto()
    """Trying the loaded model on a few words."""
    EVALUATION = auto()
    OTHER = auto()
    """Finding the tasks, or writing its own files."""


LOADING = frozenset(
    {
        Step.CONFIGURATION,
        Step.TOKENIZER,
        Step.CHAT_TEMPLATE,
        Step.WEIGHTS,
        Step.ADAPTER_CONFIG,
        Step.ADAPTER,
        Step.BEHAVIOUR,
    }
)
ANY_STEP = frozenset(Step)


@dataclass(frozen=True)
class Rule:
    """A known failure."""

    steps: frozenset[Step]
    """The steps at which it can occur."""
    matches: Matches
    """Returns whether an error is this failure."""
    sentence: str | None
    """The sentence for the submitter. None if the cause is unknown; the error is then not translated."""
    end: End = End.REFUSED
    """How it ends the attempt."""


@contextmanager
def explained(step: Step, job: Job, task: str = "") -> Iterator[None]:
    """Raise `Failed` in place of an error for which RULES has a sentence. Let every other error through."""
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
    """Return the failure for an error without a rule, which may be anyone's fault."""
    return Failure(End.CRASHED, UNEXPECTED.format(last_line(error)))


UNEXPECTED = (
    "The evaluation failed with an unexpected error ({}), which says nothing about the model. The "
    "leaderboard's owner can find details in its log."
)

HUB_DID_NOT_ANSWER = "The Hub did not answer while {model} was being loaded."

TEMPLATE_FAILS = (
    "The chat template of {model} fails on a user's question. Correct it, or submit the model without it."
)

NO_EMBEDDING = (
    "The tokenizer of {model} produces token ids for which its weights have no embedding. Save model and "
    "tokenizer again, after `resize_token_embeddings` if tokens were added."
)

# The first match applies.
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
        frozenset({Step.ADAPTER_CONFIG}),
        caused_by(BadFile, OSError),
        "The adapter_config.json of {model} cannot be read. Upload the one that `save_pretrained` of peft "
        "writes.",
    ),
    Rule(
        frozenset({Step.WEIGHTS, Step.ADAPTER}),
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
        no_attention_package,
        "This worker lacks the package for its own setting `attn_implementation` in MODEL_ARGS ({error}). "
        "The leaderboard's owner has to install it or choose another; the model is not at fault.",
        End.WORKER,
    ),
    Rule(
        frozenset({Step.WEIGHTS}),
        attention_not_supported,
        "The architecture of {model} cannot compute attention in the way that this leaderboard sets for all "
        "models. Ask the leaderboard's owner to remove `attn_implementation` from MODEL_ARGS; the model is "
        "not at fault.",
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
        frozenset({Step.ADAPTER}),
        caused_by(ValueError, TypeError, LookupError, NotImplementedError, AttributeError, RuntimeError),
        "peft cannot put the adapter {model} onto its base model ({error}). Save it again with a recent "
        "peft, or merge it into its base model and submit the whole model.",
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
        # FileNotFoundError is also the error for a dataset that is not on the Hub.
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
        wants_too_much,
        "The task {task} has a model write more tokens than models can. The leaderboard's owner has to lower "
        "`max_gen_toks` in its file; the model is not at fault.",
        End.WORKER,
    ),
    Rule(
        frozenset({Step.EVALUATION}),
        too_long,
        "The texts of the task {task} are too long for {model}. Submit a model with a longer context.",
    ),
    Rule(
        frozenset({Step.BEHAVIOUR, Step.EVALUATION}),
        token_out_of_range,
        NO_EMBEDDING,
    ),
]
