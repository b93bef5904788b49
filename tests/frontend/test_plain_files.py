"""A view as a file: CSV that spreadsheets take for what it is, JSON, and Parquet."""

import csv
import io
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from src.columns import Column, columns
from src.leaderboard.merging import standings
from src.leaderboard.rows import Standings
from src.page import api
from src.page.plain import exports
from src.page.plain.asked import read
from src.page.plain.exports import as_csv, as_json, as_parquet, disarmed
from src.shared.data.names import FLAGS
from src.shared.data.request import Status
from support.boards import TASKS, Leaderboard, make_result, run_at, scores
from support.factories import COMMIT, make_request
from support.plain_pages import PlainPage, plain_client
from support.waiting import PATIENCE

HOSTILE = [
    "=1+1",
    "+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\u00a0=1",
    "\u200b=1",
    "＝1+1",
    "x;=1+1",
    'x;"=1+1;y',
    "x;\u200b=1+1",
    "x;" + " " * 30 + "=1+1",
    'x"\n=1,"',
    "-",
    "=",
    '"=1',
]
EVERYTHING = "show=Hub+License&show=Type&show=Architecture&show=Model+sha&show=Chat+template&rows=all"


def hostile(texts: list[str] = HOSTILE) -> Standings:
    """A leaderboard of hostile names and licences, with scores of which one is negative."""
    requests, results = {}, []
    for place, text in enumerate(texts):
        requests[f"file {place}"] = make_request(
            model=f"acme/m{place}", status=Status.FINISHED, license=text, extra={"architectures": [text]}
        )
        result = make_result(f"acme/m{place}", run=run_at(place), scores=scores(-0.25, place / 70, 0.5))
        results.append(replace(result, request=f"file {place}"))
    found = standings(TASKS, requests, results)
    renamed = tuple(replace(row, model=texts[int(row.model.removeprefix("acme/m"))]) for row in found.rows)
    return replace(found, rows=renamed)


def csv_of(found: Standings, query: str = EVERYTHING) -> str:
    return as_csv(read(query, found).part(found)).body.decode()


def lines_of(text: str, **options: Any) -> list[list[Any]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True, **options))


@pytest.fixture
def client(leaderboard: Leaderboard) -> Iterator[Any]:
    for place, model in enumerate(("acme/a", "acme/b", "other/c")):
        found = scores(0.123456 + place / 10, -0.5, None if place == 2 else 0.25)
        leaderboard.add_result(model, run=run_at(place), scores=found)
    leaderboard.keeper.sync()
    with plain_client(leaderboard.keeper) as client:
        yield client


