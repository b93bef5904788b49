"""Requests on the page, in tables and on cards: what each says, and what others wrote stays text."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import gradio as gr
import pytest

from src.board.board import Board
from src.page import api, notices
from src.page.links import Links
from src.page.my_submissions import MySubmissions
from src.page.queue_tables import MOST, label, queue_table
from src.page.request_card import card
from src.page.submit_tab import SubmitTab
from src.queue.entries import Group, entries
from src.shared.data.request import Attempt, Lease, Phase, Progress, Status
from src.shared.stores.hub import Hub
from src.shared.stores.hub_store import HubStore
from src.submitting.new_request import withdrawn
from src.submitting.submitter import ANONYMOUS, Submitter
from support.boards import NO_LINKS, NOW, TEXTS, Leaderboard
from support.factories import make_request
from support.page_tabs import HOSTILE, is_harmless


def test_the_queue_is_five_tables_with_counts(leaderboard: Leaderboard) -> None:
    leaderboard.add_request()
    leaderboard.keeper.sync()
    with gr.Blocks():
        tab = SubmitTab(leaderboard.keeper, leaderboard.desk, TEXTS, leaderboard.visitors())
    updates = tab.queue(leaderboard.keeper.now)
    assert [updates[tab.accordions[group]].label for group in Group] == [
        "✋ Waiting for approval (0)",
        "⚙️ Running (0)",
        "⏳ Pending (1)",
        "✅ Finished (0)",
        "❌ Failed (0)",
    ]
    assert "acme/tiny" in updates[tab.tables[Group.PENDING]]
    assert [group for group in Group if not updates[tab.accordions[group]].visible] == [Group.WAITING]


def test_what_waits_for_approval_is_shown_although_nobody_approves_any_more(leaderboard: Leaderboard) -> None:
    leaderboard.add_request(status=Status.WAITING)
    leaderboard.keeper.sync()
    with gr.Blocks():
        tab = SubmitTab(leaderboard.keeper, leaderboard.desk, TEXTS, leaderboard.visitors())
    updates = tab.queue(leaderboard.keeper.now)
    assert updates[tab.accordions[Group.WAITING]].visible
    assert "acme/tiny" in updates[tab.tables[Group.WAITING]]


def test_the_cards_of_the_own_requests_have_buttons_and_those_of_others_have_none() -> None:
    alice, bob = Submitter("alice"), Submitter("bob")
    waiting = make_request(submitted_by="alice")
    running = replace(waiting, status=Status.RUNNING)
    taken_back = withdrawn(waiting, by="alice", now=NOW)
    by_hand = replace(waiting, status=Status.CANCELLED, message="It was taken back.")
    for request, word, button in [
        (waiting, "Waiting, position 1", 'data-action="withdraw"'),
        (running, "Running", "Stop the evaluation? It still counts as a submission."),
        (taken_back, "Withdrawn", 'data-action="submit again"'),
        (by_hand, "Cancelled", 'data-action="submit again"'),
    ]:
        [entry] = entries({"acme/tiny.json": request})
        assert word in card(entry, NO_LINKS, alice)
        assert button in card(entry, NO_LINKS, alice)
        assert "<button" not in card(entry, NO_LINKS, bob)
        assert "<button" not in card(entry, NO_LINKS, ANONYMOUS)


def test_what_another_submitted_again_stays_in_the_quota_that_the_page_shows(
    leaderboard: Leaderboard,
) -> None:
    history = (
        Attempt(1, "here-0", NOW, NOW, "withdrawn", by="alice"),
        Attempt(1, "", NOW, NOW, "resubmitted", by="alice"),
    )
    leaderboard.add_request(submitted_by="bob", history=history)
    leaderboard.keeper.sync()
    with gr.Blocks():
        own = MySubmissions(leaderboard.keeper, leaderboard.desk, leaderboard.visitors(), clock=lambda: NOW)
        own.place_mine()
    for login in ("alice", "Bob"):
        assert "1 of 5 submissions used in the last 7 days." in str(own._all_of(Submitter(login))[own.mine])
    assert "0 of 5 submissions used in the last 7 days." in str(own._all_of(Submitter("carol"))[own.mine])


@pytest.mark.parametrize("status", list(Status))
def test_hostile_requests_stay_text_in_cards(status: Status) -> None:
    texts = ("model", "revision", "precision", "weight_type", "message", "commit", "submitted_by")
    attempt = Attempt(1, HOSTILE, NOW, NOW, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 0.8, by=HOSTILE)
    lease = Lease(HOSTILE, HOSTILE, NOW, NOW, NOW, HOSTILE, 0.8) if status is Status.RUNNING else None
    request = make_request(**dict.fromkeys(texts, HOSTILE), status=status, history=(attempt,), lease=lease)
    [entry] = entries({HOSTILE: request})
    assert is_harmless(card(entry, NO_LINKS, Submitter(HOSTILE)))


@pytest.mark.parametrize(
    "said", ["", "[]", "null", '["delete", "x", 0, ""]', "[" * 100_000, '[["withdraw"], "x", 0, ""]']
)
def test_what_no_button_says_is_answered_with_a_sentence(leaderboard: Leaderboard, said: str) -> None:
    with gr.Blocks():
        own = MySubmissions(leaderboard.keeper, leaderboard.desk, leaderboard.visitors())
    answer = asyncio.run(own._outcome(said, Submitter("alice")))
    assert not answer["ok"]
    assert answer["message"].endswith(".")


def test_what_runs_is_shown_with_its_progress_and_the_time_it_is_from() -> None:
    lease = Lease("here-0", "nonce", NOW - timedelta(hours=1), NOW, NOW)
    running = make_request(status=Status.RUNNING, lease=lease, progress=Progress("tiny_copy", 30, 120))
    html = queue_table(Group.RUNNING, entries({"a.json": running}), NO_LINKS)
    assert 'value="30" max="120"' in html
    assert "tiny_copy 25 %" in html
    assert "2026-02-01 11:00" in html
    assert "2026-02-01 12:00" in html


RENTED = Lease("here-0", "nonce", NOW - timedelta(hours=1), NOW, NOW, "aws-us-east-1-nvidia-l4-x1", 0.8)


@pytest.mark.parametrize(
    ("phase", "words"),
    [(Phase.WAITING, "Waiting for hardware"), (Phase.STARTING, "Starting the model&#39;s server")],
)
def test_what_waits_for_rented_hardware_says_so_in_place_of_a_task_and_a_bar(
    phase: Phase, words: str
) -> None:
    waiting = make_request(status=Status.RUNNING, lease=RENTED, progress=Progress("", 0, 0, phase))
    [entry] = entries({"a.json": waiting})
    for shown in (queue_table(Group.RUNNING, [entry], NO_LINKS), card(entry, NO_LINKS, ANONYMOUS)):
        assert words in shown
        assert "on aws-us-east-1-nvidia-l4-x1, $0.80 an hour" in shown
        assert "<progress" not in shown
        assert "starting\n" not in shown


def test_what_runs_on_rented_hardware_is_shown_with_its_task_and_the_price() -> None:
    running = make_request(status=Status.RUNNING, lease=RENTED, progress=Progress("tiny_copy", 30, 120))
    [entry] = entries({"a.json": running})
    html = card(entry, NO_LINKS, ANONYMOUS)
    assert "tiny_copy 25 %" in html
    assert "on aws-us-east-1-nvidia-l4-x1, $0.80 an hour" in html
    free = replace(running, lease=replace(RENTED, hardware=None, price=None))
    [entry] = entries({"a.json": free})
    assert "an hour" not in card(entry, NO_LINKS, ANONYMOUS)


def test_a_machine_of_which_only_the_price_is_known_is_a_machine() -> None:
    own = replace(RENTED, hardware=None, price=1.25, own_machine=True)
    [entry] = entries({"a.json": make_request(status=Status.RUNNING, lease=own)})
    assert "on a machine, $1.25 an hour" in card(entry, NO_LINKS, ANONYMOUS)


def test_an_attempt_on_rented_hardware_says_what_it_cost_at_most() -> None:
    begun = NOW - timedelta(minutes=20)
    attempts = (
        Attempt(1, "here-0", begun, NOW, "no hardware", "It is sold out.", hardware="l4-x1", price=0.8),
        Attempt(2, "here-0", begun, NOW, "lost", "It was lost.", hardware="a100-x1"),
        Attempt(3, "here-0", begun, NOW, "crashed", "It crashed."),
    )
    [entry] = entries({"a.json": make_request(history=attempts)})
    html = card(entry, NO_LINKS, ANONYMOUS)
    assert "no hardware: It is sold out." in html
    assert "on l4-x1, $0.80 an hour, at most $0.27" in html
    assert "on a100-x1<" in html
    assert html.count('<span class="quiet">on ') == 2


@pytest.mark.parametrize(
    "progress", [None, Progress("x", 0, 0), Progress("x", -5, 10), Progress("x", 11, 10)]
)
def test_odd_progress_is_no_error(progress: Progress | None) -> None:
    running = make_request(status=Status.RUNNING, progress=progress)
    assert "acme/tiny" in queue_table(Group.RUNNING, entries({"a.json": running}), NO_LINKS)


@pytest.mark.parametrize("status", list(Status))
def test_hostile_requests_stay_text_in_the_queue(status: Status) -> None:
    texts = ("model", "revision", "precision", "weight_type", "message", "commit")
    request = make_request(
        **dict.fromkeys(texts, HOSTILE),
        status=status,
        lease=Lease("w", "n", NOW, NOW, NOW, HOSTILE, 0.8) if status is Status.RUNNING else None,
        progress=Progress(HOSTILE, 1, 2),
    )
    [entry] = entries({HOSTILE: request})
    html = queue_table(entry.group, [entry], NO_LINKS)
    assert is_harmless(html)
    assert "&lt;script&gt;" in html


def test_an_adapter_is_shown_with_its_base_model_and_a_whole_model_without() -> None:
    for weight_type, is_shown in (("Adapter", True), ("Original", False)):
        request = make_request(
            weight_type=weight_type, base_model=f"acme/base{HOSTILE}", base_commit="b" * 40
        )
        [entry] = entries({"a.json": request})
        html = queue_table(entry.group, [entry], NO_LINKS)
        assert ("of <bdi>acme/base" in html) is is_shown
        assert is_harmless(html)
        [told] = api.queue(Board(queue=(entry,)))
        assert (told["base_commit"] == "b" * 40) is is_shown
        assert (told["base_model"] is None) is not is_shown


def test_a_long_table_is_cut_and_says_how_much_is_missing() -> None:
    html = queue_table(
        Group.PENDING, entries({f"{number}.json": make_request() for number in range(MOST + 5)}), NO_LINKS
    )
    assert html.count("<tr data-request=") == MOST
    assert "and 5 more" in html
    assert label(Group.PENDING, entries({"a.json": make_request()})) == "⏳ Pending (1)"


def test_a_cancelled_request_says_so() -> None:
    html = queue_table(Group.FAILED, entries({"a.json": make_request(status=Status.CANCELLED)}), NO_LINKS)
    assert "Cancelled." in html


def test_a_silent_worker_is_named_with_the_time_and_where_it_is() -> None:
    assert notices.no_worker(None) == ""
    assert "since 2026-02-01 12:00 UTC. The backend Space may be asleep" in notices.no_worker(NOW)
    told = notices.no_worker(NOW, space="acme/backend")
    assert '<a href="https://huggingface.co/spaces/acme/backend"' in told
    assert is_harmless(notices.no_worker(NOW, space=HOSTILE))


def test_on_the_hub_the_queue_links_to_models_requests_results_and_logs() -> None:
    client = Hub(endpoint="https://hub.example")
    links = Links(HubStore(client, "acme/requests"), HubStore(client, "acme/results"), {"acme/local"})
    attempts = (Attempt(1, "here-0", NOW, NOW, "finished", log="logs/acme/tiny/1.txt"),)
    finished = make_request(status=Status.FINISHED, history=attempts, result="acme/tiny/results_1.json")
    html = queue_table(Group.FINISHED, entries({"acme/x y.json": finished}), links)
    for address in (
        "https://huggingface.co/acme/tiny",
        "https://hub.example/datasets/acme/requests/blob/main/acme/x%20y.json",
        "https://hub.example/datasets/acme/results/blob/main/acme/tiny/results_1.json",
        "https://hub.example/datasets/acme/results/blob/main/logs/acme/tiny/1.txt",
    ):
        assert f'href="{address}"' in html
    local = make_request(model="acme/local")
    assert "huggingface.co/acme/local" not in queue_table(Group.PENDING, entries({"a.json": local}), links)


def test_a_request_says_when_it_ended() -> None:
    attempts = (Attempt(1, "here-0", NOW, NOW, "finished"),)
    finished = make_request(status=Status.FINISHED, history=attempts)
    assert "2026-02-01 12:00" in queue_table(Group.FINISHED, entries({"a.json": finished}), NO_LINKS)


def test_each_attempt_says_how_it_ended_and_links_to_its_log() -> None:
    store = HubStore(Hub(endpoint="https://hub.example"), "acme/results")
    links = Links(store, store)
    history = tuple(
        Attempt(number, "here", NOW, NOW, "crashed", f"<b>{number}</b>", f"logs/acme/tiny/run_{number}.txt")
        for number in (1, 2)
    )
    for status in (Status.PENDING, Status.FAILED):
        queue = entries({"x": make_request(status=status, message="It will be retried.", history=history)})
        html = queue_table(queue[0].group, queue, links)
        assert "It will be retried." in html
        assert "<summary>2 attempts</summary>" in html
        assert "crashed: &lt;b&gt;1&lt;/b&gt;" in html
        assert "logs/acme/tiny/run_1.txt" in html
