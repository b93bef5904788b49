"""Workers as Jobs of the Hub: real ones, with real small models, and everything that can happen to them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import pytest
import yaml
from huggingface_hub import HfApi

from src.fleet.job_orders import BOARD, MEMBER
from src.shared.data.names import BACKEND_DESCRIPTION
from src.shared.data.request import Status
from support.boards_on_jobs import LARGE, REQUESTS, RESULTS, SMALL, JobsBoard
from support.hub import Fate, Hub, Job, JobStage, running_hub
from support.hub.jobs import processes_of
from support.waiting import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


@pytest.fixture
def board(hub: Hub, tmp_path: Path) -> JobsBoard:
    return JobsBoard(hub, tmp_path)


@dataclass
class Spy:
    """Looks all the time for tokens where the processes of members can be seen."""

    board: JobsBoard
    seen: int = 0
    """How often it saw a process that a worker had started."""
    found: list[str] = field(default_factory=list)
    _is_over: Event = field(default_factory=Event)

    def __enter__(self) -> Spy:
        self._thread = Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(0.1):
            for job in self.board.hub.jobs.going:
                with suppress(OSError):
                    self._look(job)

    def _look(self, job: Job) -> None:
        """Look at the children of a job that has become a worker."""
        if job.process is None:
            return
        root = job.process.pid
        if b"-m\0src.worker" not in Path(f"/proc/{root}/cmdline").read_bytes():
            return
        for each in processes_of(job):
            if each == root:
                continue
            for file in ("environ", "cmdline"):
                data = Path(f"/proc/{each}/{file}").read_bytes().decode(errors="replace")
                self.seen += 1
                self.found += [f"{file}: {data}" for token in tokens(self.board) if token in data]


def tokens(board: JobsBoard) -> list[str]:
    return [board.token, board.fleets]


def assert_no_token_anywhere(board: JobsBoard) -> None:
    """In no command, label, variable or log of a job, and in no file of the two datasets."""
    texts = [str({key: value for key, value in job.body.items() if key != "secrets"}) for job in jobs(board)]
    texts += [job.text for job in jobs(board)]
    for name in (REQUESTS, RESULTS):
        texts += [data.decode(errors="replace") for data in board.hub.get(name).files().values()]
    for token in tokens(board):
        assert not [each for each in texts if token in each]
    assert {str(job.body.get("secrets")) for job in jobs(board)} <= {str({"HF_TOKEN": board.fleets})}


def jobs(board: JobsBoard) -> list[Job]:
    """The jobs that were started through the Hub's API."""
    return [job for job in board.hub.jobs.all if job.creator != "somebody"]


def at_work(board: JobsBoard) -> Job:
    """A job that is evaluating a model, as soon as there is one."""

    def found() -> Job | None:
        workers = {each.lease.worker for each in board.requests().values() if each.lease}
        ids = {worker.rpartition(".")[2] for worker in workers}
        return next((each for each in board.hub.jobs.going if each.process and each.id in ids), None)

    with_reason = wait_for(lambda: found() or None, what="a job at work")
    assert with_reason
    return with_reason


def test_a_request_is_evaluated_by_a_job_on_a_plain_image_from_one_look_of_a_schedule(
    board: JobsBoard,
) -> None:
    path = board.submit(1)
    with Spy(board) as spy:
        told = board.dispatch()
        assert told.returncode == 0, told.stdout
        (job,) = board.hub.jobs.all
        wait_for(lambda: job.is_over, what="the job's end")
    request = board.requests()[path]
    assert request.status is Status.FINISHED, board.told() + told.stdout
    assert job.stage is JobStage.COMPLETED
    (attempt,) = [each for each in request.history if each.worker]
    assert (attempt.hardware, attempt.price) == ("cpu-basic", 0.01)
    assert attempt.worker == f"cpu-basic-1.{job.id}"
    described = yaml.safe_load(board.hub.get(RESULTS).read(BACKEND_DESCRIPTION))
    assert described["max_model_gb"] == 23  # of 32 GB
    assert spy.seen
    assert not spy.found
    assert_no_token_anywhere(board)
    board.hub.calls.reset()
    assert board.dispatch().returncode == 0
    assert len(board.hub.jobs.all) == 1
    described = yaml.safe_load(board.hub.get(RESULTS).read(BACKEND_DESCRIPTION))
    assert (described["max_model_gb"], described["fleet"]["max_workers"]) == (23, 2)


