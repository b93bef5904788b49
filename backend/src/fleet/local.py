"""Members as processes of this machine, for trying out a fleet and for tests.

Each has a file in the folder of the fleet, and holds it locked as long as it lives. So a dispatcher that
starts later finds it, and never takes another process for it. By the number of a process alone it could.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from src.fleet.flavour import Flavour
from src.fleet.logs_of_members import end_of, hangs, private, remove_old
from src.fleet.member import Member
from src.fleet.own_machines import OwnMachine, OwnTerms
from src.fleet.seam import FleetError, NoHardware
from src.fleet.situation import Start
from src.shared.times import utc_now
from src.withdrawn_secrets import PIPE, into_a_pipe, is_secret

log = logging.getLogger(__name__)

BACKEND = Path(__file__).resolve().parents[2]

FILE = re.compile(r"(?P<name>[a-z0-9-]{1,60})\.(?P<id>[0-9a-f]{8})\.json")
LEFT = re.compile(r"[a-z0-9-]{1,60}\.[0-9a-f]{8}\.(json|log|pid|stop)")
"""The names of all files of members. The folder may hold others."""

LONGEST_FILE = 2_000
SHOWN_FOR = timedelta(days=1)
"""How long a member that has ended is shown."""

UNKNOWN_MACHINE = "FLEET_MACHINES does not name {} any more."
NOT_STARTED = "The worker {} could not be started on this machine: {}."
NOT_STOPPED = "The worker {} could not be told to end: {}."


@dataclass(frozen=True, kw_only=True)
class LocalTerms(OwnTerms):
    """The terms that all members have in common.

    Each machine is a share of this one: `small: 2 GB` so much memory.
    """

    command: Sequence[str] = (sys.executable, "-u", "-m", "src.worker", "--drain")


class MemberFile(BaseModel):
    """The contents of a member's file."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    flavour: str = Field(max_length=60)
    price: float | None = Field(default=None, ge=0)
    smallest: float = Field(ge=0)
    largest: float = Field(ge=0)
    ordered: datetime


