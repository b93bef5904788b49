"""What every store promises, whatever is behind it."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from secrets import token_hex

import pytest
from huggingface_hub import HfApi

from src.shared.errors import Conflict, StoreError
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.hub import Hub
from src.shared.stores.hub_store import HubStore
from src.shared.stores.store import Snapshot, Store, blob_id
from support.hub import running_hub
from support.store_processes import count_up, start
from support.waiting import PATIENCE


def open_folder(folder: Path) -> Store:
    return FolderStore(folder / "dataset")


def open_hub(url: str | None, token: str, name: str) -> Store:
    return HubStore(Hub(token, endpoint=url), name)


@contextmanager
def live_dataset() -> Iterator[tuple[str, str]]:
    """A private dataset on the real Hub, which is deleted at the end, and a token that can write to it."""
    organisation = os.environ.get("LEADERBOARD_LIVE_ORG")
    token = os.environ.get("LEADERBOARD_LIVE_TOKEN")
    if not organisation or not token:
        pytest.fail("set LEADERBOARD_LIVE_ORG, and LEADERBOARD_LIVE_TOKEN to a token that can write to it")
    name = f"{organisation}/leaderboard-contract-{token_hex(4)}"
    api = HfApi(token=token)
    api.create_repo(name, repo_type="dataset", private=True)
    try:
        yield token, name
    finally:
        api.delete_repo(name, repo_type="dataset")


IMPOSSIBLE_NAMES = [
    "",
    "/etc/x.json",
    "../x.json",
    "a/../../x.json",
    "./x.json",
    "a//x.json",
    "a/",
    ".hidden.json",
    ".git/config",
    "a/.cache/x.json",
    "a\\x.json",
    "a\nx.json",
    "a\0x.json",
    "a\u202ex.json",
    "a\ud800.json",
    "x" * 300,
    "ü" * 150,
    "a/" * 600 + "x",
]


@pytest.fixture(params=["folder", "hub", pytest.param("live", marks=pytest.mark.live)])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Opens the same dataset at every call."""
    match request.param:
        case "folder":
            yield partial(open_folder, tmp_path)
        case "hub":
            with running_hub() as hub:
                token = hub.add_user("alice", {"acme": "write"})
                hub.add_dataset("acme/dataset")
                yield partial(open_hub, hub.url, token, "acme/dataset")
        case "live":
            with live_dataset() as (token, name):
                yield partial(open_hub, None, token, name)


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    return open_store()


def put(store: Store, **files: bytes) -> Snapshot:
    store.commit(add=files, message="put", parent=store.snapshot())
    return store.snapshot()


def everything(store: Store) -> dict[str, bytes]:
    snapshot = store.snapshot()
    return store.read(snapshot, list(snapshot.files))


def test_a_new_dataset_is_empty(store: Store) -> None:
    assert everything(store) == {}


def test_what_was_committed_is_read_again(store: Store) -> None:
    files = {"acme/tiny.json": b"{}", "empty": b"", "ünï cödé/🟢.json": bytes(range(256)) * 5000}
    store.commit(add=files, message="add", parent=store.snapshot())
    assert everything(store) == files


def test_while_nothing_changes_the_snapshot_stays_the_same(store: Store) -> None:
    assert put(store, a=b"1") == store.snapshot()


def test_a_log_can_be_written_and_is_not_listed(store: Store) -> None:
    before = put(store, a=b"1")
    store.commit(add={"logs/acme/tiny/1.txt": b"2", "b": b"3"}, message="log", parent=before)
    assert everything(store) == {"a": b"1", "b": b"3"}


def test_blob_ids_are_those_of_git(store: Store) -> None:
    content = b"some bytes \xff"
    git = subprocess.run(["git", "hash-object", "--stdin"], input=content, capture_output=True, check=True)
    assert put(store, a=content).files == {"a": git.stdout.decode().strip()} == {"a": blob_id(content)}


def test_only_the_files_that_were_asked_for_are_read(store: Store) -> None:
    assert store.read(put(store, a=b"1", b=b"2"), ["b"]) == {"b": b"2"}


def test_one_commit_adds_changes_and_deletes(store: Store) -> None:
    parent = put(store, changed=b"1", deleted=b"2", kept=b"3")
    store.commit(add={"changed": b"4", "new": b"5"}, delete=["deleted"], message="all", parent=parent)
    assert everything(store) == {"changed": b"4", "new": b"5", "kept": b"3"}


