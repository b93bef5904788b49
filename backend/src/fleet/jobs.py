"""The fleet on the Hub's Jobs: each member is a job, found again by its labels, and billed by the minute.

The calls are those of huggingface_hub. Labels and everything else that a list of jobs says may come from
others who share the account, so it counts only when it is complete and well formed.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from huggingface_hub import JobHardwareInfo, JobInfo
from huggingface_hub.utils import build_hf_headers, paginate

from src.fleet.flavour import MB_PER_GB, Flavour
from src.fleet.member import Member
from src.fleet.seam import FleetError, NoHardware
from src.fleet.situation import Limits, Start
from src.inference.endpoints import ANY_FAILURE, SOLD_OUT, one_line
from src.shared.data.request_fields import MOST_DOLLARS_AN_HOUR
from src.shared.process.steady import steady_now
from src.shared.stores.hub import FAILURES, Hub, TooManyCalls, is_passing, reason, status_of
from src.shared.times import Clock, utc_now

log = logging.getLogger(__name__)

LISTED_FOR = timedelta(hours=1)
"""How long the Hub's list of hardware counts before it is asked for again."""

A_DAY = timedelta(days=1)
MOST_MEMORY_GB = 100_000
MOST_LISTED = 2_000
"""Read no more jobs than this of a list."""

LOG_LINES, LOG_CHARACTERS = 50, 10_000
"""How much of a job's log is read at most."""

BOARD, MEMBER, SMALLEST, LARGEST = "leaderboard", "member", "smallest-mb", "largest-mb"
"""The labels of a member. Their values are letters, digits, `-` and `_` only."""

FLAVOUR = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
ID = re.compile(r"[0-9a-zA-Z]{8,64}")
SIZE = re.compile(r"(\d+(?:\.\d+)?) ?GB")
GOING, OVER = ("SCHEDULING", "RUNNING"), ("COMPLETED", "CANCELED", "ERROR", "DELETED")

NO_BALANCE = (
    "The Hub starts no Job for {namespace} without a positive balance (402). Add credits at "
    "https://huggingface.co/settings/billing."
)
NO_RIGHT = (
    "The token in {token} may not manage the Jobs of {namespace} ({status}). Give it that permission, or "
    "name another account in FLEET_NAMESPACE."
)
IS_SOLD_OUT = "The Hub has no {flavour} for Jobs at the moment. It will be retried automatically."
NOT_STARTED = "The Hub did not start a Job on {flavour}: {reason}"
NOT_REACHED = "The Hub's Jobs cannot be managed at the moment: {reason}"

SETTING_UP = """\
set -eu
code=$1 revision=$2 client=$3 name=$4; shift 4
install() { env -u HF_TOKEN -u HF_READ_TOKEN pip install --quiet "$@"; }
install "huggingface_hub==$client"
hf download --quiet --repo-type space --revision "$revision" --local-dir backend "$code"
cd backend
install --requirement requirements.txt
export WORKER_ID="$name.$JOB_ID"
exec python -m src.worker --drain "$@"
"""
"""What a member runs on a plain image of Python. It holds no token: the client finds that in HF_TOKEN, and
installers do not see it.
"""

READY_MADE = """\
set -eu
export WORKER_ID="$1.$JOB_ID"; shift
exec python -m src.worker --drain "$@"
"""
"""The same on an image that has the backend in its working folder, as backend/Dockerfile makes it."""

PLAIN_IMAGE = "python:3.11"


@dataclass(frozen=True, kw_only=True)
class JobTerms:
    """What all members have in common."""

    namespace: str
    """The account that runs the jobs and pays for them."""
    board: str
    """The requests dataset, which tells this leaderboard's members from all other jobs of the account."""
    image: str | None = None
    """An image with the backend in its working folder; None for a plain one into which `code` is fetched."""
    code: str = ""
    """The Space that has the backend's files."""
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    longest: timedelta = timedelta(hours=24)
    """How long a member's start and one evaluation may take together."""
    limits: Limits = field(default_factory=Limits)
    max_model_gb: float | None = None
    """The largest weights that the owner allows, whatever the hardware takes."""
    uses_all_gpus: bool = False
    """Whether a model is spread over all GPUs of a machine. Otherwise only one counts."""

    @property
    def digest(self) -> str:
        """The label that all members of this leaderboard have."""
        return hashlib.sha256(self.board.encode()).hexdigest()[:16]


