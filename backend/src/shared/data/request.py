"""The request: one submission of a model, what became of it, and its JSON file in the requests dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from ..errors import BadFile
from ..times import from_text
from .json_file import read_object, without_nan, write_object
from .precision import UNKNOWN
from .request_fields import (
    OR_NOTHING,
    Attempts,
    Name,
    Params,
    Precision,
    Run,
    Stripped,
    Text,
    Time,
    WeightType,
    WholeNumber,
)

FORMAT = 1
"""The version of the file format that is written; files of the old template carry none."""

ORIGINAL = "Original"
"""The weight type of whole models; adapters and deltas have others."""


class Status(StrEnum):
    """Where a request stands in its life; the only place where these words are written."""

    PENDING = "PENDING"
    """It waits until a worker claims it."""
    RUNNING = "RUNNING"
    """A worker holds its lease and evaluates it."""
    FINISHED = "FINISHED"
    """Its result is in the results dataset, at `result`."""
    FAILED = "FAILED"
    """It has ended without a result, for the reason in `message`; it can be submitted again."""
    CANCELLED = "CANCELLED"
    """It was taken back; it can be submitted again."""


WAITS_FOR_A_WORKER = "It waits for a worker."
WAITS_FOR_ROOM = "it waits for a worker that has room for them"
"""What a request says that no worker has taken yet; the second one, that none may be missing."""

LEASE_RAN_OUT = "The worker that evaluated it was not heard of any more."
"""What the history says of an attempt whose worker is taken for dead."""

CLOCK_SKEW = timedelta(minutes=5)
"""How much the clocks of different machines may differ."""

LONGEST_LEASE = timedelta(days=7)
"""A lease that ends later than so far ahead is from a wrong clock, or was written by hand."""

WITHDRAWN, RESUBMITTED, RERUN = "withdrawn", "resubmitted", "rerun"
"""The entries in a history that people make: the first two whoever submitted it, the last one the owner."""

RERUN_STATUSES = ("RERUN", "PENDING_NEW_EVAL")
"""What owners write in the place of a status, in old files too: evaluate this again, from the beginning."""

ASKED_BY_THE_OWNER = {
    "attempt": 0,
    "worker": "",
    "end": RERUN,
    "message": "The owner had it evaluated again.",
}
"""What the history says of that: the attempts after it are the owner's, not the submitter's."""

OTHER_SPELLINGS = {"CANCELED": Status.CANCELLED}


class Identity(NamedTuple):
    """What makes two requests the same: asked for twice, it is evaluated once."""

    model: str
    commit: str | None
    precision: str
    weight_type: str
    use_chat_template: bool


@dataclass(frozen=True)
class Lease:
    """The right of one worker to evaluate a request, until a time; the nonce tells its claims apart.

    `started` is the time of this claim, `renewed` the time that `progress` is from.
    """

    worker: str
    nonce: str
    started: Time
    renewed: Time
    until: Time

    def has_run_out(self, now: datetime, *, skew: timedelta = CLOCK_SKEW) -> bool:
        """Whether its worker may be taken for dead, by any clock that is right within the skew."""
        return now - self.until > skew or self.until - now > LONGEST_LEASE


@dataclass(frozen=True)
class Progress:
    """How far the running task is, in lm_eval's requests: one per choice or generation."""

    task: str
    done: int
    total: int


@dataclass(frozen=True)
class Attempt:
    """One attempt that has ended: who made it, when, how, and where its log lies in the results dataset.

    Also what people did. WITHDRAWN is by the login `by`, and names the worker if one was evaluating it.
    RESUBMITTED ends what `by` (None without a login) had submitted at `started`. RERUN is the owner's, and
    has no time.
    """

    attempt: int
    worker: str
    started: Time | None
    ended: Time | None
    end: str
    message: str = ""
    log: str | None = None
    by: str | None = None

    @property
    def is_by_a_person(self) -> bool:
        """Whether it is what a submitter or the owner did, and no attempt of a worker's."""
        return self.end in (WITHDRAWN, RESUBMITTED, RERUN)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request file; docs/data-format.md explains its fields, of which those up to `license` are old.

    `params` is in billions, `commit` and `base_commit` have 40 hexadecimal digits, unknown is None. `extra`
    holds the keys that we do not know, so that rewriting a file loses nothing.
    """

    model: Name
    base_model: Stripped = ""
    revision: Stripped = "main"
    private: bool = False
    precision: Precision = UNKNOWN
    weight_type: WeightType = ORIGINAL
    status: Status
    submitted_time: Text = ""
    model_type: Text = ""
    likes: WholeNumber = None
    params: Params = None
    license: Text = ""
    commit: str | None = None
    base_commit: str | None = None
    use_chat_template: bool = False
    submitted_by: str | None = None
    run: Run = None
    attempt: Attempts = 0
    lease: Annotated[Lease | None, OR_NOTHING] = None
    progress: Annotated[Progress | None, OR_NOTHING] = None
    message: Text = ""
    history: Annotated[tuple[Attempt, ...], BeforeValidator(lambda value: value or ())] = ()
    result: str | None = None
    format: int = FORMAT
    extra: Mapping[str, object] = field(default_factory=dict)

    @property
    def identity(self) -> Identity:
        """What another request must share with this one to be the same."""
        return Identity(self.model, self.commit, self.precision, self.weight_type, self.use_chat_template)

    @property
    def kind(self) -> str:
        """How the model is evaluated, in words that tell apart what is evaluated separately."""
        template = ", with its chat template" if self.use_chat_template else ""
        return f"{self.precision}, {self.weight_type}{template}"

    @property
    def submitted(self) -> datetime | None:
        """`submitted_time` as a time, or None when it is missing or not a time."""
        return from_text(self.submitted_time)


_ADAPTER = TypeAdapter(Request)
_KNOWN = {each.name for each in fields(Request)} - {"extra"}
_OF_A_RUN = {"run", "attempt", "lease", "progress", "result", "message"}


def read_request(data: bytes) -> Request:
    """The request in a file of ours or of the old template. Raises BadFile when there is none."""
    raw = read_object(data)
    known = {key: value for key, value in raw.items() if key in _KNOWN and value is not None}
    extra = without_nan({key: value for key, value in raw.items() if key not in _KNOWN})
    status = str(known.get("status", "")).strip().upper()
    if status in RERUN_STATUSES:
        status = Status.PENDING
        known = {key: value for key, value in known.items() if key not in _OF_A_RUN}
        known["history"] = _with_a_rerun(known.get("history") or [])
    elif status.startswith(Status.FINISHED):
        status = Status.FINISHED
    status = OTHER_SPELLINGS.get(status, status)
    try:
        request = _ADAPTER.validate_python(known | {"status": status, "extra": extra})
    except ValidationError as error:
        raise BadFile(f"it is not a request: {_mistakes(error)}") from None
    if not request.model.strip():
        raise BadFile("it is not a request: model: it names no model")
    return request


def _with_a_rerun(history: object) -> object:
    """The history, with what the owner did; one that is no list is left to the validation."""
    rerun = {**ASKED_BY_THE_OWNER, "started": None, "ended": None}
    return [*history, rerun] if isinstance(history, list) else history


def write_request(request: Request) -> bytes:
    """The file of a request: the known fields in their order, then the unknown ones as they were."""
    known: dict[str, object] = _ADAPTER.dump_python(request, mode="json", exclude={"extra"})
    return write_object(known | dict(request.extra))


def _mistakes(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:3])