def test_a_commit_on_an_old_snapshot_is_a_conflict_and_changes_nothing(store: Store) -> None:
    old = store.snapshot()
    now = put(store, a=b"1")
    with pytest.raises(Conflict):
        store.commit(add={"b": b"2"}, delete=["a"], message="late", parent=old)
    assert store.snapshot() == now


def test_every_change_has_a_revision_of_its_own(store: Store) -> None:
    revisions = [put(store, a=b"1"), put(store, a=b"2"), put(store, b=b"1")]
    assert len({each.revision for each in revisions}) == 3


def test_a_commit_that_changes_nothing_succeeds(store: Store) -> None:
    before = put(store, a=b"1")
    store.commit(add={"a": b"1"}, message="again", parent=before)
    store.commit(add={}, message="nothing", parent=store.snapshot())
    assert store.snapshot().files == before.files


def test_a_commit_that_changes_nothing_is_a_conflict_too_on_an_old_snapshot(store: Store) -> None:
    old = put(store, a=b"1")
    put(store, b=b"2")
    for add in ({"a": b"1"}, {}):
        with pytest.raises(Conflict):
            store.commit(add=add, message="late", parent=old)


def test_an_old_snapshot_is_read_as_it_was_or_not_at_all(store: Store) -> None:
    old = put(store, changed=b"1", deleted=b"2")
    store.commit(add={"changed": b"3"}, delete=["deleted"], message="change", parent=old)
    for path, was in [("changed", b"1"), ("deleted", b"2")]:
        with suppress(Conflict):
            assert store.read(old, [path]) == {path: was}


def test_two_who_open_a_dataset_see_each_others_commits(open_store: Callable[[], Store]) -> None:
    one, other = open_store(), open_store()
    parent = other.snapshot()
    put(one, a=b"1")
    with pytest.raises(Conflict):
        other.commit(add={"a": b"2"}, message="late", parent=parent)
    put(other, a=b"3")
    assert everything(one) == {"a": b"3"}


@pytest.mark.parametrize("name", IMPOSSIBLE_NAMES)
def test_an_impossible_name_is_refused_in_a_sentence_and_the_dataset_stays_usable(
    store: Store, name: str
) -> None:
    before = put(store, a=b"1")
    with pytest.raises(StoreError, match=r"^Cannot write .* to .*\.$"):
        store.commit(add={"good": b"2", name: b"3"}, message="bad", parent=before)
    assert store.snapshot() == before
    assert put(store, good=b"4").files.keys() == {"a", "good"}


@pytest.mark.parametrize("name", ["b", "../a", "a/b"])
def test_deleting_what_is_not_there_is_refused_in_a_sentence(store: Store, name: str) -> None:
    before = put(store, a=b"1")
    with pytest.raises(StoreError, match=r"^Cannot delete .* from .*\.$"):
        store.commit(add={"good": b"2"}, delete=[name], message="bad", parent=before)
    assert everything(store) == {"a": b"1"}


def test_of_two_processes_that_count_at_once_no_count_is_lost(open_store: Callable[[], Store]) -> None:
    put(open_store(), count=b"0")
    processes = [start(count_up, open_store, 20) for _ in range(2)]
    for process in processes:
        process.join(PATIENCE)
    assert [process.exitcode for process in processes] == [0, 0]
    assert everything(open_store()) == {"count": b"40"}


def test_logs_and_samples_are_listed_by_folder_and_can_be_deleted(store: Store) -> None:
    log, samples = ".logs/acme/tiny/1.txt", ".samples/acme/tiny/1/task.parquet"
    before = put(store, **{log: b"1", samples: b"2", ".logs/acme/tiny-2/1.txt": b"3", "a": b"4"})
    assert list(store.listed_below(".logs/acme/tiny")) == [log]
    assert list(store.listed_below(".samples/acme/tiny")) == [samples]
    assert not store.listed_below(".logs/acme/none")
    store.commit(add={}, delete=[log, samples], message="remove", parent=before)
    assert not store.listed_below(".logs/acme/tiny")
    assert list(store.listed_below(".logs")) == [".logs/acme/tiny-2/1.txt"]
    assert everything(store) == {"a": b"4"}
