"""However many events strangers have in Gradio's queue, what it keeps has an end, and it goes on."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import orjson
import pytest

from src.shared.serving.calls import limited_queue, sessions
from src.shared.serving.calls.limited_queue import Sessions, Unread
from src.shared.serving.calls.page import Page
from src.shared.serving.calls.sessions import MOST_SESSIONS


class Site:
    """A page with a function that echoes, one that waits, and one with several answers, and its queue."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        with Page(waiting=["waits"]) as self.page:
            word, shown = gr.Textbox(), gr.Textbox()
            word.input(lambda text: text, word, shown)
            word.input(self._wait, word, shown, concurrency_limit=1, concurrency_id="waits")
            word.input(self._count, word, shown)
        self.page.queue(default_concurrency_limit=8)
        self.queue: Any = self.page._queue
        self.site = gr.routes.App.create_app(self.page)

    def _wait(self, text: str) -> str:
        self.may_end.wait(60)
        return text

    def _count(self, text: str) -> Any:
        yield f"{text} 1"
        yield f"{text} 2"

    async def join(self, session: str, *, function: int = 0, word: str = "hello") -> int:
        body = {"data": [word, "and more" * 1000], "fn_index": function, "session_hash": session}
        answer = await self._client.post("/gradio_api/queue/join", json={**body, "event_data": "x" * 10_000})
        return answer.status_code

    async def answers(self, session: str) -> list[Any]:
        """What comes for a session until all of it is there."""
        stream = await self._client.get(f"/gradio_api/queue/data?session_hash={session}")
        messages = [json.loads(line[6:]) for line in stream.text.splitlines() if line.startswith("data: ")]
        return [each["output"]["data"] for each in messages if each["msg"] == "process_completed"]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.queue.set_server_app(self.site)
        self.queue.start()
        transport = httpx.ASGITransport(self.site)
        try:
            async with httpx.AsyncClient(
                transport=transport, base_url="http://page", timeout=60
            ) as self._client:
                yield
        finally:
            self.may_end.set()
            self.queue.close()
            await asyncio.sleep(0.2)  # its loops look so often whether they are over


def run(test: Callable[[Site], Awaitable[None]]) -> None:
    async def within_a_minute() -> None:
        site = Site()
        async with asyncio.timeout(60), site.running():
            await test(site)

    asyncio.run(within_a_minute())


def test_what_is_changed_of_gradio_was_written_for_this_version() -> None:
    """Another one may keep other things: look at src/shared/serving/calls/ and src/page/ready.py."""
    assert gr.__version__ == "5.50.0"


def test_an_event_is_answered() -> None:
    async def test(site: Site) -> None:
        assert await site.join("a") == 200
        assert await site.join("a", function=2) == 200
        assert sorted(await site.answers("a")) == [["hello"], ["hello 2"]]

    run(test)


def test_of_the_events_that_there_were_the_latest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited_queue, "MOST_REMEMBERED", 5)

    async def test(site: Site) -> None:
        for number in range(15):
            await site.join(str(number), function=2 * (number % 2))
            assert await site.answers(str(number))
        queue = site.queue
        for kept in (queue.event_ids_to_events, queue.event_analytics, queue.pending_event_ids_session):
            assert len(kept) <= 5
        assert not site.site.iterators
        assert not site.site.iterators_to_reset

    run(test)


def test_of_what_was_sent_no_more_is_kept_than_is_read() -> None:
    async def test(site: Site) -> None:
        await site.join("a", word="x" * 50_000)
        [event] = site.queue.event_ids_to_events.values()
        assert event.data.data == ["x" * 10_000]
        assert event.data.event_data is None
        assert not {"_body", "_json"} & {*vars(event.request)}
        await site.answers("a")

    run(test)


