"""A thousand visitors cost one answer, and whoever has it already hears only that."""

import asyncio
import gzip
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from starlette.requests import Request

from src.page.plain import kept, routes
from src.page.plain.kept import Answer, Kept, respond
from support.boards import Leaderboard, run_at, scores
from support.plain_pages import plain_client
from support.processor_time import processor_seconds
from support.waiting import PATIENCE

PATHS = [
    "/table",
    "/table?embed=1",
    "/table.csv",
    "/leaderboard",
    "/table.parquet",
    "/badge/acme/a.svg",
    "/preview.png",
]


@pytest.fixture
def client(leaderboard: Leaderboard) -> Iterator[Any]:
    for place in range(50):
        leaderboard.add_result(f"acme/m{place}", run=run_at(place), scores=scores(place / 100, 0.5, 0.5))
    leaderboard.keeper.sync()
    with plain_client(leaderboard.keeper) as client:
        yield client


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every answer that is made."""
    found: list[object] = []
    for name in ("document", "badge", "preview"):
        monkeypatch.setattr(routes, name, counted(found, getattr(routes, name)))
    for path, make in routes.FILES.items():
        monkeypatch.setitem(routes.FILES, path, counted(found, make))
    return found


def counted(found: list[object], make: Any) -> Any:
    def making(*arguments: Any, **named: Any) -> Any:
        found.append(make)
        return make(*arguments, **named)

    return making


@pytest.mark.parametrize("path", PATHS)
def test_a_thousand_visitors_at_once_cost_one_answer(client: Any, made: list[object], path: str) -> None:
    answers = client.at_once([path] * 1000)
    assert len(made) == 1
    assert len({answer.content for answer in answers}) == 1
    assert {answer.status_code for answer in answers} == {200}


def test_the_same_view_is_made_once_however_it_is_written(client: Any, made: list[object]) -> None:
    client.at_once(
        [
            "/table?q=m1&sort=Rank",
            "/table?sort=Rank&q=m1",
            "/table?q=m1&utm_source=x",
            "/table?q=m1&__theme=dark",
        ]
    )
    assert len(made) == 1


@pytest.mark.parametrize("path", PATHS)
def test_who_has_the_answer_hears_so_without_it_being_made(
    client: Any, made: list[object], path: str
) -> None:
    first = client.get(path)
    took = []
    for sent in (
        first.headers["ETag"],
        first.headers["ETag"].removeprefix("W/"),
        f'"other", {first.headers["ETag"]}',
        "*",
    ):
        answers: list[Any] = []
        took.append(processor_seconds(lambda: answers.append(client.get(path, if_none_match=sent))))  # noqa: B023
        again = answers[-1]
        assert (again.status_code, again.content) == (304, b"")
        for name in ("ETag", "Cache-Control", "Vary"):
            assert again.headers[name] == first.headers[name]
    assert len(made) == 1
    assert min(took) <= 0.005
    assert client.get(path, if_none_match='W/"another"').status_code == 200


def test_new_results_make_a_new_answer_and_the_same_ones_keep_the_tag(
    leaderboard: Leaderboard, made: list[object]
) -> None:
    leaderboard.add_result("acme/a", run=run_at(0), scores=scores(0.5, 0.5, 0.5))
    leaderboard.keeper.sync()
    with plain_client(leaderboard.keeper) as client:
        first = client.get("/table")
        leaderboard.add_request(model="acme/waits")
        leaderboard.keeper.sync()
        assert client.get("/table", if_none_match=first.headers["ETag"]).status_code == 304
        leaderboard.add_result("acme/b", run=run_at(1), scores=scores(0.9, 0.5, 0.5))
        leaderboard.keeper.sync()
        changed = client.get("/table", if_none_match=first.headers["ETag"])
        assert changed.status_code == 200
        assert "acme/b" in changed.text
    with plain_client(leaderboard.keeper) as restarted:
        assert restarted.get("/table").headers["ETag"] == changed.headers["ETag"]


def test_what_caches_may_do_is_in_every_answer(client: Any) -> None:
    for path in PATHS:
        answer = client.get(path)
        assert answer.headers["Cache-Control"] == "max-age=60"
        assert {"Accept-Encoding", "Origin"} <= set(answer.headers["Vary"].split(", "))
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "script-src" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("accepted", "is_zipped"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("GZIP", True),
        ("identity", False),
        ("", False),
        ("gzip;q=0", False),
        ("x-gzip", False),
        ("gzip; q=0.0, br", False),
    ],
)
def test_only_who_takes_gzip_gets_it(accepted: str, is_zipped: bool) -> None:
    answer = Answer(b"text " * 1000, "text/plain")
    scope = {"type": "http", "headers": [(b"accept-encoding", accepted.encode())]}
    response = respond(answer, Request(scope))
    assert (response.headers.get("content-encoding") == "gzip") is is_zipped
    body = bytes(response.body)
    assert (gzip.decompress(body) if is_zipped else body) == answer.body
    assert len(answer.zipped) < 200


def test_a_picture_is_not_zipped_again(client: Any) -> None:
    assert "Content-Encoding" not in client.get("/table.parquet", accept_encoding="identity").headers
    assert Answer(b"\x89PNG" + bytes(range(256)), "image/png").zipped == b""


def test_strangers_addresses_do_not_fill_the_memory() -> None:
    async def many() -> int:
        keeps = Kept(most_bytes=100_000)
        for number in range(500):
            await keeps.answer(keeps, number, lambda: Answer(bytes(5000), "text/plain"))
        await keeps.answer(keeps, "large", lambda: Answer(bytes(200_000), "text/plain"))
        return int(keeps._made.currsize)

    assert 50_000 < asyncio.run(many()) <= 100_000


def test_when_too_many_wait_the_next_hear_that_the_page_is_busy(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST_WAITING", 5)
    answers = client.at_once([f"/table?q={number}" for number in range(20)])
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [503] * 15
    busy = next(answer for answer in answers if answer.status_code == 503)
    assert busy.headers["Retry-After"] == "60"
    assert client.get("/table?q=17").status_code == 200


def test_an_answer_that_fails_is_tried_again_by_the_next() -> None:
    async def twice() -> bytes:
        keeps = Kept()

        def fail() -> Answer:
            raise RuntimeError("a fault")

        with pytest.raises(RuntimeError):
            await keeps.answer(keeps, "key", fail)
        return (await keeps.answer(keeps, "key", lambda: Answer(b"well", "text/plain"))).body

    assert asyncio.run(twice()) == b"well"


def test_an_answer_about_the_past_is_not_kept_for_the_present() -> None:
    async def overtaken() -> list[bytes]:
        keeps, may_end = Kept(), Event()

        def slow() -> Answer:
            assert may_end.wait(PATIENCE)
            return Answer(b"old", "text/plain")

        old = asyncio.ensure_future(keeps.answer("old board", "key", slow))
        await asyncio.sleep(0)
        other = asyncio.ensure_future(keeps.answer("new board", "other", lambda: Answer(b"", "text/plain")))
        await asyncio.sleep(0)
        may_end.set()
        made = [await old, await other]
        made.append(await keeps.answer("new board", "key", lambda: Answer(b"new", "text/plain")))
        return [answer.body for answer in made]

    assert asyncio.run(overtaken()) == [b"old", b"", b"new"]


def test_a_visitor_who_leaves_does_not_take_the_answer_from_the_others() -> None:
    async def leaving() -> bytes:
        keeps, may_end = Kept(), Event()

        def slow() -> Answer:
            assert may_end.wait(PATIENCE)
            return Answer(b"done", "text/plain")

        first, second = (asyncio.ensure_future(keeps.answer(keeps, "key", slow)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        may_end.set()
        return (await second).body

    assert asyncio.run(leaving()) == b"done"
