"""The page: it can be built on anything, new results wait for a click, and what others wrote stays text."""

import asyncio
import copy
import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import gradio as gr
import gradio_leaderboard
import orjson
import pytest

from src.board.board import Board, Now
from src.columns import columns
from src.leaderboard.scoring import Evidence, TaskColumn, column_of
from src.leaderboard.sorting import Sort
from src.leaderboard.view import ViewState, view
from src.page import api, marks, notices
from src.page.about_tab import NOTHING_FOUND, NOTHING_YET, AboutTab
from src.page.leaderboard_tab import UNSEEN, LeaderboardTab
from src.page.links import Links
from src.page.my_submissions import MySubmissions
from src.page.queue_tables import MOST, label, queue_table
from src.page.request_card import card
from src.page.submit_form import SubmitForm
from src.page.submit_tab import SubmitTab
from src.page.suite import suite
from src.page.table import contents, leaderboard_table
from src.queue.entries import Group, entries
from src.shared.data.backend_description import Example, write_description
from src.shared.data.names import BACKEND_DESCRIPTION
from src.shared.data.request import Attempt, Lease, Phase, Progress, Status
from src.shared.stores.hub import Hub
from src.shared.stores.hub_store import HubStore
from src.shared.version import FOOT
from src.submitting.form import Form, Refused
from src.submitting.limits import Terms
from src.submitting.new_request import withdrawn
from src.submitting.submitter import ANONYMOUS, Submitter
from src.tasks import Task
from support.boards import NO_LINKS, NOW, TASKS, TEXTS, Leaderboard, run_at, scores
from support.factories import make_backend, make_request, make_task
from support.page_requests import page_request

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">[x](javascript:alert(3))'
DEFAULT_COLUMNS = [
    column.name for column in columns([TaskColumn(task) for task in TASKS]) if column.is_default
]
RANGE = (None, None, False)
CHOSEN = ("", DEFAULT_COLUMNS, [], [], [], [], *RANGE, None, *RANGE, *RANGE, [], [], [], "", "", "")


def is_harmless(html: str) -> bool:
    return "<script" not in html and "<img" not in html


def without_details(cell: str) -> str:
    """A model's cell without the link to its details."""
    return re.sub(r' <a href="\?model=[^"<>]*">details</a>', "", cell)


def unread(leaderboard: Leaderboard) -> None:
    leaderboard.add_result()


def empty(leaderboard: Leaderboard) -> None:
    leaderboard.keeper.sync()


def fill(leaderboard: Leaderboard) -> None:
    leaderboard.add_request(status=Status.FINISHED)
    leaderboard.add_result(scores=scores(0.5, 0.5, 0.5))
    leaderboard.keeper.sync()


@pytest.mark.parametrize("prepare", [unread, empty, fill])
def test_the_page_can_be_built_before_anything_is_read_on_nothing_and_on_results(
    leaderboard: Leaderboard, prepare: Any
) -> None:
    prepare(leaderboard)
    page = leaderboard.page(notice="Local data.")
    config = str(page.config)
    for text in ("🏅 LLM Benchmark", "📝 About", "🚀 Submit here!", "An introduction.", "@misc{it}", FOOT):
        assert text in config
    assert page.title == "The board"


def test_a_closed_desk_has_a_sentence_in_the_place_of_its_form(leaderboard: Leaderboard) -> None:
    desk = leaderboard.make_desk(leaderboard.requests, terms=Terms(anonymous=False))
    assert "ANONYMOUS_SUBMISSIONS" in str(leaderboard.page(desk).config)
    with gr.Blocks():
        tab = SubmitTab(leaderboard.keeper, desk, TEXTS, leaderboard.visitors())
    assert not tab.form.whole.visible
    assert not tab.open(page_request())[tab.form.whole].visible


# The leaderboard's tab


@pytest.fixture
def tab(leaderboard: Leaderboard) -> Iterator[LeaderboardTab]:
    with gr.Blocks():
        yield LeaderboardTab(leaderboard.keeper, TASKS, TEXTS)


def test_an_empty_leaderboard_says_what_to_do(leaderboard: Leaderboard, tab: LeaderboardTab) -> None:
    leaderboard.keeper.sync()
    updates = tab.refresh(*CHOSEN)
    assert "Submit a model" in updates[tab.first_steps]
    assert str(leaderboard.results) in updates[tab.first_steps]
    assert updates[tab.whole].elem_classes == [UNSEEN]
    assert not updates[tab.until_read].active


def test_before_the_first_reading_the_page_says_that_it_reads_and_looks_again(tab: LeaderboardTab) -> None:
    updates = tab.refresh(*CHOSEN)
    assert "Reading" in updates[tab.first_steps]
    assert updates[tab.until_read].active


