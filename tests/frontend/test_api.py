"""The named endpoints answer in plain values, in process and over HTTP."""

import asyncio
import json
import threading
from typing import Any

import gradio as gr
import httpx
import pytest

from app import EVENTS_AT_ONCE
from src.page import api
from src.shared.data.request import Attempt, Lease, Phase, Progress, Status
from src.shared.stores.budgets import COMMITS, Pace
from src.submitting.desk import Desk
from src.submitting.group_commit import GroupCommit
from src.submitting.receipts import submissions
from support.boards import NOW, Leaderboard, scores
from support.served_pages import served
from support.waiting import PATIENCE, wait_for


def test_the_leaderboard_is_plain_values_with_null_for_what_is_unknown(leaderboard: Leaderboard) -> None:
    leaderboard.add_request(status=Status.FINISHED, params=None)
    leaderboard.add_result(scores=scores(1 / 3, 0.5))
    leaderboard.keeper.sync()
    answer = json.loads(json.dumps(api.leaderboard(leaderboard.keeper.now.board), allow_nan=False))
    [row] = [dict(zip(answer["headers"], row, strict=True)) for row in answer["rows"]]
    assert row["Model"] == "acme/tiny"
    assert row["Addition"] == pytest.approx(100 / 3)
    assert row["Hub License"] == "mit"
    assert [row[header] for header in ("Rank", "Average ⬆️", "Copying", "#Params (B)")] == [None] * 4


def test_the_commands_that_compute_a_row_again_are_answered(leaderboard: Leaderboard) -> None:
    leaderboard.add_result(scores=scores(0.5), transformers_version="5.23.0")
    leaderboard.keeper.sync()
    [answer] = json.loads(json.dumps(api.reproduce(leaderboard.keeper.now.board, "tiny")))
    assert (answer["model"], answer["precision"], answer["notes"]) == ("acme/tiny", "float32", [])
    assert answer["commands"][0] == "pip install 'lm_eval[hf]==0.4.13' transformers==5.23.0"
    assert api.reproduce(leaderboard.keeper.now.board, "nobody") == []


def test_the_queue_has_each_request_with_its_status_position_times_and_reason(
    leaderboard: Leaderboard,
) -> None:
    lease = Lease("here-0", "nonce", NOW, NOW, NOW)
    progress = Progress("tiny_copy", 3, 10)
    leaderboard.add_request(model="acme/a", status=Status.RUNNING, lease=lease, progress=progress)
    leaderboard.add_request(model="acme/b", message="It waits for a worker.")
    attempts = (Attempt(1, "here-0", NOW, NOW, "refused", "It has no weights."),)
    leaderboard.add_request(
        model="acme/c", status=Status.FAILED, message="It has no weights.", history=attempts
    )
    leaderboard.keeper.sync()
    running, waiting, failed = api.queue(leaderboard.keeper.now.board)
    assert running["progress"] == {"task": "tiny_copy", "done": 3, "total": 10, "phase": None}
    assert (running["hardware"], running["price"]) == (None, None)
    assert running["started"] == running["renewed"] == "2026-02-01T12:00:00Z"
    assert (waiting["status"], waiting["position"], waiting["message"]) == (
        "PENDING",
        1,
        "It waits for a worker.",
    )
    assert (failed["status"], failed["message"], failed["ended"]) == (
        "FAILED",
        "It has no weights.",
        "2026-02-01T12:00:00Z",
    )
    json.dumps([running, waiting, failed])


def test_the_queue_has_what_is_rented_and_what_it_waits_for(leaderboard: Leaderboard) -> None:
    lease = Lease("here-0", "nonce", NOW, NOW, NOW, "aws-us-east-1-nvidia-l4-x1", 0.8)
    progress = Progress("", 0, 0, Phase.STARTING)
    leaderboard.add_request(status=Status.RUNNING, lease=lease, progress=progress)
    leaderboard.keeper.sync()
    [running] = json.loads(json.dumps(api.queue(leaderboard.keeper.now.board)))
    assert running["progress"] == {"task": "", "done": 0, "total": 0, "phase": "starting"}
    assert (running["hardware"], running["price"]) == ("aws-us-east-1-nvidia-l4-x1", 0.8)


