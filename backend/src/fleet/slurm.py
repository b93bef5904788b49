"""Members as jobs of a cluster with Slurm: sbatch, squeue and scancel, on a node where they work."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from src.fleet.flavour import Flavour
from src.fleet.logs_of_members import end_of, hangs, private, remove_old
from src.fleet.member import Member
from src.fleet.seam import FleetError, NoHardware
from src.fleet.situation import Start
from src.fleet.slurm_commands import FAILED, Answer, run
from src.fleet.slurm_lists import FORMAT, members_in
from src.fleet.slurm_orders import LOG, SlurmTerms, command_of, environment_of
from src.inference.endpoints import one_line
from src.shared.times import Clock, utc_now

NOT_REACHED = "Slurm does not answer: {} It will be retried automatically."
REFUSED = "Slurm takes no job for {}: {} Correct its options in FLEET_MACHINES ({})."
UNKNOWN_MACHINE = "FLEET_MACHINES does not name {} any more."
NOT_AN_ID = "sbatch answered {!r}, where the number of a job was expected."
NO_SCRIPT = "The script {} is missing. Copy it from the template."
UNREACHABLE = re.compile(
    r"contact|timed out|timeout|connect|socket|temporarily|munge|authenticat", re.IGNORECASE
)
"""Words of errors that do not depend on what was asked for."""

FILE = re.compile(r"lb-[0-9]{1,12}\.(log|stop)")
"""The names of the files that members leave. The folder may hold others."""

IS_GONE = re.compile(r"invalid job id|already complet", re.IGNORECASE)


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
        ours = members_in(answer.output, marker, self._terms.digest, self._machines, self._clock())
        found = {each.id: each for each in ours}
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
        """End a job. One that runs is told so, and gives its evaluation back; one that hangs is killed.

        Only the member is told, not the evaluation beneath it. Otherwise that might seem to have crashed.
        Raises FleetError.
        """
        may_end_itself = member.is_running and not hangs(self._log(member.id).with_suffix(".stop"))
        told = ["--batch", "--signal=TERM"] if may_end_itself else []
        answer = self._run("scancel", *told, member.id)
        if answer.status and not IS_GONE.search(answer.error):
            raise FleetError(FAILED.format("scancel", answer.why))

    def end_of_log(self, member: Member) -> str:
        """Return the end of what a job printed. Raises FleetError."""
        return end_of(self._log(member.id), member.worker)

    def _log(self, id: str) -> Path:
        return self._terms.folder / LOG.format(id)

    def _going(self, name: str) -> list[Member]:
        return [each for each in self.members() if each.ended is None and each.name == name]

    def _submit(self, order: Start) -> Member:
        terms, machine = self._terms, self._machines.get(order.flavour.name)
        if machine is None:
            raise NoHardware(UNKNOWN_MACHINE.format(order.flavour.name))
        if not terms.script.is_file():
            raise FleetError(NO_SCRIPT.format(terms.script))
        remove_old(each for each in private(terms.folder).iterdir() if FILE.fullmatch(each.name))
        answer = self._run(
            *command_of(order, machine, terms), environment=environment_of(order, machine, terms)
        )
        if answer.status:
            if UNREACHABLE.search(answer.error):
                raise FleetError(NOT_REACHED.format(answer.why))
            options = " ".join(machine.options) or "it has none"
            raise NoHardware(REFUSED.format(machine.name, answer.why, options))
        last = answer.output.strip().rpartition("\n")[2]  # the cluster may greet or warn before
        id = last.strip().partition(";")[0]
        if not re.fullmatch(r"[0-9]{1,12}", id):
            raise FleetError(NOT_AN_ID.format(one_line(answer.output)))
        return order.member(self._clock(), price=machine.price, id=id)

    def _run(self, *command: str, environment: Mapping[str, str] | None = None) -> Answer:
        return run(*command, given=self._terms.environment, environment=environment)


def _age(member: Member) -> int:
    """Sort members by their ids, which Slurm counts up."""
    return int(member.id)
