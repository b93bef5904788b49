"""The request: one submission of a model, what became of it, and its JSON file in the requests dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    Counted,
    Name,
    Params,
    Precision,
    Price,
    Run,
    Stripped,
    Tasks,
    Text,
    Time,
    WeightType,
    WholeNumber,
    YesNo,
)

FORMAT = 1
"""The version of the file format that is written; files of the old template carry none."""

ORIGINAL, ADAPTER, DELTA = "Original", "Adapter", "Delta"
"""The weight types: whole models, adapters that are put onto a base model, and differences from one."""

NO_DELTAS = "Add the delta to its base model and submit the whole model."
"""What to do about a delta."""


class Status(StrEnum):
    """Where a request stands in its life. These words are written nowhere else."""

    WAITING = "WAITING"
    """It waits until a maintainer approves it. No worker claims it."""
    PENDING = "PENDING"
    """It waits until a worker claims it."""
    RUNNING = "RUNNING"
    """A worker holds its lease and evaluates it."""
    FINISHED = "FINISHED"
    """Its result is in the results dataset, at `result`."""
    FAILED = "FAILED"
    """It ended without a result; `message` has the reason. It can be submitted again."""
    CANCELLED = "CANCELLED"
    """It was withdrawn, or cancelled by hand; it can be submitted again."""


WAITS_FOR_APPROVAL = "It waits for a maintainer to approve it."
WAITS_FOR_A_WORKER = "It waits for a worker."
WAITS_FOR_ROOM = "it waits for a worker that has room for them"
WAITS_FOR_ITS_SIZE = "it waits for a worker that takes models of its size"
WAITS_FOR_A_SERVER = "it waits until the leaderboard's server has it"
WAITS_FOR_ITS_TASKS = "it waits for a worker that runs them"
WAITS_FOR_MONEY = "It waits until the leaderboard may spend money on hardware again, after midnight UTC."
EXPLAINED = (WAITS_FOR_ROOM, WAITS_FOR_ITS_SIZE, WAITS_FOR_A_SERVER, WAITS_FOR_ITS_TASKS, WAITS_FOR_MONEY)
"""Messages of a request that no worker has claimed yet, or parts of them. All but the first two mean that
no worker is missing.
"""

LEASE_RAN_OUT = "The worker that evaluated it stopped responding."
"""The message of an attempt whose worker counts as dead."""

CLOCK_SKEW = timedelta(minutes=5)
"""How much the clocks of different machines may differ."""

LONGEST_LEASE = timedelta(days=7)
"""A lease that ends further ahead comes from a wrong clock, or was written by hand."""

WITHDRAWN, RESUBMITTED = "withdrawn", "resubmitted"
"""The history entries that submitters make."""

APPROVED, REJECTED, CANCELLED, RETRIED, RERUN, IMPORTED = (
    *("approved", "rejected", "cancelled", "retried", "rerun", "imported"),
)
"""The history entries that maintainers make: `retried` after an end without a result, `rerun` after one with
a result, and `imported` for a result that no worker of this leaderboard computed.
"""

BY_PEOPLE = (WITHDRAWN, RESUBMITTED, APPROVED, REJECTED, RETRIED, RERUN, IMPORTED)
"""History entries that are no attempts. A `cancelled` one is a person's if it names them."""

AGAIN = (RETRIED, RERUN)
"""The entries after which attempts are the maintainers', not the submitter's."""

RERUN_STATUSES = ("RERUN", "PENDING_NEW_EVAL")
"""What owners write as the status, in old files too, to have a request evaluated again from the start."""

ASKED_BY_THE_OWNER = {
    "attempt": 0,
    "worker": "",
    "end": RERUN,
    "message": "The owner had it evaluated again.",
}
"""The history entry for that. Attempts after it are the owner's, not the submitter's."""

OTHER_SPELLINGS = {"CANCELED": Status.CANCELLED}


class Identity(NamedTuple):
    """What two requests share if they are the same: then they are evaluated once."""

    model: str
    commit: str | None
    precision: str
    weight_type: str
    use_chat_template: bool


@dataclass(frozen=True)
class Lease:
    """The right of one worker to evaluate a request until a time."""

    worker: str
    nonce: str
    """Distinguishes the worker's claims."""
    started: Time
    """When the request was claimed."""
    renewed: Time
    """When the lease, and with it `progress`, was last renewed."""
    until: Time
    hardware: str | None = None
    """The machine that the model runs on: an endpoint by the Hub's name, or the worker's own as set."""
    price: Price = None
    """What that machine costs for this evaluation, in dollars an hour."""
    own_machine: YesNo = False
    """Whether that is the worker's own machine, and not an endpoint that was rented for this evaluation."""

    def has_run_out(self, now: datetime, *, skew: timedelta = CLOCK_SKEW) -> bool:
        """Return whether the worker counts as dead, for any clock that is right within the skew."""
        return now - self.until > skew or self.until - now > LONGEST_LEASE

    def attempt(
        self,
        number: int,
        end: str,
        message: str,
        *,
        ended: datetime,
        log: str | None = None,
        by: str | None = None,
    ) -> Attempt:
        """Return the history entry of the attempt that was made under this lease."""
        return Attempt(
            attempt=number,
            worker=self.worker,
            started=self.started,
            ended=ended,
            end=end,
            message=message,
            log=log,
            hardware=self.hardware,
            price=self.price,
            by=by,
            own_machine=self.own_machine,
        )