class JobsFleet:
    """Members as Jobs. `once` makes calls that must not be repeated blindly, `clock` is for intervals."""

    def __init__(self, hub: Hub, once: Hub, terms: JobTerms, *, clock: Clock = steady_now) -> None:
        self._hub, self._once = hub, once
        self._terms = terms
        self._clock = clock
        self._offers: tuple[Flavour, ...] = ()
        self._listed: datetime | None = None

    def offers(self) -> Sequence[Flavour]:
        """Return the Hub's hardware, cheapest first; asked for once an hour. Raises FleetError."""
        now = self._clock()
        if self._listed is None or now - self._listed >= LISTED_FOR:
            try:
                listed = self._hub.call(self._hub.api.list_jobs_hardware)
            except ANY_FAILURE as error:
                raise self._error(error) from error
            found = filter(None, (flavour_from(each, self._terms.uses_all_gpus) for each in listed))
            self._offers = tuple(sorted(found, key=lambda each: (each.price, each.name)))
            self._listed = now
        return self._offers

    def members(self) -> Sequence[Member]:
        """Return the members that wait or run, and those that ended within the last day.

        Raises FleetError.
        """
        try:
            going = self._hub.call(lambda: list(islice(self._jobs(GOING), MOST_LISTED)))
            ended = self._hub.call(lambda: list(self._lately_ended()))
        except ANY_FAILURE as error:
            raise self._error(error) from error
        found = {each.id: each for each in self._ours([*going, *ended])}
        return sorted(found.values(), key=lambda each: (each.ordered, each.id))

    def start(self, order: Start) -> Member:
        """Start a member, unless one of its name waits or runs. Raises NoHardware and FleetError.

        The Hub lets two jobs have one name. So look again after the start: of two that two dispatchers
        ordered at once, the later one ends.
        """
        if there := self._going(order.name):
            return there[0]
        try:
            made = self._once.call(self._once.api.run_job, **self._body(order))
        except ANY_FAILURE as error:
            raise self._error(error, order.flavour.name) from error
        there = self._going(order.name)
        if there and there[0].id != made.id:
            self._cancel(made.id)
            return there[0]
        member = there[0] if there else self._member(vars(made))
        if member is None:  # it would never be found again
            self._cancel(made.id)
            raise FleetError(
                NOT_STARTED.format(flavour=order.flavour.name, reason="its answer is not the Hub's.")
            )
        return member

    def stop(self, member: Member) -> None:
        """Cancel the job of a member. Raises FleetError."""
        self._cancel(member.id)

    def end_of_log(self, member: Member) -> str:
        """Return the last lines of a job's log. Raises FleetError."""
        namespace = self._terms.namespace

        def read() -> list[str]:
            lines = self._hub.api.fetch_job_logs(job_id=member.id, namespace=namespace, tail=LOG_LINES)
            return [str(each)[:LOG_CHARACTERS] for each in islice(lines, LOG_LINES)]

        try:
            return "\n".join(self._hub.call(read))[-LOG_CHARACTERS:]
        except ANY_FAILURE as error:
            raise self._error(error) from error

    def _cancel(self, id: str) -> None:
        try:
            self._hub.call(self._hub.api.cancel_job, job_id=id, namespace=self._terms.namespace)
        except ANY_FAILURE as error:
            if status_of(error) != 404:
                raise self._error(error) from error

    def _body(self, order: Start) -> dict[str, Any]:
        """Return the arguments of `run_job`."""
        terms, flavour = self._terms, order.flavour
        sizes = ["--smallest-gb", f"{order.smallest:.3f}", "--largest-gb", f"{order.largest:.3f}"]
        rest = [
            *("--claims-for", f"{order.claims_for / timedelta(hours=1):g}"),
            *("--hardware", flavour.name, "--price", f"{flavour.price:g}"),
        ]
        command = ["sh", "-c", READY_MADE, "member", order.name, *sizes, *rest]
        if terms.image is None:
            from huggingface_hub import __version__ as client

            code = [terms.code, self._revision(), client, order.name]
            command = ["sh", "-c", SETTING_UP, "member", *code, *sizes, *rest]
        device = "cuda" if flavour.accelerators else "cpu"
        return {
            "image": terms.image or PLAIN_IMAGE,
            "command": command,
            "env": {**terms.variables, **self._largest(), "DEVICE": device, "PYTHONUNBUFFERED": "1"},
            "secrets": dict(terms.secrets),
            "flavor": flavour.name,
            "timeout": int((order.claims_for + terms.longest).total_seconds()),
            "name": f"leaderboard-{terms.digest[:8]}-{order.name}",
            "labels": {
                BOARD: terms.digest,
                MEMBER: order.name,
                SMALLEST: str(round(order.smallest * MB_PER_GB)),
                LARGEST: str(round(order.largest * MB_PER_GB)),
            },
            "namespace": terms.namespace,
        }

    def _largest(self) -> dict[str, str]:
        """Return the setting that has members publish the same limit as the dispatcher."""
        rooms = [each.room for each in self._offers if self._terms.limits.allows(each)]
        limits = filter(None, (max(rooms, default=None), self._terms.max_model_gb))
        most = min(limits, default=None)
        return {} if most is None else {"MAX_MODEL_GB": f"{most:g}"}

    def _revision(self) -> str:
        """Return the commit of the backend's files now, so that all of a member's files are of one commit."""
        found = self._hub.call(self._hub.api.space_info, self._terms.code)
        return str(found.sha)

    def _going(self, name: str) -> list[Member]:
        """Return the members of this name that wait or run, the oldest first. Raises FleetError."""
        try:
            listed = self._hub.call(lambda: list(islice(self._jobs(GOING, {MEMBER: name}), MOST_LISTED)))
        except ANY_FAILURE as error:
            raise self._error(error) from error
        found = [each for each in self._ours(listed) if each.ended is None and each.name == name]
        return sorted(found, key=lambda each: (each.ordered, each.id))

    def _jobs(self, stages: Iterable[str], labels: Mapping[str, str] | None = None) -> Iterator[Any]:
        """Yield this leaderboard's jobs in these stages as the Hub writes them, from all pages.

        One job that the client cannot read must not hide the others, so they are not read by the client.
        """
        api = self._hub.api
        wanted = {BOARD: self._terms.digest, **(labels or {})}
        params = [("stage", each) for each in stages] + [("label", f"{k}={v}") for k, v in wanted.items()]
        address = f"{api.endpoint}/api/jobs/{self._terms.namespace}"
        yield from paginate(address, params=params, headers=build_hf_headers(token=api.token))

    def _lately_ended(self) -> Iterator[Any]:
        """Yield the jobs that ended within the last day. The Hub lists the newest first."""
        since = utc_now() - 2 * A_DAY - self._terms.longest
        for each in islice(self._jobs(OVER), MOST_LISTED):
            made = parsed(each)
            if made and made.created_at and made.created_at < since:
                return
            yield each

    def _ours(self, listed: Iterable[Any]) -> Iterator[Member]:
        """Yield the members among jobs, but none that ended more than a day ago."""
        now = utc_now()
        for each in listed:
            member = self._member(each)
            if member and (member.ended is None or now - member.ended < A_DAY):
                yield member

    def _member(self, listed: Any) -> Member | None:
        """Return the member that a job is, or None for one whose labels are not ours."""
        job = parsed(listed)
        if job is None:
            return None
        labels = job.labels if isinstance(job.labels, dict) else {}
        name, sizes = labels.get(MEMBER), [labels.get(SMALLEST), labels.get(LARGEST)]
        is_ours = labels.get(BOARD) == self._terms.digest and isinstance(name, str) and NAME.fullmatch(name)
        if not is_ours or job.created_at is None or not all(map(_is_size, sizes)):
            log.warning("left the job %s alone, since its labels are not those of a member", one_line(job.id))
            return None
        smallest, largest = (int(str(each)) / MB_PER_GB for each in sizes)
        flavour = str(job.flavor)[:60]
        return Member(
            name=str(name),
            id=job.id,
            flavour=flavour,
            price=self._price(flavour),
            smallest=smallest,
            largest=largest,
            ordered=job.created_at,
            started=job.started_at,
            ended=_ended(job),
            url=job.url,
            message=one_line(job.status.message or ""),
        )

    def _price(self, flavour: str) -> float:
        """Return the dollars an hour of a flavour. One that is not on the list counts as the dearest."""
        prices = {each.name: each.price for each in self._offers}
        return prices.get(flavour, max(prices.values(), default=0.0))

    def _error(self, error: Exception, flavour: str | None = None) -> FleetError:
        """Return the error that a failed call means."""
        status = status_of(error)
        why = reason(error, self._hub) if isinstance(error, FAILURES) else "its answer is not the Hub's."
        names = {"namespace": self._terms.namespace, "token": self._hub.token_name, "status": status}
        if is_passing(error) or isinstance(error, TooManyCalls) or status is None:
            return FleetError(NOT_REACHED.format(reason=why))
        if status == 402:
            return FleetError(NO_BALANCE.format(**names))
        if status in (401, 403):
            return FleetError(NO_RIGHT.format(**names))
        if flavour and SOLD_OUT.search(one_line(getattr(error, "server_message", None) or "")):
            return NoHardware(IS_SOLD_OUT.format(flavour=flavour))
        if flavour:
            return NoHardware(NOT_STARTED.format(flavour=flavour, reason=why))
        return FleetError(NOT_REACHED.format(reason=why))