def test_new_results_are_told_and_shown_on_a_click(leaderboard: Leaderboard, tab: LeaderboardTab) -> None:
    fill(leaderboard)
    seen_board = tab.refresh(*CHOSEN)[tab.seen_board]
    leaderboard.add_result("acme/new", scores=scores(0.1, 0.1, 0.1))
    leaderboard.add_result("acme/new", run=run_at(1), scores=scores(0.2, 0.2, 0.2))
    leaderboard.keeper.sync()
    updates = tab.notice(seen_board, leaderboard.keeper.now)
    assert updates[tab.new_results].visible
    assert updates[tab.new_results].value == "2 new results · Show"
    assert tab.table not in updates
    updates = tab.refresh(*CHOSEN)
    assert len(updates[tab.table]["data"]) == 2
    assert not updates[tab.new_results].visible


def test_a_search_stays_on_the_board_that_the_visitor_looks_at(
    leaderboard: Leaderboard, tab: LeaderboardTab
) -> None:
    fill(leaderboard)
    seen_board = tab.refresh(*CHOSEN)[tab.seen_board]
    leaderboard.add_result("acme/new", scores=scores(0.1, 0.1, 0.1))
    leaderboard.keeper.sync()
    updates = tab.change_view(seen_board, "acme", *CHOSEN[1:])
    assert len(updates[tab.table]["data"]) == 1
    assert "1 model" in updates[tab.found]


def test_a_change_of_the_queue_alone_is_no_notice(leaderboard: Leaderboard, tab: LeaderboardTab) -> None:
    fill(leaderboard)
    seen_board = tab.refresh(*CHOSEN)[tab.seen_board]
    leaderboard.add_request(model="acme/waits")
    leaderboard.keeper.sync()
    assert not tab.notice(seen_board, leaderboard.keeper.now)[tab.new_results].visible


def test_what_was_found_out_about_models_is_no_notice(leaderboard: Leaderboard, tab: LeaderboardTab) -> None:
    fill(leaderboard)
    seen_board, now = tab.refresh(*CHOSEN)[tab.seen_board], leaderboard.keeper.now
    rows = tuple(replace(row, is_available=False) for row in now.board.standings.rows)
    checked = replace(now.board, standings=replace(now.board.standings, rows=rows))
    assert not tab.notice(seen_board, replace(now, board=checked))[tab.new_results].visible


def test_a_visitor_from_before_a_restart_is_offered_the_present_results(
    leaderboard: Leaderboard, tab: LeaderboardTab
) -> None:
    fill(leaderboard)
    assert (
        tab.notice(None, leaderboard.keeper.now)[tab.new_results].value
        == "The results may have changed · Show"
    )


# The table


def payload(leaderboard: Leaderboard, *, local: frozenset[str] = frozenset(), **state: Any) -> dict[str, Any]:
    leaderboard.keeper.sync()
    return contents(view(leaderboard.keeper.now.board.standings, ViewState(**state)), local)


def test_a_missing_number_is_blank_and_an_incomplete_average_says_how_much_is_there(
    leaderboard: Leaderboard,
) -> None:
    leaderboard.add_result(scores=scores(-0.5))
    sent = payload(leaderboard)
    shown = dict(zip(sent["headers"], sent["data"][0], strict=True))
    assert (shown["Addition"], shown["Agreement"], shown["Average ⬆️"]) == ("-50.00", "\u00a0", "1/3")


def test_a_model_is_a_link_unless_it_lies_in_a_local_folder(leaderboard: Leaderboard) -> None:
    leaderboard.add_result(scores=scores(0.5))
    hub = '<a href="https://huggingface.co/acme/tiny" target="_blank" rel="noopener">acme/tiny</a>'
    details = '<a href="?model=acme/tiny">details</a>'
    assert payload(leaderboard)["data"][0][2] == f"{hub} {details}"
    assert payload(leaderboard, local=frozenset({"acme/tiny"}))["data"][0][2] == f"acme/tiny {details}"


def test_a_model_that_is_no_longer_on_the_hub_is_text(leaderboard: Leaderboard) -> None:
    leaderboard.add_result(scores=scores(0.5))
    leaderboard.add_request(status=Status.FINISHED, extra={"still_on_hub": False})
    assert without_details(payload(leaderboard)["data"][0][2]) == "acme/tiny"


def test_a_result_under_a_limit_carries_a_badge(leaderboard: Leaderboard) -> None:
    config = {"model_name": "acme/tiny", "model_sha": None, "model_dtype": "float32", "limit": 20.0}
    leaderboard.add_result(scores=scores(0.5), config=config)
    assert payload(leaderboard)["data"][0][2].endswith(" `preliminary`")


def test_a_row_with_the_chat_template_carries_a_badge(leaderboard: Leaderboard) -> None:
    leaderboard.add_result(scores=scores(0.5))
    leaderboard.add_result(run=run_at(1), scores=scores(0.4), chat_template="{{ messages }}")
    assert [cell[2].endswith(" `chat`") for cell in payload(leaderboard)["data"]] == [False, True]


