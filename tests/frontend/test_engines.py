"""A column shows the scores of one engine unless its owner wants both; settings that differ are marked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from src.board.board import Board
from src.leaderboard.agreement import differences
from src.leaderboard.details import runs
from src.leaderboard.engines import engine_of
from src.leaderboard.merging import standings
from src.leaderboard.rows import Row, Standings
from src.page import api
from src.shared.data.result import Result
from src.shared.data.run_settings import RunConditions
from src.shared.errors import ConfigurationError
from src.tasks import Task, read_tasks
from support.boards import make_result, run_at
from support.factories import make_backend, make_task
from support.sentences import too_long

SUMS = Task("sums", "acc", "Sums")
LIGHTEVALS = "The score of lighteval is not shown: this column has the scores of lm_eval."


def of(engine: str | None, model: str, score: float = 0.5, *, hours: float = 0, **changes: Any) -> Result:
    """A result of an engine on one task."""
    made = make_result(f"acme/{model}", run=run_at(hours), scores={"sums": {"acc,none": score}})
    return replace(made, engine=engine, **changes)


def board(*results: Result, task: Task = SUMS, backend: Any = None, **options: Any) -> Standings:
    return standings((task,), {}, results, backend=backend, **options)


def rows_of(found: Standings) -> dict[str, Row]:
    return {row.model.removeprefix("acme/"): row for row in found.rows}


def running(engine: str, name: str = "sums") -> Any:
    """A backend that runs the task with an engine."""
    return make_backend(engine=engine, tasks=(make_task(name),))


MIXED = (of("lm_eval", "a"), of("lm_eval", "b"), of("lighteval", "c"), of(None, "d"))


def test_the_engine_of_most_scores_is_shown_and_others_say_why_they_are_not() -> None:
    found = board(*MIXED)
    rows = rows_of(found)
    assert {model: row.scores for model, row in rows.items()} == {
        "a": (50,),
        "b": (50,),
        "c": (None,),
        "d": (50,),
    }
    assert rows["c"].marks == (LIGHTEVALS,)
    assert (rows["c"].rank, rows["c"].done, rows["c"].total) == (None, 0, 1)
    assert not any(rows[model].marks for model in "abd")
    assert found.tasks[0].engine == "lm_eval"


@pytest.mark.parametrize(
    ("backend", "shown"),
    [
        (running("lighteval"), "lighteval"),
        (running("lighteval", "other"), "lm_eval"),
        (running("lm_eval"), "lm_eval"),
        (None, "lm_eval"),
    ],
)
def test_a_backend_that_runs_the_task_decides_which_engine_is_shown(backend: Any, shown: str) -> None:
    assert board(*MIXED, backend=backend).tasks[0].engine == shown


@pytest.mark.parametrize(("engine", "models"), [("lm_eval", "abd"), ("lighteval", "cd"), ("any", "abcd")])
def test_an_owner_decides_before_the_backend(engine: str, models: str) -> None:
    found = board(*MIXED, task=replace(SUMS, engine=engine), backend=running("lm_eval"))
    shown = {model for model, row in rows_of(found).items() if row.scores[0] is not None}
    assert shown == set(models)


def test_where_an_owner_lets_engines_share_a_column_the_rarer_one_is_marked() -> None:
    task = replace(SUMS, engine="any")
    found = rows_of(board(*MIXED, task=task))
    assert found["c"].marks == ("Evaluated with lighteval; most others with lm_eval.",)
    assert found["c"].rank == 1
    strict = rows_of(board(*MIXED, task=task, rank_mixed=False))
    assert (strict["c"].scores, strict["c"].rank) == ((50,), None)


def test_an_older_score_of_the_columns_engine_is_shown_before_a_newer_one_of_another() -> None:
    both = (of("lm_eval", "a", 0.25), of("lighteval", "a", 0.75, hours=1), of("lm_eval", "b"))
    row = rows_of(board(*both))["a"]
    assert (row.scores, row.marks) == ((25,), ())
    assert row.sources[0] is not None
    assert row.sources[0].engine == "lm_eval"


def test_the_details_list_a_run_of_another_engine_and_leave_it_out_of_changes_and_averages() -> None:
    found = board(
        of("lm_eval", "a", 0.25), of("lighteval", "a", 0.75, hours=1), of("lm_eval", "a", 0.5, hours=2)
    )
    newest, other, _ = runs(found, found.rows[0])
    [change], [left_out] = newest.changes, other.changes
    assert (change.score, change.before, change.engine) == (50, 25, None)
    assert (left_out.score, left_out.before, left_out.engine) == (75, None, "lighteval")
    assert (newest.average, other.average) == (50, 25)


def test_a_row_without_a_shown_score_says_where_its_newest_run_comes_from() -> None:
    rows = rows_of(board(*MIXED, of("lm_eval", "e"), of("lighteval", "c", hours=1)))
    assert [result.ended for result in rows["c"].origins] == [rows["c"].runs[-1].ended]
    assert rows["a"].origins == rows["a"].results


def test_scores_that_are_left_out_do_not_decide_scale_or_direction() -> None:
    falling = {"sums": {"acc": False}}
    other = of("lighteval", "b", 64.2, hours=1, higher_is_better=falling)
    [column] = board(of("lm_eval", "a"), of("lm_eval", "c"), other).tasks
    assert (column.is_fraction, column.higher_is_better) == (True, True)


def test_the_owner_hears_how_many_scores_are_left_out_and_what_to_write() -> None:
    sentence, _ = board(*MIXED).doubts
    assert sentence == (
        "The column Sums shows the scores of lm_eval. 1 score of lighteval is left out. To show others, "
        'write in its Task in src/about.py: engine="lighteval" for lighteval alone or engine="any" for all '
        "together."
    )
    many, _ = board(*MIXED, backend=running("lighteval")).doubts
    assert "shows the scores of lighteval. 2 scores of lm_eval are left out." in many
    assert board(*MIXED, task=replace(SUMS, engine="any")).doubts == ()


def test_the_owner_hears_that_results_do_not_name_their_engine_and_what_to_write() -> None:
    """The newer score, of an engine that is known, may be another engine's than the older."""
    both = (of(None, "a", 0.7), of("lighteval", "a", 0.6, hours=1))
    [sentence] = board(*both).doubts
    assert sentence == (
        "Some results do not name their engine. Their scores share a column with those of lighteval: Sums. "
        'If they are of lighteval too, write engine="lighteval" in its Task in src/about.py. If any engine '
        'may share the column, write engine="any".'
    )
    for chosen in ("lighteval", "any"):
        assert board(*both, task=replace(SUMS, engine=chosen)).doubts == ()


