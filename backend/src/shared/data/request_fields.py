"""How the fields of request files are read: every form from old files or by hand becomes one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from .json_file import LONGEST_NUMBER, as_number
from .model_name import model_name
from .precision import precision_name

MOST_ATTEMPTS = 1_000_000
"""More than any request has; a larger number is not a number of attempts."""

RUN = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(\.\d{1,6})?")
"""The only form of `run` that is read: it becomes a part of file names."""

SIZE = re.compile(r"(\d+\.?\d*)\s*([KMBT]?)", re.ASCII | re.IGNORECASE)
"""A number of parameters as people write it: `7B`, `350M`."""

BILLIONS = {"K": 1e-6, "M": 1e-3, "": 1.0, "B": 1.0, "T": 1e3}

MOST_COUNTED = 10**15
"""More than any evaluation has answers, and any model likes. Programs read numbers of at most 64 bits."""

MOST_DOLLARS_AN_HOUR = 100_000
"""More than any machine costs."""

MOST_BILLIONS = 100_000
"""A larger number counts parameters, not billions."""


def _text(value: object) -> object:
    """Return the text that a value stands for.

    Old files hold lists where a card names several licences, numbers as revisions, and objects with a name.
    """
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, dict):
        return next((value[key] for key in ("name", "id") if isinstance(value.get(key), str)), value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _stripped(value: object) -> object:
    value = _text(value)
    return value.strip() if isinstance(value, str) else value


def _name(value: object) -> object:
    """Return a model's name, also where a file holds the address of its page."""
    return model_name(value) if isinstance(value, str) else value


def _precision(value: object) -> object:
    value = _text(value)
    return precision_name(value) if isinstance(value, str) else value


def _weight_type(value: object) -> object:
    value = _stripped(value)
    known = {"original": "Original", "adapter": "Adapter", "delta": "Delta"}
    return known.get(value.lower(), value) if isinstance(value, str) else value


def _something(value: object) -> object:
    """Return None for the empty object that old files have where there is nothing."""
    return value or None


def _tasks(value: object) -> tuple[str, ...] | None:
    """Return the names of tasks, each once; None for anything else, which asks for all of them."""
    names = value if isinstance(value, list | tuple) else ()
    return tuple(dict.fromkeys(each for each in names if isinstance(each, str) and each)) or None


def _whole_number(value: object) -> int | None:
    number = as_number(value)
    return int(number) if number is not None and abs(number) <= MOST_COUNTED else None


def _run(value: object) -> str | None:
    return value if isinstance(value, str) and RUN.fullmatch(value) else None


def _attempts(value: object) -> object:
    """Bound a number. It is applied before and after a float such as 3.0 becomes a whole number."""
    return min(max(value, 0), MOST_ATTEMPTS) if isinstance(value, int) else value


def _counted(value: object) -> object:
    """Bound a number of answers, like `_attempts`."""
    return min(max(value, 0), MOST_COUNTED) if isinstance(value, int) else value


def _params(value: object) -> float | None:
    """Return billions of parameters. Old files have 0 for an unknown size, and some count parameters."""
    found = SIZE.fullmatch(value.strip()) if isinstance(value, str) and len(value) < LONGEST_NUMBER else None
    number = as_number(round(float(found[1]) * BILLIONS[found[2].upper()], 9) if found else value)
    billions = number / 1e9 if number and number > MOST_BILLIONS else number
    return billions if billions and 0 < billions <= MOST_BILLIONS else None


def _utc(time: datetime) -> datetime:
    """Convert a time to UTC. One written by hand may have no zone, or another one."""
    try:
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError("Input should be a time that UTC can tell") from None


def _price(value: object) -> float | None:
    """Return dollars an hour; None for what no machine costs."""
    number = as_number(value)
    return number if number is not None and 0 <= number <= MOST_DOLLARS_AN_HOUR else None


def _is_true(value: object) -> bool:
    """Return whether a value says yes. Only `true` does."""
    return value is True


OR_NOTHING = BeforeValidator(_something)

Time = Annotated[datetime, AfterValidator(_utc)]
Text = Annotated[str, BeforeValidator(_text)]
Name = Annotated[str, BeforeValidator(_name)]
Stripped = Annotated[str, BeforeValidator(_stripped)]
Precision = Annotated[str, BeforeValidator(_precision)]
WeightType = Annotated[str, BeforeValidator(_weight_type)]
WholeNumber = Annotated[int | None, BeforeValidator(_whole_number)]
Run = Annotated[str | None, BeforeValidator(_run)]
Attempts = Annotated[int, BeforeValidator(_attempts), AfterValidator(_attempts)]
Price = Annotated[float | None, BeforeValidator(_price)]
Counted = Annotated[int, BeforeValidator(_counted), AfterValidator(_counted)]
YesNo = Annotated[bool, BeforeValidator(_is_true)]
Tasks = Annotated[tuple[str, ...] | None, BeforeValidator(_tasks)]
Params = Annotated[float | None, BeforeValidator(_params)]
