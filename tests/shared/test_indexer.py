"""When an index is renewed: seldom, by one of several Spaces, and never over a newer one."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from src.shared.data.cards import REQUESTS_CARD
from src.shared.data.names import BLOCKLIST, places
from src.shared.data.request import Request, read_request, write_request
from src.shared.index.index import FORMAT
from src.shared.index.indexes import REQUESTS_INDEX
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.indexer import AGE, AT_MOST_EVERY, MANY, Indexer
from src.shared.stores.mirror import Mirror
from src.shared.stores.store import Snapshot
from src.shared.times import utc_now
from support.factories import make_request


class Space:
    """A Space that keeps the index of a folder of requests."""

    def __init__(self, folder: Path) -> None:
        self.now = utc_now()
        store = FolderStore(folder)
        self._mirror: Mirror[Request] = Mirror(
            store, lambda path, data: read_request(data), index=REQUESTS_INDEX
        )
        self._indexer = Indexer(store, self._mirror, REQUESTS_INDEX, lambda: self.now)

    def looks(self) -> bool:
        """Whether it renews the index at a look."""
        reading = self._mirror.refresh()
        data = self._indexer.due(reading)
        if data:
            self._indexer.write(reading, data)
        return data is not None


def submit(folder: Path, number: int, *, prefix: str = "model") -> None:
    (folder / "acme").mkdir(parents=True, exist_ok=True)
    for each in range(number):
        request = make_request(model=f"acme/{prefix}-{each}")
        (folder / "acme" / f"{prefix}-{each}.json").write_bytes(write_request(request))


def test_four_spaces_renew_an_index_once_in_half_an_hour(tmp_path: Path) -> None:
    spaces = [Space(tmp_path) for _ in range(4)]
    renewals = []
    for minute in range(120):
        submit(tmp_path, 1, prefix=f"minute-{minute}")
        for space in spaces:
            space.now += timedelta(minutes=1)
            if space.looks():
                renewals.append(minute)
    assert len(renewals) in (3, 4)


def test_many_missing_files_are_worth_a_renewal_but_not_at_every_look(tmp_path: Path) -> None:
    space = Space(tmp_path)
    submit(tmp_path, MANY)
    assert space.looks()
    submit(tmp_path, MANY, prefix="more")
    assert not space.looks()
    space.now += AT_MOST_EVERY
    assert space.looks()


def test_an_index_of_a_newer_version_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submit(tmp_path, MANY)
    with monkeypatch.context() as patch:
        patch.setattr("src.shared.index.index.FORMAT", FORMAT + 1)
        assert Space(tmp_path).looks()
    before = (tmp_path / REQUESTS_INDEX.path).read_bytes()
    space = Space(tmp_path)
    assert not space.looks()
    space.now += AGE
    assert not space.looks()
    assert (tmp_path / REQUESTS_INDEX.path).read_bytes() == before


def put_back(folder: Path) -> None:
    """Leave the folder as the version before did, which knew no hidden folder."""
    (folder / "index").mkdir()
    for path in (REQUESTS_INDEX.path, BLOCKLIST):
        (folder / path).rename(folder / places(path)[1])


def test_our_own_files_move_out_of_the_sight_of_old_readers_in_one_commit(tmp_path: Path) -> None:
    submit(tmp_path, MANY)
    assert Space(tmp_path).looks()
    (tmp_path / BLOCKLIST).write_text("users: [mallory]")
    put_back(tmp_path)
    space = Space(tmp_path)
    assert space.looks()
    files = {path for path in FolderStore(tmp_path).snapshot().files if not path.startswith("acme/")}
    assert files == {REQUESTS_INDEX.path, BLOCKLIST}
    assert (tmp_path / BLOCKLIST).read_text() == "users: [mallory]"
    space.now += AGE
    assert not space.looks()


def test_the_card_names_the_index_in_its_new_place_and_is_else_as_the_owner_wrote_it(tmp_path: Path) -> None:
    submit(tmp_path, MANY)
    assert Space(tmp_path).looks()
    (tmp_path / BLOCKLIST).write_text("")
    put_back(tmp_path)
    old = REQUESTS_CARD.replace(".leaderboard/", "index/").replace("# Requests", "# Ours")
    (tmp_path / "README.md").write_text(old)
    (tmp_path / "index" / "README.md").write_text("the owner's")
    assert Space(tmp_path).looks()
    card = (tmp_path / "README.md").read_text()
    assert card == old.replace("path: index/requests.parquet", "path: .leaderboard/requests.parquet")
    assert "# Ours" in card
    assert (tmp_path / "index" / "README.md").exists()


def test_an_index_in_its_old_place_spares_the_first_reading(tmp_path: Path) -> None:
    submit(tmp_path, MANY)
    assert Space(tmp_path).looks()
    (tmp_path / BLOCKLIST).write_text("")
    put_back(tmp_path)
    store = Reads(tmp_path)
    mirror: Mirror[Request] = Mirror(store, lambda path, data: read_request(data), index=REQUESTS_INDEX)
    assert len(mirror.refresh().values) == MANY
    assert store.paths == ["index/requests.parquet"]


def test_a_blocklist_that_was_written_anew_is_not_overwritten_by_the_old_one(tmp_path: Path) -> None:
    submit(tmp_path, MANY)
    assert Space(tmp_path).looks()
    (tmp_path / BLOCKLIST).write_text("users: [old]")
    put_back(tmp_path)
    (tmp_path / BLOCKLIST).write_text("users: [new]")
    assert Space(tmp_path).looks()
    assert (tmp_path / BLOCKLIST).read_text() == "users: [new]"


class Reads(FolderStore):
    """Remembers what was read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.paths: list[str] = []

    def read(self, snapshot: Snapshot, paths: Collection[str]) -> Mapping[str, bytes]:
        self.paths += paths
        return super().read(snapshot, paths)
