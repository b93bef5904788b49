"""The sweep: endpoints without a lease are deleted, all others are left alone."""

from __future__ import annotations

from src.inference.endpoints import EndpointError
from src.inference.hosting import Hosting
from src.inference.market import Market
from src.inference.sweeper import Sweeper
from src.running.job import End, Ending
from support.rented import FakeEndpoints, renting

LIVE, DEAD, OTHER = "a" * 16, "b" * 16, "c" * 16


def test_only_endpoints_without_a_lease_are_deleted() -> None:
    endpoints = FakeEndpoints(there={LIVE: [], DEAD: []})
    sweeper = Sweeper(endpoints)  # type: ignore[arg-type]
    sweeper.look()
    sweeper.sweep({LIVE})

    assert endpoints.deleted == [DEAD]


def test_what_was_made_after_the_look_is_left_alone() -> None:
    endpoints = FakeEndpoints(there={LIVE: []})
    sweeper = Sweeper(endpoints)  # type: ignore[arg-type]
    sweeper.look()
    endpoints.there[OTHER] = []
    sweeper.sweep({LIVE})

    assert endpoints.deleted == []


def test_nothing_is_swept_without_a_look() -> None:
    endpoints = FakeEndpoints(there={DEAD: []})
    sweeper = Sweeper(endpoints)  # type: ignore[arg-type]
    sweeper.look()
    sweeper.sweep({DEAD})
    sweeper.sweep(set())

    assert endpoints.deleted == []


def test_a_deletion_that_fails_is_told_and_tried_again_at_the_next_tick() -> None:
    endpoints = FakeEndpoints(there={DEAD: []}, deletions_fail=1)
    sweeper = Sweeper(endpoints)  # type: ignore[arg-type]
    for problem in ("The Hub does not answer.", None):
        sweeper.look()
        sweeper.sweep(set())
        assert sweeper.problem == problem

    assert endpoints.deleted == [DEAD]


def test_nothing_is_claimed_while_endpoints_can_be_neither_seen_nor_deleted() -> None:
    endpoints = FakeEndpoints(there={DEAD: []}, deletions_fail=1)
    market = Market(endpoints, None, renting())  # type: ignore[arg-type]
    market.refresh = lambda: None  # type: ignore[method-assign]
    hosting = Hosting(market=market, sweeper=Sweeper(endpoints))  # type: ignore[arg-type]
    for is_clean in (False, True):
        hosting.refresh()
        hosting.sweep(set())
        assert (hosting.may_claim(), hosting.is_clean) == (is_clean, is_clean)


def test_the_number_of_endpoints_that_are_there_counts_against_the_limit() -> None:
    endpoints = FakeEndpoints(there={DEAD: [], LIVE: []})
    market = Market(endpoints, None, renting(at_once=2))  # type: ignore[arg-type]
    market.refresh = lambda: None  # type: ignore[method-assign]
    hosting = Hosting(market=market, sweeper=Sweeper(endpoints))  # type: ignore[arg-type]
    hosting.refresh()

    assert hosting.renting
    assert not hosting.renting.may_rent({})


def test_a_list_that_cannot_be_had_deletes_nothing_and_is_told() -> None:
    class Silent(FakeEndpoints):
        def ours(self) -> frozenset[str]:
            raise EndpointError(Ending(End.UNREACHABLE, "The Hub does not answer."))

    endpoints = Silent(there={DEAD: []})
    sweeper = Sweeper(endpoints)  # type: ignore[arg-type]
    sweeper.look()
    sweeper.sweep(set())

    assert endpoints.deleted == []
    assert sweeper.problem == "The Hub does not answer."
