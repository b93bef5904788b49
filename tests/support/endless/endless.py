"""A task whose score takes longer to compute than any test: an evaluation of it runs until it is ended.

The score of a few questions is quick: a trial of the suite asks no more than these.
"""

import time
from collections.abc import Sequence
from typing import Any

ALL, QUICK = 10, 5


def many(questions: Any) -> Any:
    """The same question several times."""
    return questions.select([0] * ALL)


def mean(scores: Sequence[float]) -> float:
    """The mean, which is only waited for when there are more scores than a trial has."""
    if len(scores) > QUICK:
        time.sleep(3600)
    return sum(scores) / len(scores)
