"""A dataset on the Hub as a store: few calls, nothing lost when answers are, and errors as sentences."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from src.shared.data.cards import RESULTS_CARD
from src.shared.data.names import MAX_BYTES
from src.shared.errors import Conflict, DatasetMissing, NotDelivered, StoreError
from src.shared.index.index import Indexed
from src.shared.index.indexes import RESULTS_INDEX
from src.shared.stores import hub as hub_module
from src.shared.stores.budgets import COMMITS, Pace
from src.shared.stores.hub import Hub as Client
from src.shared.stores.hub_store import HubStore
from src.shared.stores.hub_tree import FEW_FOLDERS
from src.shared.stores.mirror import Mirror
from src.shared.stores.store import Snapshot
from support.hub import Fault, Hub, Kind, Repository, running_hub
from support.hub.history import CommitText
from support.hub.repository import RepoName

FEW = {"acme/a.json": "{}", "acme/b.json": "{}", "other/c.json": "{}", "README.md": "# Requests"}
MANY = {f"org-{number}/model.json": "{}" for number in range(FEW_FOLDERS + 5)}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


@pytest.fixture
def token(hub: Hub) -> str:
    return hub.add_user("alice", {"acme": "write"})


@pytest.fixture
def dataset(hub: Hub, token: str) -> Repository:
    return hub.add_dataset("acme/requests", FEW)


@pytest.fixture
def waits() -> list[float]:
    """For how long the client would have waited between tries."""
    return []


@pytest.fixture
def store(hub: Hub, dataset: Repository, token: str, waits: list[float]) -> HubStore:
    return open_store(hub, token, waits)


def open_store(hub: Hub, token: str | None, waits: list[float] | None = None, **options: Any) -> HubStore:
    sleep = ([] if waits is None else waits).append
    return HubStore(Client(token, endpoint=hub.url, sleep=sleep), "acme/requests", **options)


def write(store: HubStore, parent: Snapshot | None = None, **files: bytes) -> None:
    add = {f"acme/{name}.json": data for name, data in files.items()}
    store.commit(add=add, message="write", parent=parent or store.snapshot())


# Calls


def routes(hub: Hub) -> list[str]:
    return [call.route for call in hub.calls.log]


def test_a_look_while_nothing_changes_is_one_call(hub: Hub, store: HubStore) -> None:
    before = store.snapshot()
    hub.calls.reset()
    assert store.snapshot() is before
    assert routes(hub) == ["info"]


def test_after_a_change_only_the_changed_folder_is_listed(
    hub: Hub, store: HubStore, dataset: Repository
) -> None:
    before = store.snapshot()
    dataset.put({"acme/new.json": "{}"})
    hub.calls.reset()
    after = store.snapshot()
    assert after.files.keys() - before.files.keys() == {"acme/new.json"}
    assert routes(hub) == ["info", "tree", "tree"]


def test_a_dataset_of_many_folders_is_listed_at_once_and_then_by_difference(hub: Hub, token: str) -> None:
    dataset = hub.add_dataset("acme/requests", MANY)
    store = open_store(hub, token)
    assert store.snapshot().files.keys() == MANY.keys()
    assert routes(hub) == ["info", "tree", "tree", "commits"]
    dataset.put({"org-3/other.json": "{}"}, delete=["org-4/model.json"])
    hub.calls.reset()
    assert store.snapshot().files.keys() == (MANY.keys() | {"org-3/other.json"}) - {"org-4/model.json"}
    assert routes(hub) == ["info", "tree", "tree"]


def test_hidden_files_and_logs_are_not_listed(hub: Hub, store: HubStore, dataset: Repository) -> None:
    dataset.put(
        {
            ".gitattributes": "",
            "logs/acme/a/1.txt": "log",
            ".logs/acme/a/2.txt": "log",
            "acme/.cache/x.json": "{}",
        }
    )
    assert store.snapshot().files.keys() == FEW.keys()
    assert "logs" not in [call.repository for call in hub.calls.log]


def test_each_file_is_one_call_at_the_snapshots_revision(hub: Hub, store: HubStore) -> None:
    old = store.snapshot()
    write(store, a=b"[1]")
    hub.calls.reset()
    assert store.read(old, ["acme/a.json", "acme/b.json"]) == {"acme/a.json": b"{}", "acme/b.json": b"{}"}
    assert routes(hub) == ["resolve", "resolve"]


def test_a_commit_is_two_calls(hub: Hub, store: HubStore) -> None:
    parent = store.snapshot()
    hub.calls.reset()
    write(store, parent, a=b"[1]", new=b"[2]")
    assert routes(hub) == ["preupload", "commit"]


def test_a_large_file_is_written_and_read(store: HubStore, dataset: Repository) -> None:
    large = bytes(11_000_000)
    write(store, large=large)
    assert dataset.large_files
    assert store.read(store.snapshot(), ["acme/large.json"]) == {"acme/large.json": large}


# Faults


PASSING = [
    Fault.RATE_LIMITED,
    Fault.SERVER_ERROR,
    Fault.BAD_GATEWAY,
    Fault.UNAVAILABLE,
    Fault.LOST_REQUEST,
    Fault.LOST_ANSWER,
    Fault.CUT_ANSWER,
]


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("route", ["info", "tree", "resolve"])
def test_reading_outlives_a_fault(hub: Hub, store: HubStore, fault: Fault, route: str) -> None:
    hub.faults.strike_next(fault, route=route)
    snapshot = store.snapshot()
    assert store.read(snapshot, ["acme/a.json"]) == {"acme/a.json": b"{}"}
    assert hub.calls.count(fault=fault) == 1


@pytest.mark.parametrize("fault", [*PASSING, Fault.SLOW])
def test_a_commit_lands_once_whatever_happens_to_it(
    hub: Hub, store: HubStore, dataset: Repository, fault: Fault
) -> None:
    parent = store.snapshot()
    hub.faults.strike_next(fault, route="commit")
    write(store, parent, a=b"[1]")
    assert dataset.read("acme/a.json") == b"[1]"
    assert hub.calls.count(fault=fault) == 1
    assert store.snapshot().revision == dataset.head.id
    assert dataset.head.parent == parent.revision


def test_a_commit_whose_answer_was_lost_is_found_behind_that_of_somebody_else(
    hub: Hub, token: str, dataset: Repository
) -> None:
    client = Client(token, endpoint=hub.url, sleep=lambda _: dataset.put({"other/new.json": "{}"}))
    store = HubStore(client, "acme/requests")
    parent = store.snapshot()
    hub.faults.strike_next(Fault.LOST_ANSWER, route="commit")
    write(store, parent, a=b"[1]")
    assert dataset.read("acme/a.json") == b"[1]"
    assert "other/new.json" in dataset.files()


def test_the_same_bytes_written_by_somebody_else_are_a_conflict(
    hub: Hub, store: HubStore, dataset: Repository
) -> None:
    parent = store.snapshot()
    dataset.put({"acme/a.json": b"[1]"})
    with pytest.raises(Conflict):
        write(store, parent, a=b"[1]")


def test_a_412_without_a_reason_is_a_conflict(hub: Hub, store: HubStore, dataset: Repository) -> None:
    hub.faults.strike_next(Fault.STALE_PARENT, route="commit")
    with pytest.raises(Conflict):
        write(store, a=b"[1]")
    write(store, a=b"[1]")
    assert dataset.read("acme/a.json") == b"[1]"


def test_it_waits_as_long_as_the_hub_says(hub: Hub, store: HubStore, waits: list[float]) -> None:
    hub.faults.strike_next(Fault.RATE_LIMITED, route="info")
    store.snapshot()
    assert waits == [2.0]


def test_a_wait_that_is_too_long_is_told_at_once_and_nothing_is_asked_until_then(
    hub: Hub, store: HubStore, waits: list[float]
) -> None:
    store.snapshot()
    hub.budget.limits = {Kind.API: 0}
    with pytest.raises(StoreError, match=r"the Hub's rate limit is used up until \d\d:\d\d:\d\d UTC"):
        store.snapshot()
    assert waits == []
    hub.calls.reset()
    with pytest.raises(StoreError, match="It will be retried automatically"):
        store.snapshot()
    assert hub.calls.log == []


@pytest.mark.parametrize("call", ["snapshot", "read", "commit", "check_writing"])
def test_a_hub_that_does_not_answer_in_time_is_not_waited_for(
    hub: Hub, token: str, dataset: Repository, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's own functions would wait for ever."""
    snapshot = HubStore(Client(token, endpoint=hub.url), "acme/requests").snapshot()
    monkeypatch.setattr(hub_module, "TIMEOUT_SECONDS", 0.2)
    store = HubStore(Client(token, endpoint=hub.url, patience=0), "acme/requests")
    hub.faults.slow_seconds = 30
    for route in ("info", "resolve", "commit", "commits", "auth_check_write"):
        hub.faults.strike_next(Fault.SLOW, times=100, route=route)
    calls: dict[str, Callable[[], object]] = {
        "snapshot": store.snapshot,
        "read": lambda: store.read(snapshot, ["acme/a.json"]),
        "commit": lambda: write(store, snapshot, a=b"[1]"),
        "check_writing": store.check_writing,
    }
    with pytest.raises(StoreError, match="cannot be reached"):
        calls[call]()


