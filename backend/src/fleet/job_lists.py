"""The Hub's lists of jobs and hardware, read as members and flavours.

Others who share the account may have written labels and everything else, so an entry counts only when it is
complete and well formed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from huggingface_hub import JobHardwareInfo, JobInfo

from src.fleet.flavour import MB_PER_GB, Flavour
from src.fleet.job_orders import BOARD, LARGEST, MEMBER, SMALLEST
from src.fleet.member import Member
from src.inference.endpoints import one_line
from src.shared.data.request_fields import MOST_DOLLARS_AN_HOUR

log = logging.getLogger(__name__)

MOST_MEMORY_GB = 100_000

FLAVOUR = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
ID = re.compile(r"[0-9a-zA-Z]{8,64}")
SIZE = re.compile(r"(\d+(?:\.\d+)?) ?GB")
GOING, OVER = ("SCHEDULING", "RUNNING"), ("COMPLETED", "CANCELED", "ERROR", "DELETED")
"""The stages of a job."""


def member_from(listed: Any, digest: str, price_of: Callable[[str], float]) -> Member | None:
    """Return the member that a job is, or None for one whose labels are not this leaderboard's."""
    job = parsed(listed)
    if job is None:
        return None
    labels = job.labels if isinstance(job.labels, dict) else {}
    name, sizes = labels.get(MEMBER), [labels.get(SMALLEST), labels.get(LARGEST)]
    is_ours = labels.get(BOARD) == digest and isinstance(name, str) and NAME.fullmatch(name)
    if not is_ours or job.created_at is None or not all(map(_is_size, sizes)):
        log.warning("left the job %s alone, since its labels are not those of a member", one_line(job.id))
        return None
    smallest, largest = (int(str(each)) / MB_PER_GB for each in sizes)
    flavour = str(job.flavor)[:60]
    return Member(
        name=str(name),
        id=job.id,
        flavour=flavour,
        price=price_of(flavour),
        smallest=smallest,
        largest=largest,
        ordered=job.created_at,
        started=job.started_at,
        ended=_ended(job),
        url=job.url,
        message=one_line(job.status.message or ""),
    )


def flavour_from(listed: Any, uses_all_gpus: bool = False) -> Flavour | None:
    """Return an entry of the Hub's list, or None for one whose memory or price cannot be read."""
    try:
        found = JobHardwareInfo(**listed)
        gpu = found.accelerator if found.accelerator and found.accelerator.type == "gpu" else None
        if found.accelerator and gpu is None:
            return None  # something that torch does not compute on by itself, such as a TPU
        memory = _gigabytes(gpu.vram if gpu else found.ram)
        number = int(gpu.quantity) if gpu else 0
        a_minute = float(found.unit_cost_usd) or found.unit_cost_micro_usd / 1e6
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    is_named = isinstance(found.name, str) and FLAVOUR.fullmatch(found.name)
    is_believable = 0 < a_minute * 60 <= MOST_DOLLARS_AN_HOUR and 0 < memory <= MOST_MEMORY_GB
    if found.unit_label != "minute" or not is_believable or not is_named:
        return None
    one = memory if uses_all_gpus or number < 2 else memory / number
    return Flavour(found.name, one, round(a_minute * 60, 4), number)


def parsed(listed: Any) -> JobInfo | None:
    """Return a job as the Hub lists it, or None for one that cannot be understood."""
    try:
        job = JobInfo(**listed)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    times = (job.created_at, job.started_at, job.finished_at)
    is_right = (
        isinstance(job.id, str)
        and ID.fullmatch(job.id)
        and all(each is None or each.tzinfo for each in times)
    )
    return job if is_right else None


def _ended(job: JobInfo) -> datetime | None:
    """Return when a job ended, or None while it waits or runs. Unknown stages count as going on."""
    if job.status.stage not in OVER:
        return None
    return job.finished_at or job.started_at or job.created_at


def _is_size(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 9


def _gigabytes(text: str) -> float:
    """Return the number in `24 GB`. Raises ValueError."""
    found = SIZE.fullmatch(str(text).strip())
    if found is None:
        raise ValueError(text)
    return float(found[1])
