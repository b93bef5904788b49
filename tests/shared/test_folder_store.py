"""The store in a local folder: edits by hand, crashes, a full disk, and what else may lie in a folder."""

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from src.shared.errors import Conflict, StoreError
from src.shared.stores import folder_store
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.store import Snapshot
from support.store_processes import die_at_every_write, start
from support.waiting import PATIENCE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "dataset"


@pytest.fixture
def store(folder: Path) -> FolderStore:
    store = FolderStore(folder)
    store.snapshot()
    return store


def put(store: FolderStore, **files: bytes) -> Snapshot:
    store.commit(add=files, message="put", parent=store.snapshot())
    return store.snapshot()


def everything(folder: Path) -> dict[str, bytes]:
    store = FolderStore(folder)
    snapshot = store.snapshot()
    return store.read(snapshot, list(snapshot.files))


# Edits by hand


def test_every_edit_by_hand_shows_even_with_the_same_size_in_one_tick_of_the_clock(
    store: FolderStore, folder: Path
) -> None:
    for number in range(200):
        content = b"%03d" % number
        (folder / "a.json").write_bytes(content)
        assert store.read(store.snapshot(), ["a.json"]) == {"a.json": content}


def test_an_edit_by_hand_shows_even_with_the_old_size_and_the_old_time(
    store: FolderStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_store, "SETTLED_SECONDS", -3600.0)  # trust the files' stamps at once
    path = folder / "a.json"
    path.write_bytes(b"old")
    before, times = store.snapshot(), path.stat()
    while path.stat().st_ctime_ns == times.st_ctime_ns:
        path.write_bytes(b"new")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert store.snapshot().revision != before.revision


def test_a_commit_after_an_edit_by_hand_is_a_conflict(store: FolderStore, folder: Path) -> None:
    parent = put(store, a=b"1")
    (folder / "a").write_bytes(b"2")
    with pytest.raises(Conflict):
        store.commit(add={"a": b"3"}, message="late", parent=parent)


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"2")])
def test_reading_what_was_changed_by_hand_since_the_snapshot_is_a_conflict(
    store: FolderStore, folder: Path, change: Callable[[Path], object]
) -> None:
    snapshot = put(store, a=b"1")
    change(folder / "a")
    with pytest.raises(Conflict):
        store.read(snapshot, ["a"])


def test_files_that_have_not_changed_are_not_read_again(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, a=b"1", b=b"2")
    monkeypatch.setattr(folder_store, "SETTLED_SECONDS", -3600.0)
    before = store.snapshot()
    monkeypatch.setattr(folder_store, "blob_id", lambda data: pytest.fail("read again"))
    assert store.snapshot() == before


def test_a_file_that_changed_a_moment_ago_is_read_again_for_the_clock_may_not_have_ticked_since(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, a=b"1")
    monkeypatch.setattr(folder_store, "SETTLED_SECONDS", 3600.0)
    store.snapshot()
    monkeypatch.setattr(folder_store, "blob_id", lambda data: "read again")
    assert store.snapshot().files == {"a": "read again"}


# Crashes

OLD = {"changed": b"1", "org/deleted": b"2", "kept": b"3"}
ADD = {"changed": b"4", "org/new": b"5", "other/new": b"6"}
NEW = ADD | {"kept": b"3"}


@pytest.fixture
def crashes(store: FolderStore, folder: Path, tmp_path: Path) -> list[Path]:
    """Folders in each of which the same commit was killed (SIGKILL), one write later every time."""
    store.commit(add=OLD, message="old", parent=store.snapshot())
    process = start(die_at_every_write, folder, tmp_path / "crashes", ADD, ["org/deleted"])
    process.join(PATIENCE)
    assert process.exitcode == 0
    return sorted((tmp_path / "crashes").iterdir(), key=lambda path: int(path.name))


def test_a_process_killed_at_any_write_leaves_the_old_state_or_the_new_one(crashes: list[Path]) -> None:
    journals = [(crash / ".leaderboard" / "journal.json").exists() for crash in crashes]
    states = [everything(crash) for crash in crashes]
    assert states == [OLD] * states.count(OLD) + [NEW] * states.count(NEW)
    assert states.count(OLD) > 5
    assert journals.count(True) > 5, "some died between the journal and the end of what it says"
    assert not journals[-1], "the last one was not killed"