def test_an_answer_that_is_not_the_hubs_is_told_as_such(hub: Hub) -> None:
    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<h1>Please log in to this network</h1>")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        Thread(target=proxy.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{proxy.server_port}"
        store = HubStore(Client(None, endpoint=address, patience=0), "acme/requests")
        with pytest.raises(StoreError, match=f"the server at {address} is not the Hub"):
            store.snapshot()
        proxy.shutdown()


# Files that cannot be had


def test_a_file_that_the_hub_lists_and_does_not_deliver_hides_no_other(
    hub: Hub, store: HubStore, dataset: Repository
) -> None:
    snapshot = store.snapshot()
    hub.faults.strike_next(Fault.SERVER_ERROR, times=1000, route="resolve")
    with pytest.raises(StoreError, match=r"Cannot read acme/requests: the Hub answers with an error \(500\)"):
        impatient(hub, store).read(snapshot, ["acme/a.json", "acme/b.json"])
    hub.faults.stop()
    listed = Snapshot(snapshot.revision, {**snapshot.files, "acme/lost.json": "0" * 40})
    found = store.read(listed, ["acme/a.json", "acme/lost.json"])
    assert found["acme/a.json"] == b"{}"
    assert isinstance(found["acme/lost.json"], NotDelivered)


def impatient(hub: Hub, store: HubStore) -> HubStore:
    return HubStore(Client(None, endpoint=hub.url, patience=0), store.repo_id)


