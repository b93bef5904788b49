"""Whose a dataset is: a second leaderboard's Space leaves it alone, a renamed or restarted one does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from src.shared.data.names import BOARD
from src.shared.errors import BadFile, NotOurs, StoreError
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.hub import Hub as Client
from src.shared.stores.hub_spaces import current_name
from src.shared.stores.whose import Role, Whose, read_spaces, write_spaces
from support.hub import Fault, Hub, running_hub
from support.hub.repository import RepoName


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def starts(store: FolderStore, role: Role, space: str | None, **options: object) -> Whose:
    """A Space that looks whether the dataset is its leaderboard's."""
    whose = Whose(role, space, **options)  # type: ignore[arg-type]
    whose.check(store, store.snapshot())
    return whose


def named(store: FolderStore) -> dict[Role, tuple[str, ...]]:
    return dict(read_spaces((store.folder / BOARD).read_bytes()))


def test_the_first_spaces_name_themselves_and_restarts_write_nothing(store: FolderStore) -> None:
    starts(store, Role.FRONTEND, "acme/leaderboard")
    starts(store, Role.BACKEND, "acme/backend")
    assert named(store) == {Role.FRONTEND: ("acme/leaderboard",), Role.BACKEND: ("acme/backend",)}
    before = store.snapshot()
    starts(store, Role.FRONTEND, "acme/leaderboard")
    starts(store, Role.BACKEND, "Acme/Backend")
    assert store.snapshot() == before


@pytest.mark.parametrize("role", Role)
def test_a_duplicate_in_the_same_organisation_is_told_and_changes_nothing(
    store: FolderStore, role: Role
) -> None:
    starts(store, role, "acme/first")
    before = store.snapshot()
    with pytest.raises(
        NotOurs, match=r"belongs to the leaderboard whose .* is acme/first, so this Space"
    ) as told:
        starts(store, role, "acme/second", current_name=lambda name: name)
    assert "set QUEUE_REPO and RESULTS_REPO in both of its Spaces" in str(told.value)
    assert store.snapshot() == before


def test_a_space_that_was_renamed_is_no_other_leaderboard(store: FolderStore) -> None:
    starts(store, Role.BACKEND, "acme/old-name")
    starts(store, Role.BACKEND, "acme/new-name", current_name={"acme/old-name": "acme/new-name"}.get)
    assert named(store) == {Role.BACKEND: ("acme/new-name",)}


def test_a_space_whose_predecessor_cannot_be_found_is_told_what_to_do(store: FolderStore) -> None:
    starts(store, Role.BACKEND, "acme/old-name")
    with pytest.raises(NotOurs, match=r"write its name into \.leaderboard/board\.yaml there"):
        starts(store, Role.BACKEND, "acme/new-name")


def test_the_owner_names_a_second_backend_by_hand(store: FolderStore) -> None:
    starts(store, Role.BACKEND, "acme/backend")
    (store.folder / BOARD).write_bytes(write_spaces({Role.BACKEND: ("acme/backend", "acme/gpu")}))
    starts(store, Role.BACKEND, "acme/gpu")
    assert named(store)[Role.BACKEND] == ("acme/backend", "acme/gpu")


def test_outside_a_space_nothing_is_checked_or_written(store: FolderStore) -> None:
    starts(store, Role.BACKEND, None)
    assert store.snapshot().files == {}


def test_a_file_that_says_nothing_is_told(store: FolderStore) -> None:
    (store.folder / BOARD).parent.mkdir()
    (store.folder / BOARD).write_text("frontends: {a: b}")
    with pytest.raises(
        NotOurs, match="does not say whose leaderboard this is: frontends is not a list of names"
    ):
        starts(store, Role.FRONTEND, "acme/leaderboard")


@pytest.mark.parametrize("text", ["[]\n- x: [", "[1]", "frontends: [[a]]", "backend: [acme/x]", "1: x"])
def test_odd_files_are_bad_files(text: str) -> None:
    with pytest.raises(BadFile):
        read_spaces(text.encode())


def test_a_look_at_a_file_that_stays_costs_nothing(store: FolderStore) -> None:
    whose = starts(store, Role.BACKEND, "acme/backend")
    snapshot = store.snapshot()
    store.read = None  # type: ignore[assignment, method-assign]
    whose.check(store, snapshot)


class ReadOnly(FolderStore):
    def commit(self, **_: object) -> None:  # type: ignore[override]
        raise StoreError("The token in HF_TOKEN may only read.")


def test_a_frontend_that_can_only_read_shows_the_table_all_the_same(tmp_path: Path) -> None:
    starts(ReadOnly(tmp_path), Role.FRONTEND, "acme/leaderboard", must_write=False)
    with pytest.raises(StoreError, match="may only read"):
        starts(ReadOnly(tmp_path), Role.BACKEND, "acme/backend")


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


def test_the_hub_says_what_a_space_is_called(hub: Hub) -> None:
    hub.add(RepoName("space", "acme/leaderboard"))
    client = Client(hub.add_user("alice", {"acme": "write"}), endpoint=hub.url, patience=0)
    assert current_name(client, "acme/leaderboard") == "acme/leaderboard"
    assert current_name(client, "acme/nothing") is None
    hub.rename("space", "acme/leaderboard", "acme/board")
    assert current_name(client, "acme/leaderboard") == "acme/board"
    hub.faults.strike_share(1, [Fault.UNAVAILABLE])
    with pytest.raises(StoreError, match="Cannot look up the Space acme/leaderboard"):
        current_name(client, "acme/leaderboard")


def test_looking_tells_whose_it_is_and_writes_nothing(store: FolderStore) -> None:
    mine = Whose(Role.FRONTEND, "acme/first")
    before = store.snapshot()
    mine.look(store, before)
    assert store.snapshot() == before
    mine.check(store, before)
    mine.look(store, store.snapshot())
    Whose(Role.BACKEND, "acme/worker").look(store, store.snapshot())
    with pytest.raises(NotOurs, match="belongs to the leaderboard whose frontend is acme/first"):
        Whose(Role.FRONTEND, "acme/second", lambda name: name).look(store, store.snapshot())
    Whose(Role.FRONTEND, None).look(store, store.snapshot())
    assert named(store) == {Role.FRONTEND: ("acme/first",)}
