"""The board as files that need no server: what they hold, their names and links, how they are written."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow.parquet as pq
import pytest

from src.export import main as export_main
from src.leaderboard.view import OPENING, ViewState, view
from src.page.links import Links
from src.page.static.files import paths_of
from src.page.static.pages import DATA_FILES, File, Source, StaticBoard, orders
from src.page.static.relinked import relinked
from src.page.static.writing import MANIFEST, write_export
from src.shared.data.request import Status
from src.shared.errors import ConfigurationError
from src.shared.models.model_source import Presence
from support.boards import NOW, TEXTS, Leaderboard, run_at, scores
from support.plain_pages import PlainPage
from support.sources import ROOT

MODELS = {"acme/one": 0.9, "acme/two": 0.5, "acme/three": 0.7, "other/four": 0.3}
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def leaderboard(tmp_path: Path) -> Leaderboard:
    """A board with four models, one of which lacks a score, and a failed request."""
    made = Leaderboard(tmp_path / "data")
    for place, (model, score) in enumerate(MODELS.items()):
        values = scores(score, score / 2, None if model == "other/four" else score / 3)
        made.add_result(model, run=run_at(place), scores=values, total_evaluation_time_seconds=60.0)
    made.add_request(model="acme/one", status=Status.FINISHED, params=3.0)
    made.add_request(model="acme/broken", status=Status.FAILED, message="It did not load.")
    made.keeper.sync()
    return made


def static(leaderboard: Leaderboard, **changes: Any) -> StaticBoard:
    """The board as files."""
    keeper = leaderboard.keeper
    board = StaticBoard(keeper.now.board, TEXTS, Links.of(keeper), today=NOW + timedelta(days=100))
    return replace(board, **changes)


def files_of(board: StaticBoard) -> dict[str, bytes]:
    """The content of every file by its path."""
    return {file.path: file.data for file in [*board.pages(), board.opening(NOW)]}


def page(files: dict[str, bytes], path: str) -> PlainPage:
    return PlainPage(files[path].decode())


def export(board: StaticBoard, folder: Path, *, now: Any = NOW, files: Any = None) -> Any:
    return write_export(
        folder, board.pages() if files is None else files, board.opening, now=now, about={"version": "1"}
    )


def test_every_page_and_file_is_there(leaderboard: Leaderboard) -> None:
    board = static(leaderboard)
    files = files_of(board)
    assert {"index.html", "everything.html", "charts.html", "about.html", "queue.html"} <= files.keys()
    assert {"table.csv", "table.json", "table.parquet"} <= files.keys()
    assert {f"model/{name}.html" for name in MODELS} <= files.keys()
    assert {"task/Addition.html", "charts/Addition.html", "chart/size/Addition.svg"} <= files.keys()
    assert files.keys() == board.files.all
    assert board.number == len(files) - 1


def test_every_link_leads_to_a_file_of_the_export_or_to_another_site(leaderboard: Leaderboard) -> None:
    files = files_of(static(leaderboard))
    followed = set()
    for path in files:
        if not path.endswith(".html"):
            continue
        for each in page(files, path).elements:
            address = each.attributes.get("href", each.attributes.get("src", ""))
            if not address or address.startswith(("https://", "#", "data:")):
                continue
            there = normpath(join(dirname(path), unquote(urlsplit(address).path)))
            assert there in files, f"{path} links to {address}"
            followed.add(there)
    assert followed == files.keys()


def test_the_table_has_the_rows_and_cells_of_the_page(leaderboard: Leaderboard) -> None:
    found = page(files_of(static(leaderboard)), "index.html")
    table = view(leaderboard.keeper.now.board.standings, replace(OPENING, size=None))
    assert [each.text for each in found.headers] == [column.header for column in table.columns]
    assert found.column("Model") == ["acme/one", "acme/three", "acme/two", "other/four"]
    assert found.column("Addition") == ["90.00", "70.00", "50.00", "30.00"]


def test_a_model_that_left_the_hub_is_only_in_the_table_with_all_columns(leaderboard: Leaderboard) -> None:
    leaderboard.keeper._presences = lambda: {"acme/two": Presence(False)}  # type: ignore[method-assign]
    leaderboard.keeper.sync()
    files = files_of(static(leaderboard))
    assert "acme/two" not in page(files, "index.html").column("Model")
    assert "no longer on the Hub are left out here" in files["index.html"].decode()
    assert "acme/two" in page(files, "everything.html").column("Model")
    assert "model/acme/two.html" in files


def test_the_data_files_have_all_rows_and_columns(leaderboard: Leaderboard) -> None:
    files = files_of(static(leaderboard))
    headers = [each.text for each in page(files, "everything.html").headers]
    read = json.loads(files["table.json"])
    assert read["headers"] == headers
    assert len(read["rows"]) == len(MODELS)
    assert files["table.csv"].count(b"\r\n") == len(MODELS) + 1
    assert pq.read_table(io.BytesIO(files["table.parquet"])).num_rows == len(MODELS)
    assert [*DATA_FILES] == ["table.csv", "table.json", "table.parquet"]


def test_the_script_sorts_as_the_page_does(leaderboard: Leaderboard) -> None:
    standings = leaderboard.keeper.now.board.standings
    part = static(leaderboard)._part_of(ViewState())
    columns = [column.header for column in part.table.columns]
    found = dict(zip(columns, orders(standings, part), strict=True))
    names = [row.model for row in part.table.rows]
    order, known, is_descending, is_searched = found["Copying"]
    assert [names[number] for number in order] == ["acme/one", "acme/three", "acme/two", "other/four"]
    assert (known, is_descending, is_searched) == (3, 1, 0)  # the last has no score of it
    order, known, is_descending, is_searched = found["Model"]
    assert [names[number] for number in order] == sorted(MODELS)
    assert (known, is_descending, is_searched) == (4, 0, 1)


def test_what_needs_a_server_is_not_there(leaderboard: Leaderboard) -> None:
    files = files_of(static(leaderboard))
    model = files["model/acme/one.html"].decode()
    assert "Neighbours" in model
    assert "compare" not in model.casefold().replace(">compare</span>", "")
    every = b"".join(files[path] for path in files if path.endswith(".html"))
    assert b"Load this page again" not in every
    assert every.count(b"<form") == every.count(b'id="search-form"') == 2


def test_the_queue_says_what_failed(leaderboard: Leaderboard) -> None:
    queue = files_of(static(leaderboard))["queue.html"].decode()
    assert "It did not load." in queue
    assert "files/requests" not in queue


def test_the_first_page_says_when_it_was_made_and_from_what(leaderboard: Leaderboard) -> None:
    board = static(leaderboard, sources=[Source("acme/requests", "a" * 40), Source("acme/results", "b" * 40)])
    first = board.opening(NOW).data.decode()
    assert "Made on 2026-02-01 12:00 UTC from acme/requests at aaaaaaaaaa and acme/results at bbbbbb" in first


def test_no_page_may_load_or_run_anything_from_elsewhere(leaderboard: Leaderboard) -> None:
    files = files_of(static(leaderboard))
    for path in files:
        if path.endswith(".html"):
            [policy] = page(files, path).all("meta", **{"http-equiv": "Content-Security-Policy"})
            assert policy.attributes["content"].startswith("default-src 'none'; script-src 'self';")


@pytest.mark.parametrize("board", [{}, {"tasks": ()}])
def test_an_empty_board_can_be_exported(tmp_path: Path, board: dict[str, Any]) -> None:
    empty = Leaderboard(tmp_path / "data")
    empty.keeper.sync()
    files = files_of(static(empty))
    assert "No models" in files["index.html"].decode()


# What files are called


def test_a_name_of_the_hub_keeps_its_form() -> None:
    assert paths_of(["acme/tiny-1.5B_x", "gpt2", "acme/tiny:float16:Original"]) == {
        "acme/tiny-1.5B_x": "acme/tiny-1.5B_x",
        "gpt2": "gpt2",
        "acme/tiny:float16:Original": "acme/tiny--float16--Original",
    }


NAMES = [
    *("../../etc/passwd", "/etc/passwd", ".hidden/x", "a/..", "", ".", "con", "NUL.txt/aux", "a/b/c"),
    *("acme/x", "ACME/X", "acme/x.html", "x.html", "x.html/y", "a--b", "a:b", "a b", "a-b", "é/ü"),
    *("x" * 500, "<script>", 'a"b', "a\\b", "a\x00b", "\ud800", "trailing./dot.", "a\n/b", "%2e%2e/x"),
]


def test_hostile_names_get_paths_of_their_own_within_the_folder() -> None:
    paths = paths_of(NAMES)
    assert len({path.casefold() for path in paths.values()}) == len(NAMES)
    files = {f"model/{path}.html".casefold() for path in paths.values()}
    folders = {dirname(path) for path in files}
    assert not files & folders
    for path in paths.values():
        assert path.isascii()
        assert all(part and part[0] not in ".-" and len(part) < 150 for part in path.split("/"))
        assert set(path) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/")


def test_a_name_keeps_its_path_when_the_order_changes() -> None:
    assert paths_of(NAMES) == paths_of(reversed(NAMES))


# Links

TARGETS = {"table": "index.html", "model/acme/x": "model/acme/x.html"}


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="table">t</a>', '<a href="../index.html">t</a>'),
        ('<a href="model/acme/x" class="b">x</a>', '<a class="b" href="../model/acme/x.html">x</a>'),
        ('<a href="https://hub.example/x">x</a>', '<a href="https://hub.example/x">x</a>'),
        ('<a href="#note-1">1</a>', '<a href="#note-1">1</a>'),
        ('<th><a href="?sort=x">x</a></th>', "<th>x</th>"),
        ('<td><a href="compare?model=x">compare <b>x</b></a> y</td>', "<td> y</td>"),
        ('<a href="files/results/x">result</a> z', " z"),
        ('<a href="javascript:x()">x</a>', "x"),
        ('<a href="&#106;avascript:x()">x</a>', "x"),
        ('<img src="https://e.example/a" alt="A &lt;b>">', '<a href="https://e.example/a">A &lt;b&gt;</a>'),
        ('<a href="table"><img src="http://e.e/"></a>', '<a href="../index.html">http://e.e/</a>'),
        ('<img src="elsewhere.png">', ""),
        ('<link rel="stylesheet" href="https://e.example/a.css">', ""),
        ('<script src="https://e.example/a.js"></script>', "</script>"),
        ("<p>&lt;a href=&#34;table&#34; &amp;lt;</p>", "<p>&lt;a href=&#34;table&#34; &amp;lt;</p>"),
        ('<!DOCTYPE html>\n<rect viewBox="0 0 1 1"/>', '<!DOCTYPE html>\n<rect viewBox="0 0 1 1"/>'),
    ],
)  # fmt: skip
def test_links_lead_to_files_and_all_else_stays(html: str, expected: str) -> None:
    assert relinked(html, TARGETS, depth=1) == expected


# Writing


def test_an_export_can_be_made_again_and_only_what_changed_gets_a_new_time(
    leaderboard: Leaderboard, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    first = export(static(leaderboard), folder)
    assert first.changed == first.files == len(files_of(static(leaderboard)))
    for path in folder.rglob("*.*"):
        os.utime(path, (1_000_000, 1_000_000))
    before = snapshot_of(folder)

    assert export(static(leaderboard), folder, now=LATER).changed == 0
    assert snapshot_of(folder) == before  # also the time that the first page tells

    leaderboard.add_result("acme/five", run=run_at(9), scores=scores(0.1, 0.1, 0.1))
    (leaderboard.folder / "results" / "acme" / "two").rename(tmp_path / "gone")
    leaderboard.keeper.sync()
    again = export(static(leaderboard), folder, now=LATER)
    after = snapshot_of(folder)
    assert again.removed == 1
    assert "model/acme/two.html" not in after
    assert "13:00 UTC" in (folder / "index.html").read_text()
    same = {path for path in before if path in after and after[path][1] == before[path][1]}
    assert {"plain.css", "about.html", "static.js"} <= same
    assert all(after[path][0] == 1_000_000 for path in same - {MANIFEST})
    assert again.changed == len([path for path in after if path not in same and path != MANIFEST])


def snapshot_of(folder: Path) -> dict[str, tuple[float, bytes]]:
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_an_interrupted_export_leaves_the_old_one(leaderboard: Leaderboard, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    board = static(leaderboard)
    export(board, folder)
    before = snapshot_of(folder)

    def interrupted() -> Iterator[File]:
        yield File("about.html", b"new")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(board, folder, files=interrupted())
    assert snapshot_of(folder) == before
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == ["out"]


@pytest.mark.parametrize("killed_after", [1, 2])
def test_the_next_export_completes_one_that_was_killed_while_it_took_the_place(
    leaderboard: Leaderboard, tmp_path: Path, killed_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, board = tmp_path / "out", static(leaderboard)
    export(board, folder)
    kept = snapshot_of(folder)
    (tmp_path / ".out.new").mkdir()
    (tmp_path / ".out.new" / MANIFEST).write_text('{"kind": "leaderboard", "files": []}')
    (tmp_path / ".out.new" / "half.html").write_text("half")
    if killed_after == 1:
        folder.rename(tmp_path / ".out.old")
    else:
        shutil.copytree(folder, tmp_path / ".out.old")
    assert export(board, folder, now=LATER).changed == 0
    assert snapshot_of(folder).keys() == kept.keys()
    assert not (tmp_path / ".out.old").exists()
    assert not (tmp_path / ".out.new").exists()


def a_file_of_somebody_else(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.doc").write_text("important")


def an_export_and_a_file(folder: Path) -> None:
    folder.mkdir()
    (folder / MANIFEST).write_text('{"kind": "leaderboard", "files": []}')
    (folder / "deep").mkdir()
    (folder / "deep" / "notes.txt").write_text("important")


def a_manifest_of_something_else(folder: Path) -> None:
    folder.mkdir()
    (folder / MANIFEST).write_text('{"files": ["thesis.doc"]}')
    (folder / "thesis.doc").write_text("important")


def a_linked_folder(folder: Path) -> None:
    folder.mkdir()
    (folder / "linked").symlink_to(folder.parent)


@pytest.mark.parametrize(
    "occupy",
    [a_file_of_somebody_else, an_export_and_a_file, a_manifest_of_something_else, a_linked_folder],
)
def test_a_folder_with_anything_else_is_never_replaced(
    leaderboard: Leaderboard, tmp_path: Path, occupy: Callable[[Path], None]
) -> None:
    folder = tmp_path / "out"
    occupy(folder)
    before = sorted(folder.rglob("*"))
    with pytest.raises(ConfigurationError, match=r"not from an export .*name a folder of its own"):
        export(static(leaderboard), folder)
    assert sorted(folder.rglob("*")) == before
    assert not (tmp_path / ".out.new").exists()


@pytest.mark.parametrize("part", ["old", "new"])
@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("occupy", [a_file_of_somebody_else, a_manifest_of_something_else])
def test_a_folder_beside_it_that_is_no_exports_is_neither_removed_nor_taken(
    leaderboard: Leaderboard, tmp_path: Path, occupy: Callable[[Path], None], part: str, is_first: bool
) -> None:
    folder, beside = tmp_path / "out", tmp_path / f".out.{part}"
    if not is_first:
        export(static(leaderboard), folder)
    occupy(beside)
    before = snapshot_of(beside)
    with pytest.raises(
        ConfigurationError, match=rf"\.out\.{part} is needed .* not from an export: move it away"
    ):
        export(static(leaderboard), folder, now=LATER)
    assert snapshot_of(beside) == before
    assert folder.exists() is not is_first


@pytest.mark.parametrize("part", ["old", "new"])
def test_a_link_beside_it_is_not_followed(leaderboard: Leaderboard, tmp_path: Path, part: str) -> None:
    folder, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    export(static(leaderboard), elsewhere)
    before = snapshot_of(elsewhere)
    (tmp_path / f".out.{part}").symlink_to(elsewhere)
    with pytest.raises(ConfigurationError, match="not from an export: move it away"):
        export(static(leaderboard), folder)
    assert snapshot_of(elsewhere) == before
    assert (tmp_path / f".out.{part}").is_symlink()


def test_an_old_export_with_a_file_of_somebody_else_is_kept(leaderboard: Leaderboard, tmp_path: Path) -> None:
    folder, old = tmp_path / "out", tmp_path / ".out.old"
    export(static(leaderboard), folder)
    an_export_and_a_file(old)
    with pytest.raises(ConfigurationError, match="not from an export: move it away"):
        export(static(leaderboard), folder, now=LATER)
    assert (old / "deep" / "notes.txt").read_text() == "important"


def test_an_export_that_was_killed_while_it_wrote_is_known_by_the_next(
    leaderboard: Leaderboard, tmp_path: Path
) -> None:
    folder, copy = tmp_path / "out", tmp_path / "copy"

    def killed() -> Iterator[File]:
        yield File("about.html", b"new")
        shutil.copytree(tmp_path / ".out.new", copy)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(static(leaderboard), folder, files=killed())
    assert (copy / "about.html").exists()
    copy.rename(tmp_path / ".out.new")
    export(static(leaderboard), folder)
    assert not (tmp_path / ".out.new").exists()
    assert (folder / "index.html").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(leaderboard: Leaderboard, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ConfigurationError, match="is a file: name a folder"):
        export(static(leaderboard), tmp_path / "out")


def test_of_two_exports_at_once_the_second_is_refused(leaderboard: Leaderboard, tmp_path: Path) -> None:
    folder, board = tmp_path / "out", static(leaderboard)

    def files() -> Iterator[File]:
        with pytest.raises(ConfigurationError, match="Another export is being written"):
            export(board, folder)
        yield from board.pages()

    assert export(board, folder, files=files()).files == len(board.files.all)
    assert snapshot_of(folder).keys() == board.files.all | {MANIFEST}


# The program


def run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "src.export", *arguments],
        cwd=ROOT / "frontend",
        env={**os.environ, "LEADERBOARD_DATA_DIR": str(folder), **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_program_says_what_it_wrote_and_what_it_skipped(leaderboard: Leaderboard, tmp_path: Path) -> None:
    leaderboard.write("results", "acme/bad/results_2026-01-31T12-00-00.000000.json", b"{")
    done = run(leaderboard.folder, str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Wrote ")
    assert done.stdout.endswith(f"MB) to {tmp_path / 'out'}\n")
    assert "acme/bad" in done.stderr
    assert "was skipped: " in done.stderr
    first = (tmp_path / "out" / "index.html").read_text()
    assert "from local folders" in first
    every = "".join(path.read_text() for path in (tmp_path / "out").rglob("*.html"))
    assert str(tmp_path) not in every, "a path of this machine is published"


def test_a_folder_without_a_board_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    done = run(tmp_path / "nowhere", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "Configuration error: There is no board in " in done.stderr
    assert "LEADERBOARD_DATA_DIR" in done.stderr
    assert not list(tmp_path.iterdir())


def test_an_interrupted_program_says_so_without_a_traceback(
    leaderboard: Leaderboard,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(folder: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("src.export.export", interrupted)
    assert export_main([str(tmp_path / "out")]) == 130
    assert "An older export stays as it was." in capsys.readouterr().err