def test_a_mirror_shows_what_it_can_and_asks_again_for_the_rest(hub: Hub, store: HubStore) -> None:
    mirror = Mirror(store, lambda path, data: data)
    hub.faults.strike_next(Fault.SERVER_ERROR, route="resolve", times=1)
    store._hub._patience = 0
    first = mirror.refresh()
    assert (len(first.values), len(first.broken)) == (2, 1)
    assert "it cannot be read: the Hub answers with an error (500)" in str(first.broken)
    assert all(told.endswith(". It will be read again.") for told in first.broken.values())
    second = mirror.refresh()
    assert (len(second.values), len(second.broken)) == (3, 0)


def test_what_was_read_before_the_hub_went_down_is_not_read_again(
    hub: Hub, store: HubStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.shared.stores.mirror.AT_ONCE", 2)
    store._hub._patience = 0
    mirror = Mirror(store, lambda path, data: data)
    reads = 0
    read = store.read

    def read_and_go_down(*arguments: Any) -> Any:
        nonlocal reads
        reads += 1
        if reads == 2:
            hub.faults.strike_share(1, [Fault.UNAVAILABLE])
        return read(*arguments)

    monkeypatch.setattr(store, "read", read_and_go_down)
    with pytest.raises(StoreError):
        mirror.refresh()
    hub.faults.stop()
    hub.calls.reset()
    assert len(mirror.refresh().values) == 3
    assert hub.calls.count(route="resolve") == 1


def test_a_file_that_is_too_large_is_not_even_fetched(hub: Hub, store: HubStore, dataset: Repository) -> None:
    dataset.put({"acme/huge.json": bytes(MAX_BYTES + 1)})
    found = store.read(store.snapshot(), ["acme/huge.json"])["acme/huge.json"]
    assert "it has 20,000,001 bytes" in str(found)
    assert hub.calls.count(route="resolve") == 0


def test_what_was_rewritten_while_it_was_read_is_a_conflict(store: HubStore, dataset: Repository) -> None:
    snapshot = store.snapshot()
    write(store, a=b"[1]")
    dataset.history.squash("main", CommitText(title="squashed", author="alice"))
    with pytest.raises(Conflict):
        store.read(snapshot, ["acme/a.json"])


# Sentences


def test_a_hub_that_cannot_be_reached_is_named(hub: Hub, token: str) -> None:
    store = HubStore(Client(token, endpoint="http://127.0.0.1:9", patience=0), "acme/requests")
    with pytest.raises(
        StoreError, match=r"^Cannot read acme/requests: http://127.0.0.1:9 cannot be reached\."
    ):
        store.snapshot()


def test_a_hub_that_always_fails_is_given_up_in_a_sentence(hub: Hub, token: str) -> None:
    hub.faults.strike_next(Fault.UNAVAILABLE, times=10_000)
    store = HubStore(Client(token, endpoint=hub.url, patience=0), "acme/requests")
    with pytest.raises(
        StoreError, match=r"the Hub answers with an error \(503\)\. It will be retried automatically"
    ):
        store.snapshot()


def test_a_dataset_that_is_missing_is_told_with_the_command_that_creates_it(hub: Hub, token: str) -> None:
    with pytest.raises(DatasetMissing, match="`hf repos create acme/requests --repo-type dataset`"):
        open_store(hub, token).snapshot()


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("revoked", "the Hub does not accept the token in HF_TOKEN"),
        ("read", "Cannot write to acme/requests: the token in HF_TOKEN lacks the permission"),
        ("fineGrained", "Cannot write to acme/requests: the token in HF_TOKEN lacks the permission"),
    ],
)
def test_a_token_that_cannot_write_is_told(
    hub: Hub, dataset: Repository, token: str, kind: str, sentence: str
) -> None:
    store = open_store(hub, token if kind == "revoked" else hub.add_token("alice", kind))
    parent = store.snapshot()
    if kind == "revoked":
        hub.accounts.revoke(token)
    with pytest.raises(StoreError, match=sentence):
        store.check_writing()
    with pytest.raises(StoreError, match=sentence):
        write(store, parent, a=b"[1]")