def test_a_score_that_may_not_be_comparable_is_marked_and_the_mark_explained(
    leaderboard: Leaderboard,
) -> None:
    for hour, version in enumerate([1.0, 2.0, HOSTILE]):
        leaderboard.add_result(
            f"acme/{hour}",
            run=run_at(hour),
            scores=scores((9 - hour) / 10, 0.5, 0.5),
            versions={"tiny_addition": version},
        )
    leaderboard.keeper.sync()
    table = view(leaderboard.keeper.now.board.standings, ViewState())
    found = marks.numbered(table)
    sent: Any = contents(table, (), found)
    place = sent["headers"].index("Addition")
    assert [line[place] for line in sent["data"]] == ["90.00 ¹", "80.00 ²", "70.00"]
    shown = marks.notes(table, found)
    assert '<p data-mark="¹"><b>¹</b> Task version 1.0; most others have' in shown
    assert is_harmless(shown)
    without = view(leaderboard.keeper.now.board.standings, ViewState(columns=frozenset({"Copying"})))
    assert "data-mark" not in marks.notes(without, marks.numbered(without))


def test_below_the_table_stands_what_its_symbols_and_a_part_of_the_scores_mean(
    leaderboard: Leaderboard,
) -> None:
    leaderboard.add_request(model="acme/all", status=Status.FINISHED, model_type="🟢 : pretrained")
    leaderboard.add_result("acme/all", scores=scores(0.5, 0.5, 0.5))
    leaderboard.add_result("acme/part", scores=scores(0.5, 0.5))
    leaderboard.keeper.sync()
    table = view(leaderboard.keeper.now.board.standings, ViewState())
    shown = " ".join(marks.notes(table, {}).striptags().split())
    assert shown == (
        "🟢 pretrained 2/3 means that 2 of 3 tasks have a score. The average and the rank need all of them."
    )
    assert marks.notes(replace(table, rows=()), {}) == ""


def test_below_the_table_are_links_to_the_same_view_as_files(
    leaderboard: Leaderboard, tab: LeaderboardTab
) -> None:
    fill(leaderboard)
    query = urlencode({"q": 'a"b', "sort": "Copying"})
    shown = tab.go_to(None, query)[tab.notes]
    for path in ("table.csv", "leaderboard", "table"):
        assert f'href="{path}?q=a%22b&amp;sort=Copying"' in shown


def test_a_model_is_new_for_a_week_after_its_first_result(leaderboard: Leaderboard) -> None:
    leaderboard.add_result("acme/old", run="2026-01-01T00-00-00.0", scores=scores(0.5, 0.5, 0.5))
    leaderboard.add_result(
        "acme/old", run="2026-02-01T00-00-00.0", commit="b" * 40, scores=scores(0.6, 0.5, 0.5)
    )
    leaderboard.add_result("acme/again", run="2026-01-01T00-00-00.0", scores=scores(0.5, 0.5, 0.5))
    leaderboard.add_result("acme/again", run="2026-02-01T00-00-00.0", scores=scores(0.5, 0.5, 0.5))
    leaderboard.add_result("acme/new", run="2026-02-01T00-00-00.0", scores=scores(0.4, 0.5, 0.5))
    leaderboard.keeper.sync()
    table = view(leaderboard.keeper.now.board.standings, ViewState())

    def names(day: int) -> list[str]:
        sent: Any = contents(table, (), new_since=datetime(2026, 2, day, tzinfo=UTC))
        return [line[2].endswith("`new`") for line in sent["data"]]

    assert names(1) == [False, False, True]
    assert names(2) == [False, False, False]


@pytest.mark.parametrize(
    "name", [HOSTILE, "javascript:alert(1)", "**bold** _x_", "a|b", "x" * 10_000, "# x\n- y"]
)
def test_a_name_that_is_none_stays_text(leaderboard: Leaderboard, name: str) -> None:
    config = {"model_name": name, "model_sha": None, "model_dtype": "float32"}
    leaderboard.add_result(scores=scores(0.5), config=config)
    cell = payload(leaderboard)["data"][0][2]
    assert without_details(cell) != cell
    assert not set(without_details(cell)) & set("<>[]()*|:\n\"'")
    assert len(cell) < 1000


def test_an_empty_table_can_be_sent(leaderboard: Leaderboard) -> None:
    assert payload(leaderboard)["data"] == [[]]


def test_the_component_can_show_every_column_a_task_can_have() -> None:
    headers = leaderboard_table(TASKS).headers
    assert {"Addition", "Addition ↓", "Model sha", "Rank"} <= set(headers)
    assert headers[:3] == ["Rank", "T", "Model"]


def test_what_a_board_shows_at_first_is_made_once_for_all_visitors(
    leaderboard: Leaderboard, tab: LeaderboardTab
) -> None:
    leaderboard.add_result(scores=scores(0.5))
    leaderboard.keeper.sync()
    chosen = [control.value for control in tab.choices]
    first = tab.refresh(*chosen)[tab.table]
    assert tab.refresh(*chosen)[tab.table] is first
    assert copy.deepcopy(first.as_json) is first.as_json
    assert tab.refresh("nothing", *chosen[1:])[tab.table] is not first
    leaderboard.add_result("acme/new", scores=scores(0.5))
    leaderboard.keeper.sync()
    assert len(tab.refresh(*chosen)[tab.table]["data"]) == 2


