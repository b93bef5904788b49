"""Running the commands of Slurm: for a limited time, without variables that change what they do."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from src.fleet.seam import FleetError
from src.inference.endpoints import one_line

PATIENCE_SECONDS = 60.0
"""How long a command of Slurm may take. A busy controller answers after many seconds."""

MOST_ANSWERED = 5_000_000
"""The most bytes of an answer, as of some ten thousand jobs. A part of it might lack members."""

LONGEST_ERROR = 10_000
"""The most bytes of what a command complains about, from its end."""

FOR_SLURM = ("SLURM_CONF", "SLURM_CONF_SERVER")
"""The variables by which commands find the cluster."""

FOR_COMMANDS = ("PATH", "HOME", "USER", "LOGNAME", "LD_LIBRARY_PATH", *FOR_SLURM, "SLURM_JWT")
"""The variables that commands get. Others, such as SQUEUE_FORMAT, change what they do."""

NOT_THERE = "{} was not found. Run the fleet where the commands of Slurm are: on a login node of the cluster."
TOO_SLOW = "{} has not answered within {:.0f} seconds. It will be retried automatically."
TOO_LONG = "{} has answered with more than {} MB. Run the fleet as a user of the cluster who has fewer jobs."
FAILED = "{} failed: {}"


@dataclass(frozen=True)
class Answer:
    """The exit status of a command, and what it printed."""

    status: int
    output: str
    error: str

    @property
    def why(self) -> str:
        """The last thing that it complained about, as a sentence."""
        lines = [each for each in self.error.splitlines() if each.strip()]
        text = one_line(re.sub(r"^\w+: (error|fatal): ", "", lines[-1])) if lines else ""
        return f"{text.rstrip('.') or f'exit status {self.status}'}."


def run(*command: str, given: Mapping[str, str], environment: Mapping[str, str] | None = None) -> Answer:
    """Run a command. Raises FleetError if it is not there, or does not end.

    Its environment is what finds the cluster in the fleet's, unless one is named.
    """
    usual = {name: given[name] for name in FOR_COMMANDS if name in given}
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
    if len(done.stdout) > MOST_ANSWERED:
        raise FleetError(TOO_LONG.format(command[0], MOST_ANSWERED // 1_000_000))
    printed, told = (each.decode(errors="replace") for each in (done.stdout, done.stderr[-LONGEST_ERROR:]))
    return Answer(done.returncode, printed, told)
