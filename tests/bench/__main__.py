"""The benchmarks: `make bench`, or `make bench ARGS="table page"` for some parts.

Each part is a process in the environment that it measures. What it finds is printed as a table and written to
docs/benchmarks.md, which keeps the sections of the parts that were not run.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure, Report, read_report, say

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "benchmarks.md"

QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_XET": "1",  # the Hub in tests/support speaks Git LFS
}
OF_THE_DEVELOPER = re.compile(r"HF_|HUGGING|LEADERBOARD_|OWNER$|SPACE_ID$|WORKER_ID$")

HEAD = """# Benchmarks

`make bench` measures this and writes it down; `make bench ARGS="table page"` does so for some parts only,
and keeps the sections of the others. All data is made by the benchmark, in the formats of
[data-format.md](data-format.md). What is compared was measured side by side in one run. On a busy machine a
single figure can be half as large again: look at the ratios.
"""


@dataclass(frozen=True)
class Part:
    """One part: its module below tests/bench, and the environment that it runs in."""

    name: str
    environment: str
    path: str

    def measure(self, folder: Path) -> Report:
        """Run it. Raises subprocess.CalledProcessError."""
        found = folder / f"{self.name}.json"
        variables = {key: value for key, value in os.environ.items() if not OF_THE_DEVELOPER.match(key)}
        variables |= QUIET | {"PYTHONPATH": self.path, "HF_HOME": str(folder / "hf-home")}
        python = ROOT / ".venv" / self.environment / "bin" / "python"
        command = [str(python), "-m", f"bench.{self.name}", str(found)]
        subprocess.run(command, cwd=ROOT, env=variables, check=True)
        return read_report(found)


PARTS = [
    Part("cold_start", "frontend", "frontend:tests"),
    Part("many_files", "frontend", "frontend:tests"),
    Part("table", "frontend", "frontend:tests"),
    Part("charts", "frontend", "frontend:tests"),
    Part("uncertainty", "frontend", "frontend:tests"),
    Part("details", "frontend", "frontend:tests"),
    Part("page", "dev", "tests:scripts"),
    Part("visitors", "dev", "tests:scripts"),
    Part("strangers", "dev", "tests:scripts"),
    Part("warm_worker", "backend", "backend:tests"),
]


def main() -> int:
    """Measure the parts that the command line names; 0 when all were measured and met their goals."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [part.name for part in PARTS]
    parser.add_argument(
        "parts", nargs="*", metavar="part", help=f"of {', '.join(names)}; all of them if none"
    )
    wanted = parser.parse_args().parts or names
    if unknown := set(wanted) - set(names):
        parser.error(f"there is no part {', '.join(sorted(unknown))}: there are {', '.join(names)}")
    with tempfile.TemporaryDirectory() as folder:
        results = [_measured(part, Path(folder)) for part in PARTS if part.name in wanted]
    return 0 if all(results) else 1


def _measured(part: Part, folder: Path) -> bool:
    """Measure a part, print its table and write its section; whether its goals are met."""
    say(f"— {part.name}")
    try:
        report = part.measure(folder)
    except subprocess.CalledProcessError as error:
        say(f"{part.name} ended with {error.returncode}: its section stays as it was.")
        return False
    text = section(part.name, report)
    print(text, flush=True)
    before = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
    DOCUMENT.write_text(with_section(before, part.name, text), encoding="utf-8")
    return all(figure.is_met is not False for figure in report.figures)


def section(name: str, report: Report) -> str:
    """A part's section of the document."""
    lines = [f"<!-- {name} -->", f"## {report.title}", ""]
    lines += [f"{note}\n" for note in report.notes]
    lines += ["| | found | goal |", "|---|---|---|"]
    lines += [f"| {figure.what} | {figure.found} | {_goal(figure)} |" for figure in report.figures]
    lines += ["", f"{datetime.now(UTC):%Y-%m-%d}, {machine()}. Again: `make bench ARGS={name}`.", ""]
    return "\n".join(lines)


def with_section(document: str, name: str, text: str) -> str:
    """The document with the section of a part in its place, and the others as they were."""
    marks = re.split(r"^<!-- (\w+) -->$", document, flags=re.MULTILINE)
    sections = {
        mark: f"<!-- {mark} -->{rest}" for mark, rest in zip(marks[1::2], marks[2::2], strict=True)
    } | {name: text}
    ordered = [sections[part.name].strip() for part in PARTS if part.name in sections]
    return "\n\n".join([HEAD.strip(), *ordered]) + "\n"


def machine() -> str:
    """What it was measured on."""
    processor = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    memory = next(
        (int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0
    )
    size = f", {memory / 2**20:.0f} GiB" if memory else ""
    return f"{os.cpu_count()} × {processor}{size}, Python {platform.python_version()}"


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _goal(figure: Figure) -> str:
    mark = {True: " ✓", False: " **missed**", None: ""}[figure.is_met]
    return f"{figure.goal}{mark}"


if __name__ == "__main__":
    sys.exit(main())
