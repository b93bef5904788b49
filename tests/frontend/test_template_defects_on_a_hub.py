"""The defects of the old template that have to do with the Hub; each test is named after one of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from src.board.keeper import Keeper
from src.shared.models.hub_models import HubModels
from src.shared.stores.hub import Hub as Client
from src.shared.stores.hub_store import HubStore
from src.submitting.desk import Desk, NotAccepted
from src.submitting.form import Form
from src.submitting.group_commit import GroupCommit
from src.submitting.receipts import submissions
from src.submitting.submitter import Submitter
from support.boards import TASKS, scores
from support.factories import make_model_folder, make_result_file
from support.hub import Fault, Hub, Repository, running_hub
from support.hub.repository import RepoName

RESULT = "acme/tiny/results_2026-01-31T12-00-00.json"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.add_dataset("acme/requests")
        hub.add_dataset("acme/results", {RESULT: make_result_file(scores=scores(0.5, 0.5, 0.5))})
        yield hub


class Frontend:
    """One frontend's keeper and desk, as of one process."""

    def __init__(self, hub: Hub, token: str, *, patience: float = 20) -> None:
        client = Client(token, endpoint=hub.url, patience=patience, sleep=lambda _: None)
        requests = HubStore(client, "acme/requests")
        self.keeper = Keeper(requests, HubStore(client, "acme/results"), TASKS)
        models = HubModels(client, Client(endpoint=hub.url))
        self.desk = Desk(models, GroupCommit(requests, self.keeper.read_requests, submissions()))

    def submit(self, model: str, revision: str = "main") -> str:
        form = Form(model=model, revision=revision, precision="float32", model_type="pretrained")
        return self.desk.submit(form).path


@pytest.fixture
def token(hub: Hub) -> str:
    return hub.add_user("alice", {"acme": "write"})


@pytest.fixture
def frontend(hub: Hub, token: str) -> Frontend:
    return Frontend(hub, token)


@pytest.fixture
def model(hub: Hub, tmp_path: Path) -> Repository:
    return hub.add_model("acme/tiny", make_model_folder(tmp_path))


def test_3_a_download_error_is_told_and_nothing_restarts(hub: Hub, token: str, frontend: Frontend) -> None:
    frontend.keeper.sync()
    hub.accounts.revoke(token)
    frontend.keeper.sync()
    assert "the Hub does not accept the token in HF_TOKEN" in frontend.keeper.now.problem
    assert len(frontend.keeper.now.board.standings.rows) == 1


def test_4_new_results_appear_without_a_restart(hub: Hub, frontend: Frontend) -> None:
    frontend.keeper.sync()
    results = hub.get(RepoName("dataset", "acme/results"))
    new = make_result_file(model="acme/new", scores=scores(0.9, 0.9, 0.9))
    results.put({"acme/new/results_2026-02-01T12-00-00.json": new})
    frontend.keeper.sync()
    assert [row.model for row in frontend.keeper.now.board.standings.rows] == ["acme/new", "acme/tiny"]


def test_5_the_clients_own_json_is_never_seen(hub: Hub, frontend: Frontend) -> None:
    """No folder is downloaded, so the client keeps nothing beside the data."""
    frontend.keeper.sync()
    assert frontend.keeper.now.board.broken == ()
    assert {call.route for call in hub.calls.log} <= {
        *("info", "tree", "resolve", "commits"),
        "auth_check_write",
    }


def test_12_another_revision_overwrites_nothing_and_main_and_its_commit_are_the_same(
    hub: Hub, frontend: Frontend, model: Repository
) -> None:
    first = frontend.submit("acme/tiny")
    commit = model.head.id
    with pytest.raises(NotAccepted, match=f"is PENDING: its request is {first}"):
        frontend.submit("acme/tiny", revision=commit)
    model.put({"new.txt": "new"})
    second = frontend.submit("acme/tiny")
    assert first != second
    assert (commit[:8] in first, model.head.id[:8] in second) == (True, True)


def test_12_a_duplicate_at_another_frontend_is_recognised(
    hub: Hub, token: str, frontend: Frontend, model: Repository
) -> None:
    frontend.submit("acme/tiny")
    with pytest.raises(NotAccepted, match="already submitted and is PENDING"):
        Frontend(hub, token).submit("acme/tiny")


def test_14_of_two_writers_at_once_the_loser_tries_again_and_both_are_written(
    hub: Hub, token: str, tmp_path: Path
) -> None:
    names = [f"acme/model-{number}" for number in range(10)]
    for name in names:
        hub.add_model(name, make_model_folder(tmp_path / "models", name))
    frontends = [Frontend(hub, token) for _ in range(5)]
    hub.faults.strike_next(Fault.STALE_PARENT, times=3, route="commit")
    with ThreadPoolExecutor(10) as people:
        paths = list(people.map(lambda n: frontends[n % 5].submit(names[n]), range(10)))
    assert len(set(paths)) == 10
    frontends[0].keeper.sync()
    assert {entry.path for entry in frontends[0].keeper.now.board.queue} == set(paths)
    assert hub.calls.count(route="commit", status=412) > 0


def test_19_a_typo_a_gated_model_the_own_bad_token_and_a_hub_that_is_away_are_told_apart(
    hub: Hub, token: str, frontend: Frontend, model: Repository
) -> None:
    hub.add_model("acme/gated", {"config.json": "{}"}, gated="manual")
    hub.add_model("alice/private", {"config.json": "{}"}, private=True)

    def told(name: str, revision: str = "main", login: str | None = None, *, at: Frontend = frontend) -> str:
        form = Form(model=name, revision=revision, precision="float32", model_type="pretrained")
        with pytest.raises(NotAccepted) as refusal:
            at.desk.submit(form, Submitter(login))
        return str(refusal.value)

    missing = "There is no model {} on the Hub, or it is private. Check its name, or make it public."
    assert told("acme/tinny") == missing.format("acme/tinny")
    assert told("alice/private") == missing.format("alice/private")
    assert "alice/private is private. Make it public" in told("alice/private", login="alice")
    assert "acme/tiny has no revision v2: name a branch, a tag or a commit" in told("acme/tiny", "v2")
    assert "acme/gated is gated, and this leaderboard has no access to it" in told("acme/gated")
    hub.accounts.revoke(token)
    assert "Cannot look up acme/tiny: the Hub does not accept the token in HF_TOKEN" in told("acme/tiny")
    hub.faults.strike_next(Fault.UNAVAILABLE)
    impatient = Frontend(hub, token, patience=0)
    assert "acme/tiny: the Hub answers with an error (503). Try again" in told("acme/tiny", at=impatient)