def test_a_submission_is_on_the_board_when_its_answer_is_there(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    answer = asyncio.run(api.submit(leaderboard.desk, leaderboard.form()))
    assert answer["ok"]
    assert "is in the queue, at position 1" in answer["message"]
    assert [entry.path for entry in leaderboard.keeper.now.board.queue] == [answer["request"]]


def test_a_refusal_says_why(leaderboard: Leaderboard) -> None:
    answer = asyncio.run(api.submit(leaderboard.desk, leaderboard.form("acme/none")))
    assert (answer["ok"], answer["request"]) == (False, None)
    assert "acme/none" in answer["message"]


class Http:
    """The endpoints as curl calls them."""

    def __init__(self, page: gr.Blocks) -> None:
        self._transport = httpx.ASGITransport(gr.routes.App.create_app(page))

    def post(self, name: str, *data: Any) -> Any:
        answer = asyncio.run(self._post(f"/gradio_api/run/{name}", {"data": data}))
        assert answer.status_code == 200, answer.text
        [value] = answer.json()["data"]
        return value

    async def _post(self, path: str, body: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url="http://leaderboard") as client:
            return await client.post(path, json=body)


@pytest.fixture
def http(leaderboard: Leaderboard) -> Http:
    leaderboard.add_model()
    return Http(leaderboard.page())


def test_over_http_a_model_is_submitted_and_found_in_the_queue(http: Http) -> None:
    answer = http.post("submit", "acme/tiny", "", "main", "float32", "Original", "pretrained", False)
    assert answer["ok"], answer
    [request] = http.post("queue")
    assert (request["model"], request["status"], request["request"]) == (
        "acme/tiny",
        "PENDING",
        answer["request"],
    )


def gathering(leaderboard: Leaderboard, names: list[str]) -> tuple[GroupCommit, threading.Event]:
    """A group that writes only once the event is set, and models to submit meanwhile."""
    for name in names:
        leaderboard.add_model(name)
    may_write = threading.Event()
    leaderboard.requests.pace = Pace(clock=lambda: NOW)
    leaderboard.requests.pace.note(COMMITS)
    group = GroupCommit(
        leaderboard.requests,
        leaderboard.keeper.read_requests,
        submissions(),
        clock=lambda: NOW,
        sleep=lambda _: may_write.wait(),
    )
    group._last = NOW
    return group, may_write


def test_a_hundred_who_wait_for_their_common_commit_hold_nobody_else_up(leaderboard: Leaderboard) -> None:
    """Gradio has threads for forty; those who wait need none."""
    names = [f"acme/model-{number}" for number in range(100)]
    group, may_write = gathering(leaderboard, names)
    http = Http(leaderboard.page(Desk(leaderboard.models, group)))

    async def everybody() -> list[httpx.Response]:
        fields = [None, None, "float32", None, "pretrained", None]
        submit = [http._post("/gradio_api/run/submit", {"data": [name, *fields]}) for name in names]
        waiting = asyncio.gather(*submit)
        while group.waiting < len(names):
            await asyncio.sleep(0.01)
        answer = await http._post("/gradio_api/run/queue", {"data": []})
        assert answer.json()["data"] == [[]]
        may_write.set()
        return await waiting

    outcomes = [answer.json()["data"][0] for answer in asyncio.run(everybody())]
    assert all(outcome["ok"] for outcome in outcomes)
    assert len(http.post("queue")) == 0  # the board has not been read again
    leaderboard.keeper.sync()
    assert len(http.post("queue")) == 100


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # gradio's own sockets
def test_in_gradios_own_queue_those_who_wait_for_their_commit_leave_room_for_the_page(
    leaderboard: Leaderboard,
) -> None:
    """It has so many places for events of all kinds, whatever each kind may take."""
    names = [f"acme/model-{number}" for number in range(60)]
    group, may_write = gathering(leaderboard, names)
    page = leaderboard.page(Desk(leaderboard.models, group))
    with (
        served(page, max_threads=EVENTS_AT_ONCE) as url,
        httpx.Client(base_url=url, timeout=PATIENCE) as client,
    ):
        try:

            def call(name: str, *data: Any) -> str:
                answer = client.post(f"gradio_api/call/{name}", json={"data": data})
                return f"gradio_api/call/{name}/{answer.json()['event_id']}"

            waiting = [call("submit", name, None, None, "float32", None, None, None) for name in names]
            wait_for(lambda: group.waiting == len(names), what="all to wait")
            assert "event: complete" in client.get(call("queue")).text
            may_write.set()
            assert all('"ok": true' in client.get(each).text for each in waiting)
        finally:
            may_write.set()


def test_over_http_null_means_the_default(http: Http) -> None:
    assert http.post("submit", "acme/tiny", *[None] * 6)["ok"]
    [request] = http.post("queue")
    assert (request["revision"], request["precision"], request["weight_type"]) == (
        "main",
        "float16",
        "Original",
    )


@pytest.mark.parametrize("nonsense", ["", 7, ["acme/tiny"], {"a": 1}, "x" * 500])
def test_over_http_nonsense_is_answered_with_a_sentence(http: Http, nonsense: Any) -> None:
    answer = http.post("submit", nonsense, *[None] * 6)
    assert not answer["ok"]
    assert answer["message"].endswith(".")
    assert not http.post("submit", "acme/tiny", None, None, None, None, nonsense or 1, None)["ok"]


def test_over_http_an_empty_leaderboard_has_headers_and_no_rows(http: Http) -> None:
    answer = http.post("leaderboard")
    assert answer["rows"] == []
    assert answer["headers"][:4] == ["Rank", "T", "Model", "Average ⬆️"]


def test_only_the_documented_endpoints_have_names(leaderboard: Leaderboard) -> None:
    page = leaderboard.page()
    assert set(page.get_api_info()["named_endpoints"]) == {
        "/leaderboard",
        "/queue",
        "/reproduce",
        "/submit",
        "/withdraw",
        "/maintain",
    }
