"""Times as texts."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.shared.times import from_seconds, from_text, hours_and_minutes, to_run, to_text, utc_now

times = st.datetimes(timezones=st.just(UTC)).filter(lambda time: time.year >= 1000)

TIME = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


def test_times_are_written_in_utc() -> None:
    there = TIME.astimezone(timezone(timedelta(hours=5)))
    assert to_text(there) == "2026-01-31T12:00:00Z"
    assert to_run(there) == "2026-01-31T12-00-00.123456"


def test_the_present_time_is_in_utc() -> None:
    assert utc_now().tzinfo is UTC


@given(times)
def test_what_was_written_is_read_again(time: datetime) -> None:
    assert from_text(to_run(time)) == time
    assert from_text(to_text(time)) == time.replace(microsecond=0)


@pytest.mark.parametrize("seconds", [1e300, -1e300, 1e12, float("nan"), float("inf")])
def test_seconds_outside_the_calendar_are_no_time(seconds: float) -> None:
    assert from_seconds(seconds) is None
    assert from_seconds(1769860800.5) == datetime(2026, 1, 31, 12, 0, 0, 500000, tzinfo=UTC)


@given(times, times)
def test_runs_sort_by_time(one: datetime, other: datetime) -> None:
    assert (to_run(one) < to_run(other)) == (one < other)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2023-11-21T18:10:08Z", datetime(2023, 11, 21, 18, 10, 8, tzinfo=UTC)),
        ("results_2023-11-22 15:46:20.425378.json", datetime(2023, 11, 22, 15, 46, 20, 425378, tzinfo=UTC)),
        ("results_2023-11-22T15-46-20.4.json", datetime(2023, 11, 22, 15, 46, 20, 400000, tzinfo=UTC)),
        ("2023-11-21T18:10:08+01:00", datetime(2023, 11, 21, 17, 10, 8, tzinfo=UTC)),
        ("2023-11-21 18:10", datetime(2023, 11, 21, 18, 10, tzinfo=UTC)),
        ("2023-11-21T18:10:08.5 UTC", datetime(2023, 11, 21, 18, 10, 8, 500000, tzinfo=UTC)),
        ("2023-11-21", datetime(2023, 11, 21, tzinfo=UTC)),
        ("results_2023-11-21.json", datetime(2023, 11, 21, tzinfo=UTC)),
        ("results_20231121_181008.json", datetime(2023, 11, 21, 18, 10, 8, tzinfo=UTC)),
        ("results_2023-11-21T18-10.json", datetime(2023, 11, 21, 18, 10, tzinfo=UTC)),
        ("results_2023_11_21-18_10_08.json", datetime(2023, 11, 21, 18, 10, 8, tzinfo=UTC)),
        ("results_1700590208.json", datetime(2023, 11, 21, 18, 10, 8, tzinfo=UTC)),
        ("results_7-2023-99-21-of-2023-11-21.json", datetime(2023, 11, 21, tzinfo=UTC)),
        ("results_v20231121181008999.json", None),
        ("0123456789abcdef", None),
        ("5", None),
        ("", None),
        ("yesterday", None),
        ("2023-02-30T00:00:00Z", None),
        ("2023-11-21T25:00:00Z", None),
        ("٢٠٢٣-11-21T18:10:08Z", None),
    ],
)
def test_a_time_is_found_in_a_text_when_it_is_one(text: str, time: datetime | None) -> None:
    assert from_text(text) == time


@given(st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d[-:]\d\d[-:]\d\d(\.\d+)?") | st.text())
def test_no_text_raises(text: str) -> None:
    from_text(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "less than a minute"),
        (59, "less than a minute"),
        (60, "1 min"),
        (3_599, "59 min"),
        (7_500, "2 h 5 min"),
        (3_600 * 1_234, "1,234 h 0 min"),
    ],
)
def test_a_length_of_time_is_told_in_hours_and_minutes(seconds: int, words: str) -> None:
    assert hours_and_minutes(timedelta(seconds=seconds)) == words
