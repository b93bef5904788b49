"""The table: its cells, badges and marks, and what the component takes."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import gradio_leaderboard
import orjson
import pytest

from src.leaderboard.sorting import Sort
from src.leaderboard.view import ViewState, view
from src.page import marks
from src.page.table import contents, leaderboard_table
from src.shared.data.request import Status
from support.boards import TASKS, Leaderboard, run_at, scores
from support.page_tabs import HOSTILE, is_harmless


def without_details(cell: str) -> str:
    """A model's cell without the link to its details."""
    return re.sub(r' <a href="\?model=[^"<>]*">details</a>', "", cell)


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


def test_where_a_table_is_sorted_by_a_task_each_score_says_its_place(leaderboard: Leaderboard) -> None:
    for number, score in enumerate((0.5, 0.9, 0.5)):
        leaderboard.add_result(f"acme/{number}", run=run_at(number), scores=scores(score, 0.5, 0.5))
    leaderboard.keeper.sync()
    state = ViewState(sort=Sort("Addition"))
    sent: Any = contents(view(leaderboard.keeper.now.board.standings, state), ())
    place = sent["headers"].index("Addition")
    assert [line[place] for line in sent["data"]] == ["#1 90.00", "#2 50.00", "#2 50.00"]
