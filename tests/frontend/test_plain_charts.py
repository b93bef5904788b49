"""The charts without scripts: a page, three pictures, and the links between the plain pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest

from src.columns import AVERAGE
from src.leaderboard.rows import Standings
from src.page.charts import cost, over_time, size
from src.page.charts.choice import Kind
from src.page.charts.picture import MOST_POINTS, picture
from src.page.plain.charts import PICTURES, chart_picture, charts_page
from src.shared.data.request import Status
from support.boards import Leaderboard, run_at, scores
from support.charted import DOWN, UP, board, row
from support.hostile_html import Parsed
from support.plain_pages import SITE, PlainClient, PlainPage, plain_client

HOSTILE = ["<img src=x onerror=alert(1)>", "]]></svg><script>alert(1)</script>", "%{x}", "\"'&", "\ud800"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def client(leaderboard: Leaderboard) -> Iterator[PlainClient]:
    for place, model in enumerate(("acme/tiny", "acme/big", "other/model")):
        leaderboard.add_request(model=model, status=Status.FINISHED, params=0.5 + place)
        found = scores(0.5 + place / 10, 0.9 - place / 10, 0.5)
        leaderboard.add_result(
            model, scores=found, run=run_at(24 * place), total_evaluation_time_seconds=60 * (place + 1)
        )
    leaderboard.keeper.sync()
    with plain_client(leaderboard.keeper) as client:
        yield client


def test_the_page_has_three_pictures_and_the_numbers_of_every_chart(client: PlainClient) -> None:
    page = PlainPage(client.get("/charts").text)
    pictures = [f"chart/{kind}.svg" for kind in ("size", "cost", "time")]
    assert [each.attributes["src"] for each in page.all("img")] == pictures
    assert page.all("img")[0].attributes["alt"] == page.all("p")[0].text
    assert len(page.all("table")) == 5
    assert [row[0] for row in page.rows].count("other/model") == 4
    assert page.link("other/model") == "model/other/model"


def test_the_plain_pages_and_the_page_with_all_functions_link_each_other(client: PlainClient) -> None:
    assert PlainPage(client.get("/table").text).link("The charts") == "charts"
    page = PlainPage(client.get("/charts?of=Agreement").text)
    assert page.link("The table") == "table"
    assert page.link("The charts with all functions") == "./?tab=charts&of=Agreement"


def test_the_form_asks_for_the_charts_of_another_column(client: PlainClient) -> None:
    page = PlainPage(client.get("/charts").text)
    assert [each.text for each in page.all("option")] == ["Average", "Addition", "Agreement", "Copying"]
    other = PlainPage(client.get(f"/charts?{page.sent(of=['Agreement'])}").text)
    assert other.sent() == "of=Agreement"
    assert other.all("img")[0].attributes["src"] == "chart/size.svg?of=Agreement"
    assert other.rows[0][:3] == ["acme/tiny", "0.5", "90.00"]


@pytest.mark.parametrize("path", ["/charts", "/chart/size.svg", "/chart/cost.svg", "/chart/time.svg"])
def test_an_answer_is_kept_and_nothing_runs_in_it(client: PlainClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert client.get(path, if_none_match=answer.headers["ETag"]).status_code == 304
    for query in ("of=", "of=unheard+of", f"of={'x' * 5000}", "of=Average+%E2%AC%86%EF%B8%8F"):
        assert client.get(f"{path}?{query}").headers["ETag"] == answer.headers["ETag"]
    assert client.get(f"{path}?of=Agreement").headers["ETag"] != answer.headers["ETag"]


def test_models_of_unknown_cost_are_counted_on_the_page_without_scripts() -> None:
    found = board(row(1.0, 2.0), row(2.0, 3.0, price=None))
    page = PlainPage(charts_page(found, AVERAGE, SITE).body.decode())
    assert "1 of 2 models left out: their cost or score is not known." in [
        each.text for each in page.all("p")
    ]


def test_there_are_no_other_pictures(client: PlainClient) -> None:
    assert client.get("/chart/heatmap.svg").status_code == 404


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_has_a_point_for_each_model_and_a_line(client: PlainClient, kind: Kind) -> None:
    svg = ElementTree.fromstring(client.get(f"/chart/{kind}.svg").text)
    assert len(svg.findall(f".//{SVG}circle")) == 3
    [line] = svg.findall(f".//{SVG}path[@class='line']")
    assert re.fullmatch(r"M[\d.]+,[\d.]+(H[\d.]+V[\d.]+)*", line.attrib["d"])
    assert "acme/tiny" in svg.findall(f".//{SVG}circle/{SVG}title")[0].text  # type: ignore[operator]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_stay_text_in_pictures_and_on_the_page(name: str) -> None:
    found = board(*(row(float(place), 1.0, size=place + 1.0, model=f"{name}{place}") for place in range(3)))
    for kind in PICTURES:
        body = chart_picture(kind, found, AVERAGE).body.decode()
        tags = {each.tag.removeprefix(SVG) for each in ElementTree.fromstring(body).iter()}
        assert tags == {"svg", "title", "style", "rect", "g", "path", "text", "circle"}
    page = Parsed(charts_page(found, AVERAGE, SITE).body.decode())
    assert not {"script", "/script"} & {tag[0] for tag in page.tags}
    assert not any("onerror" in tag for tag in page.tags)
    shown = name.encode("utf-8", "replace").decode()
    assert f"model?{urlencode({'name': f'{shown}2'})}" in page.texts


@pytest.mark.parametrize("value", [1e308, -1e308, 1e9, -1e9, 0.0, 1e-300])
@pytest.mark.parametrize("other", [0.0, 1.0, 1e-9, 5e8])
def test_extreme_numbers_make_a_valid_picture(value: float, other: float) -> None:
    rows = [
        row(value, 1.0, size=1e6, minutes=5e5, price=1e5),
        row(other, 1.0, size=1e-9, day=300_000, minutes=0.1, price=0.001),
        row(other, 1.0),
    ]
    for points in (chart.points(board(*rows), AVERAGE) for chart in (size, cost, over_time)):
        svg = str(picture(points, sentence="x"))
        ElementTree.fromstring(svg)
        assert "nan" not in svg
        assert "inf" not in svg
        assert len(svg) < 5000


def test_one_model_is_a_point_in_the_middle() -> None:
    svg = ElementTree.fromstring(str(picture(size.points(board(row(1.0, 2.0)), AVERAGE), sentence="x")))
    [circle] = svg.findall(f".//{SVG}circle")
    assert (circle.attrib["cx"], circle.attrib["cy"]) == ("367.0", "182.0")


def test_a_picture_has_a_limited_number_of_points() -> None:
    rows = [row(float(place), 1.0, size=1.0 + place, day=place) for place in range(MOST_POINTS + 50)]
    svg = str(picture(size.points(board(*rows), AVERAGE), sentence="x"))
    assert svg.count("<circle") == MOST_POINTS
    assert len(svg) < 80_000


@pytest.mark.parametrize("kind", PICTURES)
def test_without_models_the_picture_says_what_is_missing(kind: Kind) -> None:
    svg = chart_picture(kind, Standings((UP, DOWN)), AVERAGE).body.decode()
    assert "No model has a score of Average yet." in svg
    page = PlainPage(charts_page(Standings((UP, DOWN)), AVERAGE, SITE).body.decode())
    assert (page.all("img"), page.all("table")) == ([], [])
