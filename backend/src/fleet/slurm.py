"""Members as jobs of a cluster with Slurm: sbatch, squeue and scancel, on a node where they work.

`squeue` with a format of ours is what all versions and all clusters have: `--json` differs between versions,
and `sacct` needs a database that small clusters lack. The token of members is in the environment of sbatch,
never in its arguments, nor in a file. docs/security.md says who can see what.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path

from src.fleet.flavour import MB_PER_GB, Flavour
from src.fleet.logs_of_members import end_of, private, remove_old
from src.fleet.member import Member
from src.fleet.own_machines import OwnMachine, OwnTerms
from src.fleet.seam import FleetError, NoHardware
from src.fleet.situation import Start
from src.inference.endpoints import one_line
from src.shared.times import Clock, utc_now
from src.withdrawn_secrets import is_secret

log = logging.getLogger(__name__)

BACKEND = Path(__file__).resolve().parents[2]
"""The folder of the backend, which the nodes must have at the same place."""

SCRIPT = BACKEND / "slurm" / "member.sh"
PATIENCE_SECONDS = 60.0
"""How long a command of Slurm may take. A busy controller answers after many seconds."""

WARNED_SECONDS = 120
"""How long before the end of its time a member is told to give its evaluation back."""

MOST_ANSWERED = 5_000_000
"""The most bytes of an answer that are read: the lines of some ten thousand jobs."""

NAME = re.compile(
    r"lb-(?P<board>[0-9a-f]{8}):(?P<name>[a-z0-9-]{1,60}):(?P<smallest>\d{1,9})-(?P<largest>\d{1,9})"
    r":(?P<flavour>[a-z0-9-]{1,30})"
)
"""The name of a member's job: the board, the member, the megabytes that it takes, its machine."""

FORMAT = "|%A|%T|%V|%S|%e|%r|%j"
"""Id, state, times of submission, start and end, reason, name. The name comes last: it may hold anything."""

WAITING = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD"})
GOING = frozenset({"RUNNING", "RESIZING", "SIGNALING", "STOPPED", "SUSPENDED", "STAGE_OUT"})
"""All other states are ends, also COMPLETING: what is left of such a job claims nothing more."""

FOR_COMMANDS = ("PATH", "HOME", "USER", "LOGNAME", "LD_LIBRARY_PATH")
FOR_SLURM = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT")
"""The variables by which commands find the cluster. Others, such as SQUEUE_FORMAT, change what they do."""

FOR_SBATCH = ("SBATCH_ACCOUNT", "SBATCH_PARTITION", "SBATCH_QOS", "SBATCH_RESERVATION", "SBATCH_CONSTRAINT")
"""The variables of the owner's that sbatch goes by, as it does when the owner calls it."""

NOT_THERE = "{} was not found. Run the fleet where the commands of Slurm are: on a login node of the cluster."
TOO_SLOW = "{} has not answered within {:.0f} seconds. It will be retried automatically."
NOT_REACHED = "Slurm does not answer: {} It will be retried automatically."
REFUSED = "Slurm takes no job for {}: {} Correct its options in FLEET_MACHINES ({})."
UNKNOWN_MACHINE = "FLEET_MACHINES does not name {} any more."
NOT_AN_ID = "sbatch answered {!r}, where the number of a job was expected."
NO_SCRIPT = "The script {} is missing. Copy it from the template."
FAILED = "{} failed: {}"

UNREACHABLE = re.compile(
    r"contact|timed out|timeout|connect|socket|temporarily|munge|authenticat", re.IGNORECASE
)
"""Words of errors that do not depend on what was asked for."""

IS_GONE = re.compile(r"invalid job id|already complet", re.IGNORECASE)

STARTS_LATER = "Slurm says: {}."
ENDED_AS = "Slurm says that it ended: {}."