class Phase(StrEnum):
    """What an evaluation on rented hardware waits for before its first task."""

    WAITING = "waiting"
    """The hardware was ordered."""
    STARTING = "starting"
    """The hardware is there and loads the model."""


def _known_phase(value: object) -> object:
    """Return None for a phase that only a newer version knows."""
    return value if value in tuple(Phase) else None


@dataclass(frozen=True)
class Progress:
    """How far the running task is."""

    task: str
    done: Counted
    """Counted in lm_eval's requests: one per choice or generation."""
    total: Counted
    phase: Annotated[Phase | None, BeforeValidator(_known_phase)] = None
    """What happens before the first task; None once tasks run."""


@dataclass(frozen=True)
class Attempt:
    """One entry of a request's history: an attempt that has ended, or what a person did at `ended`.

    A WITHDRAWN or CANCELLED entry names the worker if one was evaluating the request. A RESUBMITTED entry
    ends what was submitted at `started`. A RERUN entry that was written by hand has no time.
    """

    attempt: int
    worker: str
    started: Time | None
    ended: Time | None
    end: str
    """An `End`, or one of BY_PEOPLE."""
    message: str = ""
    log: str | None = None
    """The path of its log in the results dataset."""
    hardware: str | None = None
    price: Price = None
    """As in its lease. From `started` to `ended` it cost at most this many dollars an hour."""
    by: str | None = None
    """The login that did it, or that had submitted it before it was submitted again."""
    own_machine: YesNo = False
    """As in its lease."""

    @property
    def is_by_a_person(self) -> bool:
        """Whether a submitter or a maintainer made the entry, rather than a worker."""
        return self.by is not None or self.end in BY_PEOPLE


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request file. docs/data-format.md explains its fields. Those up to `license` are old.

    None means unknown.
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
    """In billions."""
    license: Text = ""
    commit: str | None = None
    """40 hexadecimal digits."""
    base_commit: str | None = None
    """The commit of the base model, if there is one."""
    use_chat_template: bool = False
    submitted_by: str | None = None
    """The login; None without one."""
    run: Run = None
    """The name of the evaluation that leads to the result."""
    attempt: Attempts = 0
    lease: Annotated[Lease | None, OR_NOTHING] = None
    progress: Annotated[Progress | None, OR_NOTHING] = None
    message: Text = ""
    history: Annotated[tuple[Attempt, ...], BeforeValidator(lambda value: value or ())] = ()
    result: str | None = None
    """The path of the result in the results dataset."""
    tasks: Tasks = None
    """The tasks of the suite to evaluate it on; None means all. Earlier results have the others' scores."""
    format: int = FORMAT
    extra: Mapping[str, object] = field(default_factory=dict)
    """The keys that we do not know, so that rewriting a file loses nothing."""

    @property
    def identity(self) -> Identity:
        """What another request must share to be the same."""
        return Identity(self.model, self.commit, self.precision, self.weight_type, self.use_chat_template)

    def is_same_as(self, other: Request) -> bool:
        """Return whether both are for the same evaluation.

        A request of the old template has no commit until it is claimed. Then the revisions are compared.
        """
        own, others = self.identity, other.identity
        if own.commit is None or others.commit is None:
            own, others = own._replace(commit=None), others._replace(commit=None)
            return own == others and self.revision == other.revision
        return own == others

    @property
    def kind(self) -> str:
        """How the model is evaluated, in words that distinguish separate evaluations."""
        template = ", with its chat template" if self.use_chat_template else ""
        return f"{self.precision}, {self.weight_type}{template}"

    @property
    def is_rerun(self) -> bool:
        """Whether it has a result, and waits or runs because a maintainer wants another one. So does a rerun
        that failed and is tried again.
        """
        asked = (each.end for each in reversed(self.history) if each.end in (RESUBMITTED, RERUN))
        return next(asked, None) == RERUN

    @property
    def history_of_the_run(self) -> tuple[Attempt, ...]:
        """The history since somebody last submitted it or had it evaluated again, with that entry."""
        begins = (number for number, each in enumerate(self.history) if each.end in (RESUBMITTED, *AGAIN))
        return self.history[max(begins, default=0) :]

    def tasks_among(self, suite: Iterable[str]) -> tuple[str, ...]:
        """Return the tasks of a suite that it is to be evaluated on, in the suite's order."""
        return tuple(task for task in suite if self.tasks is None or task in self.tasks)

    @property
    def submitted(self) -> datetime | None:
        """`submitted_time` as a time, or None when it is missing or not a time."""
        return from_text(self.submitted_time)


_ADAPTER = TypeAdapter(Request)
_KNOWN = {each.name for each in fields(Request)} - {"extra"}
_OF_A_RUN = {"run", "attempt", "lease", "progress", "result", "message", "tasks"}


def read_request(data: bytes) -> Request:
    """Read the request in a file of ours or of the old template. Raises BadFile if it is not one."""
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
    """Return the history with the owner's rerun. The validation handles a history that is not a list."""
    rerun = {**ASKED_BY_THE_OWNER, "started": None, "ended": None}
    return [*history, rerun] if isinstance(history, list) else history


def write_request(request: Request) -> bytes:
    """Write a request: the known fields in order, then the unknown ones unchanged."""
    known: dict[str, object] = _ADAPTER.dump_python(request, mode="json", exclude={"extra"})
    return write_object(known | dict(request.extra))


def _mistakes(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:3])