def test_the_best_score_of_each_column_is_bold(leaderboard: Leaderboard) -> None:
    leaderboard.add_result("acme/a", scores=scores(0.9, 0.5, 0.1))
    leaderboard.add_result("acme/b", scores=scores(0.9, 0.5, 0.2))
    leaderboard.add_result("acme/c", scores=scores(0.1, 0.5, 0.3))
    sent = payload(leaderboard)
    bold = {
        model: {
            header
            for header, style in zip(sent["headers"], styles, strict=False)
            if style and header not in ("Model", "Average ⬆️")
        }
        for (_, _, model, *_), styles in zip(sent["data"], sent["metadata"]["styling"], strict=True)
    }
    found = {re.sub("<[^>]*>", "", without_details(model)): columns for model, columns in bold.items()}
    assert found == {"acme/a": {"Addition"}, "acme/b": {"Addition"}, "acme/c": {"Copying"}}


def test_the_component_takes_what_is_sent_to_it(leaderboard: Leaderboard) -> None:
    leaderboard.add_result(scores=scores(0.5))
    sent = json.loads(orjson.dumps(leaderboard_table(TASKS).postprocess(payload(leaderboard))))
    assert gradio_leaderboard.Leaderboard.data_model(**sent).model_dump() == sent
    assert sent["headers"][:3] == ["Rank", "T", "Model"]
    assert sent["data"][0][4] == "50.00"


# The view, its size and its address


def shown_in(tab: LeaderboardTab, updates: dict[Any, Any]) -> tuple[int, bool, bool]:
    """How many rows are shown, and which of the buttons `more` and `all`."""
    return len(updates[tab.table]["data"]), updates[tab.more].visible, updates[tab.all].visible


@pytest.fixture
def many(leaderboard: Leaderboard) -> Leaderboard:
    for number in range(250):
        leaderboard.add_result(f"acme/model-{number:03}", scores=scores(number / 1000, 0.5, 0.5))
    leaderboard.keeper.sync()
    return leaderboard


def test_a_hundred_rows_are_shown_then_more_then_all(many: Leaderboard, tab: LeaderboardTab) -> None:
    first = tab.refresh(*CHOSEN)
    assert shown_in(tab, first) == (100, True, True)
    assert first[tab.more].value == "Show 100 more"
    second = tab.show_more(None, *CHOSEN)
    assert shown_in(tab, second) == (200, True, False)
    assert second[tab.more].value == "Show 50 more"
    assert shown_in(tab, tab.show_more(None, *CHOSEN[:-1], second[tab.controls.rows])) == (250, False, False)
    assert shown_in(tab, tab.show_all(None, *CHOSEN)) == (250, False, False)
    assert "250 models" in second[tab.found]


def test_another_choice_starts_at_the_first_hundred_again(many: Leaderboard, tab: LeaderboardTab) -> None:
    updates = tab.change_view(None, "acme", *CHOSEN[1:-1], "all")
    assert shown_in(tab, updates) == (100, True, True)
    assert updates[tab.controls.rows] == "100"


def test_the_view_in_the_address_is_opened_with_its_controls(many: Leaderboard, tab: LeaderboardTab) -> None:
    query = "q=model&sort=Addition&worst_first=yes&show=Type&rows=200&without=nothing"
    updates = tab.go_to(None, f"?{query}&tab=about&unknown=1")
    assert len(updates[tab.table]["data"]) == 200
    assert "acme/model-000" in updates[tab.table]["data"][0][2]
    assert updates[tab.controls.search]["value"] == "model"
    assert updates[tab.controls.sort]["value"] == "-Addition"
    assert "Type" in updates[tab.controls.columns]["value"]
    marker = str(updates[tab.marker])
    assert 'data-sorted="Addition" data-direction="ascending"' in marker
    [written] = re.findall('data-query="([^"]*)"', marker)
    assert sorted(parse_qsl(html.unescape(written))) == sorted(parse_qsl(query))


def test_a_header_says_what_its_column_means(leaderboard: Leaderboard, tab: LeaderboardTab) -> None:
    leaderboard.add_result(scores=scores(0.5))
    leaderboard.write("results", BACKEND_DESCRIPTION, write_description(make_backend()))
    leaderboard.keeper.sync()
    marker = str(tab.refresh(*CHOSEN)[tab.marker])
    [written] = re.findall('data-titles="([^"]*)"', marker)
    titles = json.loads(html.unescape(written))
    assert titles["Addition"].splitlines()[0] == "Metric: acc, higher is better"
    assert set(titles) >= {"Addition", "Agreement", "Copying"}


@pytest.mark.parametrize("name", [HOSTILE, '"><img src=x onerror=alert(1)>'])
def test_what_an_address_says_reaches_the_page_only_as_text(
    many: Leaderboard, tab: LeaderboardTab, name: str
) -> None:
    updates = tab.go_to(None, urlencode({"q": name, "sort": name, "show": name, "type": name}))
    assert is_harmless(updates[tab.marker])


# The queue and the notices


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


def handed_in(tab: SubmitTab, *filled_in: Any, seen: Form | None = None) -> list[Any]:
    """All that the form tells."""

    async def tell() -> list[Any]:
        hand_in = tab.form.hand_in(tab.follow)
        return [updates async for updates in hand_in(page_request(), "", seen, *filled_in)]

    return asyncio.run(tell())


