"""Runs the check-up of both Spaces, each in its own environment: `make doctor`.

Prints both lists, and exits with 1 if something is wrong in either.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPACES = ("frontend", "backend")
FAILED = "The check-up of the {} did not end as it should (status {}). Its output is above."


def main() -> int:
    """Run both, and return the exit status."""
    parser = argparse.ArgumentParser(prog="make doctor", description=__doc__)
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object with a list for each Space"
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings, too")
    parser.add_argument("--try", action="store_true", dest="tries", help="try the backend's tasks first")
    options = parser.parse_args()
    lists, statuses = {}, []
    for space in SPACES:
        arguments = [f"--{name}" for name in ("json", "strict") if getattr(options, name)]
        arguments += ["--try"] * (options.tries and space == "backend")
        if not options.json:
            print(f"\n{space}", flush=True)
        done = subprocess.run(
            [ROOT / ".venv" / space / "bin" / "python", "-m", "src.doctor", *arguments],
            cwd=ROOT / space,
            stdout=subprocess.PIPE if options.json else None,
            text=True,
            check=False,
        )
        statuses.append(done.returncode)
        if done.returncode not in (0, 1):
            sys.stderr.write(f"{FAILED.format(space, done.returncode)}\n")
        elif options.json:
            lists[space] = json.loads(done.stdout)
    if options.json:
        print(json.dumps(lists, indent=2, ensure_ascii=False))
    return max(min(abs(status), 1) for status in statuses)


if __name__ == "__main__":
    sys.exit(main())
