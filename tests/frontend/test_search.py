"""A search that anybody types is a value of limited size, and finds its rows in little time."""

from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest

from src.board.board import Board
from src.leaderboard.merging import standings
from src.leaderboard.reproduction import reproductions
from src.leaderboard.rows import Standings
from src.leaderboard.search import LONGEST, MOST_TERMS, Search, Term, found, read_search
from src.leaderboard.view import ViewState, view
from src.page import api
from src.page.about_tab import AboutTab
from src.page.leaderboard_tab import LeaderboardTab
from support.boards import TASKS, TEXTS, Leaderboard, make_result, path_of, scores
from support.factories import make_request
from support.processor_time import processor_seconds

ROWS = 5000
MOST_SECONDS = 0.1
"""Of the processor's time; a tenth of it is measured here."""


def a_board(number: int) -> Standings:
    requests = [make_request(model=f"org-{place % 50}/model-{place}") for place in range(number)]
    results = [make_result(request.model, scores=scores(0.5, 0.5, 0.5)) for request in requests]
    return standings(TASKS, {path_of(request): request for request in requests}, results)


@pytest.fixture(scope="module")
def large() -> Standings:
    return a_board(ROWS)


def test_a_search_is_read_as_terms_with_their_fields() -> None:
    search = read_search(" Tiny ;license: MIT;; @sha:0a1b; https://hf.co/Acme/Big/tree/main")
    assert [(term.text, term.column and term.column.header) for term in search.terms] == [
        ("tiny", None),
        ("mit", "Hub License"),
        ("0a1b", "Model sha"),
        ("acme/big", None),
    ]
    assert search.left_out == ""


def test_all_words_of_an_alternative_are_wanted_in_any_order() -> None:
    names = ["Qwen/Qwen2-7B-Instruct", "Qwen/Qwen2-7B", "acme/instruct", "acme/qwen-instruct-mit"]
    requests = [make_request(model=name, license="mit" if "acme" in name else "other") for name in names]
    results = [make_result(request.model, scores=scores(0.5, 0.5, 0.5)) for request in requests]
    board = standings(TASKS, {path_of(request): request for request in requests}, results)

    def search(text: str) -> set[str]:
        return {row.model for row in found(board, read_search(text))}

    assert search("qwen instruct") == search("INSTRUCT  qwen") == {names[0], names[3]}
    assert search("qwen instruct mit") == {names[3]}
    assert search("qwen instruct; model: acme instruct") == {names[0], names[2], names[3]}
    assert search("qwen nothing") == set()


def test_of_too_many_words_the_first_ones_are_looked_for_and_it_is_said() -> None:
    search = read_search("a b c d e f g h a i")
    assert search.terms == (Term("a b c d e f g h"),)
    assert search.left_out == "Only the first 8 words of an alternative were used."


@pytest.mark.parametrize("text", ["", " ", ";", " ; ;; "])
def test_a_search_for_nothing_finds_everything(text: str) -> None:
    board = a_board(3)
    assert read_search(text) == Search()
    assert found(board, read_search(text)) == board.rows


def test_the_same_alternative_twice_is_looked_for_once() -> None:
    assert read_search("q;Q; q ;license:q").terms == (Term("q"), read_search("license:q").terms[0])


def test_of_too_many_alternatives_the_first_ones_are_looked_for_and_it_is_said() -> None:
    names = [f"model-{place}" for place in range(MOST_TERMS + 1)]
    assert read_search(";".join(names[:-1])) == Search(tuple(map(Term, names[:-1])))
    search = read_search(";".join(names))
    assert search.terms == tuple(map(Term, names[:-1]))
    assert search.left_out == "Only the first 20 alternatives of the search were used."