FILLED_IN = ("acme/tiny", "", "main", "float32", "Original", "🟢 : pretrained", False)
BLANK = ("", "main", None, "Original", None, False)


@pytest.fixture
def submit_tab(leaderboard: Leaderboard) -> Iterator[SubmitTab]:
    leaderboard.add_model()
    with gr.Blocks():
        yield SubmitTab(leaderboard.keeper, leaderboard.desk, TEXTS, leaderboard.visitors())


def test_the_form_is_emptied_by_success_and_kept_by_a_refusal(submit_tab: SubmitTab) -> None:
    form = submit_tab.form
    [updates] = handed_in(submit_tab, *FILLED_IN)
    assert "is in the queue, at position 1" in updates[form.message]
    assert "?request=acme/tiny_eval_request_False_float32_Original_" in updates[form.message]
    done = form.ready_for_the_next(updates[form.handed_in], None, *FILLED_IN)
    assert (done[form.fields["model"]], done[form.fields["revision"]]) == ("", "main")
    assert form.message not in done
    assert "acme/tiny" in updates[submit_tab.tables[Group.PENDING]]
    [updates] = handed_in(submit_tab, *FILLED_IN)
    assert "already submitted and is PENDING" in updates[form.message]
    assert "already submitted and is PENDING" in updates[form.errors["model"]]
    done = form.ready_for_the_next(updates.get(form.handed_in), None, *FILLED_IN)
    assert not set(form.fields.values()) & {*updates, *done}
    [updates] = handed_in(submit_tab, *FILLED_IN[:3], "float32", "Lora", "🟢 : pretrained", False)
    assert (
        "The weight type &#39;Lora&#39; of &#39;acme/tiny&#39; is not offered"
        in updates[form.errors["weight_type"]]
    )


def test_what_is_written_while_a_submission_waits_for_its_commit_stays(submit_tab: SubmitTab) -> None:
    form = submit_tab.form
    [updates] = handed_in(submit_tab, *FILLED_IN)
    accepted = updates[form.handed_in]
    for written in (("acme/next", *FILLED_IN[1:]), (*FILLED_IN[:3], "bfloat16", *FILLED_IN[4:])):
        done = form.ready_for_the_next(accepted, accepted, *written)
        assert not set(form.fields.values()) & {*updates, *done}
        assert done[form.button].interactive


def test_what_was_only_filled_in_while_a_submission_waited_does_not_keep_it(submit_tab: SubmitTab) -> None:
    form = submit_tab.form
    [updates] = handed_in(submit_tab, *FILLED_IN)
    seen = replace(updates[form.handed_in], use_chat_template=True)
    done = form.ready_for_the_next(updates[form.handed_in], seen, *FILLED_IN[:-1], True)
    assert done[form.fields["model"]] == ""