class LocalFleet:
    """Members as processes of this machine."""

    def __init__(self, terms: LocalTerms) -> None:
        self._terms = terms
        self._machines = {each.name: each for each in terms.machines}
        self._folder = terms.folder / hashlib.sha256(terms.board.encode()).hexdigest()[:8]
        self._children: list[subprocess.Popen[bytes]] = []

    def offers(self) -> Sequence[Flavour]:
        """Return the shares of this machine that the owner has named."""
        return tuple(each.flavour for each in self._machines.values())

    def members(self) -> Sequence[Member]:
        """Return the members that run, and those that ended within the last day. Raises FleetError."""
        self._children = [
            each for each in self._children if each.poll() is None
        ]  # so that none stays a zombie
        folder = private(self._folder)
        found = (self._member(file) for file in sorted(folder.glob("*.json")))
        shown = [each for each in found if each and not _is_old(each)]
        return sorted(shown, key=lambda each: (each.ordered, each.id))

    def start(self, order: Start) -> Member:
        """Start a process, unless a member of this name runs. Raises NoHardware and FleetError."""
        machine = self._machines.get(order.flavour.name)
        if machine is None:
            raise NoHardware(UNKNOWN_MACHINE.format(order.flavour.name))
        folder = private(self._folder)
        with FileLock(folder / "starting.lock"):
            there = [each for each in self.members() if each.ended is None and each.name == order.name]
            if there:
                return there[0]
            remove_old(each for each in folder.iterdir() if _is_left(each))
            return self._begin(order, machine)

    def stop(self, member: Member) -> None:
        """Tell a member to give its evaluation back and to end; kill one that hangs. Raises FleetError."""
        file = self._file(member)
        if not _is_held(file):
            return
        try:
            process = int(file.with_suffix(".pid").read_text())
            if hangs(file.with_suffix(".stop")):
                os.killpg(process, signal.SIGKILL)  # its evaluations end when their worker is gone
            else:
                os.kill(process, signal.SIGTERM)
        except ProcessLookupError:
            return
        except (OSError, ValueError) as error:
            raise FleetError(NOT_STOPPED.format(member.worker, error)) from error

    def end_of_log(self, member: Member) -> str:
        """Return the end of what a member printed. Raises FleetError."""
        return end_of(self._file(member).with_suffix(".log"), member.worker)

    def _file(self, member: Member) -> Path:
        return self._folder / f"{member.worker}.json"

    def _begin(self, order: Start, machine: OwnMachine) -> Member:
        """Write the file of a member, lock it, and start the process that keeps the lock."""
        now = utc_now()
        member = order.member(now, price=machine.price, id=secrets.token_hex(4), started=now)
        file = self._file(member)
        try:
            with _locked_for_a_child(file) as lock, file.with_suffix(".log").open("ab") as output:
                file.write_text(_as_file(member).model_dump_json())
                process = self._process(order, machine, member, lock, output.fileno())
            file.with_suffix(".pid").write_text(str(process.pid))
        except OSError as error:
            raise FleetError(NOT_STARTED.format(member.worker, error.strerror)) from error
        self._children.append(process)
        return member

    def _process(
        self, order: Start, machine: OwnMachine, member: Member, lock: int, output: int
    ) -> subprocess.Popen[bytes]:
        terms = self._terms
        pipe = into_a_pipe(terms.tokens)
        try:
            return subprocess.Popen(
                [*terms.command, *order.options(price=machine.price)],
                cwd=BACKEND,
                env={
                    **{name: value for name, value in terms.environment.items() if not is_secret(name)},
                    "MAX_MEMORY_GB": f"{machine.max_memory_gb:.3f}",
                    **terms.variables,
                    "WORKER_ID": member.worker,
                    PIPE: str(pipe),
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(lock, pipe),
                start_new_session=True,  # what ends the dispatcher must not end its members
            )
        finally:
            os.close(pipe)

    def _member(self, file: Path) -> Member | None:
        """Return the member of a file, or None for one that we have not written."""
        found = FILE.fullmatch(file.name)
        try:
            with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW), "rb") as opened:
                said = MemberFile.model_validate_json(opened.read(LONGEST_FILE))
        except (OSError, ValidationError):
            return None
        if found is None or said.ordered.tzinfo is None:
            return None
        return Member(
            name=found["name"],
            id=found["id"],
            flavour=said.flavour,
            price=said.price,
            smallest=said.smallest,
            largest=said.largest,
            ordered=said.ordered,
            started=said.ordered,
            ended=None if _is_held(file) else max(_last_line(file.with_suffix(".log")), said.ordered),
        )


def _as_file(member: Member) -> MemberFile:
    return MemberFile(
        flavour=member.flavour,
        price=member.price,
        smallest=member.smallest,
        largest=member.largest,
        ordered=member.ordered,
    )


@contextmanager
def _locked_for_a_child(file: Path) -> Iterator[int]:
    """Make a file and lock it. The lock lasts until the last process that has inherited it ends."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _is_held(file: Path) -> bool:
    """Return whether a process holds the lock of a file: the member lives."""
    try:
        with file.open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)  # others may look at the same moment
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _last_line(log_file: Path) -> datetime:
    """Return when a log was last written to, which is about when its member ended."""
    with suppress(OSError):
        return datetime.fromtimestamp(log_file.stat().st_mtime, UTC)
    return datetime.min.replace(tzinfo=UTC)


def _is_left(file: Path) -> bool:
    """Return whether a file is of a member that has ended and is not shown any more."""
    has_ended = LEFT.fullmatch(file.name) and not _is_held(file.with_suffix(".json"))
    return bool(has_ended) and utc_now() - _last_line(file.with_suffix(".log")) >= SHOWN_FOR


def _is_old(member: Member) -> bool:
    return member.ended is not None and utc_now() - member.ended >= SHOWN_FOR