def flavour_from(listed: JobHardwareInfo, uses_all_gpus: bool = False) -> Flavour | None:
    """Return an entry of the Hub's list, or None for one whose memory or price cannot be read."""
    gpu = listed.accelerator if listed.accelerator and listed.accelerator.type == "gpu" else None
    if listed.accelerator and gpu is None:
        return None  # something that torch does not compute on by itself, such as a TPU
    try:
        memory = _gigabytes(gpu.vram if gpu else listed.ram)
        number = int(gpu.quantity) if gpu else 0
        a_minute = float(listed.unit_cost_usd) or listed.unit_cost_micro_usd / 1e6
    except (TypeError, ValueError):
        return None
    is_believable = 0 < a_minute * 60 <= MOST_DOLLARS_AN_HOUR and 0 < memory <= MOST_MEMORY_GB
    if listed.unit_label != "minute" or not is_believable or not FLAVOUR.fullmatch(listed.name):
        return None
    one = memory if uses_all_gpus or number < 2 else memory / number
    return Flavour(listed.name, one, round(a_minute * 60, 4), number)


def parsed(listed: Any) -> JobInfo | None:
    """Return a job that the Hub or its client wrote, or None for one that cannot be understood."""
    try:
        job = JobInfo(**listed)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    times = (job.created_at, job.started_at, job.finished_at)
    is_right = (
        isinstance(job.id, str)
        and ID.fullmatch(job.id)
        and all(each is None or each.tzinfo for each in times)
    )
    return job if is_right else None


def _ended(job: JobInfo) -> datetime | None:
    """Return when a job ended, or None while it waits or runs. Unknown stages count as going on."""
    if job.status.stage not in OVER:
        return None
    return job.finished_at or job.started_at or job.created_at


def _is_size(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 9


def _gigabytes(text: str) -> float:
    """Return the number in `24 GB`. Raises ValueError."""
    found = SIZE.fullmatch(str(text).strip())
    if found is None:
        raise ValueError(text)
    return float(found[1])