def test_of_too_long_a_text_the_beginning_is_looked_for_and_no_half_of_an_alternative() -> None:
    search = read_search(f"tiny; {'x' * (LONGEST - 20)}; a-long-name-of-a-model")
    assert [term.text[:4] for term in search.terms] == ["tiny", "xxxx"]
    assert search.left_out == "Only the first 1,000 characters of the search were used."
    assert read_search("x" * (LONGEST + 1)).terms == (Term("x" * LONGEST),)


HOSTILE = {
    "alternatives": "q;" * 1_000_000,
    "different alternatives": ";".join(map(str, range(300_000))),
    "nothing": ";" * 2_000_000,
    "spaces": " " * 2_000_000,
    "colons": "license:" * 250_000,
    "fields": "license:q;" * 200_000,
    "one word": "q" * 2_000_000,
    "a link": "hf.co/" + "a/" * 1_000_000,
    "links": "https://huggingface.co/a/b/tree/main?#;" * 50_000,
    "letters that become more": "\ufb03" * 700_000,
    "as much as is taken": ";".join(f"{place:0>48}" for place in range(MOST_TERMS)),
    "as much as is taken, in a field": ";".join(f"architecture:{place}" for place in range(MOST_TERMS)),
    "words": "q " * 1_000_000,
    "different words that are all found": ";".join(
        " ".join("model-org/1234567890"[at:] for at in range(8)) for _ in range(9)
    ),
    "at signs": "@" * 2_000_000 + ":q",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize(
    "search",
    [
        lambda board, text: view(board, ViewState(search=text)),
        reproductions,
        lambda board, text: api.reproduce(Board(board), text),
    ],
    ids=["in the table", "for commands", "by a program"],
)
def test_no_search_of_thousands_of_rows_takes_long(
    large: Standings, text: str, search: Callable[[Standings, str], object]
) -> None:
    found(large, read_search("x; license: x; architecture: x"))  # what is searched is made at the first time
    assert processor_seconds(lambda: search(large, text)) < MOST_SECONDS


def test_what_is_searched_of_each_row_is_made_once(large: Standings, monkeypatch: pytest.MonkeyPatch) -> None:
    found(large, read_search("x"))
    monkeypatch.setattr("src.leaderboard.search._text", None)
    assert len(found(large, read_search("model-421"))) == 11


def test_the_table_and_the_commands_say_what_was_not_searched_for(leaderboard: Leaderboard) -> None:
    leaderboard.add_result(scores=scores(0.5, 0.5, 0.5))
    leaderboard.keeper.sync()
    many = "q;" + ";".join(map(str, range(MOST_TERMS)))
    with gr.Blocks():
        table = LeaderboardTab(leaderboard.keeper, TASKS, TEXTS)
        about = AboutTab(leaderboard.keeper, TEXTS, num_fewshot=None)
    chosen: list[Any] = [control.value for control in table.choices]
    updates = table.change_view(None, many, *chosen[1:])
    assert "0 of 1 model. Only the first 20 alternatives of the search were used." in updates[table.found]
    assert "Only the first" not in table.change_view(None, "q", *chosen[1:])[table.found]
    commands = about.follow(leaderboard.keeper.now, many)[about.commands]
    assert commands.startswith(
        "# Only the first 20 alternatives of the search were used.\n\n# No model's name"
    )


def test_a_program_that_searches_for_too_much_is_told_so(leaderboard: Leaderboard) -> None:
    board = leaderboard.keeper.now.board
    assert api.reproduce(board, "q;" * 500) == {
        "error": "A search has at most 1,000 characters, and 20 alternatives of 8 words: shorten it."
    }
    assert api.reproduce(board, "x" * (LONGEST + 1)) == api.reproduce(board, "q;" * 500)
    assert api.reproduce(board, "q") == []


def test_the_boxes_take_no_more_than_is_read(leaderboard: Leaderboard) -> None:
    with gr.Blocks():
        table = LeaderboardTab(leaderboard.keeper, TASKS, TEXTS)
        about = AboutTab(leaderboard.keeper, TEXTS, num_fewshot=None)
    assert table.controls.search.max_length == about.model.max_length == LONGEST
