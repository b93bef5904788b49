"""The machines that FLEET_MACHINES names: how large models they take, and how a cluster is asked for one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import floor
from pathlib import Path

from src.fleet.flavour import MB_PER_GB, Flavour
from src.running.memory import SHARE_OF_MEMORY
from src.shared.errors import ConfigurationError

FORM = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9-]{0,29})\s*:"
    r"\s*(?P<memory>\d{1,6}(\.\d{1,3})?)\s*GB"
    r"(\s*,\s*\$\s*(?P<price>\d{1,5}(\.\d{1,4})?))?"
    r"(\s*,\s*(?P<options>-.*))?",
    re.DOTALL,
)
OPTION = re.compile(r"--([a-z][a-z-]*)(=.+)?", re.DOTALL)
GPUS = re.compile(
    r"(?:--gres=(?:.*,)?gpu|--gpus(?:-per-(?:node|task|socket))?=|--tres-per-task=(?:.*,)?gres[/:]gpu)"
    r"(?::?[a-zA-Z][\w.-]*)?[:=]?(\d{1,3})?(?:,.*)?"
)
"""The ways to ask for GPUs: `--gres=gpu:a100:2`, `--gpus=2`, `--gpus-per-node=a100:2`,
`--tres-per-task=gres/gpu:2`.
"""

ASKS_FOR_GPUS = re.compile(r"--(gpus.*|(gres|tres-p[a-z-]*)=.*gpu.*)", re.DOTALL)
"""All options that may ask for GPUs, in whatever form."""

THIS_MACHINE = "here"
"""The name of the machine if none is described."""

MOST = 50
EXAMPLE = "small: 16 GB, --mem=16G; big: 80 GB, $2.50, --partition=gpu --gres=gpu:1"

OURS = (
    *("array", "chdir", "clusters", "error", "export", "export-file", "input", "job-name", "open-mode"),
    *("output", "parsable", "requeue", "no-requeue", "signal", "test-only", "time", "wait", "wrap"),
)
"""The options of sbatch that the fleet sets itself, or that would keep it from finding its members again."""

NOT_THE_FORM = (
    f"FLEET_MACHINES has {{!r}}: write the name, the memory and what sbatch needs, such as `{EXAMPLE}`."
)
TOO_MANY = f"FLEET_MACHINES names {{}} machines, but at most {MOST} are read."
TWICE = "FLEET_MACHINES names {} twice: give each kind of machine a name of its own."
NO_MEMORY = "FLEET_MACHINES says that {} has no memory: write how much a model may use, in GB."
OPEN_QUOTE = "FLEET_MACHINES has a quote that does not end, in the options of {}: {!r}."
NOT_AN_OPTION = (
    "FLEET_MACHINES has {!r} among the options of {}: write options in their long form, such as "
    "`--partition=gpu`."
)
OUR_OPTION = "FLEET_MACHINES has {!r} among the options of {}, but the fleet decides about that. Remove it."
HOW_MANY_GPUS = (
    "FLEET_MACHINES has {!r} among the options of {}, which does not say how many GPUs it asks for. Write it "
    "in full, such as `--gpus=1` or `--gres=gpu:a100:1`."
)


@dataclass(frozen=True)
class OwnMachine:
    """One kind of machine of the owner's."""

    name: str
    memory_gb: float
    """The memory for a model: of all GPUs of one member together, or without any of the machine."""
    price: float | None = None
    """Dollars an hour; None if the owner does not say."""
    options: tuple[str, ...] = ()
    """Options of sbatch that get one."""

    @property
    def max_memory_gb(self) -> float:
        """MAX_MEMORY_GB of a member: as much as `Flavour.room` counts on.

        Rounded up, or a member might leave the very model for which it was started.
        """
        return (floor(self.memory_gb * SHARE_OF_MEMORY * MB_PER_GB) + 1) / MB_PER_GB

    @property
    def accelerators(self) -> int:
        """How many GPUs the options ask for."""
        asked = (GPUS.fullmatch(each) for each in self.options)
        return max((int(found[1] or 1) for found in asked if found), default=0)

    @property
    def flavour(self) -> Flavour:
        """This machine as the fleet decides about it. Without a price it costs nothing."""
        return Flavour(self.name, self.memory_gb, self.price or 0.0, self.accelerators)


@dataclass(frozen=True, kw_only=True)
class OwnTerms:
    """The terms of all members on machines of the owner's, wherever these are."""

    board: str
    """Tells this leaderboard's members from everything else: its requests dataset, or its folder."""
    machines: Sequence[OwnMachine]
    folder: Path
    """Where logs are written."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The environment of the fleet. Members get it without secrets."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables that all members get besides, such as `FLEET=off`."""
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_machines(given: object) -> tuple[OwnMachine, ...]:
    """Read machines, separated by semicolons or lines. Raises ConfigurationError, and ValueError."""
    if isinstance(given, list | tuple):
        given = ";".join(map(str, given))
    if not isinstance(given, str):
        raise ValueError("it is no text")
    entries = [each.strip() for each in re.split(r"[;\n]", given) if each.strip()]
    if len(entries) > MOST:
        raise ConfigurationError(TOO_MANY.format(len(entries)))
    machines = tuple(map(_machine, entries))
    names = [each.name for each in machines]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(TWICE.format(name))
    return machines


def _machine(entry: str) -> OwnMachine:
    found = FORM.fullmatch(entry)
    if found is None:
        raise ConfigurationError(NOT_THE_FORM.format(entry[:200]))
    name, memory, price = found["name"], float(found["memory"]), found["price"]
    if not memory:
        raise ConfigurationError(NO_MEMORY.format(name))
    try:
        options = shlex.split(found["options"] or "")
    except ValueError:
        raise ConfigurationError(OPEN_QUOTE.format(name, entry[:200])) from None
    _check(options, name)
    return OwnMachine(name, memory, float(price) if price else None, tuple(options))


def _check(options: Sequence[str], name: str) -> None:
    """Raise ConfigurationError for what is no long option, one of the fleet's, or unclear about GPUs.

    sbatch takes the beginning of an option for the whole.
    """
    for option in options:
        found = OPTION.fullmatch(option)
        if found is None or not option.isprintable():
            raise ConfigurationError(NOT_AN_OPTION.format(option[:200], name))
        if any(each.startswith(found[1]) for each in OURS):
            raise ConfigurationError(OUR_OPTION.format(option[:200], name))
        if ASKS_FOR_GPUS.fullmatch(option) and not GPUS.fullmatch(option):
            raise ConfigurationError(HOW_MANY_GPUS.format(option[:200], name))