def test_the_command_lists_the_hardware_and_what_is_allowed(board: JobsBoard) -> None:
    told = board.dispatch("--offers")
    assert told.returncode == 0, told.stdout
    rows = {line.split()[0]: line for line in told.stdout.splitlines() if "$" in line}
    assert rows["cpu-basic"].split()[1:] == ["16", "GB", "12", "GB", "$0.01"]
    assert rows["h200"].endswith("not allowed")
    assert board.hub.jobs.all == []


def test_the_command_says_what_is_wrong_and_ends_with_1(board: JobsBoard) -> None:
    board.submit(1)
    off = board.dispatch(FLEET="off")
    assert (off.returncode, "FLEET is `off`" in off.stdout) == (1, True)
    board.hub.jobs.can_pay = False
    broke = board.dispatch()
    assert (broke.returncode, "without a positive balance (402)" in broke.stdout) == (1, True)
    whole = board.hub.add_token("alice", "write")
    strong = board.dispatch(FLEET_TOKEN=whole)
    assert strong.returncode == 1
    assert "FLEET_TOKEN may do more than write the leaderboard's datasets" in strong.stdout
    assert board.hub.jobs.all == []


def test_twelve_requests_finish_once_through_ten_interruptions(board: JobsBoard) -> None:
    board.hurry()
    hub, api = board.hub, HfApi(endpoint=board.hub.url, token=board.token)
    settings = {"LEASE_MINUTES": "0.3", "MAX_ATTEMPTS": "20"}
    others = [
        hub.jobs.add("acme", labels={BOARD: "0" * 16, MEMBER: "cpu-basic-1"}),
        hub.jobs.add("acme", labels={MEMBER: "cpu-basic-1"}),
        hub.jobs.add("acme"),
    ]  # labels of others
    numbers = iter(range(12))

    def submit() -> None:
        number = next(numbers)
        board.submit(number, SMALL if number % 2 else LARGE)

    hub.jobs.trouble_next(Fate.CRASHING)  # 1
    with Spy(board) as spy:
        with board.dispatching(**settings) as dispatcher:
            submit()
            submit()
            job = at_work(board)
            assert job.process
            os.kill(job.process.pid, signal.SIGKILL)  # 2: a member
            submit()
            submit()
            job = at_work(board)
            api.cancel_job(job_id=job.id, namespace="acme")  # 3
            submit()
            hub.jobs.kill(at_work(board))  # 4: its node is gone
            submit()
            hub.jobs.time_out(at_work(board))  # 5
            submit()
            at_work(board)
            dispatcher.kill()  # 6: the dispatcher's process
            dispatcher.wait()
        for job in mine(hub, others):
            hub.jobs.kill(job)
        hub.jobs.can_pay = False  # 7
        hub.jobs.sold_out.add("cpu-basic")  # 8
        submit()
        submit()
        with (
            board.dispatching(log="one.log", **settings),
            board.dispatching(log="two.log", **settings),  # 9: two at once
        ):
            wait_for(lambda: "positive balance" in board.told(), what="402")
            hub.jobs.can_pay = True
            submit()
            submit()
            wait_for(lambda: held(hub), what="a job that is sold out")
            wait_for(lambda: [each for each in mine(hub, others) if each.started], what="one that is there")
            hub.jobs.trouble_next(Fate.SOLD_OUT)  # 10: a job that never starts
            hub.jobs.sold_out.clear()
            submit()
            wait_for(lambda: done(board), seconds=400, what=f"the end of all: {statuses(board)}")
            wait_for(lambda: not mine(hub, others), what="the end of all jobs")
    assert board.number(Status.FINISHED) == 12, board.told()
    assert len(board.results()) == 12
    for request in board.requests().values():
        assert [each.end for each in request.history].count("finished") <= 1
    assert not [each for each in others if each.is_over]
    assert [each for each in jobs(board) if each.stage is JobStage.CANCELED and not each.started]
    assert sum(each.dollars for each in jobs(board)) <= 10
    assert spy.seen
    assert not spy.found
    assert_no_token_anywhere(board)


def statuses(board: JobsBoard) -> list[str]:
    return [f"{path} {each.status} {each.message}" for path, each in board.requests().items()]


def done(board: JobsBoard) -> bool:
    return {each.status for each in board.requests().values()} == {Status.FINISHED}


def held(hub: Hub) -> list[Job]:
    return [each for each in hub.jobs.going if each.is_held]


def mine(hub: Hub, others: list[Job]) -> list[Job]:
    return [each for each in hub.jobs.going if each not in others]
