"""Each row has a reference by which a link can name it, and no other text means a row."""

from hypothesis import given
from hypothesis import strategies as st

from src.leaderboard.merging import standings
from src.leaderboard.references import reference, referred
from src.leaderboard.rows import Standings
from support.boards import TASKS, make_result, scores


def board(*results: dict[str, object]) -> Standings:
    made = [make_result(run=f"2026-01-01T00-00-{n:02d}.000000", **each) for n, each in enumerate(results)]
    return standings(TASKS, {}, made)


def test_a_model_is_its_best_row_and_others_say_what_tells_them_apart() -> None:
    found = board(
        {"model": "acme/big", "scores": scores(0.9, 0.9, 0.9)},
        {"model": "acme/big", "scores": scores(0.8, 0.8, 0.8), "precision": "float16"},
        {"model": "acme/big", "scores": scores(0.7, 0.7, 0.7), "precision": "float16", "chat_template": "x"},
        {"model": "acme/small", "scores": scores(0.1, 0.1, 0.1), "precision": "float16"},
    )
    assert [reference(found, row) for row in found.rows] == [
        "acme/big",
        "acme/big:float16",
        "acme/big:float16:Original:chat",
        "acme/small",
    ]
    assert referred(found, " ACME/Big:FLOAT16 ") is found.rows[1]


NAMES = st.sampled_from(["acme/a", "acme/A", "a:x", "a", "<b>", "acme/a:float16"])


@given(
    st.lists(
        st.tuples(NAMES, st.sampled_from(["float16", "bfloat16", "x", "x:Original"]), st.floats(0, 1)),
        min_size=1,
        max_size=9,
    ),
    st.text(),
)
def test_every_row_is_found_by_its_reference(rows: list[tuple[str, str, float]], text: str) -> None:
    found = board(
        *(
            {"model": name, "precision": kind, "scores": scores(value, value, value)}
            for name, kind, value in rows
        )
    )
    for row in found.rows:
        assert referred(found, reference(found, row)) is row
    sought = referred(found, text)
    assert sought is None or text.strip().casefold().startswith(sought.model.casefold())


def test_what_names_nothing_means_nothing() -> None:
    found = board({"model": "acme/big", "scores": scores(0.9, 0.9, 0.9)})
    for text in ("", "acme", "acme/big:float16", "x" * 10_000, "acme/big:"):
        assert referred(found, text) is None
