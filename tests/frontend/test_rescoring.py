"""A visitor's own scoring: weights, scores where guessing is 0, ranks as ranges; and preliminary scores."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import sqrt
from threading import Event
from typing import Any
from urllib.parse import parse_qsl

import pytest

from src.board.board import Board
from src.columns import RANK
from src.leaderboard import rescoring
from src.leaderboard.active import active, cleared
from src.leaderboard.merging import standings
from src.leaderboard.references import reference, referred
from src.leaderboard.rescoring import AS_PUBLISHED, MOST_KEPT, Scoring, can_be_normalised, counting, rescored
from src.leaderboard.rows import Row, Standings
from src.leaderboard.view import OPENING, ViewState, view
from src.page.marks import NORMALISED, PRELIMINARY, RANGES, sentences
from src.page.plain.asked import offered, read
from src.page.plain.document import document
from src.page.table import badges, contents
from src.shared.data.backend_description import BackendDescription
from src.tasks import Task
from support.boards import make_result, run_at
from support.factories import make_backend, make_task
from support.plain_pages import SITE, PlainPage

SUMS, PROOFS = Task("sums", "acc", "Sums"), Task("proofs", "acc", "Proofs")
MODELS = {"first": {"sums": 0.9, "proofs": 0.1}, "second": {"sums": 0.2, "proofs": 0.6}}


def board(
    tasks: Sequence[Task] = (SUMS, PROOFS),
    models: Mapping[str, Mapping[str, float]] = MODELS,
    *,
    errors: Mapping[str, float] | float | None = 0.01,
    backend: BackendDescription | None = None,
    **options: Any,
) -> Standings:
    """The standings of models with these scores, of the metric `acc`, with these standard errors by task."""
    found = []
    for model, scores in models.items():
        reported: dict[str, dict[str, object]] = {}
        for task, score in scores.items():
            error = errors.get(task) if isinstance(errors, Mapping) else errors
            reported[task] = {"acc,none": score} | ({} if error is None else {"acc_stderr,none": error})
        found.append(make_result(f"acme/{model}", results=reported, higher_is_better={}))
    return standings(tasks, {}, found, backend=backend, **options)


def results(**scores: float) -> dict[str, dict[str, float]]:
    return {task: {"acc,none": score} for task, score in scores.items()}


def weighted(**weights: float) -> Scoring:
    return Scoring(frozenset(weights.items()))


def row_of(made: Standings, model: str) -> Row:
    return next(row for row in made.rows if row.model == f"acme/{model}")


def averages(made: Standings) -> dict[str, float | None]:
    return {row.model.removeprefix("acme/"): row.average for row in made.rows}


def order(made: Standings) -> list[tuple[str, int | None]]:
    return [(row.model.removeprefix("acme/"), row.rank) for row in made.rows]


NORMAL = Scoring(is_normalised=True)


# Weights of one's own


def test_own_weights_make_other_averages_and_ranks() -> None:
    made = board()
    assert order(made) == [("first", 1), ("second", 2)]
    own = rescored(made, weighted(Proofs=3))
    assert averages(own) == pytest.approx({"second": 50, "first": 30})
    assert order(own) == [("second", 1), ("first", 2)]
    assert order(made) == [("first", 1), ("second", 2)], "the published ranks stay"


def test_a_weight_of_zero_leaves_a_column_out() -> None:
    own = rescored(board(), weighted(Sums=0))
    assert averages(own) == pytest.approx({"second": 60, "first": 10})
    assert {(row.done, row.total) for row in own.rows} == {(1, 1)}


def test_a_model_that_lacks_only_what_is_left_out_has_a_rank() -> None:
    made = board(models={**MODELS, "half": {"proofs": 0.3}})
    assert row_of(made, "half").rank is None
    own = rescored(made, weighted(Sums=0))
    assert order(own) == [("second", 1), ("half", 2), ("first", 3)]


def test_a_model_that_lacks_what_comes_in_loses_its_rank() -> None:
    made = board([SUMS, replace(PROOFS, in_average=False)], {**MODELS, "half": {"sums": 0.5}})
    assert order(made) == [("first", 1), ("half", 2), ("second", 3)]
    own = rescored(made, weighted(Proofs=1))
    assert order(own) == [("first", 1), ("second", 2), ("half", None)]


def test_a_column_outside_the_average_can_come_in() -> None:
    made = board([SUMS, replace(PROOFS, in_average=False)])
    assert averages(made) == pytest.approx({"first": 90, "second": 20})
    assert averages(rescored(made, weighted(Proofs=1))) == pytest.approx({"first": 50, "second": 40})


def test_weights_that_leave_nothing_do_not_count() -> None:
    made = board()
    assert order(rescored(made, weighted(Sums=0, Proofs=0))) == order(made)
    assert averages(rescored(made, weighted(Sums=0, Proofs=0))) == averages(made)


def test_a_column_where_lower_is_better_never_counts() -> None:
    made = board([SUMS, replace(PROOFS, higher_is_better=False)])
    for scoring in (weighted(Proofs=5), weighted(Sums=2, Proofs=5)):
        assert averages(rescored(made, scoring)) == averages(made)
    assert averages(rescored(made, weighted(Sums=0, Proofs=5))) == averages(made), "nothing else is left"


def test_means_of_groups_follow_the_weights() -> None:
    tasks = [replace(SUMS, group="Maths"), replace(PROOFS, group="Maths"), Task("copy", "acc", "Copying")]
    made = board(tasks, {"a": {"sums": 0.8, "proofs": 0.4, "copy": 0.1}})
    assert made.rows[0].groups == (pytest.approx(60),)
    assert rescored(made, weighted(Proofs=3)).rows[0].groups == (pytest.approx(50),)
    assert rescored(made, weighted(Proofs=0)).rows[0].groups == (pytest.approx(80),)


def test_a_group_whose_columns_all_are_left_out_has_no_column() -> None:
    made = board([replace(SUMS, group="Maths"), PROOFS])
    shown = [column.name for column in view(made, ViewState(scoring=weighted(Sums=0))).columns]
    assert "Maths" in [column.name for column in view(made, ViewState()).columns]
    assert "Maths" not in shown


def test_marks_that_do_not_count_do_not_count_under_own_weights() -> None:
    results = [
        make_result(
            f"acme/{model}",
            scores={"sums": {"acc,none": 0.5}, "proofs": {"acc,none": 0.5}},
            versions={"sums": version, "proofs": "1"},
        )
        for model, version in {"a": "1", "b": "1", "c": "2"}.items()
    ]
    strict = standings([SUMS, PROOFS], {}, results, rank_mixed=False)
    assert row_of(rescored(strict, weighted(Sums=2)), "c").rank is None
    assert row_of(rescored(strict, weighted(Sums=0)), "c").rank == 1
    counted = standings([SUMS, PROOFS], {}, results, rank_mixed=True)
    assert row_of(rescored(counted, weighted(Sums=2)), "c").rank == 1


def test_what_is_published_is_not_made_again() -> None:
    made = board()
    assert rescored(made, AS_PUBLISHED) is made


def test_the_same_scoring_is_made_once_and_only_so_many_are_kept() -> None:
    made = board()
    first = rescored(made, weighted(Sums=2))
    assert rescored(made, weighted(Sums=2)) is first
    for weight in range(3, MOST_KEPT + 2):
        rescored(made, weighted(Sums=weight))
    assert rescored(made, weighted(Sums=2)) is first, "it was asked for last"
    for weight in range(100, 100 + MOST_KEPT):
        rescored(made, weighted(Sums=weight))
    assert rescored(made, weighted(Sums=2)) is not first


def test_old_boards_make_room_for_new_ones() -> None:
    old, new = board(), board()
    first = rescored(old, weighted(Sums=2))
    for weight in range(3, MOST_KEPT + 3):
        rescored(new, weighted(Sums=weight))
    assert rescored(old, weighted(Sums=2)) is not first


def test_what_is_made_waits_for_nothing_that_is_being_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made, slow = board(), Event()
    kept = rescored(made, weighted(Sums=2))
    monkeypatch.setattr(rescoring, "_rescored", lambda standings, scoring: slow.wait(30) and standings)
    with ThreadPoolExecutor(1) as other:
        making = other.submit(rescored, made, weighted(Sums=9))
        assert rescored(made, weighted(Sums=2)) is kept
        assert not making.done()
        slow.set()


def test_a_scoring_gives_no_row_another_reference() -> None:
    found = [
        make_result("acme/one", precision=kind, run=run_at(hours), results=results(sums=sums, proofs=proofs))
        for hours, (kind, sums, proofs) in enumerate([("float16", 0.9, 0.1), ("bfloat16", 0.2, 0.6)])
    ]
    made = standings((SUMS, PROOFS), {}, found)
    own = rescored(made, weighted(Sums=0))
    assert [row.precision for row in made.rows] == ["float16", "bfloat16"]
    assert [row.precision for row in own.rows] == ["bfloat16", "float16"]
    for row in own.rows:
        text = reference(own, row)
        assert referred(own, text) is row
        [same] = [each for each in made.rows if each.precision == row.precision]
        assert reference(made, same) == text


def test_only_what_has_an_effect_counts_of_a_scoring() -> None:
    made = board([SUMS, replace(PROOFS, higher_is_better=False)])
    assert counting(made, weighted(Sums=2, Proofs=3, Nobody=4)) == weighted(Sums=2)
    assert counting(made, weighted(Sums=0)) == AS_PUBLISHED
    nothing = replace(OPENING, scoring=weighted(Sums=0))
    assert sentences(view(made, nothing)) == []
    assert active(made, nothing, found=2) == []


# The error of an average


def test_the_error_of_an_average_is_that_of_independent_scores() -> None:
    made = board(errors={"sums": 0.03, "proofs": 0.04})
    assert made.rows[0].standing_error == pytest.approx(sqrt(3**2 + 4**2) / 2)


def test_the_error_of_an_average_follows_the_weights() -> None:
    tasks, errors = [replace(SUMS, weight=2), PROOFS], {"sums": 0.03, "proofs": 0.04}
    made = board(tasks, errors=errors)
    assert made.rows[0].standing_error == pytest.approx(sqrt((2 * 3) ** 2 + 4**2) / 3)
    own = rescored(made, weighted(Sums=1, Proofs=3))
    assert own.rows[0].standing_error == pytest.approx(sqrt(3**2 + (3 * 4) ** 2) / 4)
    assert rescored(made, weighted(Sums=0)).rows[0].standing_error == pytest.approx(4)


def test_an_average_of_a_score_without_an_error_has_none() -> None:
    made = board(errors={"sums": 0.03})
    assert made.rows[0].standing_error is None
    assert rescored(made, weighted(Proofs=0)).rows[0].standing_error == pytest.approx(3)


def test_where_lower_is_better_everywhere_the_first_score_has_the_error() -> None:
    losses = [Task(name, "loss", name, higher_is_better=False) for name in ("a", "b")]
    scores = {"a": {"loss,none": 2.0, "loss_stderr,none": 0.5}, "b": {"loss,none": 9.0}}
    made = standings(losses, {}, [make_result(results=scores)])
    assert (made.rows[0].standing, made.rows[0].standing_error) == (-2, 0.5)


# Normalised scores


def guessed(at: float) -> list[Task]:
    return [replace(SUMS, random_baseline=at)]


@pytest.mark.parametrize(
    ("score", "shown"), [(0.25, 0), (1.0, 100), (0.625, 50), (0.1, -20), (0.0, -100 / 3)]
)
def test_guessing_is_zero_and_perfect_is_a_hundred(score: float, shown: float) -> None:
    made = rescored(board(guessed(0.25), {"a": {"sums": score}}), NORMAL)
    assert made.rows[0].scores == (pytest.approx(shown),)
    assert made.rows[0].average == pytest.approx(shown)


def test_errors_are_normalised_with_their_scores() -> None:
    made = board(guessed(0.25), {"a": {"sums": 0.6}}, errors=0.03)
    assert (made.rows[0].errors, made.rows[0].standing_error) == ((3,), 3)
    normal = rescored(made, NORMAL).rows[0]
    assert normal.errors == (pytest.approx(4),)
    assert normal.standing_error == pytest.approx(4)
    unknown = board(guessed(0.25), {"a": {"sums": 0.6}}, errors=None)
    assert rescored(unknown, NORMAL).rows[0].errors == (None,)


@pytest.mark.parametrize(
    "task",
    [
        SUMS,
        replace(SUMS, random_baseline=0.0),
        replace(SUMS, random_baseline=-0.5),
        replace(SUMS, random_baseline=1.0),
        replace(SUMS, random_baseline=25.0, is_fraction=False),
        replace(SUMS, random_baseline=0.25, higher_is_better=False),
    ],
)
def test_where_there_is_nothing_between_guessing_and_perfect_scores_stay(task: Task) -> None:
    made = board([task], {"a": {"sums": 0.6}})
    normal = rescored(made, NORMAL)
    assert not can_be_normalised(made.tasks[0])
    assert (normal.rows[0].scores, normal.rows[0].errors) == (made.rows[0].scores, made.rows[0].errors)


def test_guessing_of_about_py_comes_before_the_backends() -> None:
    backend = make_backend(tasks=(make_task("sums", random_baseline=0.5),))
    by_backend = board([SUMS], {"a": {"sums": 0.75}}, backend=backend)
    by_owner = board(guessed(0.25), {"a": {"sums": 0.75}}, backend=backend)
    assert rescored(by_backend, NORMAL).rows[0].average == pytest.approx(50)
    assert rescored(by_owner, NORMAL).rows[0].average == pytest.approx(200 / 3)


def test_own_weights_and_normalised_scores_go_together() -> None:
    tasks = [replace(SUMS, random_baseline=0.5), PROOFS]
    made = rescored(board(tasks), Scoring(frozenset({("Proofs", 3.0)}), is_normalised=True))
    assert averages(made) == pytest.approx({"first": (80 + 3 * 10) / 4, "second": (-60 + 3 * 60) / 4})


# Preliminary scores


def of_questions(number: int | None, *, limit: float | None = None, backends: int | None = 100) -> Row:
    """The row of a model that was asked so many questions."""
    config = {"model_name": "acme/a", "model_sha": None, "model_dtype": "float32", "limit": limit}
    asked = {} if number is None else {"n-samples": {"sums": {"original": 100, "effective": number}}}
    result = make_result("acme/a", scores={"sums": {"acc,none": 0.5}}, config=config, **asked)
    backend = make_backend(tasks=(make_task("sums", questions=backends),))
    return standings([SUMS], {}, [result], backend=backend).rows[0]


@pytest.mark.parametrize(
    ("row", "is_preliminary"),
    [
        (of_questions(100), False),
        (of_questions(99), True),
        (of_questions(120), False),
        (of_questions(None), False),
        (of_questions(10, backends=None), False),
        (of_questions(10, limit=10, backends=None), True),
        (of_questions(None, limit=0.5), True),
    ],
)
def test_scores_of_a_part_of_the_questions_are_preliminary(row: Row, is_preliminary: bool) -> None:
    assert row.is_preliminary is is_preliminary
    assert ("preliminary" in badges(row, is_new=False)) is is_preliminary


def test_preliminary_models_can_be_hidden() -> None:
    rows = (of_questions(100), replace(of_questions(10), model="acme/part"))
    made = replace(board([SUMS]), rows=rows)
    without = {**OPENING.filters, "without": frozenset({"preliminary"})}
    assert [row.model for row in view(made, OPENING).rows] == ["acme/a", "acme/part"]
    hidden = replace(OPENING, filters=without)
    assert [row.model for row in view(made, hidden).rows] == ["acme/a"]
    assert [part.label for part in active(made, hidden, found=1)] == ["Hide: Preliminary"]


# The view


RANGED = replace(OPENING, has_ranges=True)
NEAR = {"a": {"sums": 0.9}, "b": {"sums": 0.6}, "c": {"sums": 0.59}, "d": {"sums": 0.3}}


def ranks(made: Standings, state: ViewState = RANGED) -> list[str]:
    return view(made, state).cells(RANK).texts


def test_ranks_can_be_shown_as_ranges() -> None:
    made = board([SUMS], NEAR)
    assert ranks(made) == ["1", "2 (2–3)", "3 (2–3)", "4"]
    assert ranks(made, OPENING) == ["1", "2", "3", "4"]
    table = view(made, RANGED)
    assert [row[0] for row in contents(table, ())["data"]] == ranks(made)  # type: ignore[index]


def test_ranges_stay_under_a_search_an_order_and_a_page() -> None:
    made = board([SUMS], NEAR)
    assert ranks(made, replace(RANGED, search="acme/c")) == ["3 (2–3)"]
    assert ranks(made, replace(RANGED, size=2)) == ["1", "2 (2–3)"]
    assert PlainPage(page_of(made, "ranks=ranges&from=3")).column("Rank") == ["3 (2–3)", "4"]


def test_without_errors_ranks_have_no_ranges_and_the_legend_says_why() -> None:
    made = board([SUMS], NEAR, errors=None)
    assert ranks(made) == ["1", "2", "3", "4"]
    assert sentences(view(made, RANGED)) == [RANGES]


def test_ranges_are_those_of_the_visitors_scoring() -> None:
    made = board(models={"a": {"sums": 0.9, "proofs": 0.2}, "b": {"sums": 0.5, "proofs": 0.2}})
    assert ranks(made) == ["1", "2"]
    assert ranks(made, replace(RANGED, scoring=weighted(Sums=0))) == ["1 (1–2)", "1 (1–2)"]


def test_the_legend_says_what_is_in_the_table() -> None:
    made = board(guessed(0.5))
    assert sentences(view(made, OPENING)) == []
    assert sentences(view(made, RANGED)) == [RANGES]
    assert sentences(view(made, replace(OPENING, scoring=NORMAL))) == [NORMALISED]
    assert sentences(view(made, replace(OPENING, scoring=weighted(Sums=2, Nobody=0)))) == [
        "The average and the ranks use other weights than the leaderboard's: Sums × 2."
    ]
    preliminary = replace(made, rows=(of_questions(10),))
    assert sentences(view(preliminary, OPENING)) == [PRELIMINARY]


def test_a_visitors_scoring_can_be_taken_back_part_by_part() -> None:
    made = board()
    scoring = Scoring(frozenset({("Sums", 2.5), ("Proofs", 0.0)}), is_normalised=True)
    chosen = replace(RANGED, scoring=scoring)
    normal, own = active(made, chosen, found=2)
    assert (normal.label, own.label) == ("Normalised scores", "Your weights: Proofs × 0, Sums × 2.5")
    assert normal.without.scoring == replace(scoring, is_normalised=False)
    assert own.without.scoring == NORMAL
    assert cleared(chosen) == RANGED


# The plain page


def page_of(made: Standings, query: str) -> str:
    return document(Board(made), read(query, made), SITE).body.decode()


SCORED = "scores=normalised&weight=Sums%3A2"


def test_the_plain_pages_form_sends_each_weight_as_a_field() -> None:
    made = board()
    page = PlainPage(page_of(made, ""))
    fields = {each.attributes["name"]: each.attributes for each in page.all("input", type="number")}
    assert {name: field["placeholder"] for name, field in fields.items()} == {
        "weight.Sums": "1",
        "weight.Proofs": "1",
    }
    sent = page.sent(**{"weight.Sums": ["2"], "weight.Proofs": ["0"], "ranks": ["ranges"]})
    state = read(sent, made).state
    assert state == replace(
        OPENING, columns=state.columns, scoring=weighted(Sums=2, Proofs=0), has_ranges=True
    )


def test_the_plain_pages_form_shows_the_scoring_that_it_is_under() -> None:
    made = board()
    again = read(PlainPage(page_of(made, f"{SCORED}&ranks=ranges")).sent(), made).state
    assert again == read(f"{SCORED}&ranks=ranges", made).state
    assert again.scoring == replace(weighted(Sums=2), is_normalised=True)


def test_the_plain_pages_links_keep_the_scoring() -> None:
    made = board()
    page = PlainPage(page_of(made, "weight.Sums=2&scores=normalised&ranks=ranges"))
    links = [each.attributes["href"] for each in page.all("a", within="thead")]
    assert links
    for link in links:
        assert set(parse_qsl(f"{SCORED}&ranks=ranges")) <= set(parse_qsl(link.removeprefix("?")))


def test_the_plain_page_takes_the_scoring_back_by_links() -> None:
    made = board()
    page = PlainPage(page_of(made, SCORED))
    scorings = [
        read(page.link(label).removeprefix("?"), made).state.scoring
        for label in ("✕ Remove Normalised scores", "✕ Remove Your weights: Sums × 2")
    ]
    assert scorings == [weighted(Sums=2), NORMAL]


def test_a_frame_on_another_page_says_which_weights_it_is_under() -> None:
    assert "other weights than the leaderboard&#39;s: Sums × 2." in page_of(board(), f"{SCORED}&embed=1")


def test_the_plain_page_offers_no_weight_for_a_column_that_never_counts() -> None:
    made = board([SUMS, replace(PROOFS, higher_is_better=False)])
    fields = PlainPage(page_of(made, "")).all("input", type="number")
    assert [field.attributes["name"] for field in fields] == ["weight.Sums"]


def test_the_plain_page_is_the_rescored_board() -> None:
    made = board()
    rows = PlainPage(page_of(made, "weight=Proofs:3")).column("Average ⬆️")
    assert rows == ["50.00", "30.00"]
    assert [column.name for column in offered(made) if column.task] == ["Sums", "Proofs"]
