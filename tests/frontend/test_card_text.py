"""A model card is read in little time, whatever a stranger wrote into it, and once for each look-up."""

from contextlib import suppress
from typing import Any

import pytest

from src.checks import CHECKS, SHORTEST_CARD, has_a_model_card
from src.shared.models.model_source import LONGEST_CARD_BYTES
from src.submitting import card_text
from src.submitting.card_text import words
from src.submitting.checking import problems
from src.submitting.form import Refused
from support.cases import make_case
from support.processor_time import processor_seconds

MOST_SECONDS = 0.05

UNITS = [
    *("<!--", "-->", "<!---->", "<!-- -->", "<!--\n#", "<!-", "--", "<!--<!-->", "<!-- a --> b "),
    *("#", "#\n", "# a\n", "\n#", "##", "\n", "\r", "\r\n", " ", " \n", "\t", "\0", "\u2028", "\x85"),
    *("[More Information Needed]", "[More Information Needed", "[", "[More Information Needed]\n"),
    *(
        "---\n",
        "\n---",
        "---\n\n",
        "\n--- \t",
        "---\n- a\n",
        "-",
        "a",
        "a ",
        "é",
        "🟢",
        "\ufb03",
        "- ",
        "`",
        "|",
    ),
]
"""What a hostile card repeats."""

WORDS = "It was made for a test, and says enough of itself to be worth reading. " * 4


def filled(unit: str) -> str:
    return (unit * LONGEST_CARD_BYTES)[:LONGEST_CARD_BYTES]


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ("", ""),
        ("# A model\nIt is small.\n\n## Use\n for  tests", "It is small. for tests"),
        ("It is <!-- not\n# so -->small.", "It is small."),
        ("It is small. <!-- and so on", "It is small. <!-- and so on"),
        ("a --> b <!-- c --> d --> e", "a --> b d --> e"),
        ("<!--> a --> b", "b"),
        ("a [More Information Needed] b\n[More Information Needed]", "a b"),
        ("one # two", "one # two"),
        ("<!-- a -->\n# b\n<!-- c -->d", "d"),
    ],
)
def test_a_card_says_its_words(card: str, said: str) -> None:
    assert words(card) == said


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("head", ["", "---\nlicense: mit\n---\n", "---\n", "<!--", "# "])
def test_no_card_of_any_content_takes_a_check_fifty_milliseconds(unit: str, head: str) -> None:
    case = make_case(card=head + filled(unit))

    def check() -> None:
        with suppress(Refused):
            has_a_model_card(case)

    assert processor_seconds(check) < MOST_SECONDS


def test_a_card_that_is_longer_than_any_that_is_read_takes_no_longer() -> None:
    card = "\n<!--" * 2_000_000
    assert processor_seconds(lambda: words(card)) < MOST_SECONDS


def test_the_end_of_a_comment_that_never_began_hides_nothing() -> None:
    has_a_model_card(make_case(card="-->" * 1000 + WORDS))


def test_a_card_of_nothing_but_comments_is_refused_in_no_time() -> None:
    with pytest.raises(Refused, match="has a model card with 0 characters of text"):
        has_a_model_card(make_case(card="<!-- a -->" * 10_000))
    with pytest.raises(Refused, match=f"in at least {SHORTEST_CARD} characters"):
        has_a_model_card(make_case(card="# A heading\n" * 8000))


def test_a_card_is_read_once_for_all_the_checks_of_a_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(card: str) -> Any:
        read.append(card)
        return card_text.words(card)

    monkeypatch.setattr("src.submitting.lookup.words", counted)
    case = make_case(card=WORDS)
    for _ in range(3):
        assert problems(case) == []
    assert len(CHECKS) > 1
    assert read == [WORDS]
