"""A task whose questions take longer to prepare than any test: an evaluation of it runs until it is ended."""

import time
from typing import Any


def wait(questions: Any) -> Any:
    time.sleep(3600)
    return questions
