"""Write the questions of the shipped tasks to `backend/tasks/*.jsonl`; with `--check`, only compare them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from demo_text import addition_questions, agreement_questions, copy_questions

TASKS_DIR = Path(__file__).resolve().parents[1] / "backend" / "tasks"

QUESTIONS = {
    "tiny_addition": addition_questions,
    "tiny_agreement": agreement_questions,
    "tiny_copy": copy_questions,
}


def main() -> int:
    """Write or compare every file; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail if a file is not what this script writes"
    )
    check = parser.parse_args().check
    stale = []
    for task, questions in QUESTIONS.items():
        file = TASKS_DIR / f"{task}.jsonl"
        text = "".join(json.dumps(question) + "\n" for question in questions())
        if check and (not file.exists() or file.read_text() != text):
            stale.append(file.name)
        elif not check:
            file.write_text(text)
            print(f"wrote {file.name}")
    if stale:
        print(f"Not what scripts/make_tasks.py writes: {', '.join(stale)}. Run it and commit what changes.")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
