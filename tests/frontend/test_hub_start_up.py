"""Whatever is wrong with the Hub, the page keeps what it had, says what to do, and recovers by itself."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from src.board.keeper import Keeper
from src.page import notices
from src.shared.data.cards import REQUESTS_CARD, RESULTS_CARD
from src.shared.stores.hub import Hub as Client
from src.shared.stores.hub_store import HubStore
from support.boards import NOW, TASKS, scores
from support.factories import make_result_file
from support.hub import Fault, Hub, running_hub
from support.hub.accounts import Role

RESULT = {"acme/tiny/results_2026-01-31T12-00-00.json": make_result_file(scores=scores(0.5, 0.5, 0.5))}


class Visit:
    """A page on datasets of a Hub, its clock, and what it says at its top."""

    def __init__(self, endpoint: str, token: str | None, owner: str = "acme", patience: float = 0) -> None:
        client = Client(token, endpoint=endpoint, patience=patience, sleep=lambda _: None)
        self.time = NOW
        self.keeper = Keeper(
            HubStore(client, f"{owner}/requests", card=REQUESTS_CARD),
            HubStore(client, f"{owner}/results", card=RESULTS_CARD),
            TASKS,
            clock=self.now,
            steady=self.now,
        )

    def now(self) -> datetime:
        return self.time

    def look(self) -> str:
        """Look at the page a while later."""
        self.time += timedelta(minutes=20)
        self.keeper.sync()
        return str(notices.banner(self.keeper.now, notice=""))

    @property
    def rows(self) -> int:
        return len(self.keeper.now.board.standings.rows)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


@pytest.fixture
def token(hub: Hub) -> str:
    return hub.add_user("alice", {"acme": "write"})


def add_datasets(hub: Hub, owner: str = "acme") -> None:
    hub.add_dataset(f"{owner}/requests")
    hub.add_dataset(f"{owner}/results", RESULT)


def test_a_healthy_start_says_nothing(hub: Hub, token: str) -> None:
    add_datasets(hub)
    visit = Visit(hub.url, token)
    assert visit.look() == ""
    assert visit.rows == 1


def test_missing_datasets_are_created_and_the_page_says_so(hub: Hub, token: str) -> None:
    said = Visit(hub.url, token).look()
    assert "The dataset acme/requests was missing, so an empty one has been created." in said
    assert "The dataset acme/results was missing, so an empty one has been created." in said


def test_datasets_that_cannot_be_created_are_named_with_the_command_and_found_later(
    hub: Hub, token: str
) -> None:
    visit = Visit(hub.url, hub.add_token("alice", "read"))
    assert "`hf repos create acme/requests --repo-type dataset`" in visit.look()
    add_datasets(hub)
    assert "does not exist" not in visit.look()
    assert visit.rows == 1


def test_without_a_token_the_page_shows_the_results_and_names_the_variable(hub: Hub) -> None:
    add_datasets(hub)
    visit = Visit(hub.url, None)
    assert "HF_TOKEN is not set, so nothing can be written to acme/requests" in visit.look()
    assert visit.rows == 1


def test_a_wrong_token_is_named_and_a_right_one_recovers(hub: Hub, token: str) -> None:
    """The Hub is taught the token: on a Space another secret restarts it."""
    add_datasets(hub)
    known = hub.accounts.tokens.pop(token)
    visit = Visit(hub.url, token)
    assert "the Hub does not accept the token in HF_TOKEN" in visit.look()
    hub.accounts.tokens[token] = known
    assert visit.look() == ""
    assert visit.rows == 1


def test_a_token_that_can_only_read_is_told_at_once_and_not_at_the_first_submission(
    hub: Hub, token: str
) -> None:
    add_datasets(hub)
    reader = hub.add_token("alice", "read")
    visit = Visit(hub.url, reader)
    assert "Cannot write to acme/requests: the token in HF_TOKEN lacks the permission." in visit.look()
    assert visit.rows == 1
    hub.accounts.tokens[reader] = hub.accounts.add_token("alice", Role.WRITE)
    assert visit.look() == ""


def test_the_organisation_of_somebody_else_is_shown_and_the_page_says_that_nothing_can_be_written(
    hub: Hub, token: str
) -> None:
    add_datasets(hub, "somebody")
    visit = Visit(hub.url, token, owner="somebody")
    assert "Cannot write to somebody/requests" in visit.look()
    assert visit.rows == 1


def test_a_hub_that_is_down_is_told_with_what_is_still_shown_and_found_again(token: str, hub: Hub) -> None:
    add_datasets(hub)
    visit = Visit(hub.url, token)
    visit.look()
    hub.faults.strike_share(1, [Fault.LOST_REQUEST])
    said = visit.look()
    assert f"Cannot read acme/requests: {hub.url} cannot be reached." in said
    assert "The page shows the data of 2026-02-01 12:20 UTC." in said
    assert visit.rows == 1
    hub.faults.stop()
    assert visit.look() == ""


def test_a_hub_that_was_down_from_the_beginning_is_found_later(token: str, hub: Hub) -> None:
    hub.faults.strike_share(1, [Fault.UNAVAILABLE])
    visit = Visit(hub.url, token)
    assert "the Hub answers with an error (503)" in visit.look()
    assert visit.rows == 0
    hub.faults.stop()
    add_datasets(hub)
    assert visit.look() == ""
    assert visit.rows == 1


def test_a_hub_that_fails_every_other_call_is_read_all_the_same(hub: Hub, token: str) -> None:
    add_datasets(hub)
    hub.faults.slow_seconds = 0.01
    hub.faults.strike_share(0.3, seed=1)
    visit = Visit(hub.url, token, patience=20)
    assert visit.look() == ""
    assert visit.rows == 1
