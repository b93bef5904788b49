"""A task whose questions take longer to prepare than any test: an evaluation of it runs until it is ended.

The first questions are quick: a trial of the suite asks no more than these.
"""

import time
from typing import Any

ALL, QUICK = 10, 5


def many(questions: Any) -> Any:
    """The same question several times, with its number."""
    rows = questions.select([0] * ALL)
    return rows.map(lambda row, number: {"number": number}, with_indices=True)


def text(question: dict[str, Any]) -> str:
    """The question, which is only waited for after the first few."""
    if question["number"] >= QUICK:
        time.sleep(3600)
    return str(question["question"])