def test_without_a_token_it_is_read_and_not_written(hub: Hub, dataset: Repository) -> None:
    store = open_store(hub, None)
    parent = store.snapshot()
    with pytest.raises(StoreError, match=r"^HF_TOKEN is not set, so nothing can be written to acme/requests"):
        store.check_writing()
    with pytest.raises(StoreError, match=r"^HF_TOKEN is not set"):
        write(store, parent, a=b"[1]")


def test_a_token_that_can_write_is_not_refused(hub: Hub, store: HubStore, token: str) -> None:
    store.check_writing()
    fine = hub.add_token("alice", "fineGrained", ["datasets/acme/requests"])
    open_store(hub, fine).check_writing()


# Creation

CARD = "---\nlicense: mit\n---\n# Requests\n"


@pytest.mark.parametrize("private", [True, False])
def test_a_missing_dataset_is_private_only_if_it_shall_be(hub: Hub, token: str, private: bool) -> None:
    open_store(hub, token, card=CARD, private=private).snapshot()
    assert hub.get(RepoName("dataset", "acme/requests")).private is private


def test_a_missing_dataset_is_created_with_its_card(hub: Hub, token: str) -> None:
    store = open_store(hub, token, card=CARD)
    assert store.snapshot().files.keys() == {"README.md"}
    assert store.is_new
    assert not open_store(hub, token, card=CARD).is_new


def test_a_created_dataset_has_the_empty_index_that_its_card_names(hub: Hub, token: str) -> None:
    client = Client(token, endpoint=hub.url)
    HubStore(client, "acme/results", card=RESULTS_CARD, index=RESULTS_INDEX).snapshot()
    made = hub.get(RepoName("dataset", "acme/results"))
    assert f"path: {RESULTS_INDEX.path}\n" in made.read("README.md").decode()
    assert RESULTS_INDEX.read(made.read(RESULTS_INDEX.path)) == Indexed(writer=RESULTS_INDEX.reader)


