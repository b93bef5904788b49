"""The order of the queue: each rule, and several together."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from src.shared.data.queue_order import in_order
from src.shared.data.request import Request, Status
from src.shared.moderation.steps import again
from support.factories import make_request


def queue_of(*requests: Request) -> dict[str, Request]:
    return {request.model: request for request in requests}


def asked(model: str, hour: int, **changes: object) -> Request:
    return make_request(model=model, submitted_time=f"2026-01-31T{hour:02d}:00:00Z", **changes)


def test_the_oldest_goes_first_and_one_without_a_time_last() -> None:
    queue = queue_of(
        asked("a/late", 11), make_request(model="a/never", submitted_time=""), asked("a/early", 10)
    )
    assert in_order(queue) == ["a/early", "a/late", "a/never"]


def test_the_smallest_goes_first_and_among_equals_the_oldest() -> None:
    queue = queue_of(
        asked("a/unknown", 9, params=None),
        asked("a/large", 10, params=70.0),
        asked("a/late", 12, params=1.0),
        asked("a/early", 11, params=1.0),
    )
    assert in_order(queue, ["small_first"]) == ["a/early", "a/late", "a/large", "a/unknown"]


def test_submitters_take_turns() -> None:
    many = [asked(f"a/{hour}", hour, submitted_by="ann") for hour in (1, 2, 3)]
    queue = queue_of(*many, asked("b/4", 4, submitted_by="bob"), asked("c/5", 5, submitted_by="cat"))
    assert in_order(queue, ["fair"]) == ["a/1", "b/4", "c/5", "a/2", "a/3"]


def test_what_runs_counts_as_a_turn() -> None:
    running = asked("a/0", 0, submitted_by="ann", status=Status.RUNNING)
    queue = queue_of(running, asked("a/1", 1, submitted_by="ann"), asked("b/4", 4, submitted_by="bob"))
    assert in_order(queue, ["fair"]) == ["b/4", "a/1"]


def test_without_a_login_the_organisation_takes_turns() -> None:
    queue = queue_of(asked("a/1", 1), asked("a/2", 2), asked("b/3", 3))
    assert in_order(queue, ["fair"]) == ["a/1", "b/3", "a/2"]


def test_rules_are_followed_one_after_the_other() -> None:
    queue = queue_of(
        asked("a/large", 1, params=9.0), asked("a/small", 2, params=1.0), asked("b/large", 3, params=9.0)
    )
    assert in_order(queue, ["fair", "small_first"]) == ["a/large", "b/large", "a/small"]
    assert in_order(queue, ["small_first", "fair"]) == ["a/small", "a/large", "b/large"]


def test_a_rule_that_is_not_known_makes_no_difference() -> None:
    queue = queue_of(asked("a/late", 2), asked("a/early", 1))
    assert in_order(queue, ["<script>", "oldest_first"]) == ["a/early", "a/late"]


def rerun(model: str, hour: int, **changes: object) -> Request:
    """A request of a row that a maintainer has evaluated again."""
    finished = asked(model, hour, status=Status.FINISHED, **changes)
    return again(finished, by="alice", now=datetime(2026, 2, 1, tzinfo=UTC))


@pytest.mark.parametrize("rules", [["oldest_first"], ["small_first"], ["fair"], ["fair", "small_first"]])
def test_reruns_go_behind_every_submission_under_every_rule(rules: list[str]) -> None:
    queue = queue_of(rerun("a/old", 1, params=0.001), asked("b/new", 9, params=70.0), rerun("c/old", 2))
    assert in_order(queue, rules)[0] == "b/new"


def test_reruns_are_nobody_s_turn() -> None:
    reruns = [rerun(f"ann/{hour}", hour, submitted_by="ann") for hour in (1, 2, 3)]
    running = replace(rerun("ann/0", 0, submitted_by="ann"), status=Status.RUNNING)
    queue = queue_of(
        *reruns,
        running,
        asked("ann/4", 4, submitted_by="ann"),
        asked("b/5", 5, submitted_by="bob"),
        asked("b/6", 6, submitted_by="bob"),
    )
    assert in_order(queue, ["fair"]) == ["ann/4", "b/5", "b/6", "ann/1", "ann/2", "ann/3"]
