"""Whatever anybody sends to any function of the page costs little, and is no page of the log each time."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from src.shared.data.request import Status
from src.shared.serving.calls import page as door
from src.shared.serving.calls.delivered import LONGEST_TEXT, MOST_CHOICES, text, texts
from src.shared.serving.calls.page import OUR_MISTAKE, TRACEBACK_SECONDS, Page
from support.boards import Leaderboard, scores
from support.calls import Caller
from support.processor_time import processor_seconds

MOST_SECONDS = 1.0
"""Of the processor for one call, the way through Gradio and the test's own client included."""

FILE = {"path": "/etc/passwd", "url": "http://127.0.0.1:9/x", "meta": {"_type": "gradio.FileData"}}
NONSENSE: dict[str, Any] = {
    "nothing": None,
    "a number": 5,
    "a large number": 10**400,
    "a float": 1e308,
    "no number": float("nan"),
    "infinity": float("-inf"),
    "a truth value": True,
    "a number as a text": "7",
    "an empty text": "",
    "a long text": "q;" * 50_000,
    "half a letter": "\ud800",
    "a list": ["x"],
    "an object": {"a": 1},
    "lists in lists": [[[[1]]], [None], [{"a": [1]}]],
    "a deep list": [[] if depth == 0 else [0] for depth in range(200)],
    "many texts": ["x"] * 40_000,
    "many numbers": [1e308] * 15_000,
    "a file": FILE,
    "a list of files": [FILE] * 500,
    "an update": {"__type__": "update", "value": "x", "visible": True},
}


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Caller:
    """Of a page with something on it."""
    leaderboard = Leaderboard(tmp_path_factory.mktemp("door"))
    leaderboard.add_model()
    for number in range(20):
        leaderboard.add_request(model=f"acme/m{number}", status=Status.FINISHED)
        leaderboard.add_result(f"acme/m{number}", scores=scores(0.5, 0.5, number / 20))
    leaderboard.keeper.sync()
    return Caller(leaderboard.page())