def test_a_dataset_whose_creator_was_killed_before_its_first_commit_is_finished_at_the_next_start(
    hub: Hub, token: str
) -> None:
    client = Client(token, endpoint=hub.url)
    client.api.create_repo("acme/results", repo_type="dataset")
    store = HubStore(client, "acme/results", card=RESULTS_CARD, index=RESULTS_INDEX)
    assert {"README.md", RESULTS_INDEX.path} <= store.snapshot().files.keys()
    made = hub.get(RepoName("dataset", "acme/results"))
    assert made.read("README.md").decode() == RESULTS_CARD
    head = made.head
    HubStore(client, "acme/results", card=RESULTS_CARD, index=RESULTS_INDEX).snapshot()
    assert made.head == head


def test_an_empty_dataset_that_may_only_be_read_is_read(hub: Hub, token: str) -> None:
    Client(token, endpoint=hub.url).api.create_repo("acme/requests", repo_type="dataset")
    reader = Client(hub.add_token("alice", "read"), endpoint=hub.url, patience=0)
    files = HubStore(reader, "acme/requests", card=CARD).snapshot().files
    assert files.keys() <= {".gitattributes"}


def test_two_spaces_that_find_the_same_empty_dataset_add_one_card(hub: Hub, token: str) -> None:
    client = Client(token, endpoint=hub.url)
    client.api.create_repo("acme/requests", repo_type="dataset")
    first, second = (open_store(hub, token, card=CARD) for _ in range(2))
    empty = second._poll()
    first.snapshot()
    head = hub.get(RepoName("dataset", "acme/requests")).head
    second._finish(CARD, empty)
    assert second._poll().files.keys() >= {"README.md"}
    assert hub.get(RepoName("dataset", "acme/requests")).head == head


def test_a_dataset_that_was_emptied_while_it_is_used_stays_empty(
    hub: Hub, token: str, dataset: Repository
) -> None:
    store = open_store(hub, token, card=CARD)
    store.snapshot()
    dataset.put({}, delete=list(dataset.files()))
    assert not store.snapshot().files.keys()


def test_a_token_that_may_not_create_is_told_and_not_tried_again(hub: Hub) -> None:
    store = open_store(hub, hub.add_user("bob"), card=CARD)
    with pytest.raises(
        DatasetMissing, match=r"It could not be created: the token in HF_TOKEN lacks the permission"
    ):
        store.snapshot()
    hub.calls.reset()
    with pytest.raises(DatasetMissing):
        store.snapshot()
    assert routes(hub) == ["info"]


def test_a_creation_that_met_a_fault_is_tried_again(hub: Hub, token: str) -> None:
    hub.faults.strike_next(Fault.UNAVAILABLE, times=100, route="create")
    client = Client(token, endpoint=hub.url, patience=0)
    store = HubStore(client, "acme/requests", card=CARD)
    with pytest.raises(DatasetMissing, match=r"It could not be created: the Hub answers with an error"):
        store.snapshot()
    hub.faults.stop()
    assert store.snapshot().files.keys() == {"README.md"}


def test_a_dataset_that_is_deleted_while_it_is_used_is_not_made_anew(
    hub: Hub, store: HubStore, token: str, dataset: Repository
) -> None:
    store = open_store(hub, token, card=CARD)
    store.snapshot()
    hub.delete(dataset.name)
    with pytest.raises(DatasetMissing):
        store.snapshot()
    assert hub.find(dataset.name) is None


def test_the_card_of_a_dataset_that_somebody_else_created_at_the_same_time_is_left_alone(
    hub: Hub, store: HubStore, token: str, dataset: Repository
) -> None:
    open_store(hub, token)._create(CARD)
    assert dataset.read("README.md") == b"# Requests"


def test_a_token_that_gets_the_permission_later_creates_what_is_missing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(hub, hub.add_user("bob"), card=CARD)
    with pytest.raises(DatasetMissing):
        store.snapshot()
    hub.accounts.users["bob"].organizations["acme"] = "write"  # type: ignore[index]
    monkeypatch.setattr("src.shared.stores.hub_store.CREATED_AGAIN_AFTER", timedelta())
    assert store.snapshot().files.keys() == {"README.md"}


def test_without_a_token_a_missing_dataset_is_told_with_the_command_too(hub: Hub) -> None:
    with pytest.raises(
        DatasetMissing, match=r"HF_TOKEN is not set\. Create it with `hf repos create"
    ) as error:
        open_store(hub, None).snapshot()
    assert "OWNER" in str(error.value)


