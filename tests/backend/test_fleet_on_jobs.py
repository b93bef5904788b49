"""Workers as Jobs of the Hub: real ones, with real small models, and everything that can happen to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from src.shared.data.request import Status
from support.boards_on_jobs import JobsBoard
from support.hub import Hub, running_hub
from support.waiting import wait_for

pytestmark = pytest.mark.slow

PATIENCE = 400


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


@pytest.fixture
def board(hub: Hub, tmp_path: Path) -> JobsBoard:
    return JobsBoard(hub, tmp_path)


def test_a_job_is_started_for_a_request_and_evaluates_it(board: JobsBoard) -> None:
    path = board.submit(1)
    told = board.dispatch()
    assert told.returncode == 0, told.stdout
    (job,) = board.hub.jobs.all
    wait_for(lambda: job.is_over, what="the job's end")
    request = board.requests()[path]
    assert request.status is Status.FINISHED, board.told() + told.stdout
    print(board.told())
