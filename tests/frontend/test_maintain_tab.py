"""The tab of maintainers: what it lists, which buttons it has, and that nobody else is sent any of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import gradio as gr
import httpx
import pytest

from src.leaderboard.coverage import new_columns
from src.leaderboard.merging import standings
from src.maintaining.maintainers import Maintainers
from src.page.admission import Admission
from src.page.in_force import MOST, MOST_ACTS, in_force, latest_acts
from src.page.links import Links
from src.page.maintain_tab import MaintainTab, matching
from src.page.request_card import card, cards_of_maintainers, read_press
from src.page.rerun_form import Shown, TabContents
from src.page.updates import telling
from src.page.visitors import Visitors
from src.queue.entries import Entry
from src.shared.data.backend_description import write_description
from src.shared.data.names import ACTS, BACKEND_DESCRIPTION, BLOCKLIST, FLAGS
from src.shared.data.request import WITHDRAWN, Attempt, Status
from src.shared.errors import LeaderboardError, StoreError
from src.shared.moderation.acts import Act, Done, Moderation, write_acts
from src.shared.stores.hub import Hub as Client
from src.submitting.accounts import Accounts
from src.submitting.limits import Terms
from src.submitting.submitter import ANONYMOUS
from src.tasks import Task
from support.boards import NO_LINKS, NOW, TASKS, Leaderboard, make_result, scores
from support.factories import make_backend, make_request
from support.hub import Hub, running_hub
from support.page_requests import page_request

REFUSED = "Only maintainers of this leaderboard can do this."
WITHDRAWAL = Attempt(0, "", NOW, NOW, WITHDRAWN, by="carol")
BOB = Maintainers(frozenset({"bob"}))


@pytest.fixture
def tab(leaderboard: Leaderboard) -> MaintainTab:
    """The tab of a board where bob maintains and submissions wait for approval."""
    desk = leaderboard.make_desk(leaderboard.requests, terms=Terms(login=True, by_hand=True))
    with gr.Blocks(), gr.Tabs():
        tab = MaintainTab(
            leaderboard.keeper, desk, leaderboard.make_office(), Admission(BOB, Visitors(Accounts()))
        )
    tab.place_hidden()
    return tab


def told(updates: dict[Any, Any]) -> str:
    return " ".join(str(each) for each in updates.values())


# What it lists


@pytest.mark.parametrize(
    ("status", "labels", "takes_a_reason"),
    [
        (Status.WAITING, ["Approve", "Reject"], True),
        (Status.PENDING, ["Cancel"], True),
        (Status.RUNNING, ["Cancel"], True),
        (Status.FINISHED, ["Evaluate again"], False),
        (Status.FAILED, ["Try again"], False),
        (Status.CANCELLED, ["Try again"], False),
    ],
)
def test_a_card_has_the_buttons_that_fit_and_none_for_others(
    status: Status, labels: list[str], takes_a_reason: bool
) -> None:
    entry = Entry("acme/tiny.json", make_request(status=status, submitted_by="alice"))
    html = cards_of_maintainers([entry], NO_LINKS)
    assert [
        label
        for label in ("Approve", "Reject", "Cancel", "Evaluate again", "Try again")
        if f">{label}<" in html
    ] == labels
    assert ("data-reason" in html) is takes_a_reason
    assert card(entry, NO_LINKS, ANONYMOUS, maintains=True) == html
    assert "<button" not in card(entry, NO_LINKS, ANONYMOUS)


def test_what_runs_is_cancelled_only_after_a_question() -> None:
    entry = Entry("acme/tiny.json", make_request(status=Status.RUNNING))
    assert 'data-confirm="Stop the evaluation?"' in cards_of_maintainers([entry], NO_LINKS)


@pytest.mark.parametrize(
    ("find", "found"),
    [
        ("tiny", ["acme/tiny", "acme/tiny-2"]),
        ("ACME failed", ["acme/tiny-2"]),
        ("alice", ["acme/tiny"]),
        ("waiting approval", ["other/one"]),
        ("withdrawn", ["other/two"]),
        ("tiny nobody", []),
    ],
)
def test_requests_are_found_by_model_submitter_and_status_together(find: str, found: list[str]) -> None:
    queue = [
        Entry("1", make_request(model="acme/tiny", submitted_by="Alice")),
        Entry("2", make_request(model="acme/tiny-2", status=Status.FAILED)),
        Entry("3", make_request(model="other/one", status=Status.WAITING)),
        Entry("4", make_request(model="other/two", status=Status.CANCELLED, history=(WITHDRAWAL,))),
    ]
    assert [entry.request.model for entry in matching(queue, find)] == found


def test_at_most_twenty_requests_of_a_list_are_shown_and_the_others_counted(
    leaderboard: Leaderboard, tab: MaintainTab
) -> None:
    for number in range(23):
        leaderboard.add_request(model=f"acme/tiny-{number}", status=Status.WAITING)
    leaderboard.keeper.sync()
    filled = tab._filled("tiny")
    for html in (filled[tab.found], filled[tab.waiting]):
        assert html.count("<article") == 20
        assert "and 3 more" in html


def test_a_card_says_what_a_maintainer_decides_by(leaderboard: Leaderboard, tab: MaintainTab) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    known = {"params": 7.24, "model_type": "🟢 : pretrained", "license": "<b>mit", "commit": commit}
    leaderboard.add_request(model="acme/tiny", status=Status.WAITING, **known)
    leaderboard.keeper.sync()
    html = tab._filled("")[tab.waiting]
    for fact in ("7.24 billion parameters", "pretrained", "&lt;b&gt;mit"):
        assert f"· <bdi>{fact}</bdi>" in html
    assert f'<a href="https://huggingface.co/acme/tiny/tree/{commit}"' in html
    assert "</time> UTC" in " ".join(html.split())
    assert "We cannot say yet when: no evaluation has finished" in html


def test_a_commit_that_was_asked_for_itself_leads_to_the_models_files_too() -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    html = cards_of_maintainers([Entry("1", make_request(revision=commit, commit=commit))], NO_LINKS)
    address = f"https://huggingface.co/acme/tiny/tree/{commit}"
    assert f'<bdi><a href="{address}" target="_blank" rel="noopener">0123456789ab</a></bdi>' in html
    assert html.count(address) == 1


def test_a_card_says_nothing_of_what_is_unknown() -> None:
    unknown = make_request(params=None, model_type="? : ", license="", commit=None)
    html = cards_of_maintainers([Entry("acme/tiny.json", unknown)], NO_LINKS)
    assert "· <bdi>" not in html
    assert "/tree/" not in html


def test_without_anything_to_do_it_says_so(leaderboard: Leaderboard, tab: MaintainTab) -> None:
    leaderboard.keeper.sync()
    html = told(tab._filled(""))
    for sentence in (
        "Nothing waits for approval.",
        "Write a part of a model’s name, of a login, or a status",
        "Nothing is flagged, hidden or blocked, and the board takes submissions.",
        "No maintainer has done anything to a model, a user or the board yet.",
        "Every column counts, and enough models have a score in each.",
    ):
        assert sentence in html
    assert "No request has all of these words." in tab._filled("zzz")[tab.found]
    tab._desk.terms = Terms()
    assert "Submissions are evaluated without approval here" in tab._filled("")[tab.waiting]


def test_what_is_in_force_has_who_when_why_and_a_button_and_what_is_by_hand_where_to_edit_it(
    leaderboard: Leaderboard,
) -> None:
    acts = [
        Done(act=Act.HIDE, name="acme/leaked", reason="it <i>leaked</i>", by="bob", at=NOW),
        Done(act=Act.CLOSE, name="", reason="We move.", by=None, at=NOW),
        Done(act=Act.REMOVE, name="acme/gone", by="bob", at=NOW),
    ]
    leaderboard.write("requests", ACTS, write_acts(Moderation(tuple(acts))))
    leaderboard.write("requests", BLOCKLIST, b"users:\n- spam-bot: by me\n")
    leaderboard.write("requests", FLAGS, b"models:\n- acme/odd\n")
    leaderboard.keeper.sync()
    html = in_force(leaderboard.keeper.now.board, Links.of(leaderboard.keeper))
    lines = [line for line in html.split("<tr ") if 'data-request="' in line]
    assert [line.partition('"')[2].partition('"')[0] for line in lines] == [
        "",
        "acme/leaked",
        "acme/odd",
        "spam-bot",
    ]
    closed, hidden, flagged, blocked = lines
    assert 'href="https://huggingface.co/acme/leaked"' in hidden
    for part in ("bob", "2026-02-01 12:00", "it &lt;i&gt;leaked&lt;/i&gt;", 'data-action="show"'):
        assert part in hidden
    assert 'data-action="open"' in closed
    assert "the board" in closed
    assert "a command" in closed
    for line, file in ((flagged, FLAGS), (blocked, BLOCKLIST)):
        assert "<button" not in line
        assert "by hand" in line
        assert f"edit {file}" in " ".join(line.split())


def test_a_list_that_is_still_where_an_earlier_version_put_it_is_edited_there(
    leaderboard: Leaderboard,
) -> None:
    leaderboard.write("requests", "index/blocked.yaml", b"users:\n- spam-bot\n")
    leaderboard.keeper.sync()
    html = in_force(leaderboard.keeper.now.board, Links.of(leaderboard.keeper))
    assert "edit index/blocked.yaml" in " ".join(html.split())


def test_of_many_acts_in_force_the_closed_board_comes_first_then_the_newest(leaderboard: Leaderboard) -> None:
    acts = [
        Done(act=Act.FLAG, name=f"acme/m{number}", by="bob", at=NOW + timedelta(minutes=number))
        for number in range(MOST + 5)
    ]
    acts.insert(3, Done(act=Act.CLOSE, name="", reason="We move.", by="bob", at=NOW))
    acts.append(Done(act=Act.HIDE, name="acme/leaked", by="bob", at=NOW + timedelta(days=1)))
    board = replace(leaderboard.keeper.now.board, moderation=Moderation(tuple(acts)))
    html = in_force(board, NO_LINKS)
    assert re.findall('data-request="(.*?)"', html)[:3] == ["", "acme/leaked", f"acme/m{MOST + 4}"]
    assert "and 7 more" in html
    assert '<div class="queue in-force" data-keep="in-force"' in html  # an Undo does not scroll to the top


def test_the_latest_fifty_acts_are_listed_the_newest_first(leaderboard: Leaderboard) -> None:
    acts = [Done(act=Act.REMOVE, name=f"acme/m{number}", by="bob", at=NOW) for number in range(60)]
    board = replace(leaderboard.keeper.now.board, moderation=Moderation(tuple(acts)))
    html = latest_acts(board)
    assert html.count("<li>") == MOST_ACTS
    assert html.index("acme/m59") < html.index("acme/m10")
    assert "acme/m9<" not in html
    assert "the latest 50 of 60 acts" in html


# New columns


def table(tasks: list[Task], copying: int) -> list[str]:
    """The sentences of a board of four models, all with the first score, and some with the last."""
    results = [
        make_result(f"acme/{number}", scores=scores(0.5, 0.5, 0.5 if number < copying else None))
        for number in range(4)
    ]
    return list(new_columns(standings(tasks, {}, results)))


def test_a_column_outside_the_average_says_how_many_models_have_it_and_how_to_let_it_count() -> None:
    tasks = [TASKS[0], replace(TASKS[2], in_average=False)]
    assert table(tasks, 3) == [
        "Copying stands outside the average: 3 of 4 models have a score. To let it count, delete "
        "in_average=False from its line in src/about.py."
    ]


def test_a_column_in_the_average_that_few_models_have_is_told_with_what_to_write() -> None:
    [sentence] = table([TASKS[0], TASKS[2]], 1)
    assert sentence.startswith("Copying counts for the average, but only 1 of 4 models have a score")
    assert "Write in_average=False into its line in src/about.py" in sentence


@pytest.mark.parametrize("copying", [2, 3, 4])
def test_a_column_that_half_of_the_models_have_is_not_told(copying: int) -> None:
    assert table([TASKS[0], TASKS[2]], copying) == []


def test_where_no_column_has_many_scores_none_is_told() -> None:
    assert table([TASKS[2]], 1) == []
    assert list(new_columns(standings(TASKS, {}, []))) == []


# Who is sent it


def test_it_is_shown_to_maintainers_and_nothing_of_it_to_others(
    leaderboard: Leaderboard, tab: MaintainTab
) -> None:
    leaderboard.add_request(model="acme/secret", status=Status.WAITING)
    leaderboard.keeper.sync()
    tabs = gr.Tabs(render=False)
    reveal = tab._revealed(tabs)
    assert "acme/secret" in told(reveal(page_request("bob"), ""))
    assert "acme/secret" in told(tab._follow(page_request("bob"), 0, ""))
    assert "acme/secret" in told(tab._find(page_request("bob"), "secret"))
    for other in (
        page_request(),
        page_request("mallory"),
        page_request("bob", seconds_left=-1),
        page_request("bob", headers={"origin": "https://evil.example"}),
        page_request(headers={"x-forwarded-user": "bob"}, query="login=bob"),
    ):
        for updates in (reveal(other, "secret"), tab._follow(other, 0, "secret"), tab._find(other, "secret")):
            assert "acme/secret" not in told(updates)
            assert updates[tab.waiting] == ""
            assert updates[tab.tab].visible is False
            assert updates[tab.timer].active is False


def test_the_address_opens_it_for_a_maintainer_only(tab: MaintainTab) -> None:
    tabs = gr.Tabs(render=False)
    reveal = tab._revealed(tabs)
    assert reveal(page_request("bob", query="tab=maintain"), "")[tabs].selected == "maintain"
    assert tabs not in reveal(page_request("bob"), "")
    assert tabs not in reveal(page_request("mallory", query="tab=maintain"), "")


def test_as_long_as_nothing_changes_nothing_is_sent(leaderboard: Leaderboard, tab: MaintainTab) -> None:
    leaderboard.keeper.sync()
    assert tab._follow(page_request("bob"), float(leaderboard.keeper.now.version), "") == {}


def test_who_has_not_signed_in_is_not_asked_about(tab: MaintainTab) -> None:
    assert list(tab.open(page_request()).values()) == [0]
    assert list(tab.open(page_request("mallory")).values()) == [1]


def test_a_page_without_a_login_has_no_such_tab(leaderboard: Leaderboard) -> None:
    page = leaderboard.page(maintainers=BOB)
    assert not [each for each in page.fns.values() if "MaintainTab" in str(each.fn)]


async def done(tab: MaintainTab, act: str, name: str, asked: str = "") -> list[dict[Any, Any]]:
    do = tab._do(lambda request, opened: {})
    return [each async for each in do(page_request("bob"), act, name, "", asked, "", "")]


def test_before_a_removal_the_question_has_the_models_name(tab: MaintainTab) -> None:
    address = "https://huggingface.co/acme/tiny/tree/main"
    (updates,) = asyncio.run(done(tab, "remove", address))
    assert updates[tab.asked] == address
    assert tab._button("remove", address).value == "Remove acme/tiny for good?"
    assert tab._button("flag", address).value == "Flag"  # another act was chosen meanwhile


def test_when_an_act_is_done_only_what_named_it_is_emptied(tab: MaintainTab) -> None:
    (updates,) = asyncio.run(done(tab, "block", "acme/tiny"))
    emptied = tab._ready("block", "", updates[tab.done], "acme/tiny", "")
    assert (emptied[tab.name], emptied[tab.reason], emptied[tab.done]) == ("", "", None)
    for typed_since in [("acme/next", ""), ("acme/tiny", "It is spam.")]:
        ready = tab._ready("block", "", updates[tab.done], *typed_since)
        assert not {tab.name, tab.reason} & set(ready)
        assert ready[tab.button].interactive
    (refused,) = asyncio.run(done(tab, "block", "acme/tiny"))
    assert tab.name not in tab._ready("block", "", refused[tab.done], "acme/tiny", "")


def test_what_is_typed_while_a_button_waits_does_not_make_it_ready(tab: MaintainTab) -> None:
    assert tab._ask_no_more("block", "") == {}
    updates = tab._ask_no_more("remove", "acme/tiny")
    for button in (
        updates[tab.button],
        tab._chosen("hide")[tab.button],
        tab.again._look_first()[tab.again.button],
    ):
        assert "interactive" not in button.constructor_args


def test_the_form_asks_for_what_the_chosen_act_needs(tab: MaintainTab) -> None:
    shown = {act: tab._chosen(act) for _, act in tab.act.choices}
    fields = {act: updates[tab.name] for act, updates in shown.items()}
    assert [act for act, field in fields.items() if not field.visible] == [Act.CLOSE]
    assert [act for act, field in fields.items() if field.label == "User"] == [Act.BLOCK_USER]
    assert "org/*" in fields[Act.HIDE].placeholder
    assert "*" not in fields[Act.REMOVE].placeholder
    assert shown[Act.HIDE][tab.button].value == "Hide"
    assert shown[Act.CLOSE][tab.button].value == "Close the board"
    assert tab._chosen(None)[tab.button].value


@pytest.mark.parametrize("name", ["", "acme/*", "acme/..", "<img src=x>/y"])
def test_what_is_no_model_is_told_before_the_question(tab: MaintainTab, name: str) -> None:
    (updates,) = asyncio.run(done(tab, "remove", name))
    assert "is not a model&#39;s name. Write one model, such as org/model." in updates[tab.message]
    assert "<img" not in updates[tab.message]
    assert updates[tab.asked] == ""


def pressed_again(tab: MaintainTab, **changes: Any) -> list[dict[Any, Any]]:
    """What pressing the button of "Evaluate again" shows."""
    form = tab.again
    work = telling(form.told, form._press(TabContents([], [], lambda request, find, opened: {})))
    given = {"what": "rerun missing", "model": "", "asked": None} | changes

    async def press() -> list[dict[Any, Any]]:
        return [each async for each in work(page_request("bob"), *given.values(), "", "")]

    return asyncio.run(press())


def test_what_would_be_computed_again_is_shown_before_the_button_does_it(
    leaderboard: Leaderboard, tab: MaintainTab
) -> None:
    leaderboard.write("results", BACKEND_DESCRIPTION, write_description(make_backend()))
    leaderboard.add_request(status=Status.FINISHED, result=leaderboard.add_result())
    form = tab.again
    (updates,) = pressed_again(tab)
    asked = updates[form.asked]
    assert "1 row of the board will be computed again" in updates[form.told]
    assert form._button(asked).value == "Evaluate 1 row again"
    (other,) = pressed_again(tab, asked=asked, what="rerun older")
    assert (other[form.asked], form._button(None).value) == (None, "Preview")
    (done,) = pressed_again(tab, asked=asked)
    assert "1 row will be computed again" in done[form.told]
    assert done[form.asked] is None


def test_until_when_commits_are_gathered_is_told_beside_the_request_that_is_open(
    leaderboard: Leaderboard, tab: MaintainTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = leaderboard.add_request(status=Status.WAITING)
    monkeypatch.setattr(tab._desk, "due", lambda: NOW)
    beside, answered = gr.HTML(render=False), gr.Textbox(render=False)
    press = tab._press(beside, answered, lambda request, opened: {})

    async def pressed(opened: str, act: str = "approve") -> list[str]:
        updates = press(page_request("bob"), json.dumps([act, path, 0, ""]), "", opened)
        return [str(each[beside]) async for each in updates]

    gathering, answer = asyncio.run(pressed(opened=path))
    assert "this will be written together with others, at 12:00:00 UTC" in gathering
    assert "is approved" in answer
    assert asyncio.run(pressed(opened="")) == ["", ""]
    assert len(asyncio.run(pressed(opened="", act="open"))) == 1  # it is written at once


def test_after_a_failure_the_form_still_names_the_model(
    tab: MaintainTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its name, the next look would be at all models."""

    def fail(*_: object) -> str:
        raise StoreError("The Hub is busy.")

    form, shown = tab.again, Shown("rerun missing acme/tiny", 1)
    monkeypatch.setattr(tab._office, "rerun", fail)
    (failed,) = pressed_again(tab, model="acme/tiny", asked=shown)
    assert "The Hub is busy." in failed[form.told]
    assert form.model not in form._ready(None, failed[form.done], "acme/tiny")
    monkeypatch.setattr(tab._office, "rerun", lambda *_: "1 row will be computed again.")
    (done,) = pressed_again(tab, model="acme/tiny", asked=shown)
    assert form._ready(None, done[form.done], "acme/tiny")[form.model] == ""
    assert form.model not in form._ready(None, done[form.done], "acme/next")  # typed meanwhile


