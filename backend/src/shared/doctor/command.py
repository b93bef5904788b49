"""The command line of the check-up, the same in both Spaces."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .finding import Finding, as_json, as_lines, status


def arguments(description: str | None, *, is_a_worker: bool = False) -> argparse.Namespace:
    """Read the options of the command."""
    parser = argparse.ArgumentParser(prog="python -m src.doctor", description=description)
    parser.add_argument("--json", action="store_true", help="print a JSON list, for programs")
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings, too")
    if is_a_worker:
        parser.add_argument(
            "--elsewhere",
            action="store_true",
            help="evaluations run on another machine: do not check this one",
        )
        parser.add_argument(
            "--try", action="store_true", dest="tries", help="try the tasks first, which takes a while"
        )
    return parser.parse_args()


def tell(findings: Sequence[Finding], options: argparse.Namespace) -> int:
    """Print the findings, and return the exit status."""
    text = as_json(findings) if options.json else as_lines(findings)
    sys.stdout.write(f"{text}\n")
    return status(findings, is_strict=options.strict)