def test_no_text_in_a_csv_begins_as_a_formula_does() -> None:
    found = hostile()
    header, *lines = lines_of(csv_of(found), quoting=csv.QUOTE_NONNUMERIC)
    assert len(lines) == len(HOSTILE)
    texts = [cell for line in [header, *lines] for cell in line if isinstance(cell, str)]
    assert not [text for text in texts if text.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert not [
        text for text in texts if text.strip(" \u00a0\u200b\n").startswith(("=", "+", "-", "@", "＝"))
    ]
    license = header.index("Hub License")
    assert {line[license] for line in lines} == set(map(disarmed, HOSTILE))


def test_where_semicolons_separate_cells_no_formula_begins_either() -> None:
    assert disarmed("x;=1+1") == "x;'=1+1"
    assert disarmed("x\n\t@SUM(1)") == "x\n\t'@SUM(1)"
    assert disarmed('x;"=1+1;y') == "x;'\"=1+1;y"
    assert disarmed("x;\u200b=1+1") == "x;'\u200b=1+1"


def test_what_the_page_says_beside_the_cells_is_in_the_file(leaderboard: Leaderboard) -> None:
    config = {"model_name": "acme/a", "model_sha": COMMIT, "model_dtype": "float32", "limit": 10}
    leaderboard.add_result("acme/a", scores=scores(0.5, 0.5, 0.5), config=config)
    leaderboard.add_result("acme/b", scores=scores(0.4, 0.5, 0.5))
    leaderboard.write("requests", FLAGS, b"models:\n- acme/b: =it leaks")
    leaderboard.keeper.sync()
    found = leaderboard.keeper.now.board.standings
    header, *lines = lines_of(csv_of(found, ""))
    assert header[-1] == "Notes"
    assert [line[-1] for line in lines] == ["preliminary.", "Flagged: =it leaks"]
    assert json.loads(as_json(read("", found).part(found)).body)["badges"] == [["preliminary"], []]


@pytest.mark.parametrize(
    "text", ["mit", "org/model-7b", "a-b+c=d@e", "🟢", "3/5", "(x)", "#1", "", "bigscience-openrail-m"]
)
def test_a_harmless_text_stays_as_it_is(text: str) -> None:
    assert disarmed(text) == text


def test_disarming_takes_linear_time() -> None:
    for text in ("\n" * 200_000, ";" * 200_000, " " * 200_000, "." * 200_000):
        assert len(disarmed(text)) <= 400_001


def test_python_reads_the_numbers_of_the_page_back(client: Any) -> None:
    page = PlainPage(client.get("/table").text)
    answer = client.get("/table.csv")
    header, *lines = lines_of(answer.text, quoting=csv.QUOTE_NONNUMERIC)
    assert header == [each.text for each in page.headers]
    shown = [[number(text) for text in line] for line in page.rows]
    assert [[number(str(cell)) for cell in line] for line in lines] == [
        ["" if cell == "2/3" else cell for cell in line] for line in shown
    ]
    assert [line[header.index("Agreement")] for line in lines] == [-50.0] * 3
    assert (
        '"' not in answer.text.splitlines()[1].split(",")[header.index("Agreement")]
    )  # a number, not a text


def number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text.removesuffix(" new")


def test_pandas_reads_numbers_as_numbers_and_missing_ones_as_missing(client: Any) -> None:
    table = pd.read_csv(io.StringIO(client.get("/table.csv").text))
    assert table["Addition"].dtype == table["Copying"].dtype == float
    assert table["Copying"].isna().sum() == table["Average ⬆️"].isna().sum() == 1


@pytest.mark.parametrize(
    "query", ["", "q=acme", "sort=Model&worst_first=yes", "show=Model+sha&hide=Addition", "from=2"]
)
def test_every_file_has_the_rows_and_columns_of_the_page(client: Any, query: str) -> None:
    page = PlainPage(client.get(f"/table?{query}").text)
    json = client.get(f"/leaderboard?{query}").json()
    header, *lines = lines_of(client.get(f"/table.csv?{query}").text)
    parquet = pd.read_parquet(io.BytesIO(client.get(f"/table.parquet?{query}").content))
    models = [text.removesuffix(" new") for text in page.column("Model")]
    assert [each.text for each in page.headers] == json["headers"] == header == list(parquet.columns)
    place = header.index("Model")
    assert (
        models
        == [row[place] for row in json["rows"]]
        == [line[place] for line in lines]
        == list(parquet["Model"])
    )


def test_json_has_numbers_as_shown_null_for_missing_ones_and_how_many_there_are(client: Any) -> None:
    answer = client.get("/leaderboard?sort=Addition&show=Chat+template")
    json = answer.json()
    assert answer.headers["Content-Type"] == "application/json"
    assert (json["first"], json["found"], json["total"]) == (1, 3, 3)
    best = dict(zip(json["headers"], json["rows"][0], strict=True))
    assert best["Model"] == "other/c"
    assert (best["Addition"], best["Agreement"], best["Copying"], best["Rank"]) == (32.35, -50.0, None, None)
    assert best["Chat template"] is False


def test_json_has_the_marks_that_the_endpoint_has(leaderboard: Leaderboard) -> None:
    for place in range(3):
        shots = {"n-shot": {"tiny_addition": 5}} if place == 2 else {}
        leaderboard.add_result(f"acme/m{place}", run=run_at(place), scores=scores(0.5, 0.5, 0.5), **shots)
    leaderboard.keeper.sync()
    with plain_client(leaderboard.keeper) as client:
        marks = client.get("/leaderboard").json()["marks"]
    assert len(marks) == 1
    assert marks == api.leaderboard(leaderboard.keeper.now.board)["marks"]


def test_parquet_has_numbers_that_are_not_rounded(client: Any) -> None:
    answer = client.get("/table.parquet?show=Chat+template")
    table = pd.read_parquet(io.BytesIO(answer.content))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="leaderboard.parquet"'
    assert sorted(table["Addition"]) == pytest.approx([12.3456, 22.3456, 32.3456], abs=1e-9)
    assert table["Copying"].dtype == float
    assert set(table["Chat template"]) == {False}
    assert set(table["Model"]) == {"acme/a", "acme/b", "other/c"}


def test_an_empty_view_is_a_file_with_a_header(client: Any) -> None:
    assert len(lines_of(client.get("/table.csv?q=nothing").text)) == 1
    assert client.get("/leaderboard?q=nothing").json()["rows"] == []
    assert len(pd.read_parquet(io.BytesIO(client.get("/table.parquet?q=nothing").content))) == 0


def owners(value: Any, **more: Any) -> Column:
    return Column("Own", lambda row: value, is_default=True, **more)


@pytest.mark.parametrize(
    ("column", "in_csv", "in_json"),
    [
        (owners(1.005), "1.005", 1.005),
        (owners(5.0, text=lambda value: f"{value:g} GB"), "5.0", 5.0),
        (owners(float("inf")), '""', None),
        (owners(float("nan")), '""', None),
        (owners(-3), "-3", -3),
        (owners(True), '"True"', True),
        (owners("=1"), '"\'=1"', "=1"),
        (owners("\ud800"), '""', None),
    ],
)
def test_an_owners_column_is_written_whatever_it_returns(
    monkeypatch: pytest.MonkeyPatch, column: Column, in_csv: str, in_json: Any
) -> None:
    found = hostile(["acme/tiny"])
    for module in ("src.columns", "src.leaderboard.view", "src.page.plain.asked"):
        monkeypatch.setattr(f"{module}.columns", lambda tasks: (*columns(tasks), column))
    part = read("", found).part(found)
    assert as_csv(part).body.decode().splitlines()[1].endswith(f",{in_csv}")
    assert exports.orjson.loads(as_json(part).body)["rows"][0][-1] == in_json
    assert as_parquet(part).body.startswith(b"PAR1")


if OFFICE := shutil.which("soffice") or shutil.which("libreoffice"):  # few machines have it

    @pytest.mark.slow
    def test_libreoffice_computes_nothing(tmp_path: Path) -> None:
        (tmp_path / "hostile.csv").write_text(csv_of(hostile()), encoding="utf-8")
        command = [
            str(OFFICE),
            "--headless",
            f"-env:UserInstallation=file://{tmp_path}/home",
            "--convert-to",
            "fods",
        ]
        subprocess.run(
            [*command, "--outdir", str(tmp_path), str(tmp_path / "hostile.csv")], check=True, timeout=PATIENCE
        )
        opened = (tmp_path / "hostile.fods").read_text(encoding="utf-8")
        assert "table:formula" not in opened
        assert 'office:value="-25"' in opened