@dataclass(frozen=True, kw_only=True)
class SlurmTerms(OwnTerms):
    """What all members have in common. Nodes must have the folder at the same place."""

    longest: timedelta = timedelta(hours=24)
    """How long a member's start and one evaluation may take together."""
    script: Path = SCRIPT

    @property
    def digest(self) -> str:
        """The part of a job's name that all members of this leaderboard have."""
        return hashlib.sha256(self.board.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Answer:
    """What a command left."""

    status: int
    output: str
    error: str

    @property
    def why(self) -> str:
        """The last thing that it complained about, as a sentence."""
        lines = [each for each in self.error.splitlines() if each.strip()]
        text = one_line(re.sub(r"^\w+: (error|fatal): ", "", lines[-1])) if lines else ""
        return f"{text.rstrip('.') or f'exit status {self.status}'}."


class SlurmFleet:
    """Members as jobs of a cluster."""

    def __init__(self, terms: SlurmTerms, *, clock: Clock = utc_now) -> None:
        self._terms = terms
        self._machines = {each.name: each for each in terms.machines}
        self._clock = clock

    def offers(self) -> Sequence[Flavour]:
        """Return the machines that the owner has named. No command says what they have for a model."""
        return tuple(each.flavour for each in self._machines.values())

    def members(self) -> Sequence[Member]:
        """Return the members that wait or run, and those that Slurm still shows a while after their end.

        Raises FleetError.
        """
        marker = secrets.token_hex(8)
        command = (
            "squeue",
            "--noheader",
            "--states=all",
            f"--user={os.getuid()}",
            f"--format={marker}{FORMAT}",
        )
        answer = self._run(*command)
        if answer.status:
            raise FleetError(NOT_REACHED.format(answer.why))
        found = {each.id: each for each in self._ours(answer.output, marker)}
        return sorted(found.values(), key=_age)

    def start(self, order: Start) -> Member:
        """Submit a job, unless a member of this name waits or runs. Raises NoHardware and FleetError.

        Look again afterwards: of two that were ordered at once, by two dispatchers, the later one ends.
        """
        if there := self._going(order.name):
            return there[0]
        made = self._submit(order)
        there = self._going(order.name)
        if there and there[0].id != made.id:
            self.stop(made)
            return there[0]
        return made

    def stop(self, member: Member) -> None:
        """End a job. One that runs is told so, and gives its evaluation back. Raises FleetError.

        Only the member is told, not the evaluation beneath it. Otherwise that might seem to have crashed.
        """
        told = ["--batch", "--signal=TERM"] if member.is_running else []
        answer = self._run("scancel", *told, member.id)
        if answer.status and not IS_GONE.search(answer.error):
            raise FleetError(FAILED.format("scancel", answer.why))

    def end_of_log(self, member: Member) -> str:
        """Return the end of what a job printed. Raises FleetError."""
        return end_of(self._log(member.id), member.worker)

    def _log(self, id: str) -> Path:
        return self._terms.folder / f"{id}.log"

    def _going(self, name: str) -> list[Member]:
        return [each for each in self.members() if each.ended is None and each.name == name]

    def _submit(self, order: Start) -> Member:
        terms, machine = self._terms, self._machines.get(order.flavour.name)
        if machine is None:
            raise NoHardware(UNKNOWN_MACHINE.format(order.flavour.name))
        if not terms.script.is_file():
            raise FleetError(NO_SCRIPT.format(terms.script))
        remove_old(private(terms.folder))
        answer = self._run(*self._command(order, machine), environment=self._environment(order, machine))
        if answer.status:
            if UNREACHABLE.search(answer.error):
                raise FleetError(NOT_REACHED.format(answer.why))
            options = " ".join(machine.options) or "it has none"
            raise NoHardware(REFUSED.format(machine.name, answer.why, options))
        id = answer.output.strip().partition(";")[0]
        if not re.fullmatch(r"[0-9]{1,12}", id):
            raise FleetError(NOT_AN_ID.format(one_line(answer.output)))
        return Member(
            name=order.name,
            id=id,
            flavour=machine.name,
            price=machine.price,
            smallest=order.smallest,
            largest=order.largest,
            ordered=self._clock(),
        )

    def _command(self, order: Start, machine: OwnMachine) -> list[str]:
        """Return the command that submits a member. Everybody on the cluster can see it."""
        terms = self._terms
        sizes = [round(each * MB_PER_GB) for each in (order.smallest, order.largest)]
        name = f"lb-{terms.digest}:{order.name}:{sizes[0]}-{sizes[1]}:{machine.name}"
        price = [] if machine.price is None else ["--price", f"{machine.price:g}"]
        return [
            "sbatch",
            *machine.options,
            "--parsable",
            f"--job-name={name}",
            "--export=ALL",  # of an environment that we have made, see `_environment`
            f"--time={ceil((order.claims_for + terms.longest) / timedelta(minutes=1))}",
            f"--signal=B:TERM@{WARNED_SECONDS}",
            "--no-requeue",  # what a broken node leaves undone, the queue gives to another
            "--open-mode=append",
            f"--chdir={BACKEND}",
            f"--output={str(terms.folder).replace('%', '%%')}/%j.log",
            str(terms.script),
            *("--smallest-gb", f"{order.smallest:.3f}", "--largest-gb", f"{order.largest:.3f}"),
            *("--claims-for", f"{order.claims_for / timedelta(hours=1):g}"),
            *("--hardware", machine.name, *price),
        ]

    def _environment(self, order: Start, machine: OwnMachine) -> dict[str, str]:
        """Return the whole environment of a member, which sbatch takes over from its own."""
        terms = self._terms
        memory = {} if machine.accelerators else {"MAX_MEMORY_GB": f"{machine.memory_gb:g}"}
        return {
            **without_secrets(terms.environment),
            **{name: terms.environment[name] for name in FOR_SLURM[:2] if name in terms.environment},
            **{name: terms.environment[name] for name in FOR_SBATCH if name in terms.environment},
            "DEVICE": "cuda" if machine.accelerators else "cpu",
            **memory,
            **terms.variables,
            **terms.tokens,
            "LEADERBOARD_PYTHON": sys.executable,
            "LEADERBOARD_MEMBER": order.name,
        }

    def _ours(self, output: str, marker: str) -> Iterator[Member]:
        """Yield the members among the jobs of this user.

        A job may be named anything, also several lines of which one looks like a member. Lines of squeue
        begin with the marker, which nobody could know before.
        """
        for line in output.split("\n"):
            parts = line.split("|", FORMAT.count("|"))
            if parts[0] != marker or len(parts) <= FORMAT.count("|"):
                continue
            member = self._member(*parts[1:])
            if member:
                yield member

    def _member(
        self, id: str, state: str, submitted: str, start: str, end: str, reason: str, name: str
    ) -> Member | None:
        """Return the member that a job is, or None for any other job."""
        found, ordered = NAME.fullmatch(name), time_of(submitted)
        if found is None or found["board"] != self._terms.digest or not re.fullmatch(r"[0-9]{1,12}", id):
            return None
        machine = self._machines.get(found["flavour"])
        has_ended = state not in WAITING | GOING
        started = None if state in WAITING else time_of(start)
        return Member(
            name=found["name"],
            id=id,
            flavour=found["flavour"],
            price=machine.price if machine else None,
            smallest=int(found["smallest"]) / MB_PER_GB,
            largest=int(found["largest"]) / MB_PER_GB,
            ordered=ordered or self._clock(),
            started=started or (self._clock() if state in GOING else None),
            ended=(time_of(end) or self._clock()) if has_ended else None,
            message=_message(state, reason, has_ended=has_ended),
        )

    def _run(self, *command: str, environment: Mapping[str, str] | None = None) -> Answer:
        """Run a command of Slurm. Raises FleetError if it is not there, or does not end."""
        given = self._terms.environment
        usual = {name: given[name] for name in (*FOR_COMMANDS, *FOR_SLURM) if name in given}
        try:
            done = subprocess.run(
                command,
                env=environment or {**usual, "TZ": "UTC", "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise FleetError(TOO_SLOW.format(command[0], PATIENCE_SECONDS)) from None
        except FileNotFoundError:
            raise FleetError(NOT_THERE.format(command[0])) from None
        except OSError as error:
            raise FleetError(FAILED.format(command[0], error.strerror)) from error
        printed, told = (each[:MOST_ANSWERED].decode(errors="replace") for each in (done.stdout, done.stderr))
        return Answer(done.returncode, printed, told)


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without secrets, and without what belongs to a job in which the fleet may run."""
    belongs_to_a_job = ("SLURM", "SBATCH_", "SQUEUE_", "SCANCEL_", "SRUN_", "WORKER_ID", "PMI")
    return {
        name: value
        for name, value in environment.items()
        if not is_secret(name) and not name.startswith(belongs_to_a_job)
    }


def time_of(text: str) -> datetime | None:
    """Return a time as squeue writes it with TZ=UTC, or None for `N/A`, `Unknown` and whatever else."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _age(member: Member) -> int:
    """Sort members by their ids, which Slurm counts up."""
    return int(member.id)


def _message(state: str, reason: str, *, has_ended: bool) -> str:
    """Return what Slurm says about a job, or nothing if that is nothing new."""
    known = reason if reason not in ("None", "") else ""
    if has_ended:
        words = [
            each
            for each in (state.lower() if state not in ("COMPLETED", "COMPLETING") else "", known)
            if each
        ]
        return one_line(ENDED_AS.format(", ".join(words))) if words else ""
    return one_line(STARTS_LATER.format(known)) if known else ""
