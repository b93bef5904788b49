"""Two maintainers and a worker act on one request at the same moment: one wins, the others are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from src.maintaining.maintainers import Maintainer
from src.maintaining.office import Office, Step
from src.shared.data.request import Lease, Request, Status, read_request, write_request
from src.shared.errors import NotPossible
from src.shared.moderation.acts import Act, read_moderation
from src.shared.stores.conflicts import Commit, update
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.hub import Hub as Client
from src.shared.stores.hub_store import HubStore
from src.shared.stores.mirror import Mirror, Reading
from src.shared.stores.store import Snapshot, Store
from src.submitting.group_commit import GroupCommit
from src.submitting.receipts import Receipt, submissions
from support.boards import NOW
from support.factories import make_request
from support.hub import Hub, running_hub
from support.waiting import PATIENCE

PATH = "acme/tiny_eval_request_False_float32_Original.json"
BOB, CAROL = Maintainer("bob"), Maintainer("carol")
LEASE = Lease("worker-7", "nonce", NOW, NOW, NOW + timedelta(hours=1))

SERIAL = count(1)

MakeStore = Callable[[str], Store]


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.add_user("acme")
        yield hub


@pytest.fixture(params=["in a folder", "on a Hub"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """Opens a dataset by its name: each time as another process would."""
    if request.param == "in a folder":
        return lambda name: FolderStore(tmp_path / name)
    hub: Hub = request.getfixturevalue("hub")
    token = hub.add_token("acme", "write")
    names = {name: f"acme/{name}-{next(SERIAL)}" for name in ("requests", "results")}
    for id in names.values():
        hub.add_dataset(id, {"README.md": "# A dataset"})

    def open_store(name: str) -> Store:
        return HubStore(Client(token, endpoint=hub.url), names[name])

    return open_store


class Meeting:
    """A store on which everybody has decided before the first commits."""

    def __init__(self, store: Store, barrier: Barrier) -> None:
        self._store, self._barrier, self._has_met = store, barrier, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def __str__(self) -> str:
        return str(self._store)

    def commit(self, *, parent: Snapshot, **options: Any) -> None:
        if not self._has_met:
            self._has_met = True
            self._barrier.wait(PATIENCE)
        self._store.commit(parent=parent, **options)


def read_by(store: Store) -> Callable[[], Reading[Request]]:
    return Mirror(store, lambda _, data: read_request(data)).refresh


def office_on(store: Store, results: Store) -> Office:
    group: GroupCommit[Request, Receipt] = GroupCommit(store, read_by(store), submissions())
    return Office(group, store, results, sync=lambda: None, clock=lambda: NOW)


def claim(store: Store) -> str:
    """What a worker's claim is: a commit on the state that it has read, decided again after a conflict."""
    told = ""

    def decide(reading: Reading[Request]) -> Commit | None:
        nonlocal told
        request = reading.values[PATH]
        told = f"it is {request.status}"
        if request.status is not Status.PENDING:
            return None
        told = "claimed"
        taken = make_request(status=Status.RUNNING, lease=LEASE, history=request.history)
        return Commit(reading.snapshot, "claim", {PATH: write_request(taken)})

    update(store, read_by(store), decide)
    return told


def put(store: Store, request: Request) -> None:
    store.commit(add={PATH: write_request(request)}, message="a request", parent=store.snapshot())


def outcome(future: Future[Receipt]) -> str:
    try:
        return future.result(PATIENCE).request.status.value
    except NotPossible as error:
        return str(error)


PAIRS = [
    (Step.APPROVE, Step.APPROVE, Status.WAITING),
    (Step.APPROVE, Step.REJECT, Status.WAITING),
    (Step.REJECT, Step.REJECT, Status.WAITING),
    (Step.AGAIN, Step.AGAIN, Status.FINISHED),
    (Step.AGAIN, Step.AGAIN, Status.FAILED),
    (Step.CANCEL, Step.CANCEL, Status.PENDING),
]


