"""The plain page: the view as HTML that needs no script, for every visitor and for frames on other pages."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote_plus

import pytest

from bench.corpora import Corpus
from src.board.board import Board
from src.board.keeper import Keeper
from src.leaderboard.address import state
from src.leaderboard.merging import standings
from src.leaderboard.view import view
from src.page.plain import document as documents
from src.page.plain.asked import LONGEST_QUERY, Asked, offered, read
from src.page.plain.document import STYLE, document
from src.page.plain.preview import owners_picture, preview
from src.page.plain.routes import plain_site
from src.page.plain.site import Site, without_markdown
from src.page.texts import Texts
from src.settings import Settings
from src.shared.data.request import Status
from src.shared.models.model_source import Presence
from src.shared.stores.folder_store import FolderStore
from support.boards import TASKS, TEXTS, Leaderboard, make_result, run_at, scores
from support.factories import make_request, make_result_file
from support.hostile_html import HARMLESS, HOSTILE, Parsed
from support.plain_pages import SITE, PlainPage, plain_client

MODELS: dict[str, dict[str, Any]] = {
    "acme/tiny": {"license": "mit", "params": 0.1, "model_type": "🟢 : pretrained"},
    "acme/big": {"license": "apache-2.0", "params": 70.0, "model_type": "🔶 : fine-tuned"},
    "other/model": {"license": "mit", "params": 7.0, "model_type": "🟢 : pretrained", "precision": "float16"},
    "other/half": {"license": "", "params": None, "model_type": "? : "},
}


def fill(leaderboard: Leaderboard) -> None:
    for place, (model, facts) in enumerate(MODELS.items()):
        leaderboard.add_request(model=model, status=Status.FINISHED, **facts)
        found = scores(0.9 - place / 10, 0.1 + place / 5, None if "half" in model else 0.5)
        leaderboard.add_result(
            model, scores=found, precision=facts.get("precision", "float32"), run=run_at(place - 1000)
        )
    leaderboard.keeper.sync()


@pytest.fixture
def filled(leaderboard: Leaderboard) -> Leaderboard:
    fill(leaderboard)
    return leaderboard


@pytest.fixture
def client(filled: Leaderboard) -> Iterator[Any]:
    with plain_client(filled.keeper) as client:
        yield client


def page_at(client: Any, query: str = "") -> PlainPage:
    answer = client.get(f"/table?{query.removeprefix('?')}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return PlainPage(answer.text)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=acme",
        "type=pretrained",
        "sort=Model",
        "sort=Agreement&worst_first=yes",
        "show=Hub+License",
        "size=..8",
    ],
)
def test_the_rows_and_columns_are_those_of_the_same_view_on_the_main_page(
    client: Any, filled: Leaderboard, query: str
) -> None:
    found = filled.keeper.now.board.standings
    wanted = view(found, state(query, offered(found)))
    page = page_at(client, query)
    assert [each.text for each in page.headers] == [column.header for column in wanted.columns]
    shown = [[re.sub(r"^#\d+ ", "", text) for text in row] for row in page.rows]
    assert shown == [[cell.text for cell in line.cells] for line in wanted.lines]


def test_a_header_sorts_the_best_first_and_then_the_worst(client: Any) -> None:
    page = page_at(client, "q=o")
    best = page_at(client, page.sorting_link("Agreement"))
    worst = page_at(client, best.sorting_link("Agreement"))
    again = page_at(client, worst.sorting_link("Agreement"))
    assert best.column("Agreement") == ["#1 70.00", "#2 50.00"]  # the places among all models
    assert worst.column("Agreement") == best.column("Agreement")[::-1]
    assert again.rows == best.rows
    assert len(best.rows) == len(page.rows) == 2  # the search stays
    sorted_by = [
        [each.text for each in page.headers if "aria-sort" in each.attributes] for page in (page, best)
    ]
    assert sorted_by == [["Rank"], ["Agreement"]]
    order = [
        each.attributes["aria-sort"]
        for page in (best, worst)
        for each in page.headers
        if each.text == "Agreement"
    ]
    assert order == ["descending", "ascending"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=acme&type=pretrained&type=unheard+of",
        "license=open&license=none&sizes=0-3",
        "size=3..8&size=unknown&since=2025-01-01",
        "without=nothing",
        "without=incomplete",
        "show=Model+sha&hide=Precision&sort=Copying&worst_first=yes&rows=200",
    ],
)
def test_the_form_sends_the_view_that_it_shows(client: Any, filled: Leaderboard, query: str) -> None:
    found = filled.keeper.now.board.standings
    assert read(page_at(client, query).sent(), found) == read(query, found)


def test_the_form_searches_and_filters(client: Any) -> None:
    page = page_at(client)
    assert page_at(client, page.sent(q=["big"])).column("Model") == ["acme/big"]
    assert set(page_at(client, page.sent(license=["mit"])).column("Model")) == {"acme/tiny", "other/model"}
    assert page_at(client, page.sent(hide=["Addition"])).headers[4].text == "Agreement"


def test_what_is_active_can_be_taken_back_part_by_part(client: Any) -> None:
    page = page_at(client, "q=acme&type=pretrained")
    assert page.column("Model") == ["acme/tiny"]
    pretrained = page_at(client, page.link("✕ Remove Search: acme"))
    assert set(pretrained.column("Model")) == {"acme/tiny", "other/model"}
    assert page_at(client, page.link("✕ Remove Type: pretrained")).column("Model") == [
        "acme/big",
        "acme/tiny",
    ]
    assert len(page_at(client, page.link("Clear all")).rows) == 4


def test_if_nothing_is_found_the_page_says_what_to_take_back(client: Any) -> None:
    page = page_at(client, "q=big&type=pretrained")
    [status] = page.all("div", role="status")
    assert status.text == "0 of 4 models"
    assert any(each.text == "No model fits all of these. Take one back:" for each in page.all("p"))
    helps = [each.text for each in page.all("a", **{"class": "chip"})]
    assert helps == [
        "✕ Remove Search: big (2 models without it)",
        "✕ Remove Type: pretrained (1 model without it)",
    ]


def test_the_rows_before_and_after_are_a_link_away(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_ROWS", 3)
    first = page_at(client, "sort=Model")
    second = page_at(client, first.link("4–4 ›"))
    assert [*first.column("Model"), *second.column("Model")] == sorted(MODELS)
    assert page_at(client, second.link("‹ 1–3")).rows == first.rows
    assert page_at(client, "sort=Model&from=99").rows == first.rows
    assert not [
        each for each in first.all("a") if each.text.startswith("All 4")
    ]  # more than one page may have


def test_the_rows_of_every_page_link_to_their_own_details(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MOST_ROWS", 3)
    for query in ("sort=Model", "sort=Model&from=4", "from=2"):
        page = page_at(client, query)
        links = [each.attributes["href"] for each in page.all("a") if each.text == "details"]
        assert [link.partition("?")[0] for link in links] == [
            f"model/{name}" for name in page.column("Model")
        ]


def test_all_rows_are_a_link_away_up_to_a_thousand() -> None:
    corpus = Corpus(130, 5, 1)
    page = PlainPage(html_of(corpus))
    assert len(page.rows) == 100
    assert page.link("101–130 ›") == "?from=101"
    assert page.link("All 130") == "?rows=all"
    assert page.link("all as CSV") == "table.csv?rows=all"
    assert page.link("CSV") == "table.csv?"


def test_a_page_has_a_thousand_rows_at_most_and_links_the_file_of_just_these() -> None:
    page = PlainPage(html_of(Corpus(1001, 5, 1), "rows=all"))
    assert len(page.rows) == 1000
    assert page.link("1,001–1,001 ›") == "?rows=all&from=1001"
    assert page.link("CSV") == "table.csv?rows=1000"
    assert page.link("all as CSV") == "table.csv?rows=all"


def test_search_engines_know_each_page_of_the_opening_view_and_no_other_view() -> None:
    corpus = Corpus(130, 5, 1)
    for query, canonical, is_listed in (
        ("", "table", True),
        ("from=101", "table?from=101", True),
        ("from=101&sort=Model", "table", False),
        ("rows=all", "table", True),
        ("q=org-1", "table", False),
    ):
        page = PlainPage(html_of(corpus, query))
        [link] = page.all("link", rel="canonical")
        assert link.attributes["href"] == f"https://board.example/{canonical}"
        assert (not page.all("meta", name="robots")) is is_listed, query


def html_of(corpus: Corpus, query: str = "") -> str:
    board = board_of(corpus)
    asked = read(query, board.standings)
    return document(board, asked, SITE).body.decode()


def board_of(corpus: Corpus) -> Board:
    with TemporaryDirectory() as folder:
        requests, results = (Path(folder) / name for name in ("requests", "results"))
        corpus.write(requests, results, has_logs=False)
        keeper = Keeper(FolderStore(requests), FolderStore(results), corpus.columns)
        keeper.sync()
        return keeper.now.board


def test_a_hundred_rows_of_twelve_tasks_have_seventy_kilobytes() -> None:
    board = board_of(Corpus(300, 20, 12))
    answer = document(board, read("", board.standings), SITE)
    assert len(PlainPage(answer.body.decode()).rows) == 100
    assert len(answer.body) <= 70_000
    assert len(answer.zipped) <= 15_000


def test_in_a_frame_there_is_the_table_and_a_way_back(client: Any) -> None:
    answer = client.get("/table?embed=1&q=acme")
    page = PlainPage(answer.text)
    assert "X-Frame-Options" not in answer.headers
    assert "frame-ancestors" not in answer.headers["Content-Security-Policy"]
    assert page.column("Model") == ["acme/big", "acme/tiny"]
    assert not page.all("form")
    assert page.link("The board") == "table?q=acme"
    assert page.all("base")[0].attributes == {"target": "_blank"}
    sorting = [each.attributes for each in page.all("a", within="thead")]
    assert all(each["target"] == "_self" and "embed=1" in each["href"] for each in sorting)


def test_link_previews_and_search_engines_learn_what_it_is(client: Any) -> None:
    page = page_at(client)
    named = {
        each.attributes.get("property") or each.attributes.get("name"): each.attributes.get("content")
        for each in page.all("meta")
    }
    assert page.all("title")[0].text == named["og:title"] == "The board"
    assert named["description"] == named["og:description"] == "An introduction."
    assert named["og:image"] == "https://board.example/preview.png"
    assert page.all("link", rel="canonical")[0].attributes["href"] == "https://board.example/table"
    assert "robots" not in named
    other = page_at(client, "sort=Model")
    assert other.all("meta", name="robots")[0].attributes["content"] == "noindex"
    assert other.all("link", rel="canonical")[0].attributes["href"] == "https://board.example/table"


def test_the_picture_is_the_owners_if_there_is_one(client: Any, tmp_path: Path) -> None:
    picture = client.get("/preview.png")
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    assert owners_picture(tmp_path) is None
    (tmp_path / "preview.jpg").touch()
    assert owners_picture(tmp_path) == "files/assets/preview.jpg"


@pytest.mark.parametrize("name", [HOSTILE, "模型/🟢", "\x00\x1b[31m\n", "a" * 5000, ""])
def test_the_picture_shows_any_name_as_far_as_the_font_goes(name: str) -> None:
    answer = preview(hostile_board(name or HARMLESS).standings, title=name)
    assert answer.body.startswith(b"\x89PNG")


def hostile_result(model: str, place: int) -> bytes:
    return make_result_file(model=model, run=run_at(place), scores=scores(0.9, 0.9, 0.9))


def test_the_owners_words_lose_their_markdown() -> None:
    text = (
        "## Hi\n![x](y.png) See [our *page*](https://x.y) for `trust_remote_code` and **more**.\n- <b>one</b>"
    )
    assert without_markdown(text) == "Hi See our page for trust_remote_code and more. one"
    long = Texts("<h1>🏅 A &amp; B</h1>", "word " * 200, "", "", "", "")
    site = Site.of(long)
    assert site.title == "🏅 A & B"
    assert len(site.description) <= 200 < len(site.introduction) <= 600


def test_the_address_of_a_space_is_its_first_host() -> None:
    settings = Settings(space_host="acme-board.hf.space, board.example")
    assert plain_site(TEXTS, settings).base == "https://acme-board.hf.space/"
    assert plain_site(TEXTS, Settings()).base == ""


def test_only_models_that_are_on_the_hub_are_links(leaderboard: Leaderboard) -> None:
    for place, name in enumerate(["acme/here", "acme/gone", "acme/local"]):
        leaderboard.add_result(name, run=run_at(place), scores=scores(0.5, 0.5, 0.5))
    leaderboard.write(
        "results", "x/results_2026-01-31T13-00-00.000000.json", hostile_result("no name at all/", 1)
    )
    leaderboard.add_request(model="acme/gone", status=Status.FINISHED, extra={"still_on_hub": False})
    leaderboard.keeper = Keeper(
        leaderboard.requests,
        leaderboard.results,
        TASKS,
        local_models=lambda: frozenset({"acme/local"}),
    )
    leaderboard.keeper.sync()
    with plain_client(leaderboard.keeper) as client:
        page = page_at(client, "without=nothing")
    links = [each.attributes["href"] for each in page.all("a", within="tbody")]
    assert [each for each in links if ":" in each] == ["https://huggingface.co/acme/here"]
    assert len(page.rows) == 4


def test_what_marks_symbols_and_words_mean_stands_below(filled: Leaderboard) -> None:
    filled.add_result(
        "acme/odd", scores=scores(0.1, 0.1, 0.1), run=run_at(-1), **{"n-shot": {"tiny_addition": 5}}
    )
    filled.keeper.sync()
    with plain_client(filled.keeper) as client:
        page = page_at(client)
    place = page.column("Model").index("acme/odd new")
    assert page.column("Addition")[place] == "10.00 1"
    assert page.link("1") == "#note-1"
    [note] = page.all("p", id="note-1")
    assert note.text == "1 5 examples before each question; most others have 0."
    below = " ".join(each.text for each in page.all("p"))
    assert "🟢 pretrained · 🔶 fine-tuned" in below
    assert "2/3 means that 2 of 3 tasks have a score." in below


def test_scores_have_bars_and_the_best_stands_out(client: Any) -> None:
    page = page_at(client)
    cells = [each for each in page.all("td", within="tbody") if "style" in each.attributes]
    assert {each.attributes["style"] for each in cells if each.text == "90.00"} == {"--s:90"}
    best = [each.text for each in page.all("td", **{"class": "best"})]
    assert "90.00" in best
    assert "80.00" not in best


def test_it_is_made_for_screen_readers(client: Any) -> None:
    for query in ("", "embed=1", "q=nothing"):
        page = page_at(client, query)
        assert page.all("html")[0].attributes["lang"] == "en"
        assert len(page.all("h1")) == len(page.all("main")) == len(page.all("caption")) == 1
        assert len(page.all("th", scope="row")) == len(page.rows)
        ids = [each.attributes["id"] for each in page.elements if "id" in each.attributes]
        assert len(ids) == len(set(ids))
        labelled = {each.attributes["for"] for each in page.all("label") if "for" in each.attributes}
        for control in [*page.all("input"), *page.all("select")]:
            hidden = control.attributes.get("type") == "hidden"
            assert hidden or "label" in control.within or control.attributes.get("id") in labelled
        landmarks = [each.attributes["aria-label"] for each in [*page.all("nav"), *page.all("section")]]
        assert len(landmarks) == len(set(landmarks))
        assert all(each.text for each in [*page.all("a"), *page.all("button")])
        assert not page.all("script")


def test_texts_are_readable_in_both_colour_schemes() -> None:
    light, dark = re.findall(r":root\{(.*?)\}", STYLE.read_text())[:2]
    for scheme in (light, dark):
        colours = dict(re.findall(r"--(\w+):#([0-9a-f]{3,8})", scheme))
        paper, raised = colours["paper"], colours["raised"]
        barred = mixed(paper, colours["bar"])
        for name in ("text", "quiet", "link"):
            assert contrast(colours[name], paper) >= 4.5, name
            assert contrast(colours[name], raised) >= 4.5, name
        assert contrast(colours["text"], barred) >= 4.5


def channels(colour: str) -> list[float]:
    digits = colour if len(colour) > 3 else "".join(each * 2 for each in colour)
    return [int(digits[place : place + 2], 16) / 255 for place in range(0, len(digits), 2)]


def mixed(paper: str, bar: str) -> str:
    *above, alpha = channels(bar)
    both = [over * alpha + under * (1 - alpha) for over, under in zip(above, channels(paper), strict=True)]
    return "".join(f"{round(each * 255):02x}" for each in both)


def contrast(one: str, other: str) -> float:
    """https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio"""
    lights = sorted(map(luminance, (one, other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour: str) -> float:
    linear = [
        each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in channels(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def hostile_board(text: str) -> Board:
    """A board on which a stranger wrote the same text everywhere."""
    request = make_request(
        model=text,
        status=Status.FINISHED,
        license=text,
        model_type=f"🟢 : {text}",
        extra={"architectures": [text]},
    )
    results = [replace(make_result(scores=scores(0.5, 0.5, 0.5)), model=text, precision=text, request="file")]
    found = standings(TASKS, {"file": request}, results)
    return Board(replace(found, rows=tuple(replace(row, flag=text) for row in found.rows)))


@pytest.mark.parametrize(
    "query",
    [
        "show=Type&show=Hub+License&show=Architecture",
        "embed=1",
        "license=TEXT&q=TEXT&type=TEXT&since=TEXT&size=TEXT&sort=TEXT&show=TEXT",
    ],
)
def test_what_strangers_wrote_stays_text(query: str) -> None:
    pages = {}
    for text in (HARMLESS, HOSTILE):
        board = hostile_board(text)
        asked = read(query.replace("TEXT", quote_plus(text)), board.standings)
        pages[text] = Parsed(document(board, asked, SITE).body.decode())
    assert pages[HOSTILE].tags == pages[HARMLESS].tags
    assert HOSTILE in "\n".join(pages[HOSTILE].texts)


@pytest.mark.parametrize(
    "query",
    [
        "from=-1",
        "from=1e9",
        "from=٣",
        "from=999999999999",
        "rows=0",
        "rows=-5",
        "embed=yes",
        "embed=1&embed=2",
        "q=%00%ff%0d%0a",
        "sort=%F0%9F",
        "&&&=&=",
        "since=9999-99-99",
        "size=1e400..",
        "%00=%00",
        "q=" + "a%20" * 900,
        "&".join(["type=x"] * 600),
        "sort=" + "x" * 5000,
        "show=Rank&hide=Model",
    ],
)
def test_no_address_breaks_the_page(client: Any, query: str) -> None:
    page = page_at(client, query)
    assert len(page.headers) >= 4
    for path in ("table.csv", "leaderboard", "table.parquet"):
        assert client.get(f"/{path}?{query}").status_code == 200


def test_an_address_that_is_too_long_is_refused_unread(client: Any) -> None:
    answer = client.get(f"/table?q={'a' * LONGEST_QUERY}")
    assert answer.status_code == 414
    assert "16,000 characters" in answer.text


def test_addresses_that_ask_for_the_same_have_one_query(filled: Leaderboard) -> None:
    found = filled.keeper.now.board.standings
    same = [
        "",
        "sort=Rank",
        "q=&type=",
        "from=1&embed=0",
        "sort=nothing+there",
        "utm_source=x",
        "rows=100",
        "from=x",
    ]
    assert {read(query, found).query(offered(found)) for query in same} == {""}
    asked = Asked(read("q=a", found).state, 101, True)
    assert read(asked.query(offered(found)), found) == asked


def test_before_anything_was_read_the_page_says_so_and_is_not_kept(leaderboard: Leaderboard) -> None:
    with plain_client(leaderboard.keeper) as client:
        answer = client.get("/table")
        assert "still being read" in answer.text
        assert answer.headers["Cache-Control"] == "no-cache"
        fill(leaderboard)
        answer = client.get("/table")
    assert "still being read" not in answer.text
    assert answer.headers["Cache-Control"] == "max-age=60"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "sorted by Rank, best first"),
        ("sort=Addition&worst_first=yes", "sorted by Addition, worst first"),
        ("sort=Model", "sorted by Model, A first"),
        ("sort=Evaluated", "sorted by Evaluated, newest first"),
        ("sort=%23Params+%28B%29&worst_first=yes", "sorted by #Params (B), smallest first"),
    ],
)
def test_the_order_is_in_words_that_fit_the_column(client: Any, query: str, words: str) -> None:
    assert words in client.get(f"/table?{query}").text


def test_an_odd_host_breaks_nothing(client: Any) -> None:
    assert client.get("/table?q=acme", Host="[").status_code == 200
    assert PlainPage(client.get("/table?q=nobody", Host="x#").text).rows == []


def test_the_picture_shows_no_model_that_the_table_hides() -> None:
    gone = make_result("acme/gone", scores=scores(0.9, 0.9, 0.9))
    there = make_result("acme/there", scores=scores(0.5, 0.5, 0.5))
    alone = preview(standings(TASKS, {}, [there]), title="T")
    both = preview(standings(TASKS, {}, [gone, there], {"acme/gone": Presence(False)}), title="T")
    assert both.body == alone.body
    assert preview(standings(TASKS, {}, [gone, there]), title="T").body != alone.body
