"""Calls are worked on in slots, and nobody keeps a slot by being slow."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from src.shared.serving.calls import slots
from src.shared.serving.calls.slots import AT_ONCE, Slots, leave_slot

CALL = "/gradio_api/run/predict"
Site = Callable[[Scope, Receive, Send], Awaitable[None]]


def scope(path: str = CALL, method: str = "POST") -> Scope:
    return {"type": "http", "method": method, "path": path, "headers": []}


def sending(*parts: bytes) -> Receive:
    """A client that sends all these parts."""
    left = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    left.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()  # the client stays
        return left.pop(0)

    return receive


class Client:
    """Reads an answer, in its own time."""

    def __init__(self, may_read: asyncio.Event | None = None) -> None:
        self.messages: list[Message] = []
        self._may_read = may_read

    async def send(self, message: Message) -> None:
        if self._may_read:
            await self._may_read.wait()
        self.messages.append(message)

    @property
    def status(self) -> int:
        status: int = self.messages[0]["status"]
        return status


async def answer(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


class Busy:
    """A site that counts how many calls it works on."""

    def __init__(self) -> None:
        self.now = self.most = self.calls = 0
        self.may_end = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.now += 1
        self.calls += 1
        self.most = max(self.most, self.now)
        await self.may_end.wait()
        self.now -= 1
        await answer(send)


def run(test: Callable[[], Awaitable[Any]]) -> None:
    async def within_a_minute() -> None:
        async with asyncio.timeout(60):
            await test()

    asyncio.run(within_a_minute())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0)


def test_of_many_calls_few_are_worked_on_and_all_are_answered() -> None:
    async def test() -> None:
        site = Busy()
        door, clients = Slots(site), [Client() for _ in range(20)]
        calls = [asyncio.create_task(door(scope(), sending(b"{}"), each.send)) for each in clients]
        await until(lambda: site.now == AT_ONCE)
        site.may_end.set()
        await asyncio.gather(*calls)
        assert site.most == AT_ONCE
        assert {client.status for client in clients} == {200}

    run(test)


@pytest.mark.parametrize(
    ("path", "method"),
    [("/config", "GET"), ("/", "GET"), ("/gradio_api/queue/data", "GET"), ("/assets/x", "POST")],
)
def test_the_page_itself_waits_for_no_slot(path: str, method: str) -> None:
    async def test() -> None:
        site = Busy()
        door = Slots(site)
        calls = [asyncio.create_task(door(scope(), sending(), Client().send)) for _ in range(5)]
        await until(lambda: site.now == AT_ONCE)
        calls += [asyncio.create_task(door(scope(path, method), sending(), Client().send)) for _ in range(5)]
        await until(lambda: site.now == AT_ONCE + 5)
        site.may_end.set()
        await asyncio.gather(*calls)

    run(test)


def test_who_sends_slowly_keeps_nobody_waiting() -> None:
    async def test() -> None:
        async def never() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        site = Busy()
        site.may_end.set()
        door, client = Slots(site), Client()
        slow = [asyncio.create_task(door(scope(), never, Client().send)) for _ in range(5)]
        await asyncio.sleep(0)
        await door(scope(), sending(b"{}"), client.send)
        assert client.status == 200
        for each in slow:
            each.cancel()

    run(test)


def test_who_reads_slowly_keeps_nobody_waiting() -> None:
    async def test() -> None:
        site, may_read = Busy(), asyncio.Event()
        site.may_end.set()
        door, client = Slots(site), Client()
        slow = [asyncio.create_task(door(scope(), sending(), Client(may_read).send)) for _ in range(5)]
        await asyncio.sleep(0)
        await door(scope(), sending(), client.send)
        assert client.status == 200
        may_read.set()
        await asyncio.gather(*slow)

    run(test)


def test_who_waits_for_something_else_keeps_nobody_waiting() -> None:
    async def test() -> None:
        answered = asyncio.Event()

        async def site(scope: Scope, receive: Receive, send: Send) -> None:
            leave_slot()
            await answered.wait()
            await answer(send)

        door = Slots(site)
        clients = [Client() for _ in range(5)]
        calls = [asyncio.create_task(door(scope(), sending(), client.send)) for client in clients]
        await asyncio.sleep(0)
        answered.set()
        await asyncio.gather(*calls)
        assert {client.status for client in clients} == {200}

    run(test)


def test_after_a_long_call_the_next_one_waits_as_long_again() -> None:
    begun: list[float] = []

    async def site(scope: Scope, receive: Receive, send: Send) -> None:
        begun.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.1)
        await answer(send)

    async def test() -> None:
        in_slots = Slots(site)
        calls = [in_slots(scope(), sending(), Client().send) for _ in range(3)]
        await asyncio.gather(*calls)

    run(test)
    assert all(later - earlier >= 0.19 for earlier, later in pairwise(begun))


def test_a_client_that_is_gone_gets_no_slot() -> None:
    async def test() -> None:
        site, is_gone = Busy(), asyncio.Event()
        in_slots = Slots(site)

        def leaving() -> Receive:
            left: list[Message] = [{"type": "http.request", "body": b"{}", "more_body": False}]

            async def receive() -> Message:
                if left:
                    return left.pop()
                await is_gone.wait()
                return {"type": "http.disconnect"}

            return receive

        staying, last = Client(), Client()
        calls = [asyncio.create_task(in_slots(scope(), sending(b"{}"), staying.send))]
        await until(lambda: site.now == AT_ONCE)
        calls += [asyncio.create_task(in_slots(scope(), leaving(), Client().send)) for _ in range(50)]
        calls += [asyncio.create_task(in_slots(scope(), sending(b"{}"), last.send))]
        for _ in range(20):
            await asyncio.sleep(0)
        is_gone.set()
        await asyncio.gather(*calls[1:-1])
        site.may_end.set()
        await asyncio.gather(*calls)
        assert (staying.status, last.status, site.calls) == (200, 200, 2)

    run(test)


def test_a_client_that_leaves_before_it_has_sent_all_gets_no_slot() -> None:
    async def test() -> None:
        left = [{"type": "http.disconnect"}, {"type": "http.request", "body": b"{", "more_body": True}]

        async def receive() -> Message:
            return left.pop()

        site, client = Busy(), Client()
        await Slots(site)(scope(), receive, client.send)
        assert (site.calls, client.messages) == (0, [])

    run(test)


def test_what_comes_byte_by_byte_is_one_message() -> None:
    async def test() -> None:
        received: list[Message] = []

        async def site(scope: Scope, receive: Receive, send: Send) -> None:
            received.append(await receive())
            await answer(send)

        await Slots(site)(scope(), sending(*[b"x"] * 60_000), Client().send)
        [message] = received
        assert (len(message["body"]), message["more_body"]) == (60_000, False)

    run(test)


def test_calls_below_a_root_path_wait_for_a_slot_too() -> None:
    async def test() -> None:
        site = Busy()
        in_slots = Slots(site)
        below = scope(f"/board{CALL}") | {"root_path": "/board"}
        calls = [asyncio.create_task(in_slots(below, sending(b"{}"), Client().send)) for _ in range(5)]
        await until(lambda: site.now == AT_ONCE)
        for _ in range(20):
            await asyncio.sleep(0)
        assert site.most == AT_ONCE
        site.may_end.set()
        await asyncio.gather(*calls)

    run(test)


def test_a_slot_ends_where_a_call_fails() -> None:
    async def test() -> None:
        async def fails(scope: Scope, receive: Receive, send: Send) -> None:
            raise ValueError

        door = Slots(fails)
        for _ in range(5):
            with pytest.raises(ValueError):
                await door(scope(), sending(), Client().send)

    run(test)


def test_what_is_sent_reaches_the_site_as_it_is() -> None:
    async def test() -> None:
        received: list[bytes] = []

        async def site(scope: Scope, receive: Receive, send: Send) -> None:
            message: Message = {"more_body": True}
            while message.get("more_body"):
                message = await receive()
                received.append(message["body"])
            await answer(send)

        await Slots(site)(scope(), sending(b"a", b"b", b"c"), Client().send)
        assert b"".join(received) == b"abc"

    run(test)


def test_when_too_many_wait_the_next_is_told_that_the_page_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "MOST_WAITING", 3)

    async def test() -> None:
        site = Busy()
        door, client = Slots(site), Client()
        calls = [asyncio.create_task(door(scope(), sending(), Client().send)) for _ in range(AT_ONCE + 3)]
        for _ in range(20):
            await asyncio.sleep(0)
        await door(scope(), sending(), client.send)
        assert client.status == 503
        assert "busy" in json.loads(client.messages[1]["body"])["detail"]
        site.may_end.set()
        await asyncio.gather(*calls)

    run(test)