def test_an_error_that_nobody_expected_is_told_where_the_answer_would_be(
    tab: MaintainTab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("hf_secret")

    monkeypatch.setattr(tab._office, "preview", fail)
    (updates,) = pressed_again(tab)
    assert "An unexpected error (RuntimeError). Check whether it was done" in updates[tab.again.told]
    assert "hf_secret" not in updates[tab.again.told]
    assert "hf_secret" in caplog.text


def test_every_button_that_waits_is_made_ready_by_the_last_step_whatever_happened(
    leaderboard: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gradio takes each step of a chain also after an error of the one before."""
    for name in ("CLIENT_ID", "CLIENT_SECRET", "SCOPES"):
        monkeypatch.setattr(f"gradio.oauth.OAUTH_{name}", "x")
    monkeypatch.setattr("gradio.oauth.OPENID_PROVIDER_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("gradio.oauth.get_space", lambda: "acme/board")
    desk = leaderboard.make_desk(leaderboard.requests, terms=Terms(login=True))
    page = leaderboard.page(desk, maintainers=BOB)
    chains = [each for each in page.fns.values() if any(event == "click" for _, event in each.targets)]
    waiting = [each for each in chains if [type(output) for output in each.outputs] == [gr.Button]]
    assert {each.outputs[0].elem_id for each in waiting} == {"submit", "do-act", "do-again"}
    for first in waiting:
        assert first.fn and first.fn().interactive is False
        work = next(each for each in page.fns.values() if each.trigger_after == first._id)
        last = next(each for each in page.fns.values() if each.trigger_after == work._id)
        assert not (work.trigger_only_on_success or last.trigger_only_on_success)
        assert last.fn
        answer = last.fn(*(each.value for each in last.inputs))
        button = answer[first.outputs[0]] if isinstance(answer, dict) else answer
        assert button.interactive is True


@pytest.mark.parametrize(
    "pressed",
    [
        "",
        "[]",
        "null",
        "{}",
        "[" * 5000,
        '["flag", "a/b"]',
        '["flag", 3, 0, ""]',
        '["flag", "a/b", 0, null]',
        '[[], "a/b", 0, ""]',
    ],
)
def test_what_no_button_sends_is_answered_with_a_sentence(pressed: str) -> None:
    with pytest.raises(LeaderboardError, match=r"The page sent a button that does not exist\. Reload it"):
        read_press(pressed)


# On a machine, where an endpoint also answers in one step


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        for name in ("bob", "mallory"):
            hub.add_user(name)
        yield hub


EVERY = ["approve", "reject", "cancel", "again", *Act]


def test_in_one_step_only_a_maintainers_token_does_anything(leaderboard: Leaderboard, hub: Hub) -> None:
    path = leaderboard.add_request(status=Status.WAITING)
    visitors = Visitors(Accounts(partial(Client, endpoint=hub.url, patience=0)))
    page = leaderboard.page(visitors=visitors, maintainers=BOB)
    transport = httpx.ASGITransport(gr.routes.App.create_app(page))

    async def maintain(act: str, target: str, token: str | None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://page", headers=headers) as client:
            body = {"data": [act, target, "It is spam."], "username": "bob"}
            answer = await client.post("/gradio_api/run/maintain", json=body)
        return dict(answer.json()["data"][0])

    before = leaderboard.requests.snapshot()
    mallory = hub.add_token("mallory")
    for act in EVERY:
        for token in (None, mallory):
            answer = asyncio.run(maintain(act, path, token))
            assert (answer["ok"], answer["message"], answer["request"]) == (False, REFUSED, None)
        assert not asyncio.run(maintain(act, path, "hf_nobody"))["ok"]
    assert leaderboard.requests.snapshot() == before
    assert asyncio.run(maintain("approve", path, hub.add_token("bob")))["ok"]
    assert json.loads((leaderboard.folder / "requests" / path).read_text())["history"][-1]["by"] == "bob"