@pytest.mark.parametrize(("first", "second", "status"), PAIRS)
def test_of_two_maintainers_at_two_frontends_one_wins_and_the_other_is_told_who(
    make_store: MakeStore, first: Step, second: Step, status: Status
) -> None:
    put(make_store("requests"), make_request(status=status))
    barrier = Barrier(2)
    offices = [office_on(Meeting(make_store("requests"), barrier), make_store("results")) for _ in range(2)]
    futures = [
        office.step(step, PATH, "No.", who)
        for office, step, who in zip(offices, (first, second), (BOB, CAROL), strict=True)
    ]
    told = [outcome(each) for each in futures]
    store = make_store("requests")
    history = read_by(store)().values[PATH].history
    if Step.REJECT in (first, second) and first is Step.APPROVE and len(history) == 2:
        assert [each.by for each in history] == [
            "bob",
            "carol",
        ]  # what is approved can be rejected until it runs
        return
    [entry] = history
    lost = [each for each in told if "cannot be" in each]
    assert len(lost) == 1
    assert f"{entry.by} was first" in lost[0]
    assert told.index(lost[0]) == (0 if entry.by == "carol" else 1)


@pytest.mark.parametrize("step", [Step.REJECT, Step.CANCEL])
def test_while_a_worker_claims_it_one_wins_and_the_other_is_told(make_store: MakeStore, step: Step) -> None:
    put(make_store("requests"), make_request())
    barrier = Barrier(2)
    office = office_on(Meeting(make_store("requests"), barrier), make_store("results"))
    future = office.step(step, PATH, "No.", BOB)
    claimed = claim(Meeting(make_store("requests"), barrier))
    told = outcome(future)
    request = read_by(make_store("requests"))().values[PATH]
    if step is Step.CANCEL:  # what runs can be cancelled too, so the maintainer always wins
        assert (told, request.status) == ("CANCELLED", Status.CANCELLED)
        assert claimed in ("claimed", "it is CANCELLED")
    elif claimed == "claimed":
        assert "it is RUNNING" in told
        assert "The worker worker-7 has taken it" in told
        assert request.status is Status.RUNNING
    else:
        assert (claimed, told, request.status) == ("it is CANCELLED", "CANCELLED", Status.CANCELLED)


def test_two_maintainers_and_a_worker_at_once_leave_one_history(make_store: MakeStore) -> None:
    put(make_store("requests"), make_request())
    barrier = Barrier(3)
    offices = [office_on(Meeting(make_store("requests"), barrier), make_store("results")) for _ in range(2)]
    futures = [
        office.step(Step.REJECT, PATH, "No.", who) for office, who in zip(offices, (BOB, CAROL), strict=True)
    ]
    claimed = claim(Meeting(make_store("requests"), barrier))
    told = [outcome(each) for each in futures]
    request = read_by(make_store("requests"))().values[PATH]
    won = [*[each for each in told if each == "CANCELLED"], *(["claimed"] if claimed == "claimed" else [])]
    assert len(won) == 1
    assert request.status is (Status.RUNNING if won == ["claimed"] else Status.CANCELLED)
    for each in told:
        assert each in won or "worker-7 has taken it" in each or "was first" in each


def test_of_two_acts_on_a_model_one_is_written_and_the_other_told_who_was_first(
    make_store: MakeStore,
) -> None:
    put(make_store("requests"), make_request())
    barrier = Barrier(2)
    offices = [office_on(Meeting(make_store("requests"), barrier), make_store("results")) for _ in range(2)]
    futures = [
        in_a_thread(partial(office.act, Act.HIDE, "acme/tiny", "It is spam.", who))
        for office, who in zip(offices, (BOB, CAROL), strict=True)
    ]
    errors = [each.exception(60) for each in futures]
    store = make_store("requests")
    [done] = read_moderation(store, store.snapshot()).acts
    [error] = [each for each in errors if each]
    assert isinstance(error, NotPossible)
    assert f"acme/tiny is already hidden: {done.by} did that on" in str(error)


def in_a_thread(do: Callable[[], str]) -> Future[str]:
    pool = ThreadPoolExecutor(1)
    future = pool.submit(do)
    pool.shutdown(wait=False)
    return future
