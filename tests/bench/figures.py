"""What a part of the benchmark found, and how it comes back from the part's process."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One line of a table: what was measured and found, the goal if there is one, and whether it is met."""

    what: str
    found: str
    goal: str = ""
    is_met: bool | None = None


@dataclass
class Report:
    """The figures of a part, under a title; `notes` are sentences about how they were measured."""

    title: str
    notes: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    def add(self, what: str, found: str, *, goal: str = "", is_met: bool | None = None) -> None:
        """Add a figure, and tell it to whoever waits at the screen."""
        self.figures.append(Figure(what, found, goal, is_met))
        say(f"{what}: {found}" + (f" (goal: {goal})" if goal else ""))

    def at_most(self, what: str, found: float, most: float, *, unit: str = "") -> None:
        """Add a figure that should not be more than something."""
        self.add(what, f"{number(found)}{unit}", goal=f"≤ {number(most)}{unit}", is_met=found <= most)

    def holds(self, what: str, is_so: bool) -> None:
        """Add something that should be so."""
        self.add(what, "yes" if is_so else "no", goal="yes", is_met=is_so)

    def hand_over(self) -> None:
        """Write the report where the benchmark waits for it: into the file that the command line names."""
        Path(sys.argv[1]).write_text(json.dumps(asdict(self)), encoding="utf-8")


def read_report(path: Path) -> Report:
    """The report that a part wrote."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    return Report(raw["title"], raw["notes"], [Figure(**each) for each in raw["figures"]])


def say(line: str) -> None:
    """Tell what is going on."""
    print(line, file=sys.stderr, flush=True)


def number(value: float) -> str:
    """A figure as people read it: three digits, or all of a whole one."""
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.3g}"


def seconds(value: float) -> str:
    """A time as people read it."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def timed(function: Callable[[], object]) -> float:
    """How many seconds it takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def median_time(function: Callable[[], object], *, times: int = 10) -> float:
    """The median of how many seconds it takes, after one call that does not count."""
    function()
    return statistics.median(timed(function) for _ in range(times))


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-len(ordered) * percent // 100) - 1)]


def peak_mebibytes() -> float:
    """The most memory that this process ever held."""
    return _memory("self", "VmHWM")


def mebibytes(process: int) -> float:
    """The memory that a process holds now."""
    return _memory(str(process), "VmRSS")


def _memory(process: str, name: str) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024
