"""Keeping a dataset's parsed files up to date."""

from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from src.shared.data.request import Request, read_request, write_request
from src.shared.errors import Conflict, StoreError
from src.shared.stores.conflicts import TRIES
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.mirror import Mirror
from src.shared.stores.store import Snapshot
from support.factories import make_request


class WatchedStore(FolderStore):
    """Remembers which files were read, and lets something happen just before."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reads: list[list[str]] = []
        self.before_reading: Callable[[], None] = lambda: None

    def read(self, snapshot: Snapshot, paths: Collection[str]) -> dict[str, bytes]:
        self.reads.append(sorted(paths))
        self.before_reading()
        return super().read(snapshot, paths)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "requests").mkdir()
    return tmp_path / "requests"


@pytest.fixture
def store(folder: Path) -> WatchedStore:
    return WatchedStore(folder)


@pytest.fixture
def mirror(store: WatchedStore) -> Mirror[Request]:
    return Mirror(store, lambda path, data: read_request(data))


def write(folder: Path, name: str, **changes: object) -> None:
    (folder / name).write_bytes(write_request(make_request(**changes)))


def test_the_first_look_reads_everything_and_the_next_one_nothing(
    mirror: Mirror[Request], store: WatchedStore, folder: Path
) -> None:
    write(folder, "a.json", model="x/a")
    write(folder, "b.json", model="x/b")
    first = mirror.refresh()
    assert first.values == {"a.json": make_request(model="x/a"), "b.json": make_request(model="x/b")}
    assert mirror.refresh() is first
    assert store.reads == [["a.json", "b.json"]]


def test_only_what_changed_is_read(mirror: Mirror[Request], store: WatchedStore, folder: Path) -> None:
    for name in ["a.json", "b.json", "c.json"]:
        write(folder, name)
    mirror.refresh()
    write(folder, "b.json", model="x/b")
    write(folder, "d.json")
    (folder / "a.json").unlink()
    reading = mirror.refresh()
    assert store.reads[1:] == [["b.json", "d.json"]]
    assert reading.values.keys() == {"b.json", "c.json", "d.json"}
    assert reading.values["b.json"].model == "x/b"


def test_a_broken_file_is_named_once_in_the_log_and_its_neighbours_are_kept(
    mirror: Mirror[Request], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(folder, "good.json")
    (folder / "bad.json").write_text("{")
    for _ in range(2):
        reading = mirror.refresh()
        assert reading.values.keys() == {"good.json"}
        assert reading.broken.keys() == {"bad.json"}
        write(folder, "good.json", model="x/changed")
    assert caplog.text.count("skipped bad.json") == 1


def test_a_broken_file_that_is_mended_counts_again(mirror: Mirror[Request], folder: Path) -> None:
    (folder / "a.json").write_text("{")
    mirror.refresh()
    write(folder, "a.json")
    reading = mirror.refresh()
    assert (set(reading.values), reading.broken) == ({"a.json"}, {})


def test_a_file_whose_name_could_not_be_written_again_is_broken(
    mirror: Mirror[Request], folder: Path
) -> None:
    write(folder, "a\u202eb.json")
    reading = mirror.refresh()
    assert (reading.values, list(reading.broken)) == ({}, ["a\u202eb.json"])
    assert "rename it" in reading.broken["a\u202eb.json"]


def test_what_is_no_data_is_not_read(mirror: Mirror[Request], store: WatchedStore, folder: Path) -> None:
    for name in ["index", "logs"]:
        (folder / name).mkdir()
        (folder / name / "x.json").write_text("{")
    (folder / "README.md").write_text("# Requests")
    assert (mirror.refresh().values, mirror.refresh().broken, store.reads) == ({}, {}, [])


def test_a_change_during_reading_is_read_again(
    mirror: Mirror[Request], store: WatchedStore, folder: Path
) -> None:
    write(folder, "a.json", model="x/old")

    def edit_once() -> None:
        store.before_reading = lambda: None
        write(folder, "a.json", model="x/new")

    store.before_reading = edit_once
    assert mirror.refresh().values["a.json"].model == "x/new"
    assert len(store.reads) == 2


def test_a_dataset_that_changes_all_the_time_is_told_in_a_sentence(
    mirror: Mirror[Request], store: WatchedStore, folder: Path
) -> None:
    write(folder, "a.json")
    store.before_reading = lambda: write(folder, "a.json", model=f"x/{len(store.reads)}")
    with pytest.raises(StoreError, match="changes faster than it can be read") as error:
        mirror.refresh()
    assert not isinstance(error.value, Conflict)
    assert len(store.reads) == TRIES


def test_after_an_error_the_next_look_has_everything(
    mirror: Mirror[Request], store: WatchedStore, folder: Path
) -> None:
    write(folder, "a.json")
    mirror.refresh()
    write(folder, "b.json")

    def fail() -> None:
        raise StoreError("The disk is gone.")

    store.before_reading = fail
    with pytest.raises(StoreError):
        mirror.refresh()
    store.before_reading = lambda: None
    assert mirror.refresh().values.keys() == {"a.json", "b.json"}
