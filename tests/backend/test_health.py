"""`/health` tells machines whether the worker is at work."""

import asyncio
from datetime import datetime, timedelta

import httpx
import pytest
from starlette.applications import Starlette

from src.page.health import health_route
from src.page.health_server import serve_health
from src.queue.ticker import LATE_AFTER, Ticker
from src.shared.errors import ConfigurationError, StoreError
from src.shared.process.steady import steady_now
from src.shared.times import utc_now
from support.executors import FunctionExecutor
from support.processes import free_port
from support.queues import Clock, Queue
from support.waiting import PATIENCE, wait_for


def ask(queue: Queue, ticker: Ticker, synced: datetime | None = None) -> tuple[int, dict[str, object]]:
    worker = queue.worker(executor=FunctionExecutor(wait=True), clock=Clock(synced or utc_now()))
    worker.tick()
    site = Starlette(routes=[health_route(worker, ticker)])

    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://page") as client:
            return await client.get("/health")

    answer = asyncio.run(get())
    return answer.status_code, answer.json()


def test_while_ticks_come_all_is_well(queue: Queue) -> None:
    queue.submit("acme/one")
    queue.clock.move(seconds=1)
    queue.submit("acme/two")
    ticker = Ticker(timedelta(hours=1))
    ticker.start(lambda: None)
    wait_for(lambda: ticker.last, what="a tick")
    status, facts = ask(queue, ticker)
    ticker.stop()
    assert status == 200
    assert facts["last_tick"]
    assert facts["last_sync"]
    assert facts | {"last_tick": "", "last_sync": ""} == {
        "is_ticking": True,
        "worker": "worker-1",
        "last_tick": "",
        "last_sync": "",
        "running": 1,
        "pending": 1,
        "problem": "",
        "last_leap_of_the_clock": None,
    }


def test_a_problem_is_reported_while_ticks_go_on(queue: Queue) -> None:
    def tick() -> None:
        raise StoreError("The Hub is down.")

    ticker = Ticker(timedelta(hours=1))
    ticker.start(tick)
    wait_for(lambda: ticker.last, what="a tick")
    status, facts = ask(queue, ticker)
    ticker.stop()
    assert (status, facts["problem"]) == (200, "The Hub is down.")


def test_when_the_datasets_are_not_read_any_more_it_is_not_well(queue: Queue) -> None:
    ticker = Ticker(timedelta(seconds=60))
    ticker.last = utc_now()
    status, facts = ask(queue, ticker, synced=utc_now() - LATE_AFTER - timedelta(seconds=61))
    assert (status, facts["is_ticking"]) == (503, True)


@pytest.mark.parametrize("has_ticked", [True, False])
def test_when_ticks_have_stopped_it_is_not_well(queue: Queue, has_ticked: bool) -> None:
    ticker = Ticker(timedelta(seconds=60))
    if has_ticked:
        ticker.last = utc_now() - LATE_AFTER - timedelta(seconds=61)
    status, facts = ask(queue, ticker)
    assert (status, facts["is_ticking"]) == (503, False)


def test_a_worker_without_a_page_serves_its_health_on_this_machine_and_nothing_else(queue: Queue) -> None:
    ticker, port = Ticker(timedelta(hours=1)), free_port()
    ticker.start(lambda: None)
    queue.clock.now = steady_now()
    worker = queue.worker()
    worker.refresh()
    close = serve_health(worker, ticker, port)
    try:
        wait_for(lambda: ticker.last, what="a tick")
        answer = httpx.get(f"http://127.0.0.1:{port}/health", timeout=PATIENCE)
        assert (answer.status_code, answer.json()["worker"]) == (200, "worker-1")
        assert httpx.get(f"http://127.0.0.1:{port}/", timeout=PATIENCE).status_code == 404
        assert httpx.post(f"http://127.0.0.1:{port}/health", timeout=PATIENCE).status_code == 405
        with pytest.raises(ConfigurationError, match="Name a free port with --health-port"):
            serve_health(worker, ticker, port)
    finally:
        close()
        ticker.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/health")


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_cannot_be_is_refused(queue: Queue, port: int) -> None:
    with pytest.raises(ConfigurationError, match="--health-port"):
        serve_health(queue.worker(), Ticker(timedelta(hours=1)), port)
