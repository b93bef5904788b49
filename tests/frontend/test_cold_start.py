"""A frontend that starts on a large leaderboard: few calls with an index, and right with any or none."""

import io
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.board.board import Board
from src.board.keeper import Keeper
from src.shared.data.names import result_path
from src.shared.data.request import Status, write_request
from src.shared.index.index import Index
from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from src.shared.stores.budgets import READS_WINDOW, ReadBudget
from src.shared.stores.hub import Hub as Client
from src.shared.stores.hub_store import HubStore
from src.shared.stores.indexer import AGE, AT_MOST_EVERY, MANY
from src.shared.times import utc_now
from support.boards import NOW, TASKS, path_of, scores
from support.factories import make_request, make_result_file
from support.hub import Hub, Kind, Repository, running_hub

ORGANIZATIONS = 25
MODELS = [f"org-{number % ORGANIZATIONS}/model-{number}" for number in range(MANY + 20)]


def request_and_result(model: str, number: int) -> tuple[dict[str, bytes], dict[str, bytes]]:
    run = f"2026-01-31T12-00-00.{number:06d}"
    place = result_path(model, run)
    request = make_request(model=model, status=Status.FINISHED, run=run, attempt=1, result=place)
    result = make_result_file(model=model, run=run, scores=scores(number / 1000, 0.5, 0.25))
    log = {f"logs/{model}/{run}_1.txt": b"evaluated\n"}
    return {path_of(request): write_request(request)}, {place: result, **log}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


