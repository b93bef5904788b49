"""The order to Slurm that runs a member as a job: its name, its options, its environment.

The token of members is in the environment of sbatch, never in its arguments, nor in a file. docs/security.md
says who can see what.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from pathlib import Path

from src.fleet.flavour import MB_PER_GB
from src.fleet.own_machines import OwnMachine, OwnTerms
from src.fleet.situation import Start
from src.fleet.slurm_commands import FOR_SLURM
from src.withdrawn_secrets import is_secret

BACKEND = Path(__file__).resolve().parents[2]
"""The folder of the backend, which the nodes must have at the same place."""

SCRIPT = BACKEND / "slurm" / "member.sh"
WARNED_SECONDS = 120
"""How long before the end of its time a member is told to give its evaluation back."""

NAME = re.compile(
    r"lb-(?P<board>[0-9a-f]{8}):(?P<name>[a-z0-9-]{1,60}):(?P<smallest>\d{1,9})-(?P<largest>\d{1,9})"
    r":(?P<flavour>[a-z0-9-]{1,30})"
)
"""The name of a member's job: the board, the member, the megabytes that it takes, its machine."""

LOG = "lb-{}.log"
"""The name of a log, from the number of a job."""

FOR_SBATCH = ("SBATCH_ACCOUNT", "SBATCH_PARTITION", "SBATCH_QOS", "SBATCH_RESERVATION", "SBATCH_CONSTRAINT")
"""The variables of the owner's that sbatch goes by, as it does when the owner calls it."""


@dataclass(frozen=True, kw_only=True)
class SlurmTerms(OwnTerms):
    """The terms that all members have in common. Nodes must have the folder at the same place."""

    longest: timedelta = timedelta(hours=24)
    """How long a member's start and one evaluation may take together."""
    script: Path = SCRIPT

    @property
    def digest(self) -> str:
        """The part of a job's name that all members of this leaderboard have."""
        return hashlib.sha256(self.board.encode()).hexdigest()[:8]


def command_of(order: Start, machine: OwnMachine, terms: SlurmTerms) -> list[str]:
    """Return the command that submits a member. Everybody on the cluster can see it."""
    sizes = [round(each * MB_PER_GB) for each in (order.smallest, order.largest)]
    name = f"lb-{terms.digest}:{order.name}:{sizes[0]}-{sizes[1]}:{machine.name}"
    return [
        "sbatch",
        *machine.options,
        "--parsable",
        f"--job-name={name}",
        "--export=ALL",  # of an environment that we have made, see `environment_of`
        f"--time={ceil((order.claims_for + terms.longest) / timedelta(minutes=1))}",
        f"--signal=B:TERM@{WARNED_SECONDS}",
        "--no-requeue",  # what a broken node leaves undone, the queue gives to another
        "--open-mode=append",
        f"--chdir={BACKEND}",
        f"--output={str(terms.folder).replace('%', '%%')}/{LOG.format('%j')}",
        str(terms.script),
        *order.options(price=machine.price),
    ]


def environment_of(order: Start, machine: OwnMachine, terms: SlurmTerms) -> dict[str, str]:
    """Return the whole environment of a member, which sbatch takes over from its own."""
    given = terms.environment
    memory = {} if machine.accelerators else {"MAX_MEMORY_GB": f"{machine.max_memory_gb:.3f}"}
    return {
        **without_secrets(given),
        **{name: given[name] for name in (*FOR_SLURM, *FOR_SBATCH) if name in given},
        "DEVICE": "cuda" if machine.accelerators else "cpu",
        **memory,
        **terms.variables,
        **terms.tokens,
        "LEADERBOARD_PYTHON": sys.executable,
        "LEADERBOARD_MEMBER": order.name,
    }


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without secrets, and without what belongs to a job in which the fleet may run."""
    belongs_to_a_job = ("SLURM", "SBATCH_", "SQUEUE_", "SCANCEL_", "SRUN_", "WORKER_ID", "PMI")
    return {
        name: value
        for name, value in environment.items()
        if not is_secret(name) and not name.startswith(belongs_to_a_job)
    }