def test_after_a_crash_the_folder_takes_new_commits_and_nothing_comes_back(crashes: list[Path]) -> None:
    for crash in crashes:
        put(FolderStore(crash), changed=b"7")
        assert everything(crash)["changed"] == b"7"


def test_what_was_edited_by_hand_after_a_crash_is_kept(crashes: list[Path]) -> None:
    crash = next(crash for crash in reversed(crashes) if (crash / ".leaderboard" / "journal.json").exists())
    (crash / "changed").write_bytes(b"by hand")
    assert everything(crash) == NEW | {"changed": b"by hand"}


def test_a_file_that_was_never_completed_is_not_seen(store: FolderStore, folder: Path) -> None:
    (folder / ".a.json.part").write_bytes(b"{")
    assert store.snapshot().files == {}
    put(store, **{"a.json": b"{}"})
    assert everything(folder) == {"a.json": b"{}"}


# What cannot be written


@contextmanager
def no_room_for(size: int) -> Iterator[None]:
    """Within it, no file can grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("files", [{"a": b"", "b": bytes(1001)}, {f"name-{n:060}": b"1" for n in range(20)}])
def test_a_full_disk_leaves_the_old_state_and_says_so(
    store: FolderStore, folder: Path, files: dict[str, bytes]
) -> None:
    """The first commit has too long a file, the second one too long a journal."""
    before = put(store, a=b"1")
    with no_room_for(1000), pytest.raises(StoreError, match=r"^Cannot use .*room on the disk\.$"):
        store.commit(add=files, message="much", parent=before)
    assert store.snapshot() == before
    assert not list(folder.rglob("*.part")), "nothing was left that takes room"
    put(store, a=b"2")


@pytest.mark.parametrize("name", ["file/x.json", "taken", "link", "linked/x.json", "new/x/y"])
def test_a_name_that_something_else_has_is_refused_and_the_folder_stays_usable(
    store: FolderStore, folder: Path, tmp_path: Path, name: str
) -> None:
    (folder / "taken").mkdir()
    (folder / "link").symlink_to("file")
    (folder / "linked").symlink_to(tmp_path)
    before = put(store, file=b"1")
    with pytest.raises(StoreError, match=r"^Cannot write "):
        store.commit(add={name: b"2", "new/x": b"3"}, message="bad", parent=before)
    assert store.snapshot() == before
    assert not (tmp_path / "x.json").exists()


def test_one_file_cannot_be_both_written_and_deleted(store: FolderStore) -> None:
    before = put(store, a=b"1")
    with pytest.raises(StoreError, match=r"^Cannot write "):
        store.commit(add={"a": b"2"}, delete=["a"], message="bad", parent=before)


def test_a_folder_that_is_a_file_is_told_in_a_sentence(folder: Path) -> None:
    folder.write_text("")
    with pytest.raises(StoreError, match=r"^Cannot use .*dataset.*\.$"):
        FolderStore(folder).snapshot()


def test_a_folder_that_stays_locked_is_told_in_a_sentence(
    store: FolderStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_store, "LOCK_TIMEOUT_SECONDS", 0.01)
    with (
        FileLock(folder / ".leaderboard" / "lock"),
        pytest.raises(StoreError, match="has been locked by another"),
    ):
        FolderStore(folder).snapshot()


# What else may lie in a folder


def test_only_visible_files_of_this_folder_are_listed(
    store: FolderStore, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.json").write_text("{}")
    (folder / "linked").symlink_to(tmp_path / "outside")
    (folder / "link.json").symlink_to(tmp_path / "outside" / "secret.json")
    (folder / "dangling.json").symlink_to("nowhere")
    (folder / os.fsdecode(b"latin-\xfc.json")).write_text("{}")
    (folder / ".git").mkdir()
    (folder / ".git" / "config.json").write_text("{}")
    (folder / "empty").mkdir()
    os.mkfifo(folder / "pipe.json")
    assert put(store, **{"a.json": b"{}"}).files.keys() == {"a.json"}


def test_defect_5_the_hub_clients_own_json_files_are_not_data(store: FolderStore, folder: Path) -> None:
    cache = folder / ".cache" / "huggingface"
    cache.mkdir(parents=True)
    (cache / "download.json").write_text("{")
    assert store.snapshot().files == {}