def test_when_too_many_wait_the_next_is_told_and_other_functions_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limited_queue, "MOST_WAITING", 3)

    async def test(site: Site) -> None:
        await site.join("first", function=1)
        while site.queue.event_queue_per_concurrency_id["waits"].queue:
            await asyncio.sleep(0.01)
        assert [await site.join(f"waits {number}", function=1) for number in range(4)] == [200, 200, 200, 503]
        assert await site.join("another") == 200
        assert await site.answers("another") == [["hello"]]

    run(test)


def test_what_nobody_fetches_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited_queue, "MOST_UNREAD", 4)

    async def test(site: Site) -> None:
        for _ in range(10):
            await site.join("unread")
        await site.join("read")
        assert await site.answers("read") == [["hello"]]
        while len(site.queue):
            await asyncio.sleep(0.01)
        assert site.queue.pending_messages_per_session["unread"].qsize() <= 4

    run(test)


def test_the_queue_goes_on_when_the_sessions_of_those_who_wait_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limited_queue, "MOST_REMEMBERED", 2)

    async def test(site: Site) -> None:
        for number in range(6):
            await site.join(f"waits {number}", function=1)
        site.may_end.set()
        await site.join("last")
        assert await site.answers("last") == [["hello"]]

    run(test)


def test_a_session_that_looks_for_its_answer_is_not_forgotten_for_newer_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limited_queue, "MOST_REMEMBERED", 5)

    async def test(site: Site) -> None:
        await site.join("visitor", function=1)
        looking = asyncio.create_task(site.answers("visitor"))
        for number in range(20):
            await site.join(f"newcomer {number}")
            await asyncio.sleep(0.1)  # twice the time after which a page's stream looks again
        site.may_end.set()
        assert await looking == [["hello"]]

    run(test)


def test_all_that_waits_to_be_fetched_has_an_end_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited_queue, "MOST_UNREAD_BYTES", 25_000)
    sessions = Sessions()
    for name in "abcd":
        sessions[name] = Unread()
    for name in "bacd":
        answer = orjson.Fragment(b'"' + b"x" * 9_998 + b'"')
        sessions[name].put_nowait(SimpleNamespace(output={"data": [{"value": answer}, "short"]}))
        sessions.forget_the_oldest(name)
    assert {name: unread.bytes for name, unread in sessions.items()} == {"c": 10_000, "d": 10_000}
    sessions.of("c").get_nowait()
    assert sessions.of("c").bytes == 0


def test_a_session_that_fetches_nothing_can_ask_for_so_much_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited_queue, "MOST_OF_A_SESSION", 5)

    async def test(site: Site) -> None:
        assert [await site.join("greedy") for _ in range(7)] == [200] * 5 + [503] * 2
        assert await site.join("another") == 200
        assert await site.answers("another") == [["hello"]]

    run(test)


def test_tasks_that_are_done_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited_queue, "MOST_TASKS", 5)

    async def test(site: Site) -> None:
        for number in range(20):
            await site.join(str(number))
            await site.answers(str(number))
        assert len(site.queue._asyncio_tasks) <= 6

    run(test)


def test_no_statistics_are_made_of_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio.queueing.Queue._get_df", None)

    async def test(site: Site) -> None:
        await site.join("a")
        assert await site.answers("a") == [["hello"]]
        assert site.queue.cached_event_analytics_summary == {"functions": {}}

    run(test)


# Sessions


def test_a_session_is_small() -> None:
    site = Site()
    session = site.page.state_holder["a"]
    assert session.config_values == {}
    word = next(iter(site.page.blocks.values()))
    session[word._id] = word
    session._update_value_in_config(word._id, "x" * 1_000_000)
    assert session.config_values == {}


def test_of_all_sessions_those_are_kept_that_were_used_last(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_SESSIONS >= 1000
    monkeypatch.setattr(sessions, "MOST_SESSIONS", 3)
    holder = Site().page.state_holder
    first = holder["first"]
    for number in range(10):
        assert holder["first"] is first
        assert holder[str(number)] is holder[str(number)]
    assert [*holder.session_data] == ["8", "first", "9"]
    assert not holder.time_last_used
