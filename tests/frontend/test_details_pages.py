"""The pages about models and tasks: what they say, where they lead, and what they withstand."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import pytest

from bench.corpora import Corpus
from src.board.board import Board
from src.leaderboard.rescoring import AS_PUBLISHED, Scoring
from src.leaderboard.rows import Standings
from src.page.details import STYLE
from src.page.details.links import DetailsLinks
from src.page.details.routes import details_doors
from src.page.plain.asked import LONGEST_QUERY
from src.shared.data.backend_description import Example
from src.shared.data.reports import read_result
from src.shared.data.request import Status, read_request
from src.shared.serving.doors import Doors
from src.tasks import Task
from support.asgi import call
from support.boards import TASKS, Leaderboard, run_at, scores
from support.details import addresses, board_of, everything_called, keeper_of, result_of
from support.factories import make_backend, make_task
from support.hostile_html import HARMLESS, HOSTILE, Parsed
from support.plain_pages import PlainClient, PlainPage, plain_client

ERRORS = (0.02, 0.02, 0.02)
NAMES = ("acme/best", "acme/good", "acme/half", "other/model")
WEIGHTED = "weight=Agreement%3A0&weight=Copying%3A0"
ROOT = "http://page/"
HUGE = 1e308


def four() -> Standings:
    """Four models, one of which lacks a score."""
    values = [(0.9, 0.5, 0.4), (0.88, 0.52, 0.38), (0.95, None, None), (0.1, 0.9, 0.1)]
    results = [
        result_of(name, each, ERRORS, n_samples={"tiny_addition": 1234}, attempt=1)
        for name, each in zip(NAMES, values, strict=True)
    ]
    half = result_of("acme/best", (0.7, 0.5, 0.4), ERRORS, precision="float16", path="half.json", hours=1)
    old = result_of("acme/best", (0.8, 0.5, None), ERRORS, path="old.json", hours=-1)
    example = Example(question="2 + 2 =", answer="4")
    tasks = (make_task("tiny_addition", random_baseline=0.25, example=example), make_task("tiny_copy"))
    return board_of(*results, half, old, backend=make_backend(tasks=tasks))


@contextmanager
def served(found: Standings, *, is_read: bool = True, **changes: Any) -> Iterator[PlainClient]:
    example = Example(question="2 + 2 =", answer="4")
    backend = make_backend(tasks=(make_task("tiny_addition", random_baseline=0.25, example=example),))
    with plain_client(keeper_of(Board(found, backend=backend, **changes), is_read=is_read)) as client:
        yield client


@pytest.fixture
def client() -> Iterator[PlainClient]:
    with served(four()) as client:
        yield client


def page_at(client: PlainClient, path: str, status: int = 200) -> PlainPage:
    answer = client.get(path)
    assert answer.status_code == status, path
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return PlainPage(answer.text)


def tables(page: PlainPage) -> dict[str, list[list[str]]]:
    """The texts of the cells of each table of a page, by the name of its region."""
    found: dict[str, list[list[str]]] = {}
    for each in page.elements:
        if each.attributes.get("role") == "region":
            rows = found.setdefault(each.attributes["aria-label"], [])
        elif each.tag == "tr" and "table" in each.within:
            rows.append([])
        elif each.tag in ("td", "th") and "table" in each.within:
            rows[-1].append(each.text)
    return found


def texts(page: PlainPage, tag: str) -> list[str]:
    return [each.text for each in page.all(tag)]


# What the pages say


def test_a_model_has_its_scores_with_their_errors_places_and_the_score_of_guessing(
    client: PlainClient,
) -> None:
    page = page_at(client, "/model/acme/best")
    [main] = page.all("main")
    assert "Rank 1 (1–2) of 4" in main.text
    assert "Average 60.00 ± 2.26" in main.text
    addition = tables(page)["Scores"][1]
    assert addition == ["Addition", "90.00", "", "± 3.92", "2.00", "1,234", "2 of 5", "25.00"]
    assert [row[0] for row in tables(page)["Scores"][1:]] == ["Addition", "Agreement", "Copying"]


def test_a_model_has_neighbours_and_a_link_that_compares_each(client: PlainClient) -> None:
    page = page_at(client, "/model/acme/best")
    assert [row[:5] for row in tables(page)["Neighbours"][1:]] == [
        ["acme/good", "2 (1–2)", "59.33", "−0.67", "no"],
        ["acme/best:float16", "3", "53.33", "−6.67", "yes"],
    ]
    compared = page_at(client, f"/{page.link('compare')}")
    assert tables(compared)["Scores side by side"][0][1:] == [
        "acme/best remove",
        "acme/good remove make first",
    ]


def test_a_model_without_all_scores_has_no_rank_and_says_which_are_missing(client: PlainClient) -> None:
    page = page_at(client, "/model/acme/half")
    assert "No rank: 1 of 3 tasks have a score" in page.all("main")[0].text
    assert [row[1] for row in tables(page)["Scores"][1:]] == ["95.00", "no score", "no score"]
    assert "Neighbours" not in tables(page)


def test_a_model_has_its_runs_with_what_changed_and_links_to_their_files(client: PlainClient) -> None:
    page = page_at(client, "/model/acme/best")
    newest, oldest = tables(page)["Runs"][1:]
    assert newest[2:4] == ["60.00", "Addition 90.00 (+10.00), Agreement 50.00 (same), Copying 40.00 (new)"]
    assert oldest[2:4] == ["", "Addition 80.00 (new), Agreement 50.00 (new)"]
    files = [each.attributes["href"] for each in page.all("a", within="td") if each.text == "log"]
    assert files
    assert all(each.startswith("https://hub.example/datasets/acme/data/") for each in files)
    commit = newest[1]
    [link, *_] = [each.attributes["href"] for each in page.all("a", within="td") if each.text == commit]
    assert f"/acme/best/tree/{commit}" in link


def test_a_model_has_the_command_that_reproduces_it_and_where_its_scores_come_from(
    client: PlainClient,
) -> None:
    page = page_at(client, "/model/acme/best")
    [command] = page.all("pre")
    assert "pretrained=acme/best" in command.text
    facts = dict(zip(texts(page, "dt"), texts(page, "dd"), strict=True))
    assert facts["Precision"] == "float32"
    assert facts["Examples before each question"] == "0 for each task"
    assert facts["Questions"] == "tiny_addition: 1234"


def test_other_rows_of_a_model_are_a_link_away(client: PlainClient) -> None:
    page = page_at(client, "/model/acme/best")
    other = page_at(client, f"/{page.link('acme/best:float16')}")
    assert texts(other, "h1") == ["acme/best:float16"]
    assert other.link("acme/best") == "model/acme/best"


def test_a_flag_and_a_model_that_is_gone_are_said(client: PlainClient) -> None:
    found = four()
    rows = [replace(row, flag="copied", is_available=False) for row in found.rows]
    with served(replace(found, rows=tuple(rows))) as client:
        page = page_at(client, "/model/acme/best")
    notes = texts(page, "p")
    assert "Flagged: copied" in notes
    assert "The model is no longer on the Hub." in notes
    assert not [each for each in page.all("a") if each.text == "On the Hub"]


def test_only_models_that_are_on_the_hub_have_a_link_there(client: PlainClient) -> None:
    assert page_at(client, "/model/acme/best").link("On the Hub") == "https://huggingface.co/acme/best"
    with served(four(), local_models=frozenset({"acme/best"})) as client:
        page = page_at(client, "/model/acme/best")
    assert "On the Hub" not in texts(page, "a")


def test_a_comparison_says_what_is_significant_and_in_which_settings_the_rows_differ(
    client: PlainClient,
) -> None:
    page = page_at(client, "/compare?model=acme/best&model=other/model&model=acme/best:float16")
    shown = tables(page)["Scores side by side"]
    assert shown[1] == ["Rank", "1 (1–2)", "4", "3"]
    assert shown[2][1:3] == ["60.00 ± 2.26", "36.67 ± 2.26 −23.33 significant"]
    assert shown[4] == ["Agreement", "50.00 ± 3.92", "90.00 ± 3.92 +40.00 significant", "50.00 ± 3.92 +0.00"]
    verdicts = [each.text for each in page.all("p", **{"class": "verdict"})]
    assert verdicts[0] == (
        "other/model is significantly worse than acme/best: −23.33 on average. Tasks: 1 significantly "
        "better, 2 significantly worse, 0 without a significant difference."
    )
    assert ["Precision", "float32", "float32", "float16"] in tables(page)["Settings that differ"]
    assert len(page.all("svg", **{"class": "radar"})) == 1


def test_rows_can_be_removed_put_first_and_added(client: PlainClient) -> None:
    page = page_at(client, "/compare?model=acme/best&model=acme/good")
    shown = lambda page: re.findall(r"\w+/\w+", " ".join(tables(page)["Scores side by side"][0]))  # noqa: E731
    assert shown(page) == ["acme/best", "acme/good"]
    assert shown(page_at(client, f"/{page.link('remove')}")) == ["acme/good"]
    assert shown(page_at(client, f"/{page.link('make first')}")) == ["acme/good", "acme/best"]
    assert shown(page_at(client, f"/compare?{page.sent(add=['other'])}")) == [
        "acme/best",
        "acme/good",
        "other/model",
    ]


def test_who_is_not_found_is_named_and_blanks_are_nobody(client: PlainClient) -> None:
    page = page_at(client, "/compare?model=acme/best&model=nobody&model=&add=nothing")
    said = [each.text for each in page.all("p", role="status")]
    assert said == ["No other model is called “nobody”.", "No other model is called “nothing”."]
    empty = page_at(client, "/compare?model=&add=")
    assert not empty.all("p", role="status")
    assert "Name the first model." in empty.all("main")[0].text


def test_five_rows_fit_side_by_side() -> None:
    found = board_of(*(result_of(f"acme/{n}", (n / 10,) * 3) for n in range(7)))
    with served(found) as client:
        page = page_at(client, "/compare?" + "&".join(f"model=acme/{n}" for n in range(7)) + "&add=acme/6")
    assert len(tables(page)["Scores side by side"][0]) == 6
    assert not page.all("form")
    assert "No more than 5 models fit side by side." in texts(page, "p")
    assert not page.all("p", role="status")


def test_a_task_says_what_it_asks_and_how_the_models_do(client: PlainClient) -> None:
    page = page_at(client, "/task/Addition")
    facts = dict(zip(texts(page, "dt"), texts(page, "dd"), strict=True))
    assert facts["Task"] == "tiny_addition"
    assert facts["Metric"] == "acc, higher is better"
    assert texts(page, "pre") == ["2 + 2 =", "4"]
    [caption] = texts(page, "figcaption")
    assert caption.startswith("5 models, from 0.00 on the left to 100.00 on the right.")
    assert "the median is 88.00" in caption
    assert [row[:2] for row in tables(page)["The best models"][1:]] == [
        ["acme/half", "95.00"],
        ["acme/best", "90.00"],
        ["acme/good", "88.00"],
        ["acme/best:float16", "70.00"],
        ["other/model", "10.00"],
    ]
    assert [row[1] for row in tables(page)["The best models of each size"][1:]] == ["Unknown"]


def test_a_task_without_scores_says_so() -> None:
    with served(board_of()) as client:
        page = page_at(client, "/task/Addition")
    assert "No model has a score yet." in texts(page, "p")
    assert not page.all("svg")


# Addresses


@pytest.mark.parametrize(
    "path",
    [
        "/model/acme/best:float16",
        "/model/ACME/Best:FLOAT16",
        "/model/acme%2Fbest%3Afloat16",
        "/model?name=acme/best:float16",
        "/model?name=acme%2Fbest%3Afloat16",
        "/model/acme/best:float16?name=acme/good",
    ],
)
def test_a_path_and_a_query_name_the_same_row(client: PlainClient, path: str) -> None:
    assert texts(page_at(client, path), "h1") == ["acme/best:float16"]


LINKING = ("a", "href"), ("form", "action")


def followed(page: PlainPage, address: str) -> set[str]:
    """Where the links of a page lead within the leaderboard, as a browser resolves them."""
    [base] = page.all("base")
    root = urljoin(address, base.attributes["href"])
    found = {
        urljoin(root, each.attributes[name])
        for tag, name in LINKING
        for each in page.all(tag)
        if each.attributes.get("target") != "_blank"
    }
    assert all(each.startswith(ROOT) for each in found), (address, found)
    return {each.removeprefix(ROOT) for each in found}


def test_every_link_leads_to_a_page_from_every_depth(client: PlainClient) -> None:
    waiting = ["model/acme/best", "task/Addition", "compare", "model?name=acme/half", "model/a/b/c/d"]
    waiting += ["model/acme%2Fbest", "model/a%3Fb/c", "model/a%23b/c/d", "task/", "model//x"]
    reached: set[str] = set()
    while waiting and len(reached) < 60:
        path = waiting.pop(0)
        if path in reached:
            continue
        reached.add(path)
        answer = client.get(f"/{path}")
        assert answer.status_code in (200, 404)
        for each in followed(PlainPage(answer.text), ROOT + path):
            kind = re.split(r"[/?]", each)[0]
            assert kind in ("", "table", "model", "task", "compare"), (path, each)
            if kind in ("model", "task", "compare"):
                assert client.get(f"/{each}").status_code == 200, (path, each)
                waiting.append(each)
    assert len(reached) > 30


def test_links_fit_where_the_space_is_served_below_another_address(client: PlainClient) -> None:
    app = client.client._transport.app  # type: ignore[attr-defined]
    answer = call(app, "/below/model/acme/best", root_path="/below")
    assert b'<base href="../../">' in answer.body


def test_the_doors_are_open_for_these_addresses_and_for_no_others(client: PlainClient) -> None:
    doors = Doors(client.client._transport.app, details_doors(), set())  # type: ignore[attr-defined]
    for path in ("/model/acme/best", "/model/acme/best:float16", "/task/Addition", "/compare"):
        assert call(doors, path).status == 200
    for path in ("/model", "/task", "/model/a/b/c", f"/model/{'x' * 400}"):
        assert b"Nothing found" in call(doors, path).body
    for path in ("/models", "/model/", "/compare/x", "/task/a\nb", f"/model/{'x' * 401}"):
        assert call(doors, path).status == 404
        assert b"Nothing found" not in call(doors, path).body
    assert call(doors, "/model/acme/best", "POST").status in (404, 405)


def test_who_has_the_page_hears_that_nothing_changed(client: PlainClient) -> None:
    for path in addresses(four()):
        first = client.get(path)
        again = client.get(path, if_none_match=first.headers["ETag"])
        assert again.status_code == (304 if first.status_code == 200 else first.status_code), path
        assert first.headers["Cache-Control"] == "max-age=60"


def test_the_same_page_at_another_depth_has_another_tag(client: PlainClient) -> None:
    tags = {client.get(path).headers["ETag"] for path in ("/model/acme/best", "/model?name=acme/best")}
    assert len(tags) == 2


@pytest.mark.parametrize("path", ["/model?name=", "/task?name=", "/compare?add=", "/model/acme/best?weight="])
def test_an_address_that_is_too_long_is_refused_unread(client: PlainClient, path: str) -> None:
    answer = client.get(path + "a" * LONGEST_QUERY)
    assert answer.status_code == 414
    assert "16,000 characters" in answer.text


@pytest.mark.parametrize(
    "path", ["/model/acme/nobody", "/model", "/task/Nothing", "/task", "/model?name=" + "x" * 999]
)
def test_what_is_not_there_is_a_404_that_people_can_read(client: PlainClient, path: str) -> None:
    page = page_at(client, path, 404)
    assert texts(page, "h1") == ["Nothing found"]
    assert page.link("See all models") == "table"
    assert page.all("meta", name="robots")[0].attributes["content"] == "noindex"


def test_while_the_results_are_read_a_page_says_so_and_nobody_hears_that_a_model_is_gone() -> None:
    with served(four(), is_read=False) as client:
        there = client.get("/model/acme/best")
        missing = client.get("/model/acme/nobody")
        comparison = client.get("/compare?model=acme/best")
    assert (there.status_code, missing.status_code, comparison.status_code) == (200, 503, 200)
    for answer in (there, missing, comparison):
        assert "still being read" in answer.text
        assert answer.headers["Cache-Control"] == "no-cache"
    assert "Nothing found" not in missing.text


def test_the_pages_are_there_once_the_results_are_read(leaderboard: Leaderboard) -> None:
    with plain_client(leaderboard.keeper) as client:
        assert client.get("/model/acme/tiny").status_code == 503
        leaderboard.add_request(status=Status.FINISHED)
        leaderboard.add_result(scores=scores(0.5, 0.5, 0.5), run=run_at(0))
        leaderboard.keeper.sync()
        page = page_at(client, "/model/acme/tiny")
    assert "still being read" not in page.all("main")[0].text
    [commit, *files] = [each.attributes["href"] for each in page.all("a", within="td")]
    assert "/acme/tiny/tree/" in commit
    assert all(client_path.startswith("files/") for client_path in files)


# A visitor's own scoring


def test_a_scoring_in_the_address_changes_ranks_and_averages_and_is_said(client: PlainClient) -> None:
    page = page_at(client, f"/model/acme/best?{WEIGHTED}")
    [main] = page.all("main")
    assert "Rank 2 (1–3) of 5" in main.text  # one more has all scores that count
    assert "Average 90.00 ± 3.92" in main.text
    assert "The average has your weights: Agreement × 0, Copying × 0." in texts(page, "p")
    normalised = page_at(client, "/model/acme/best?scores=normalised")
    assert tables(normalised)["Scores"][1][1:5] == ["86.67", "", "± 5.23", "2.67"]
    assert "These scores are as published, not normalised." in texts(normalised, "p")
    assert "Scores are normalised: 0 is guessing, 100 is perfect." in texts(normalised, "p")


@pytest.mark.parametrize("path", ["model/acme/best", "task/Addition", "compare?model=acme/best", "model/x/y"])
def test_a_scoring_is_kept_by_all_links_and_by_the_form(client: PlainClient, path: str) -> None:
    address = f"{path}{'&' if '?' in path else '?'}scores=normalised&{WEIGHTED}"
    page = PlainPage(client.get(f"/{address}").text)
    links = [each.attributes["href"] for each in page.all("a") if "target" not in each.attributes]
    links += [f"compare?{page.sent()}"] if page.all("form") else []
    assert links
    for link in links:
        query = parse_qs(urlsplit(link).query)
        assert query["scores"] == ["normalised"], link
        assert set(query["weight"]) == {"Agreement:0", "Copying:0"}, link


def test_the_page_with_scripts_opens_the_same(client: PlainClient) -> None:
    for path, opened in (
        ("/model/acme/best:float16", {"model": ["acme/best:float16"]}),
        ("/task/Addition", {"task": ["Addition"]}),
        ("/compare?model=acme/best&model=acme/good", {"compare": ["acme/best", "acme/good"]}),
    ):
        link = page_at(client, path).link("The board")
        assert parse_qs(urlsplit(link).query) == opened


# Search engines


def test_search_engines_list_models_and_tasks_under_one_address_each(client: PlainClient) -> None:
    for path, canonical in (
        ("/model/acme/best", "model/acme/best"),
        ("/model?name=ACME/best:float32", "model/acme/best"),
        ("/task?name=Addition", "task/Addition"),
    ):
        page = page_at(client, path)
        [link] = page.all("link", rel="canonical")
        assert link.attributes["href"] == f"https://board.example/{canonical}"
        assert not page.all("meta", name="robots")


def test_search_engines_list_no_comparison_and_no_scoring_of_a_visitor(client: PlainClient) -> None:
    for path in (
        "/compare",
        "/compare?model=acme/best",
        f"/model/acme/best?{WEIGHTED}",
        f"/task/Addition?{WEIGHTED}",
    ):
        page = page_at(client, path)
        assert page.all("meta", name="robots")[0].attributes["content"] == "noindex"
        assert not page.all("link", rel="canonical")


def test_link_previews_learn_what_the_page_is_about(client: PlainClient) -> None:
    page = page_at(client, "/model/acme/best")
    named = {
        each.attributes.get("property") or each.attributes.get("name"): each.attributes.get("content")
        for each in page.all("meta")
    }
    assert texts(page, "title") == ["acme/best · The board"]
    assert named["og:title"] == "acme/best · The board"
    assert named["description"] == "acme/best. An introduction."


# HTML that everybody can read


def check_html(page: PlainPage) -> None:
    """Whether a page is well built for screen readers and search engines."""
    assert page.all("html")[0].attributes["lang"] == "en"
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title", within="head")) == 1
    levels = [int(each.tag[1]) for each in page.elements if re.fullmatch(r"h[1-6]", each.tag)]
    assert levels[0] == 1
    assert all(next_one - level <= 1 for level, next_one in pairwise(levels))
    ids = [each.attributes["id"] for each in page.elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    assert all(each.attributes.get("scope") in ("row", "col") for each in page.all("th"))
    regions = [
        each.attributes["aria-label"] for each in page.elements if each.attributes.get("role") == "region"
    ]
    assert len(regions) == len(set(regions)) == len(page.all("table"))
    lines = [row for table in tables(page).values() for row in table[1:] if len(row) > 1]
    assert len(page.all("th", scope="row")) == len(lines)
    for head, *table in tables(page).values():
        assert {len(row) for row in table} <= {len(head), 1}  # a row of one cell spans the others
    labels = {each.attributes["for"] for each in page.all("label")}
    for control in page.all("input"):
        assert control.attributes["type"] == "hidden" or control.attributes["id"] in labels
    for each in [*page.all("a"), *page.all("button"), *page.all("h2"), *page.all("h3")]:
        assert each.text, each
    assert all(each.attributes["aria-label"].strip() for each in page.all("svg"))
    landmarks = [each.attributes["aria-label"] for each in page.all("nav")]
    assert len(landmarks) == len(set(landmarks))
    assert not page.all("script")


def boards() -> dict[str, Standings]:
    """Leaderboards of every shape."""
    one = (Task("tiny_addition", "acc", "Addition"),)
    many = [Task(f"task_{n}", "acc", f"Task {n}", higher_is_better=n % 7 != 0) for n in range(30)]
    wide = [
        result_of(f"acme/{row}", scores={f"task_{n}": {"acc,none": (n + row) / 40} for n in range(30)})
        for row in range(3)
    ]
    lower = [replace(task, higher_is_better=False, is_fraction=False) for task in TASKS]
    extremes = [(0.0, HUGE, -HUGE), (HUGE, HUGE, HUGE), (-HUGE, 5e-324, 0.0), (1e-300, -1.0, HUGE)]
    huge = [result_of(f"acme/{n}", each, (HUGE / 10, 1e300, 0.0), hours=n) for n, each in enumerate(extremes)]
    again = [result_of("acme/0", (-HUGE, -HUGE, HUGE), (HUGE / 10,) * 3, hours=9)]
    return {
        "four": four(),
        "nothing": board_of(),
        "one row": board_of(result_of()),
        "one task": board_of(result_of("acme/a"), result_of("acme/b"), tasks=one),
        "a row without scores": board_of(result_of(values=(None, None, None)), result_of("acme/b")),
        "thirty tasks": board_of(*wide, tasks=many),
        "lower is better": board_of(*(result_of(f"acme/{n}", (n, n, n)) for n in range(4)), tasks=lower),
        "huge numbers": board_of(*huge, *again),
        "huge numbers, lower is better": board_of(*huge, *again, tasks=lower),
    }


BOARDS = boards()


@pytest.mark.parametrize("shape", BOARDS)
def test_every_page_of_every_board_is_well_built(shape: str) -> None:
    found = BOARDS[shape]
    to = DetailsLinks(found, AS_PUBLISHED)
    paths = [*map(to.model, found.rows[:4]), *(to.task(each.task.col_name) for each in found.tasks[:8])]
    paths += [to.comparison(found.rows[:number]) for number in range(6)]
    scored = DetailsLinks(
        found, Scoring(frozenset({(each.task.col_name, 2.0) for each in found.tasks[:1]}), True)
    )
    paths += [scored.comparison(found.rows[:3]), *map(scored.model, found.rows[:2])]
    with served(found) as client:
        for path in paths:
            answer = client.get(f"/{path}")
            assert answer.status_code == 200, path
            check_html(PlainPage(answer.text))
            assert not re.search(r"\b(?:nan|inf)\b", answer.text, re.IGNORECASE), path
        for path in ("/model/no/body", "/task/Nothing", "/compare?add=nobody", "/model", "/task", "/compare"):
            check_html(PlainPage(client.get(path).text))


def test_there_is_a_radar_only_where_one_can_read_it() -> None:
    for shape, wanted in {"one task": 0, "four": 1, "thirty tasks": 0}.items():
        found = BOARDS[shape]
        with served(found) as client:
            path = DetailsLinks(found, AS_PUBLISHED).comparison(found.rows[:2])
            assert len(page_at(client, f"/{path}").all("svg", **{"class": "radar"})) == wanted


def test_pictures_and_texts_are_readable_in_both_colour_schemes() -> None:
    style = STYLE.read_text(encoding="utf-8")
    papers = {"light": "ffffff", "dark": "0f172a"}
    schemes = re.findall(r"\.details\{(--score[^}]*)\}", style)
    assert len(schemes) == 3
    for paper, scheme in zip((papers["light"], papers["dark"], papers["dark"]), schemes, strict=True):
        colours = dict(re.findall(r"--([\w-]+):#([0-9a-f]{6})", scheme))
        for name, colour in colours.items():
            least = {"track": 1.0, "score": 3.0}.get(name, 4.5)
            assert contrast(colour, paper) >= least, (name, paper)


def contrast(one: str, other: str) -> float:
    """https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio"""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
        red, green, blue = (
            each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lights = sorted(map(luminance, (one, other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


# What strangers write


ATTACKS = [
    HOSTILE,
    "</pre><script>alert(1)</script>",
    '" onmouseover="alert(1)" x=\'',
    "javascript:alert(1)",
]
ODD = [
    "../../etc/passwd",
    "\x00\x1b[31m\n",
    "x" * 5000,
    "模型/🟢",
    "%2e%2e%2f",
    "a:b:c:d",
    ".",
    "acme/..",
    "\u202e",
]


def written(text: str) -> tuple[list[str], list[PlainPage]]:
    """The HTML of all pages of a board where all is called the same, and as parsed."""
    board = everything_called(text)
    with plain_client(keeper_of(board)) as client:
        unknown = re.sub(r"[\x00-\x1f;]", "", f"{text[:300]}!")  # no door is open for control characters
        answers = [client.get(path) for path in addresses(board.standings, unknown=unknown)]
    assert all(each.status_code in (200, 404) for each in answers)
    return [each.text for each in answers], [PlainPage(each.text) for each in answers]


@pytest.fixture(scope="module")
def harmless() -> list[Sequence[tuple[str, ...]]]:
    return [Parsed(html).tags for html in written(HARMLESS)[0]]


@pytest.mark.parametrize("text", ATTACKS)
def test_what_strangers_wrote_stays_text(text: str, harmless: list[Sequence[tuple[str, ...]]]) -> None:
    pages, parsed = written(text)
    for html, tags in zip(pages, harmless, strict=True):
        assert Parsed(html).tags == tags
    assert all(text in "\n".join(Parsed(html).texts) for html in pages[:3])
    for page in parsed:
        for each in page.all("a"):
            assert re.match(r"https://h|model|task|compare|table|\./\?", each.attributes["href"])


@pytest.mark.parametrize("text", [*ATTACKS, *ODD])
def test_pages_about_anything_are_well_built_and_are_found_by_their_links(text: str) -> None:
    pages, parsed = written(text)
    for page in parsed:
        check_html(page)
    assert [texts(page, "h1") != ["Nothing found"] for page in parsed[:4]] == [True] * 4
    assert max(map(len, pages)) < 210_000


@pytest.mark.parametrize("text", [*ATTACKS, *ODD])
def test_a_name_that_is_not_there_is_said_and_stays_text(client: PlainClient, text: str) -> None:
    name = quote(text, safe="")
    for path in (f"/model/{name}", f"/task?name={name}"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert Parsed(answer.text).tags == Parsed(client.get("/model/nobody").text).tags
        [main] = PlainPage(answer.text).all("main")
        assert " ".join(text[:100].split()) in main.text


@pytest.mark.parametrize(
    "query",
    [
        "model=%00%ff&model=%F0%9F",
        "&".join(["model=acme/best"] * 900),
        "&".join(f"model=x{n}" for n in range(600)),
        "add=" + "a;" * 200,
        "add=license:" + "a" * 400,
        "scores=normalised&scores=x&weight=Addition:nan&weight=:::&weight=x",
        "model[]=acme/best&model=acme/best%0d%0aSet-Cookie:x",
        "&&&=&=",
    ],
)
def test_no_query_breaks_a_page(client: PlainClient, query: str) -> None:
    for path in ("/compare", "/model/acme/best", "/task/Addition"):
        answer = client.get(f"{path}?{query}")
        assert answer.status_code == 200
        assert len(answer.content) < 200_000
        check_html(PlainPage(answer.text))


def test_an_odd_host_breaks_nothing(client: PlainClient) -> None:
    for host in ("[", "x#", "a b", ""):
        assert client.get("/model/acme/best", Host=host).status_code == 200


def test_no_script_runs_and_nothing_is_loaded_from_elsewhere(client: PlainClient) -> None:
    for path in addresses(four()):
        answer = client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none';")
        assert "script-src" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert not re.search(r"<(?:script|img|iframe|object|embed)|@import|url\(", answer.text)


def test_paths_of_results_that_leave_their_dataset_are_no_links_elsewhere() -> None:
    odd = result_of(path="acme/<b>?x#y.json", request="//evil.example/x", run="../..", attempt=1)
    away = result_of("acme/away", path="../../../../evil/x.json", request="/etc/passwd", run="..", attempt=1)
    with plain_client(keeper_of(Board(board_of(odd, away)))) as client:
        pages = [page_at(client, f"/model/{model}") for model in ("acme/tiny", "acme/away")]
    links = [
        [
            each.attributes["href"]
            for each in page.all("a", within="td")
            if each.text != "compare" and "/tree/" not in each.attributes["href"]
        ]
        for page in pages
    ]
    assert links == [["https://hub.example/datasets/acme/data/blob/main/acme/%3Cb%3E%3Fx%23y.json"], []]


# Speed


def test_pages_of_thirty_tasks_are_small() -> None:
    corpus = Corpus(400, 20, 30)
    files = [*corpus.evaluated()]
    requests = {path: read_request(data) for each in files for path, data in each.request.items()}
    results = [read_result(path, data) for each in files for path, data in each.result.items()]
    found = board_of(*results, tasks=corpus.columns)
    assert requests
    with served(found) as client:
        for path, most in zip(addresses(found)[:3], (60_000, 40_000, 150_000), strict=True):
            answer = client.get(path)
            assert answer.status_code == 200
            assert len(answer.content) < most, (path, len(answer.content))