def test_unnamed_engines_of_many_columns_are_told_once() -> None:
    tasks = tuple(Task("sums", "acc", f"Sums{number}") for number in range(10))
    [sentence] = standings(tasks, {}, (of("lm_eval", "a"), of(None, "b"))).doubts
    assert ": Sums0, Sums1, Sums2, Sums3, Sums4, Sums5, Sums6, Sums7 and 2 more. If" in sentence
    assert not too_long(sentence)


@pytest.mark.parametrize("backend", [None, running("lm_eval"), running("lighteval")])
def test_a_board_on_which_no_result_names_its_engine_hears_nothing_of_engines(backend: Any) -> None:
    assert board(of(None, "a"), of(None, "b"), backend=backend).doubts == ()


def test_a_column_of_only_left_out_scores_is_explained_once() -> None:
    [sentence] = board(of("lighteval", "a"), backend=running("lm_eval")).doubts
    assert "1 score of lighteval is left out" in sentence


def test_clients_are_told_why_a_cell_is_empty() -> None:
    answer = api.leaderboard(Board(board(*MIXED)))
    [mark] = answer["marks"]
    assert (mark["header"], mark["reason"]) == ("Sums", LIGHTEVALS)
    assert answer["rows"][mark["row"]][answer["headers"].index("Sums")] is None


@pytest.mark.parametrize("engine", [None, "lm_eval", "lighteval", "any"])
def test_the_engine_of_a_column_are_read_from_about_py(engine: str | None) -> None:
    assert read_tasks([replace(SUMS, engine=engine)])[0].engine == engine


@pytest.mark.parametrize("engine", ["LM_EVAL", "", 1, True, ["lm_eval"]])
def test_an_engine_that_there_is_not_is_told(engine: Any) -> None:
    with pytest.raises(ConfigurationError) as told:
        read_tasks([replace(SUMS, engine=engine)])
    assert str(told.value) == (
        f"Tasks[0] in src/about.py: engine is {engine!r}: write 'lm_eval' or 'lighteval' for the scores of "
        "one engine, 'any' for all in one column, or leave it out."
    )


# Where about.py and the backend disagree


def test_a_column_of_an_engine_that_the_backend_does_not_run_is_told() -> None:
    [sentence] = differences([replace(SUMS, engine="lm_eval")], None, running("lighteval"))
    assert sentence == (
        "The column Sums stays empty for new models: it shows the scores of lm_eval, and the backend "
        "evaluates with lighteval. Write engine='lighteval' or engine='any' in its Task in src/about.py, or "
        "leave engine out."
    )
    for engine in (None, "any", "lighteval"):
        assert differences([replace(SUMS, engine=engine)], None, running("lighteval")) == ()