def test_a_dataset_that_appears_later_is_read(hub: Hub, token: str) -> None:
    store = open_store(hub, hub.add_token("alice", "read"), card=CARD)
    with pytest.raises(DatasetMissing):
        store.snapshot()
    hub.add_dataset("acme/requests", FEW)
    assert store.snapshot().files.keys() == FEW.keys()


# Pace


def test_own_commits_and_those_of_others_are_counted_for_an_hour(
    hub: Hub, token: str, dataset: Repository
) -> None:
    now = datetime(2026, 1, 31, tzinfo=UTC)
    pace = Pace(clock=lambda: now)
    store = open_store(hub, token, pace=pace)
    parent = store.snapshot()
    before = pace.used
    write(store, parent, a=b"[1]")
    store.snapshot()
    dataset.put({"x.json": "{}"})
    store.snapshot()
    assert pace.used == before + 2
    now += timedelta(hours=1)
    assert pace.used == 0


def test_several_commits_of_others_between_two_looks_count_as_one_and_cost_no_call(
    hub: Hub, token: str, dataset: Repository
) -> None:
    store = open_store(hub, token)
    store.snapshot()
    before = store.pace.used
    hub.calls.reset()
    for look in range(2):
        for number in range(7):
            dataset.put({f"x{look}-{number}.json": "{}"})
        store.snapshot()
    assert store.pace.used == before + 2
    assert hub.calls.count(route="commits") == 0


def test_the_commits_of_the_last_hour_count_after_a_restart(
    hub: Hub, token: str, dataset: Repository
) -> None:
    for number in range(7):
        dataset.put({f"x{number}.json": "{}"})
    store = open_store(hub, token)
    store.snapshot()
    assert store.pace.used >= 7


def test_more_commits_of_the_last_hour_than_one_page_has_are_counted_in_one_call(
    hub: Hub, token: str, dataset: Repository
) -> None:
    for number in range(100):
        dataset.put({f"x{number}.json": "{}"})
    store = open_store(hub, token)
    hub.calls.reset()
    store.snapshot()
    assert store.pace.used >= 100
    assert hub.calls.count(route="commits") == 1


def test_the_hub_of_the_tests_pages_its_history_as_the_real_one(
    hub: Hub, token: str, dataset: Repository
) -> None:
    for number in range(60):
        dataset.put({f"x{number}.json": "{}"})
    client = Client(token, endpoint=hub.url)
    address = f"{hub.url}/api/datasets/acme/requests/commits/main"
    lengths = [len(json.loads(client.get(f"{address}{query}"))) for query in ("", "?limit=55", "?limit=5")]
    assert lengths == [50, 55, 5]
    assert len(client.api.list_repo_commits("acme/requests", repo_type="dataset")) >= 60


def test_a_commit_that_the_hub_refuses_for_their_number_fills_the_pace(hub: Hub, token: str) -> None:
    hub.add_dataset("acme/requests", FEW)
    store = HubStore(Client(token, endpoint=hub.url, patience=0), "acme/requests")
    parent = store.snapshot()
    hub.faults.strike_next(Fault.RATE_LIMITED, route="commit", times=5)
    with pytest.raises(StoreError):
        write(store, parent, a=b"[1]")
    assert store.pace.is_full


def test_a_conflict_costs_no_look_at_the_history(hub: Hub, store: HubStore, dataset: Repository) -> None:
    parent = store.snapshot()
    dataset.put({"acme/new.json": "{}"})
    hub.calls.reset()
    with pytest.raises(Conflict):
        write(store, parent, a=b"[1]")
    assert routes(hub) == ["preupload", "commit"]


def test_who_writes_seldom_does_not_wait_and_who_writes_much_waits_longer_and_longer() -> None:
    pace, longest = Pace(), timedelta(minutes=2)
    pauses = []
    for _ in range(COMMITS):
        assert not pace.is_full
        pauses.append(pace.pause(longest, begins=0.25, longest_from=0.75))
        pace.note()
    assert pace.is_full
    assert set(pauses[: COMMITS // 4 + 1]) == {timedelta()}
    assert pauses == sorted(pauses)
    assert timedelta() < pauses[COMMITS // 2] < longest
    assert set(pauses[COMMITS * 3 // 4 :]) == {longest}
