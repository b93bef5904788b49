"""What all visitors and programs are told of a board is made once, however many ask."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr
import httpx
import orjson
import pytest
from gradio_client import Client

from src.leaderboard.filter_kinds import AnyOf
from src.leaderboard.filters import FILTERS
from src.page import about_tab, api, endpoints, filter_controls, request_card, submit_tab
from src.page.about_tab import AboutTab
from src.page.leaderboard_tab import LeaderboardTab
from src.page.ready import pass_ready_answers_on, ready
from src.page.submit_tab import SubmitTab
from src.queue.entries import Group
from src.shared.data.request import Status
from support.boards import TASKS, TEXTS, Leaderboard, scores
from support.calls import Caller
from support.page_requests import page_request
from support.processor_time import processor_seconds
from support.served_pages import served
from support.waiting import PATIENCE

ROWS = 2000
MOST_SECONDS = 0.1
"""Of the processor, for one call by HTTP: a tenth of it is measured here."""


@pytest.fixture
def filled(leaderboard: Leaderboard) -> Leaderboard:
    """With a result, and requests of two people."""
    leaderboard.add_result("acme/🟢", scores=scores(1 / 3, 0.5))
    for number in range(3):
        leaderboard.add_request(model=f"acme/m{number}", submitted_by="alice", status=Status.FAILED)
    leaderboard.add_request(model="acme/other", submitted_by="bob")
    leaderboard.keeper.sync()
    return leaderboard


class Counting:
    """A function that counts its calls."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.calls = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return self._function(*args, **kwargs)


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> Counting:
    counting = Counting(getattr(module, name))
    monkeypatch.setattr(module, name, counting)
    return counting


@pytest.mark.parametrize("name", ["leaderboard", "queue"])
def test_an_endpoint_makes_its_answer_once_for_each_version_of_the_board(
    filled: Leaderboard, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    made = counted(monkeypatch, endpoints.api, name)
    caller = Caller(filled.page())
    first = caller.call(name).json()["data"]
    assert [caller.call(name).json()["data"] for _ in range(3)] == [first] * 3
    assert made.calls == 1
    filled.add_request(model="acme/new")
    filled.add_result("acme/new", scores=scores(0.1))
    filled.keeper.sync()
    assert caller.call(name).json()["data"] != first
    assert made.calls == 2


@pytest.mark.parametrize("name", ["leaderboard", "queue"])
def test_the_answer_has_the_same_values_as_if_it_were_made_for_this_call(
    filled: Leaderboard, name: str
) -> None:
    wanted = json.loads(json.dumps(getattr(api, name)(filled.keeper.now.board)))
    assert Caller(filled.page()).call(name).json()["data"] == [wanted]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # gradio's own sockets
@pytest.mark.parametrize("name", ["leaderboard", "queue"])
def test_the_python_client_and_curl_get_the_same_values(filled: Leaderboard, name: str) -> None:
    wanted = json.loads(json.dumps(getattr(api, name)(filled.keeper.now.board)))
    page = filled.page()
    with served(page) as url:
        client = Client(url, verbose=False, httpx_kwargs={"timeout": PATIENCE})
        assert client.predict(api_name=f"/{name}") == wanted
        assert curl(url, name) == [wanted]


def curl(url: str, name: str) -> Any:
    """The two steps of docs/api.md."""
    with httpx.Client(base_url=url, timeout=PATIENCE) as client:
        event = client.post(f"gradio_api/call/{name}", json={"data": []}).json()["event_id"]
        [line] = [
            line
            for line in client.get(f"gradio_api/call/{name}/{event}").text.splitlines()
            if line.startswith("data: ")
        ]
        return json.loads(line.removeprefix("data: "))


def test_an_answer_that_is_ready_is_ascii_and_copied_by_nobody() -> None:
    pass_ready_answers_on()
    value = {"a": ["🟢", "é", '"\\', "\u2028", None, 1.5, True]}
    answer = ready(value)
    sent = orjson.dumps(answer)
    assert sent.isascii()
    assert orjson.loads(sent) == value
    assert copy.deepcopy({"data": [answer]})["data"][0] is answer
    assert gr.routes.json.dumps([answer]) == f"[{sent.decode()}]"
    assert gr.routes.json.dumps({"a": "é"}, ensure_ascii=False) == '{"a": "é"}'


def test_a_large_board_costs_a_call_next_to_nothing(leaderboard: Leaderboard) -> None:
    for number in range(ROWS):
        leaderboard.add_request(model=f"acme/m{number}", status=Status.FINISHED)
        leaderboard.add_result(f"acme/m{number}", scores=scores(0.5, 0.5, 0.5))
    leaderboard.keeper.sync()
    caller = Caller(leaderboard.page())

    def call(function: str) -> None:
        inputs = caller.page.fns[caller.functions[function]].inputs
        assert caller.call(function, *[""] * len(inputs)).status_code == 200

    for function in ("leaderboard", "queue", "reproduce", "live", "version", "lambda"):
        call(function)  # which makes it
        assert processor_seconds(lambda: call(function)) < MOST_SECONDS, function  # noqa: B023


# What follows the board on the page


def test_the_tables_of_the_queue_are_made_once_for_each_version_of_the_board(
    filled: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = counted(monkeypatch, submit_tab, "queue_table")
    with gr.Blocks():
        tab = SubmitTab(filled.keeper, filled.desk, TEXTS, filled.visitors())
    first = tab.queue(filled.keeper.now)
    again = tab.queue(filled.keeper.now)
    assert all(again[table] is first[table] for table in tab.tables.values())
    assert made.calls == len(Group)
    filled.add_request(model="acme/new")
    filled.keeper.sync()
    assert "acme/new" in "".join(tab.queue(filled.keeper.now)[table] for table in tab.tables.values())


def test_the_tests_and_the_command_of_the_best_row_are_made_once(
    filled: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = counted(monkeypatch, about_tab, "suite"), counted(monkeypatch, about_tab, "reproductions")
    with gr.Blocks():
        tab = AboutTab(filled.keeper, TEXTS, num_fewshot=None)
    for _ in range(3):
        tab.follow(filled.keeper.now, "")
    assert [each.calls for each in made] == [1, 1]
    tab.follow(filled.keeper.now, "acme")
    assert [each.calls for each in made] == [1, 2]


def test_what_the_filters_offer_is_found_once(filled: Leaderboard, monkeypatch: pytest.MonkeyPatch) -> None:
    found = counted(monkeypatch, filter_controls, "choices")
    with gr.Blocks():
        tab = LeaderboardTab(filled.keeper, TASKS, TEXTS)
    chosen = [control.value for control in tab.choices]
    for _ in range(3):
        tab.refresh(*chosen)
    assert found.calls == len([each for each in FILTERS if isinstance(each, AnyOf) and each.column])


def test_the_cards_of_one_login_are_made_once_and_are_of_nobody_else(
    filled: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = counted(monkeypatch, request_card, "cards")
    with gr.Blocks():
        tab = SubmitTab(filled.keeper, filled.desk, TEXTS, filled.visitors())
    of_alice = [tab.own.show(page_request("alice"), "")[tab.own.mine] for _ in range(3)]
    of_bob = tab.own.show(page_request("bob"), "")[tab.own.mine]
    assert made.calls == 2
    assert (of_alice[0].count("<article"), of_bob.count("<article")) == (3, 1)
    assert "acme/other" not in of_alice[0]
    board = filled.keeper.now.board
    filled.keeper.now = replace(filled.keeper.now, board=replace(board, queue=()))
    assert "not submitted a model yet" in tab.own.show(page_request("alice"), "")[tab.own.mine]