def test_lightevals_tasks_with_their_numbers_of_examples_are_those_of_the_columns() -> None:
    group = make_task("mmlu|5", parts=("mmlu:law|5", "mmlu:art|5"), questions=100)
    backend = make_backend(engine="lighteval", tasks=(make_task("sums|0", questions=20), group))
    columns = [SUMS, Task("mmlu", "acc", "MMLU"), Task("mmlu:law", "acc", "Law")]
    assert differences(columns, None, backend) == ()
    found = standings(columns, {}, (), backend=backend).tasks
    assert [(column.engine, column.questions) for column in found] == [
        ("lighteval", 20),
        ("lighteval", 100),
        ("lighteval", None),
    ]
    [missing] = differences([*columns, Task("sums_plus", "acc", "More")], None, backend)
    assert "the backend does not run sums_plus" in missing


@pytest.mark.parametrize(
    ("engine", "setting"),
    [("lm_eval", "TASKS_HARNESS"), ("lighteval", "TASKS_LIGHTEVAL"), ("new", "its tasks")],
)
def test_the_setting_with_the_tasks_is_the_engines(engine: str, setting: str) -> None:
    missing, unseen = differences([SUMS], None, running(engine, "others"))
    assert f"Add it to {setting} in the backend's settings" in missing
    assert f"remove it from {setting} in the backend's settings" in unseen


def test_of_an_unknown_engine_only_the_name_is_known() -> None:
    unknown = engine_of(running("x" * 1000))
    assert unknown.name == "x" * 40
    assert unknown.released("1") is None
    assert unknown.address_of("x/tasks/a.yaml", "1") is None
    lighteval = engine_of(running("lighteval"))
    assert lighteval.address_of("lighteval/tasks/gsm8k.py", "0.13.0") == (
        "https://github.com/huggingface/lighteval/blob/v0.13.0/src/lighteval/tasks/tasks/gsm8k.py"
    )
    assert lighteval.address_of("tasks/own.py", "0.13.0") is None
    assert lighteval.released(None) == "https://github.com/huggingface/lighteval"


# Settings of the run


def under(*conditions: RunConditions | None) -> list[str]:
    """The mark of each row, under these conditions."""
    results = [
        of("lm_eval", letter, hours=hour, conditions=each)
        for hour, (letter, each) in enumerate(zip("abcdefgh", conditions, strict=False))
    ]
    rows = rows_of(board(*results))
    return [(rows[letter].marks or ("",))[0] for letter in sorted(rows)]


PLAIN = RunConditions()
WARM = RunConditions((("gen_kwargs", "temperature=0.6"),))
WARMER = RunConditions((("gen_kwargs", "temperature=1"),))
SERVED = RunConditions((("served", "completions"),))
CHAT = RunConditions((("served", "chat"),), ())


@pytest.mark.parametrize(
    ("rare", "usual", "mark"),
    [
        (WARM, PLAIN, "With gen_kwargs temperature=0.6; most others without."),
        (PLAIN, WARM, "Without gen_kwargs; most others with gen_kwargs temperature=0.6."),
        (WARM, WARMER, "With gen_kwargs temperature=0.6; most others with temperature=1."),
        (
            RunConditions((("max_length", "99"), ("seed", "1,2,3,4"))),
            PLAIN,
            "With max_length 99; most others without. With seed 1,2,3,4; most others without.",
        ),
        (
            RunConditions((), (("enable_thinking", "true"),)),
            RunConditions((), ()),
            "With enable_thinking true; most others without.",
        ),
        (SERVED, PLAIN, "Answered by a server (completions); most others by the worker itself."),
        (PLAIN, SERVED, "Answered by the worker itself; most others by a server (completions)."),
        (CHAT, SERVED, "Answered by a server (chat); most others by a server (completions)."),
    ],
)
def test_a_setting_that_differs_from_most_of_the_column_is_named(
    rare: RunConditions, usual: RunConditions, mark: str
) -> None:
    assert under(rare, usual, usual) == [mark, "", ""]


def test_settings_that_all_share_and_those_that_are_unknown_are_no_difference() -> None:
    assert under(WARM, WARM, WARM) == ["", "", ""]
    assert under(None, WARM, WARM) == ["", "", ""]


def test_what_matters_only_with_a_chat_template_is_compared_only_among_those() -> None:
    thinking = RunConditions((), (("enable_thinking", "false"),))
    assert under(PLAIN, PLAIN, thinking, thinking) == ["", "", "", ""]


def test_a_marked_setting_keeps_a_score_out_of_the_ranks_if_the_owner_wants() -> None:
    results = [of("lm_eval", "a", conditions=WARM), of("lm_eval", "b", conditions=PLAIN)]
    results.append(of("lm_eval", "c", conditions=PLAIN))
    rows = rows_of(board(*results, rank_mixed=False))
    assert (rows["a"].scores, rows["a"].rank) == ((50,), None)
