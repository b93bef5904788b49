"""Keeps lm_eval from describing the machine after each task, with ten programs: that is not published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch.utils import collect_env

NOT_DESCRIBED = ""


@contextmanager
def machine_not_described() -> Iterator[None]:
    """Have lm_eval put an empty description of the machine into its report."""
    original = collect_env.get_pretty_env_info
    collect_env.get_pretty_env_info = lambda: NOT_DESCRIBED
    try:
        yield
    finally:
        collect_env.get_pretty_env_info = original
