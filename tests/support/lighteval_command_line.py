"""lighteval's own command line: `python lighteval_command_line.py RUNS OUTCOMES`, each a JSON file.

RUNS lists the arguments of each call, and OUTCOMES will hold the report that each saved, or its error. It
differs from the program `lighteval` in one thing: an empty module stands in the place of `tiny_benchmarks`,
which is imported with any task, and would download a pickle from GitHub.
"""

import json
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

sys.modules["lighteval.tasks.tasks.tiny_benchmarks"] = ModuleType("tiny_benchmarks")


def main(runs: Path, outcomes: Path) -> None:
    from lighteval.__main__ import app

    outcomes.write_text(json.dumps([outcome(app, run) for run in json.loads(runs.read_text())]))


def outcome(app: Any, arguments: list[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            app([*arguments, "--output-dir", folder], standalone_mode=False)
        except (LookupError, RuntimeError, TypeError, ValueError) as error:
            return {"error": f"{type(error).__name__}: {error}"}
        [file] = Path(folder).rglob("results_*.json")
        report: dict[str, Any] = json.loads(file.read_text())
        return report


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