class Place:
    """The two datasets of a leaderboard, and frontends that start on them."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.token = hub.add_user("alice", {"acme": "write"})
        self._numbers = count()
        self.requests = hub.add_dataset("acme/requests", {"README.md": "# Requests"})
        self.results = hub.add_dataset("acme/results", {"README.md": "# Results", "acme/broken.json": "{"})
        self.finish(*MODELS)

    def finish(self, *models: str) -> None:
        """Have more models evaluated."""
        for model in models:
            request, result = request_and_result(model, next(self._numbers))
            self.requests.put(request)
            self.results.put(result)

    def start(self, *, has_index: bool = True, clock: Callable[[], datetime] = lambda: NOW) -> Keeper:
        """A frontend that has just started."""
        client = Client(self.token, endpoint=self.hub.url)

        def store(name: str, index: Index[object]) -> HubStore:
            return HubStore(client, f"acme/{name}", index=index if has_index else None)

        requests, results = store("requests", REQUESTS_INDEX), store("results", RESULTS_INDEX)  # type: ignore[arg-type]
        keeper = Keeper(requests, results, TASKS, clock=clock, steady=clock)
        self.hub.calls.reset()
        keeper.sync()
        return keeper

    def right(self) -> Board:
        """The board without any index."""
        for dataset in (self.requests, self.results):
            for path in [path for path in dataset.files() if path.endswith(".parquet")]:
                dataset.put({}, delete=[path])
        board = self.start(has_index=False).now.board
        assert len(board.standings.rows) >= len(MODELS)
        return board

    def reads(self) -> int:
        """How many files were read since the last start."""
        return self.hub.calls.count(kind=Kind.RESOLVE)

    def calls(self) -> int:
        """How many calls there were in all that the Hub limits."""
        return sum(call.kind is not Kind.STORAGE for call in self.hub.calls.log)


@pytest.fixture
def place(hub: Hub) -> Place:
    place = Place(hub)
    place.start().keep_indexes()
    assert RESULTS_INDEX.path in place.results.files()
    assert REQUESTS_INDEX.path in place.requests.files()
    return place


def test_with_an_index_a_start_takes_few_calls(place: Place) -> None:
    board = place.start().now.board
    # Of each dataset: its revision, its top, its folder of indexes, its history, its index twice; then what
    # the index cannot hold: how large the broken file is, and the file; both revisions once more, because the
    # results are read before the requests; and whether requests can be written.
    assert place.calls() <= 18
    assert place.reads() <= 6
    assert board == place.right()


def test_one_new_result_is_read_in_few_calls_and_no_change_in_two(place: Place) -> None:
    keeper = place.start()
    place.finish("org-3/new")
    place.hub.calls.reset()
    keeper.sync()
    assert place.calls() <= 12
    assert place.reads() <= 4
    place.hub.calls.reset()
    keeper.sync()
    assert place.calls() == 2
    assert keeper.now.board == place.right()


def test_what_changed_after_the_index_was_written_is_read(place: Place) -> None:
    place.finish("org-1/late", "new-org/late")
    changed = next(path for path in place.results.files() if path.startswith("org-2/"))
    place.results.put({changed: make_result_file(model="org-2/edited", scores=scores(0.9))})
    gone = next(path for path in place.results.files() if path.startswith("org-4/"))
    place.results.put({}, delete=[gone])
    board = place.start().now.board
    assert place.reads() <= 12
    assert {row.model for row in board.standings.rows} >= {"org-1/late", "new-org/late", "org-2/edited"}
    assert board == place.right()


def garbage(dataset: Repository, index: Index[object]) -> None:
    dataset.put({index.path: b"PAR1 this is no table"})


def cut_off(dataset: Repository, index: Index[object]) -> None:
    dataset.put({index.path: dataset.read(index.path)[:-100]})


def missing(dataset: Repository, index: Index[object]) -> None:
    dataset.put({}, delete=[index.path])


def of_other_contents(dataset: Repository, index: Index[object]) -> None:
    """The rows of an older state, as if someone had put all files in anew since."""
    table = pq.read_table(io.BytesIO(dataset.read(index.path)))
    blobs = pa.array(["0" * 40] * table.num_rows)
    buffer = io.BytesIO()
    place = table.column_names.index("blob")
    pq.write_table(table.set_column(place, "blob", blobs), buffer)
    dataset.put({index.path: buffer.getvalue()})


def without_half(dataset: Repository, index: Index[object]) -> None:
    table = pq.read_table(io.BytesIO(dataset.read(index.path)))
    buffer = io.BytesIO()
    pq.write_table(table.slice(table.num_rows // 2), buffer)
    dataset.put({index.path: buffer.getvalue()})


@pytest.mark.parametrize("damage", [garbage, cut_off, missing, of_other_contents, without_half])
def test_an_index_that_is_not_right_changes_nothing_but_the_time(
    place: Place, damage: Callable[[Repository, Index[object]], None]
) -> None:
    damage(place.results, RESULTS_INDEX)  # type: ignore[arg-type]
    damage(place.requests, REQUESTS_INDEX)  # type: ignore[arg-type]
    keeper = place.start()
    assert place.reads() <= 2 * (len(MODELS) + 4)
    assert not keeper.now.problem
    assert keeper.now.board == place.right()


def test_an_index_is_renewed_when_much_is_missing_in_it_or_some_for_long(place: Place) -> None:
    now = [utc_now()]
    keeper = place.start(clock=lambda: now[0])

    def written() -> bool:
        before = place.results.read(RESULTS_INDEX.path)
        keeper.sync()
        keeper.keep_indexes()
        return place.results.read(RESULTS_INDEX.path) != before

    assert not written()
    place.finish("org-1/late")
    assert not written()
    now[0] += AGE + timedelta(seconds=1)
    assert written()
    assert not written()
    place.finish(*(f"org-5/new-{number}" for number in range(MANY)))
    assert not written()
    now[0] += AT_MOST_EVERY
    assert written()


def test_an_index_that_another_one_renewed_is_not_renewed_again(place: Place) -> None:
    now = [utc_now()]
    first, second = (place.start(clock=lambda: now[0]) for _ in range(2))
    place.finish("org-1/late")
    now[0] += AGE + timedelta(seconds=1)
    for keeper in (first, second):
        keeper.sync()
    first.keep_indexes()
    commits = len([*place.results.history.before(place.results.head)])
    second.keep_indexes()
    assert len([*place.results.history.before(place.results.head)]) == commits


def test_without_an_index_the_rows_appear_as_they_are_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.shared.stores.mirror.AT_ONCE", 50)
    missing(place.results, RESULTS_INDEX)  # type: ignore[arg-type]
    seen = []
    publish = Keeper._publish

    def publishing(keeper: Keeper, now: object) -> None:
        publish(keeper, now)  # type: ignore[arg-type]
        seen.append((len(keeper.now.board.standings.rows), keeper.now.left, keeper.now.synced))

    monkeypatch.setattr(Keeper, "_publish", publishing)
    place.start()
    # The broken file is among the first fifty or the second; with all results the requests follow.
    assert seen in (
        [(first, 71, None), (second, 21, None), (120, 21, None), (120, 0, NOW)]
        for first in (49, 50)
        for second in (99, 100)
    )


def test_a_first_fill_of_more_files_than_the_hub_delivers_pauses_by_itself_and_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.shared.stores.mirror.AT_ONCE", 20)
    for dataset, index in ((place.results, RESULTS_INDEX), (place.requests, REQUESTS_INDEX)):
        missing(dataset, index)  # type: ignore[arg-type]
    now = [utc_now()]
    reads = ReadBudget(100, lambda: now[0])
    client = Client(place.token, endpoint=place.hub.url, clock=lambda: now[0], reads=reads)
    keeper = Keeper(HubStore(client, "acme/requests"), HubStore(client, "acme/results"), TASKS)
    place.hub.calls.reset()
    keeper.sync()
    assert place.reads() == 100
    assert len(keeper.now.board.standings.rows) in (99, 100)  # the broken file may be among them
    assert "the Hub's rate limit is used up until" in keeper.now.problem
    assert keeper.now.left == len(MODELS) + 1 - 100
    keeper.sync()
    assert place.reads() == 100
    for _ in range(3):
        now[0] += READS_WINDOW
        keeper.sync()
    assert not keeper.now.problem
    assert not keeper.now.left
    assert place.reads() == 2 * len(MODELS) + 1
    assert keeper.now.board == place.right()