@pytest.fixture
def told(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fails if the server prints or logs a traceback."""
    yield
    said = "".join(capfd.readouterr()) + caplog.text
    assert "Traceback" not in said
    assert len(said) < 2000


@pytest.mark.parametrize("value", NONSENSE.values(), ids=NONSENSE.keys())
@pytest.mark.usefixtures("told")
def test_every_function_that_a_stranger_can_call_takes_anything(caller: Caller, value: Any) -> None:
    for number, function in caller.page.fns.items():
        values = [value] * len(function.inputs)
        answers: list[Any] = []
        took = processor_seconds(lambda: answers.append(caller.call(number, *values, session_hash="s")))  # noqa: B023
        assert took < MOST_SECONDS, function.api_name
        assert answers[-1].status_code == (200 if function.fn else 500), function.api_name
        assert OUR_MISTAKE not in answers[-1].text


@pytest.mark.usefixtures("told")
def test_a_call_that_was_answered_once_leaves_nothing_to_the_next(caller: Caller) -> None:
    """Gradio keeps the first answer of a function that has several, and takes it for the next one's."""
    for _ in range(20):
        for function in ("look_up", "hand_in", "act"):
            inputs = caller.page.fns[caller.functions[function]].inputs
            assert caller.call(function, *["x"] * len(inputs), session_hash="s").status_code == 200
    assert not any(caller.page.pending_diff_streams.values())


@pytest.mark.parametrize("control", range(1, 15))
@pytest.mark.parametrize("value", NONSENSE.values(), ids=NONSENSE.keys())
@pytest.mark.usefixtures("told")
def test_every_control_of_the_table_takes_anything(caller: Caller, control: int, value: Any) -> None:
    function = caller.page.fns[caller.functions["change_view"]]
    values = [getattr(component, "value", None) for component in function.inputs]
    values[control] = value
    answer = caller.call("change_view", *values)
    assert answer.status_code == 200
    assert answer.json()["data"][0]["headers"][:3] == ["Rank", "T", "Model"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("run/predict", {"data": [], "fn_index": 10_000}, 404),
        ("run/predict", {"data": [], "fn_index": -1}, 404),
        ("run/predict", {"data": []}, 404),
        ("run/nothing", {"data": []}, 404),
        ("call/nothing", {"data": []}, 404),
        ("queue/join", {"data": [], "fn_index": 10_000, "session_hash": "s"}, 404),
        ("queue/join", {"data": [], "session_hash": "s"}, 400),
        ("run/live", {"data": []}, 500),
        ("run/live", {"data": ["x" * 100_000]}, 500),
        ("queue/join", {"data": ["x" * 100_000], "fn_index": "live", "session_hash": "s"}, 400),
        ("run/live", {"data": None}, 422),
        ("run/live", b"{", 422),
        ("run/live", b"[" * 100_000, 400),
        ("run/live", b'{"data": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", 400),
        ("run/predict", {"data": [], "fn_index": "version", "session_hash": "x" * 101}, 400),
        ("queue/join", {"data": [], "fn_index": "version", "session_hash": "x" * 101}, 400),
        ("run/predict", {"data": [], "fn_index": "version", "session_hash": ["x"]}, 422),
        (
            "run/predict",
            {"data": [], "fn_index": "version", "trigger_id": 10_000, "event_data": {"a": [1]}},
            200,
        ),
        ("run/predict", {"data": [], "fn_index": "version", "event_id": "x", "batched": True}, 200),
        ("run/predict", {"data": ["x"] * 1000, "fn_index": "version"}, 200),
    ],
)
@pytest.mark.usefixtures("told")
def test_what_cannot_be_called_is_refused_in_a_word(
    caller: Caller, path: str, body: object, status: int
) -> None:
    if isinstance(body, dict) and body.get("fn_index") in caller.functions:
        body = {**body, "fn_index": caller.functions[body["fn_index"]]}
    answer = caller.post(f"/gradio_api/{path}", body)
    assert answer.status_code == status
    assert len(answer.content) < 1000


@pytest.mark.usefixtures("told")
def test_an_answer_that_nobody_asked_for_is_not_told_in_the_log(caller: Caller) -> None:
    assert "session_not_found" in caller.get("/gradio_api/queue/data?session_hash=nobody").text
    assert "event: error" in caller.get("/gradio_api/call/queue/nobody").text


def test_a_number_that_somebody_gives_to_an_event_is_not_kept(caller: Caller) -> None:
    before = len(caller.site.iterators), len(caller.site.iterators_to_reset)
    for number in range(5):
        caller.call("version", session_hash="s", event_id=f"mine-{number}")
    assert (len(caller.site.iterators), len(caller.site.iterators_to_reset)) == before


def test_no_file_and_no_address_is_looked_at_for_anybody(tmp_path: Path, caller: Caller) -> None:
    """Gradio would copy the one and fetch the other, of whatever size."""
    for value in (FILE, {**FILE, "path": FILE["url"]}, {**FILE, "path": str(tmp_path)}):
        [commands] = caller.call("lambda", value).json()["data"]
        assert commands == "# No model's name or licence contains this."


def test_a_text_is_no_longer_than_any_control_holds() -> None:
    assert text("x" * 1_000_000) == "x" * LONGEST_TEXT
    assert [text(value) for value in (None, "", 5, True, ["x"], {"a": 1})] == [
        "",
        "",
        "5",
        "True",
        "[…]",
        "{…}",
    ]


def test_choices_are_texts_and_not_too_many() -> None:
    assert texts(["a", None, 5, ["b"], {"c": 1}, "x" * 201, "d"]) == ["a", "d"]
    assert len(texts(["a"] * 10_000)) == MOST_CHOICES
    assert [texts(value) for value in (None, "abc", 5, {"a": 1}, True)] == [[]] * 5


# Mistakes of ours


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Caller:
    """A page whose only function fails."""
    now = iter([0.0, 1.0, 2.0, TRACEBACK_SECONDS, TRACEBACK_SECONDS + 1])
    monkeypatch.setattr(door, "time", type("Time", (), {"monotonic": staticmethod(lambda: next(now))}))

    def fail() -> None:
        raise KeyError("a secret")

    with Page() as page:
        shown = gr.HTML()
        page.load(fail, None, shown)
    return Caller(page.queue())


def test_a_mistake_of_ours_is_told_at_length_once_a_minute(
    broken: Caller, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(5):
        answer = broken.call(0)
        assert answer.status_code == 500
        assert answer.json()["error"] == OUR_MISTAKE
    assert caplog.text.count("Traceback") == 2
    assert len([record for record in caplog.records if record.name == door.__name__]) == 5
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_component_that_stays_as_it_is_is_not_made_again() -> None:
    with Page() as page:
        shown, hidden, state = gr.HTML(), gr.HTML(), gr.State(1)
        page.load(lambda: {shown: "news"}, None, [hidden, shown, state])
    caller = Caller(page.queue())
    assert caller.call(0, session_hash="s").json()["data"] == [{"__type__": "update"}, "news", None]
    assert page.state_holder["s"].blocks_config.blocks[hidden._id] is hidden