def test_opening_the_page_empties_nothing_and_offers_what_the_backend_runs(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    """Whoever has just come may be typing already."""
    backend = make_backend(precisions=("bfloat16",))
    leaderboard.write("results", BACKEND_DESCRIPTION, write_description(backend))
    leaderboard.keeper.sync()
    updates, form = submit_tab.open(page_request()), submit_tab.form
    changed = {name: updates[field] for name, field in form.fields.items() if field in updates}
    assert set(changed) == {"precision", "weight_type", "use_chat_template"}
    for change in changed.values():
        assert "value" not in change.constructor_args
    assert changed["precision"].choices == [("bfloat16", "bfloat16")]


def test_where_models_run_in_conversations_only_the_form_says_so_suggests_it_and_refuses_another(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    form = submit_tab.form
    before = submit_tab.open(page_request())
    assert before[form.where] == ""
    assert "Always used" not in before[form.fields["use_chat_template"]].info
    backend = make_backend(settings={"inference": "server", "inference_api": "chat"})
    leaderboard.write("results", BACKEND_DESCRIPTION, write_description(backend))
    leaderboard.keeper.sync()
    opened = submit_tab.open(page_request())
    assert "keeps. They are asked in conversations" in opened[form.where]
    assert "Always used here" in opened[form.fields["use_chat_template"]].info
    assert looked_up(form, "acme/tiny", *BLANK)[form.fields["use_chat_template"]] is True
    [refused] = handed_in(submit_tab, *FILLED_IN[:-1], False)
    assert "was submitted without its chat template" in refused[form.general] + refused[form.message]
    assert leaderboard.keeper.read_requests().values == {}
    [accepted] = handed_in(submit_tab, *FILLED_IN[:-1], True)
    assert "is in the queue" in accepted[form.message]


def test_what_was_not_chosen_is_looked_up_and_shown_before_it_is_submitted(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    form = submit_tab.form
    looking, found = handed_in(submit_tab, "acme/tiny", *BLANK)
    assert "Looking up" in looking[form.found]
    assert "press Submit again" in found[form.message]
    assert found[form.fields["model_type"]].value == "🟢 : pretrained"
    assert found[form.fields["precision"]].value == "float32"
    assert leaderboard.keeper.read_requests().values == {}
    [submitted] = handed_in(submit_tab, *FILLED_IN, seen=found[form.seen])
    assert "is in the queue" in submitted[form.message]


def looked_up(form: SubmitForm, *filled_in: Any, seen: Form | None = None) -> Any:
    """What a look at a model changes in the two steps together."""
    updates: dict[Any, Any] = {}
    for step in form.look_up(page_request(), seen, *filled_in):
        updates |= step
    return updates | form.fill_in(page_request(), updates.get(form.suggestion), seen, *filled_in)


def test_what_a_model_says_of_itself_is_filled_in(leaderboard: Leaderboard, submit_tab: SubmitTab) -> None:
    leaderboard.add_model("acme/adapter", adapts="acme/tiny")
    form = submit_tab.form
    updates = looked_up(form, "https://huggingface.co/acme/adapter/tree/main", *BLANK)
    values = {name: updates.get(component) for name, component in form.fields.items()}
    assert values["model"] == "acme/adapter"
    assert [values[name].value for name in ("precision", "weight_type", "model_type", "base_model")] == [
        *("float16", "Adapter"),
        *("🔶 : fine-tuned", "acme/tiny"),
    ]
    assert values["base_model"].visible
    for text in ("acme/adapter", "mit", "unknown"):
        assert text in updates[form.found]
    assert not any(updates[place] for place in form.errors.values())


@pytest.mark.parametrize("name", ["acme/none", "acme/no name"])
def test_while_a_model_cannot_be_looked_up_what_it_would_fill_in_is_no_mistake(
    submit_tab: SubmitTab, name: str
) -> None:
    form = submit_tab.form
    updates = looked_up(form, name, *BLANK)
    told = {field for field, place in form.errors.items() if updates[place]}
    assert told == {"model"}
    updates = looked_up(form, name, "", "main", "int8", "Original", None, False)
    told = {field for field, place in form.errors.items() if updates[place]}
    assert told == {"model", "precision"}


def test_what_was_chosen_before_the_hub_answered_stays(submit_tab: SubmitTab) -> None:
    form = submit_tab.form
    chosen = ("", "main", "bfloat16", "Original", "⭕ : instruction-tuned", False)
    updates = looked_up(form, "acme/tiny", *chosen)
    assert updates[form.fields["precision"]].value == "bfloat16"
    assert updates[form.fields["model_type"]].value == "⭕ : instruction-tuned"


def test_what_was_filled_in_for_another_model_goes_with_it(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    leaderboard.add_model("acme/tiny-chat")
    form = submit_tab.form
    seen = looked_up(form, "acme/tiny-chat", *BLANK)[form.seen]
    assert seen.model_type == "⭕ : instruction-tuned"
    filled_in = ("", "main", "float32", "Original", seen.model_type, False)
    updates = looked_up(form, "acme/tiny", *filled_in, seen=seen)
    assert updates[form.fields["model_type"]].value == "🟢 : pretrained"


def test_a_correction_stays_when_the_model_is_looked_at_again(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    leaderboard.add_model("acme/tiny-chat")
    form = submit_tab.form
    seen = replace(looked_up(form, "acme/tiny-chat", *BLANK)[form.seen], use_chat_template=True)
    filled_in = ("", "v2", seen.precision, "Original", seen.model_type, False)
    commit = leaderboard.models.describe("acme/tiny-chat").commit
    updates = looked_up(form, "acme/tiny-chat", "", commit, *filled_in[2:], seen=seen)
    assert updates[form.fields["use_chat_template"]] is False


def test_a_mistake_between_two_models_does_not_keep_what_was_suggested_for_the_first(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    leaderboard.add_model("acme/tiny-chat")
    form = submit_tab.form
    seen = looked_up(form, "acme/tiny-chat", *BLANK)[form.seen]
    filled_in = ("", "main", "float32", "Original", seen.model_type, False)
    forgotten = looked_up(form, "acme/none", *filled_in, seen=seen)[form.seen]
    updates = looked_up(form, "acme/tiny", *filled_in, seen=forgotten)
    assert updates[form.fields["model_type"]].value == "🟢 : pretrained"


def test_the_revision_of_a_link_goes_with_the_next_model(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    leaderboard.add_model("acme/other")
    form = submit_tab.form
    commit = leaderboard.models.describe("acme/tiny").commit
    first = looked_up(form, f"https://huggingface.co/acme/tiny/tree/{commit}", *BLANK)
    assert first[form.fields["revision"]] == commit
    filled_in = ("", commit, "float32", "Original", "🟢 : pretrained", False)
    steps = list(form.look_up(page_request(), first[form.seen], "acme/other", *filled_in))
    assert steps[-1][form.fields["revision"]] == "main"
    assert "acme/other" in steps[-1][form.found]


def test_a_correction_changes_nothing_but_what_is_told(submit_tab: SubmitTab) -> None:
    """What is being typed elsewhere meanwhile stays."""
    form = submit_tab.form
    seen = looked_up(form, "acme/tiny", *BLANK)[form.seen]
    updates = form.check(page_request(), seen, *FILLED_IN)
    assert set(updates) & set(form.fields.values()) == {form.fields["base_model"]}
    assert not isinstance(updates[form.fields["base_model"]], str)


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
        assert "1 of 5 submissions in 7 days used." in str(own._all_of(Submitter(login))[own.mine])
    assert "0 of 5 submissions in 7 days used." in str(own._all_of(Submitter("carol"))[own.mine])


@pytest.mark.parametrize("status", list(Status))
def test_hostile_requests_stay_text_in_cards(status: Status) -> None:
    texts = ("model", "revision", "precision", "weight_type", "message", "commit", "submitted_by")
    attempt = Attempt(1, HOSTILE, NOW, NOW, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 0.8, by=HOSTILE)
    lease = Lease(HOSTILE, HOSTILE, NOW, NOW, NOW, HOSTILE, 0.8) if status is Status.RUNNING else None
    request = make_request(**dict.fromkeys(texts, HOSTILE), status=status, history=(attempt,), lease=lease)
    [entry] = entries({HOSTILE: request})
    assert is_harmless(card(entry, NO_LINKS, Submitter(HOSTILE)))


@pytest.mark.parametrize(
    "said", ["", "[]", "null", '["delete", "x", 0]', "[" * 100_000, '[["withdraw"], "x"]']
)
def test_what_no_button_says_is_answered_with_a_sentence(leaderboard: Leaderboard, said: str) -> None:
    with gr.Blocks():
        own = MySubmissions(leaderboard.keeper, leaderboard.desk, leaderboard.visitors())
    answer = asyncio.run(own._outcome(said, Submitter("alice")))
    assert not answer["ok"]
    assert answer["message"].endswith(".")


def test_what_is_wrong_is_said_beside_the_field_before_submitting(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    leaderboard.add_model("acme/bare", card="language: en", tensors={})
    form = submit_tab.form
    assert "states no licence" in looked_up(form, "acme/bare", *BLANK)[form.errors["model"]]
    unknown = looked_up(form, "acme/none", *BLANK)
    assert "There is no model acme/none" in unknown[form.errors["model"]]
    assert unknown[form.found] == ""
    seen = looked_up(form, "acme/tiny", *BLANK)[form.seen]
    again = form.check(page_request(), seen, *FILLED_IN[:3], "int3", *FILLED_IN[4:])
    assert "&#39;int3&#39; of &#39;acme/tiny&#39; is not offered" in again[form.errors["precision"]]
    assert again[form.errors["model"]] == ""


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


def test_hostile_texts_stay_text_in_notices() -> None:
    now = Now(Board(broken=(HOSTILE,)), NOW, problem=HOSTILE)
    answer = notices.answer(api.refusal(Refused(HOSTILE, request=HOSTILE)))
    assert is_harmless(notices.banner(now, notice=HOSTILE) + answer + notices.first_steps(now, HOSTILE))


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


def test_the_banner_is_empty_while_all_is_well_and_tells_what_is_not() -> None:
    assert notices.banner(Now(synced=NOW), notice="") == ""
    broken = notices.banner(Now(Board(broken=("a.json was skipped: it is empty.",)), NOW), notice="")
    assert "1 file was skipped" in broken
    assert "a.json was skipped: it is empty." in broken
    unreachable = notices.banner(Now(synced=NOW, problem="acme/requests cannot be reached."), notice="")
    assert "cannot be reached. The page shows the data of 2026-02-01 12:00 UTC." in unreachable
    many = notices.banner(Now(Board(broken=("x",) * 30), NOW), notice="")
    assert "30 files were skipped" in many
    assert "and 10 more" in many


def test_the_banner_tells_the_owner_where_the_two_sides_do_not_agree() -> None:
    shown = notices.banner(Now(Board(differences=(HOSTILE, "Add <it>.")), NOW), notice="")
    assert "the backend and src/about.py do not agree" in shown
    assert "Add &lt;it&gt;." in shown
    assert is_harmless(shown)


# The tests, and how to compute a row again


def suite_of(*tasks: Task, num_fewshot: int | None = None, **backend: Any) -> str:
    described = make_backend(**backend) if backend else None
    columns = [column_of(Evidence(task, (), described)) for task in tasks or TASKS]
    return str(suite(columns, described, num_fewshot=num_fewshot))


def test_the_tests_are_described_from_what_the_backend_says() -> None:
    task = make_task(
        "arc_challenge",
        kind="multiple_choice",
        num_fewshot=25,
        version="1.0",
        questions=1172,
        random_baseline=0.25,
        datasets=("allenai/ai2_arc",),
        file="lm_eval/tasks/arc/arc_challenge.yaml",
    )
    html = suite_of(Task("arc_challenge", "acc", "ARC"), tasks=(task,))
    for cell in (">ARC</a></b>", "acc, higher is better", "1,172", "<td>25</td>", "25.00", "1.0"):
        assert cell in html
    address = "https://github.com/EleutherAI/lm-evaluation-harness/blob/v0.4.13/lm_eval/tasks/arc/"
    assert f'href="{address}arc_challenge.yaml"' in html
    assert 'href="https://huggingface.co/datasets/allenai/ai2_arc"' in html
    home = "https://github.com/EleutherAI/lm-evaluation-harness/tree/v0.4.13"
    assert f'<a href="{home}" target="_blank" rel="noopener">lm_eval 0.4.13</a> (transformers 5.23.0)' in html
    assert "all questions" in html
    assert "only part of the questions (20)" in suite_of(limit=20.0)


def test_what_about_py_says_is_shown_while_the_backend_says_nothing() -> None:
    html = suite_of(Task("anli_r1", "acc", "ANLI", random_baseline=1 / 3), num_fewshot=5)
    for cell in (">ANLI</a></b>", "anli_r1", "acc, higher is better", "<td>5</td>", "33.33"):
        assert cell in html
    assert "The backend has not reported yet what it runs" in html
    assert "Questions" not in html


def test_a_group_says_how_many_tasks_it_has() -> None:
    task = make_task("mmlu", subtasks=57, parts=("mmlu_law",))
    assert "57 tasks" in suite_of(Task("mmlu", "acc", "MMLU"), tasks=(task,))
    assert "14,042 in 57 tasks" in suite_of(
        Task("mmlu", "acc", "MMLU"), tasks=(replace(task, questions=14042),)
    )


def test_hostile_texts_stay_text_in_the_tests() -> None:
    texts = ("kind", "version", "file")
    task = make_task("tiny_copy", **dict.fromkeys(texts, HOSTILE), datasets=(HOSTILE, f"http://{HOSTILE}"))
    file = replace(task, name="tiny_addition", file=f"lm_eval/tasks/{HOSTILE}")
    html = suite_of(tasks=(task, file), versions={HOSTILE: HOSTILE}, device=HOSTILE, batch_size=HOSTILE)
    assert is_harmless(html)
    assert 'href="javascript' not in html


def test_a_question_that_the_backend_publishes_is_shown_once_for_its_task() -> None:
    task = make_task("arc_challenge", example=Example(question="2 < 3 is\ntrue or false?", answer="true"))
    columns = (Task("arc_challenge", "acc", "ARC"), Task("arc_challenge", "acc_norm", "ARC norm"))
    html = suite_of(*columns, tasks=(task,))
    assert html.count("<summary>A question from <code>arc_challenge</code></summary>") == 1
    assert "<pre>2 &lt; 3 is\ntrue or false?</pre>" in html
    assert "Correct answer: <code>true</code>" in html
    assert "<details" not in suite_of(*columns, tasks=(replace(task, example=None),))


def test_a_hostile_question_stays_text() -> None:
    task = make_task("tiny_copy", example=Example(question=HOSTILE, answer=HOSTILE))
    html = suite_of(Task("tiny_copy", "exact_match", "Copy"), tasks=(task,))
    assert "<details" in html
    assert is_harmless(html)


def test_the_about_tab_follows_the_board_and_the_search(leaderboard: Leaderboard) -> None:
    fill(leaderboard)
    with gr.Blocks():
        tab = AboutTab(leaderboard.keeper, TEXTS, num_fewshot=None)
    updates = tab.follow(leaderboard.keeper.now, "")
    assert "tiny_addition" in updates[tab.suite]
    assert updates[tab.commands].startswith("# acme/tiny, float32, Original, commit 01234567, evaluated 2026")
    assert "--tasks tiny_addition,tiny_agreement,tiny_copy" in updates[tab.commands]
    assert tab.follow(leaderboard.keeper.now, "nobody")[tab.commands] == NOTHING_FOUND


def test_an_empty_leaderboard_has_nothing_to_compute_again(leaderboard: Leaderboard) -> None:
    with gr.Blocks():
        tab = AboutTab(leaderboard.keeper, TEXTS, num_fewshot=None)
    assert tab.follow(leaderboard.keeper.now, "")[tab.commands] == NOTHING_YET


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


def test_a_page_begins_with_one_queued_event_since_answers_of_a_second_may_be_lost(
    leaderboard: Leaderboard,
) -> None:
    page = leaderboard.page()
    begins = [
        function
        for function in page.fns.values()
        if function.fn and any(trigger == "load" for _, trigger in function.targets)
    ]
    assert [function.api_name for function in begins if function.queue] == ["open"]


def test_what_waits_for_nobody_is_not_queued_since_a_queued_answer_may_be_lost(
    leaderboard: Leaderboard,
) -> None:
    functions = [
        function
        for function in leaderboard.page().fns.values()
        if function.fn and any(trigger in ("input", "click", "tick") for _, trigger in function.targets)
    ]
    waiting_for_the_hub = {"act", "check"}
    assert {str(function.api_name) for function in functions if function.queue} == waiting_for_the_hub
    assert {"change_view"} <= {str(function.api_name) for function in functions}


def test_where_a_table_is_sorted_by_a_task_each_score_says_its_place(leaderboard: Leaderboard) -> None:
    for number, score in enumerate((0.5, 0.9, 0.5)):
        leaderboard.add_result(f"acme/{number}", run=run_at(number), scores=scores(score, 0.5, 0.5))
    leaderboard.keeper.sync()
    state = ViewState(sort=Sort("Addition"))
    sent: Any = contents(view(leaderboard.keeper.now.board.standings, state), ())
    place = sent["headers"].index("Addition")
    assert [line[place] for line in sent["data"]] == ["#1 90.00", "#2 50.00", "#2 50.00"]
