"""What many look at is made once for all of them."""

import pytest

from src.page.brief_cache import SECONDS, BriefCache


def test_what_was_made_a_moment_ago_is_not_made_again() -> None:
    made: list[int] = []
    now = [0.0]

    def make() -> int:
        made.append(1)
        return len(made)

    latest = BriefCache(make, timer=lambda: now[0])
    assert [latest.get() for _ in range(100)] == [1] * 100
    now[0] = SECONDS
    assert [latest.get(), latest.get()] == [2, 2]


def test_what_takes_long_to_make_is_as_fresh_as_what_does_not() -> None:
    now, made = [0.0], []

    def make() -> int:
        now[0] += 10 * SECONDS
        made.append(1)
        return len(made)

    latest = BriefCache(make, timer=lambda: now[0])
    assert [latest.get() for _ in range(5)] == [1] * 5


def test_what_could_not_be_made_is_retried() -> None:
    answers = iter([0, 1])
    latest = BriefCache(lambda: 1 / next(answers), timer=lambda: 0.0)
    with pytest.raises(ZeroDivisionError):
        latest.get()
    assert latest.get() == 1
