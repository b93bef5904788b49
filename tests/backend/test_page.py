"""The backend's page: what it shows of a worker, and that what comes from a dataset stays text."""

from dataclasses import replace
from datetime import timedelta

import pytest

from src.page import brief_cache, sections
from src.page.page import build_page, notes
from src.queue.overview import Journal, Overview, Running, Spending, make_overview
from src.queue.ticker import Ticker
from src.shared.data.queue_order import DEFAULT
from src.shared.data.request import Lease, Phase, Progress, Request, Status
from src.shared.doctor.finding import Finding, Level
from src.shared.stores.budgets import COMMITS, Pace
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
    assert "No evaluation is running." in sections.running(overview, START)
    assert "The queue is empty" in sections.waiting(overview)
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


def running_on(
    queue: Queue, progress: Progress | None, hardware: str | None = "l4-x1", price: float | None = 0.8
) -> str:
    """The page of a worker whose evaluation has run on this hardware for nine minutes."""
    lease = Lease("here-0", "nonce", START, START, START, hardware, price)
    request = replace(queue.read(queue.submit("acme/model")), lease=lease, status=Status.RUNNING)
    overview = Overview((Running(request, START, progress, 0.0),), (), ())
    return sections.running(overview, START + timedelta(minutes=9))


@pytest.mark.parametrize(
    ("phase", "words"),
    [(Phase.WAITING, "waiting for hardware"), (Phase.STARTING, "starting the model&#39;s server")],
)
def test_rented_hardware_is_shown_with_what_it_waits_for_and_costs(
    queue: Queue, phase: Phase, words: str
) -> None:
    html = " ".join(running_on(queue, Progress("", 0, 0, phase)).split())
    assert f"0 % · {words} · l4-x1 · $0.80 an hour · at most $0.12 so far</p>" in html
    assert "0 of 0" not in html


def test_once_tasks_run_the_hardware_is_shown_beside_them(queue: Queue) -> None:
    html = running_on(queue, Progress("tiny_addition", 25, 100))
    assert "tiny_addition: 25 of 100" in html
    assert "at most $0.12 so far" in html
    without_price = running_on(queue, None, price=None)
    assert "l4-x1" in without_price
    assert "$" not in without_price
    without_name = running_on(queue, None, hardware=None)
    assert "· $0.80 an hour" in " ".join(without_name.split())


def test_what_was_spent_today_is_shown_only_where_something_is_rented(queue: Queue) -> None:
    spending = Spending(today=1.2, limit=20)
    html = sections.header("here-0", last_tick=START, notes=[], problems=[], spending=spending)
    assert "Spent today: $1.20 of $20" in html
    assert "Spent" not in sections.header("here-0", last_tick=START, notes=[], problems=[])
    made = make_overview({}, {}, {}, tasks=(), order=DEFAULT, journal=Journal(), spending=spending)
    worker = queue.worker()
    worker.overview = lambda: made  # type: ignore[method-assign]
    announcer = Announcer(queue.results, FunctionExecutor(), SUITE)
    stores = Stores(queue.requests, queue.results, AnyModel())
    page = build_page(worker, Ticker(timedelta(hours=1)), announcer, stores)
    assert "Spent today: $1.20 of $20" in Caller(page).call(0).text


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
    request = replace(queue.read(queue.submit()), message="It will be retried after 12:01 UTC.")
    assert "It will be retried after 12:01 UTC." in sections.waiting(overview_of({"path": request}))


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
    html += running_on(queue, Progress(HOSTILE, 1, 2), hardware=HOSTILE)
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
    announcer.poll()
    stores = Stores(queue.requests, queue.results, AnyModel())
    caller = Caller(build_page(queue.worker(), Ticker(timedelta(hours=1)), announcer, stores))
    html = caller.call(0).text
    assert "Trying the suite before any model is claimed: looking for tiny_addition" in html


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


def test_many_visitors_have_the_page_made_once(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brief_cache, "SECONDS", 3600)
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
        assert "The queue is empty" in caller.call(0).text
    assert len(made) == 1


def test_the_page_tells_what_was_created_and_until_when_it_gathers(queue: Queue) -> None:
    requests = queue.requests
    requests.is_new = True
    requests.pace = Pace(clock=queue.clock)
    requests.pace.note(COMMITS)
    worker = queue.worker(requests=requests)
    stores = Stores(requests, queue.results, AnyModel())
    shown = notes(worker, stores)
    assert shown[0].endswith("/requests was missing, so an empty one has been created.")
    assert shown[1].endswith("collects its changes until 12:01:00 UTC and writes them together.")
    queue.submit("acme/model")
    worker.refresh()
    assert len(notes(worker, stores)) == 1


def test_what_the_check_up_found_is_shown_as_text_and_nothing_while_all_is_well() -> None:
    assert sections.checkup([]) == ""
    told = sections.checkup([Finding(Level.WRONG, "files", "<b>acme</b> was skipped.", is_public=True)])
    assert "Check-up: 1 to look at" in told
    assert "&lt;b&gt;acme" in told
