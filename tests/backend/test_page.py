"""The backend's page: what it shows of a worker, and that what comes from a dataset stays text."""

from dataclasses import replace
from datetime import timedelta

import pytest

from src.page import lately, sections
from src.page.page import build_page, notes
from src.queue.overview import Journal, Overview, Running, make_overview
from src.queue.ticker import Ticker
from src.shared.data.queue_order import DEFAULT
from src.shared.data.request import Progress, Request, Status
from src.shared.stores.pace import LIMIT, Pace
from src.shared.version import FOOT
from src.shared.wiring import Stores
from src.suite.announcer import Announcer
from src.suite.trial import SuiteTrial
from support.calls import Caller
from support.executors import FunctionExecutor, bad
from support.queues import START, SUITE, AnyModel, Queue, drain

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">'


def overview_of(requests: dict[str, Request], **logs: str) -> Overview:
    return make_overview(requests, {}, logs, tasks=(), order=DEFAULT, journal=Journal())


def test_an_empty_queue_is_a_page_that_says_so(queue: Queue) -> None:
    worker = queue.worker()
    worker.tick()
    overview = worker.overview()
    assert "Nothing is being evaluated now." in sections.running(overview, START)
    assert "Nothing waits." in sections.waiting(overview)
    assert "Nothing has happened" in sections.events(overview)


def test_what_runs_is_shown_with_its_progress_and_time(queue: Queue) -> None:
    queue.submit("acme/model")
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor)
    worker.tick()
    [nonce] = executor.running
    executor.running[nonce] = Progress("tiny_addition", 25, 100)
    html = sections.running(worker.overview(), START + timedelta(seconds=75))
    assert "acme/model" in html
    assert "1:15 min" in html
    assert 'aria-valuenow="12"' in html
    assert "about 8:45 min left" in html
    assert "<pre>evaluating acme/model" in html
    assert "tiny_addition: 25 of 100" in html


def test_a_failure_is_shown_with_its_reason(queue: Queue) -> None:
    queue.submit("acme/broken")
    worker = queue.worker(executor=FunctionExecutor(bad))
    drain(worker)
    assert "acme/broken has no weights." in sections.events(worker.overview())
    html = sections.failed(worker.overview(), lambda path: f"https://hub/{path}")
    assert "Failed (1)" in html
    assert "acme/broken has no weights." in html
    assert 'href="https://hub/.logs/acme/broken/2026-01-31T12-00-00.000000_1.txt"' in html


def test_what_waits_says_why(queue: Queue) -> None:
    request = replace(queue.read(queue.submit()), message="It is tried again from 12:01 UTC on.")
    assert "It is tried again from 12:01 UTC on." in sections.waiting(overview_of({"path": request}))


def test_hostile_text_stays_text(queue: Queue) -> None:
    path = queue.submit("acme/model")
    request = replace(queue.read(path), model=HOSTILE, message=HOSTILE, precision=HOSTILE)
    overview = overview_of({"path": request})
    failed = overview_of({"path": replace(request, status=Status.FAILED)})
    running = Overview((Running(request, START, None, 0.0, log=HOSTILE),), (), ())
    html = sections.waiting(overview) + sections.header(
        HOSTILE, last_tick=None, notes=[HOSTILE], problems=[HOSTILE]
    )
    html += sections.failed(failed, lambda path: HOSTILE) + sections.running(running, START)
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_a_long_queue_is_counted_where_it_is_not_listed(queue: Queue) -> None:
    requests = {str(number): queue.read(queue.submit(f"acme/model-{number}")) for number in range(60)}
    html = sections.waiting(overview_of(requests))
    assert html.count("<li>") == 50
    assert "and 10 more" in html


def test_the_page_can_be_built(queue: Queue) -> None:
    announcer = Announcer(queue.results, FunctionExecutor(), SUITE)
    stores = Stores(queue.requests, queue.results, AnyModel(), notice="Local data.")
    page = build_page(queue.worker(), Ticker(timedelta(hours=1)), announcer, stores)
    assert all(text in str(page.config) for text in ("Leaderboard backend", FOOT))


def test_the_page_says_that_the_suite_is_tried_while_that_goes_on(queue: Queue) -> None:
    trial = SuiteTrial(queue.results, FunctionExecutor(wait=True), SUITE)
    announcer = Announcer(queue.results, FunctionExecutor(), SUITE, trial=trial)
    announcer.look()
    stores = Stores(queue.requests, queue.results, AnyModel())
    caller = Caller(build_page(queue.worker(), Ticker(timedelta(hours=1)), announcer, stores))
    told = caller.call(0).text
    assert (
        "The suite is tried before models are claimed: the worker starts, and looks for tiny_addition" in told
    )


@pytest.mark.parametrize("sent", [[], [None], ["x" * 50_000], [{"path": "/etc/passwd"}] * 100])
def test_what_anybody_calls_of_the_page_is_answered_or_refused_in_a_word(
    queue: Queue, sent: list[object], capfd: pytest.CaptureFixture[str]
) -> None:
    announcer = Announcer(queue.results, FunctionExecutor(), SUITE)
    stores = Stores(queue.requests, queue.results, AnyModel())
    caller = Caller(build_page(queue.worker(), Ticker(timedelta(hours=1)), announcer, stores))
    for number in caller.page.fns:
        assert caller.call(number, *sent, session_hash="s").status_code == 200
    assert caller.call(99, *sent).status_code == 404
    assert caller.post("/gradio_api/run/nothing", {"data": sent}).status_code == 404
    assert "Traceback" not in "".join(capfd.readouterr())


def test_many_who_look_have_the_page_made_once(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lately, "SECONDS", 3600)
    announcer = Announcer(queue.results, FunctionExecutor(), SUITE)
    stores = Stores(queue.requests, queue.results, AnyModel())
    worker = queue.worker()
    caller = Caller(build_page(worker, Ticker(timedelta(hours=1)), announcer, stores))
    made: list[Overview] = []
    overview = worker.overview

    def counted() -> Overview:
        made.append(overview())
        return made[-1]

    worker.overview = counted  # type: ignore[method-assign]
    for _ in range(10):
        assert "Nothing waits" in caller.call(0).text
    assert len(made) == 1


def test_the_page_tells_what_was_created_and_until_when_it_gathers(queue: Queue) -> None:
    requests = queue.requests
    requests.is_new = True
    requests.pace = Pace(clock=queue.clock)
    requests.pace.note(LIMIT)
    worker = queue.worker(requests=requests)
    stores = Stores(requests, queue.results, AnyModel())
    said = notes(worker, stores)
    assert said[0].endswith("/requests was missing and has been created, empty.")
    assert said[1].endswith("what there is to write is gathered until 12:01:00 UTC.")
    queue.submit("acme/model")
    worker.look()
    assert len(notes(worker, stores)) == 1
