"""Badges: what a model's own page shows of the leaderboard."""

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from starlette.responses import PlainTextResponse

from src.page.plain.routes import plain_doors
from src.page.plain.site import Site
from src.shared.serving.doors import Doors
from support.asgi import call
from support.boards import Leaderboard, run_at, scores
from support.hostile_html import HOSTILE
from support.plain_pages import plain_client

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def client(leaderboard: Leaderboard) -> Iterator[Any]:
    leaderboard.add_result("acme/Best-1.5", scores=scores(0.9, 0.8, 0.7), run=run_at(0))
    leaderboard.add_result("acme/second", scores=scores(0.5, 0.5, 0.5), run=run_at(1))
    leaderboard.add_result("acme/second", scores=scores(0.6, 0.6, 0.6), run=run_at(2), precision="float16")
    leaderboard.add_result("gpt2", scores=scores(0.1, 0.1), run=run_at(3))
    leaderboard.keeper.sync()
    with plain_client(leaderboard.keeper, Site("🏅 Our board", "")) as client:
        yield client


def texts(client: Any, path: str) -> list[str]:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/svg+xml"
    return [str(each.text) for each in ElementTree.fromstring(answer.content).iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("acme/Best-1.5.svg", ["🏅 Our board", "rank 1 of 3"]),
        ("acme/best-1.5.svg?show=rank", ["🏅 Our board", "rank 1 of 3"]),
        ("acme/Best-1.5.svg?show=average", ["🏅 Our board · average", "80.00"]),
        ("acme/Best-1.5.svg?show=Copying", ["🏅 Our board · Copying", "70.00"]),
        ("acme/second.svg", ["🏅 Our board", "rank 2 of 3"]),
        ("gpt2.svg", ["🏅 Our board", "2 of 3 tasks"]),
        ("gpt2.svg?show=average", ["🏅 Our board · average", "2/3"]),
        ("gpt2.svg?show=Copying", ["🏅 Our board · Copying", "no score"]),
        ("acme/unknown.svg", ["🏅 Our board", "not evaluated"]),
        ("acme/Best-1.5.svg?show=no+such+column", ["🏅 Our board", "rank 1 of 3"]),
    ],
)
def test_a_badge_shows_the_best_row_of_a_model(client: Any, path: str, shown: list[str]) -> None:
    assert texts(client, f"/badge/{path}") == shown


def test_a_badge_has_a_text_for_screen_readers_and_runs_nothing(client: Any) -> None:
    answer = client.get("/badge/acme/Best-1.5.svg")
    root = ElementTree.fromstring(answer.content)
    assert (root.get("role"), root.get("aria-label")) == ("img", "🏅 Our board: rank 1 of 3")
    assert answer.headers["Content-Security-Policy"].endswith("sandbox")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_hostile_title_stays_text_and_a_long_one_is_cut(leaderboard: Leaderboard) -> None:
    with plain_client(leaderboard.keeper, Site(HOSTILE, "")) as client:
        [label, value] = texts(client, "/badge/a/b.svg")
    assert label == f"{HOSTILE[:40]}…"
    assert value == "not evaluated"


@pytest.mark.parametrize("show", ["<script>", "%00", "%ff", "x" * 10_000, "\"'><svg onload=alert(1)>"])
def test_nothing_of_the_address_is_in_the_badge(client: Any, show: str) -> None:
    plain = client.get("/badge/acme/Best-1.5.svg").content
    assert client.get(f"/badge/acme/Best-1.5.svg?show={show}").content == plain
    assert client.get("/badge/acme/<b>.svg").content == client.get("/badge/x/y.svg").content


@pytest.mark.parametrize(
    ("path", "is_open"),
    [
        ("/badge/acme/Llama-3.1-8B_v2.svg", True),
        ("/badge/gpt2.svg", True),
        ("/badge/acme/.hidden.svg", False),
        ("/badge/../secret.svg", False),
        ("/badge/a/b/c.svg", False),
        ("/badge/a b.svg", False),
        ("/badge/acme/x.png", False),
        ("/badge/acme/x.svg\n", False),
        ("/table", True),
        ("/table.csv", True),
        ("/table.json", False),
        ("/table/", False),
        ("/leaderboard", True),
        ("/preview.png", True),
    ],
)
def test_the_doors_are_as_narrow_as_the_names(path: str, is_open: bool) -> None:
    app = Doors(PlainTextResponse("open"), plain_doors())
    for method in ("GET", "HEAD"):
        assert (call(app, path, method).status == 200) is is_open
    assert call(app, path, "POST").status == 404
