"""Workers killed at random moments, the short form; `make chaos` is the long one."""

from datetime import timedelta
from pathlib import Path

import pytest

from support.chaos import LONGEST, POISON, Outcome, Plan, unleash

pytestmark = pytest.mark.slow

BUSY_MACHINE = timedelta(seconds=30)
"""What a tick may take here: a worker that follows another has to start first."""

FAILING_HUB = timedelta(seconds=60)
"""And there: a call that fails is tried again for up to 20 s."""


def has_lost_nothing(outcome: Outcome, tick: timedelta) -> None:
    """Every request ended, with one result each, in time."""
    finished = {path for path, request in outcome.requests.items() if request.result}
    assert outcome.published == dict.fromkeys(finished, 1)
    assert {str(request.result) for request in outcome.requests.values() if request.result} == set(
        outcome.results
    )
    assert max(outcome.waits, default=timedelta(0)) <= LONGEST + tick


def test_killed_workers_lose_nothing_and_only_the_model_that_kills_its_child_fails(tmp_path: Path) -> None:
    plan = Plan(requests=8, kills=10, attempts=3, has_poison=True)
    outcome = unleash(plan, tmp_path)
    has_lost_nothing(outcome, BUSY_MACHINE)
    assert outcome.statuses == {"FINISHED": 7, "FAILED": 1}
    poisoned = outcome.requests[f"{POISON}.json"]
    assert poisoned.message.startswith("The evaluation was killed by signal SIGKILL. It was tried ")
    assert [each.end for each in poisoned.history].count("crashed") == 3
    assert outcome.ends["lost"]


@pytest.mark.parametrize("faults", [0.1])
def test_killed_workers_lose_nothing_on_a_hub_where_every_tenth_call_fails(
    tmp_path: Path, faults: float
) -> None:
    outcome = unleash(Plan(store="hub", requests=8, kills=10, faults=faults), tmp_path)
    has_lost_nothing(outcome, FAILING_HUB)
    assert outcome.statuses == {"FINISHED": 8}
