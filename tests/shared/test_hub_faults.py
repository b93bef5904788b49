"""The Hub for tests counts its calls, limits them, and fails in the ways that it is told to."""

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import parse_ratelimit_headers

from support.hub import Fault, Hub, Kind, Repository, running_hub
from support.hub.budget import WINDOW_SECONDS
from support.hub.faults import Faults

pytestmark = pytest.mark.slow

ConnectionBroken = HfHubHTTPError.__mro__[1]
"""The HTTP client's own error: huggingface_hub passes it on, and derives its errors from it."""

STATUSES = {
    Fault.RATE_LIMITED: 429,
    Fault.SERVER_ERROR: 500,
    Fault.BAD_GATEWAY: 502,
    Fault.UNAVAILABLE: 503,
    Fault.STALE_PARENT: 412,
}
numbers = itertools.count()


@pytest.fixture(scope="module")
def served() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.add_user("alice", {"acme": "write"})
        yield hub


@pytest.fixture
def hub(served: Hub) -> Iterator[Hub]:
    """A Hub without calls, limits and faults."""
    served.calls.reset()
    yield served
    served.faults.stop()
    served.budget.limits = {}


@pytest.fixture
def api(hub: Hub) -> HfApi:
    """Of a user of its own, whose budget is untouched."""
    return HfApi(endpoint=hub.url, token=hub.add_user(f"user-{next(numbers)}", {"acme": "write"}))


@pytest.fixture
def dataset(hub: Hub) -> Repository:
    return hub.add_dataset(f"acme/data-{next(numbers)}")


def commit(api: HfApi, dataset: Repository, path: str = "a", **options: object) -> None:
    operations = [CommitOperationAdd(path, b"1")]
    api.create_commit(dataset.name.id, operations, commit_message="add", repo_type="dataset", **options)


# Faults


@pytest.mark.parametrize("fault", STATUSES)
def test_a_refused_commit_has_its_status_and_does_not_land(
    hub: Hub, api: HfApi, dataset: Repository, fault: Fault
) -> None:
    before = dataset.head
    hub.faults.strike_next(fault, route="commit")
    with pytest.raises(HfHubHTTPError) as error:
        commit(api, dataset)
    assert error.value.response.status_code == STATUSES[fault]
    assert dataset.head is before
    commit(api, dataset)


@pytest.mark.parametrize(
    ("fault", "lands"), [(Fault.LOST_REQUEST, False), (Fault.LOST_ANSWER, True), (Fault.CUT_ANSWER, True)]
)
def test_a_connection_breaks_before_or_after_the_commit_landed(
    hub: Hub, api: HfApi, dataset: Repository, fault: Fault, lands: bool
) -> None:
    hub.faults.strike_next(fault, route="commit")
    with pytest.raises(ConnectionBroken) as error:
        commit(api, dataset)
    assert not isinstance(error.value, HfHubHTTPError)
    assert dataset.files() == ({"a": b"1"} if lands else {})
    commit(api, dataset, "b")


def test_who_is_rate_limited_is_told_for_how_long(hub: Hub, api: HfApi, dataset: Repository) -> None:
    hub.faults.strike_next(Fault.RATE_LIMITED)
    with pytest.raises(HfHubHTTPError) as error:
        api.dataset_info(dataset.name.id)
    told = parse_ratelimit_headers(error.value.response.headers)
    assert told
    assert (told.remaining, told.reset_in_seconds) == (0, 1)
    assert error.value.response.headers["Retry-After"] == "1"


def test_a_slow_answer_comes_after_all(hub: Hub, api: HfApi, dataset: Repository) -> None:
    hub.faults.slow_seconds = 0.3
    hub.faults.strike_next(Fault.SLOW, times=2, route="info")
    started = time.monotonic()
    assert api.dataset_info(dataset.name.id).sha == dataset.head.id
    assert time.monotonic() - started >= hub.faults.slow_seconds
    with pytest.raises(ConnectionBroken):
        api.dataset_info(dataset.name.id, timeout=0.05)


def test_a_burst_of_conflicts_hits_commits_only(hub: Hub, api: HfApi, dataset: Repository) -> None:
    hub.faults.strike_next(Fault.STALE_PARENT, times=3, route="commit")
    for _ in range(3):
        api.dataset_info(dataset.name.id)
        with pytest.raises(HfHubHTTPError, match="412"):
            commit(api, dataset)
    commit(api, dataset)


def test_only_the_calls_that_are_meant_fail(hub: Hub, api: HfApi, dataset: Repository) -> None:
    other = hub.add_dataset(f"acme/data-{next(numbers)}")
    hub.faults.strike_next(Fault.SERVER_ERROR, method="GET", repository=other.name.path)
    commit(api, dataset)
    api.dataset_info(dataset.name.id)
    commit(api, other)
    with pytest.raises(HfHubHTTPError, match="500"):
        api.dataset_info(other.name.id)


def test_a_share_of_all_calls_fails_with_each_fault_in_turn_and_always_the_same_ones() -> None:
    def chosen(seed: int) -> list[Fault | None]:
        faults = Faults()
        faults.strike_share(0.1, seed=seed)
        return [faults.choose("commit", "POST", None) for _ in range(10_000)]

    struck = [fault for fault in chosen(1) if fault]
    assert 900 < len(struck) < 1100
    assert struck[: len(Fault)] == list(Fault)
    assert chosen(1) == chosen(1) != chosen(2)


def test_a_fault_that_the_hub_could_not_have_there_leaves_its_turn_to_the_next() -> None:
    faults = Faults()
    faults.strike_share(1.0, [Fault.STALE_PARENT, Fault.SLOW])
    routes = ["info", "info", "commit", "info"]
    struck = [faults.choose(route, "GET", None) for route in routes]
    assert struck == [Fault.SLOW, Fault.SLOW, Fault.STALE_PARENT, Fault.SLOW]


# Calls


def test_calls_are_counted_by_kind_route_repository_and_user(
    hub: Hub, api: HfApi, dataset: Repository
) -> None:
    dataset.put({"a": "1"})
    api.dataset_info(dataset.name.id)
    api.get_paths_info(dataset.name.id, "a", repo_type="dataset")
    api.file_exists(dataset.name.id, "a", repo_type="dataset")
    assert hub.calls.by("kind") == {Kind.API: 2, Kind.RESOLVE: 1}
    assert hub.calls.by("route") == {"info": 1, "paths_info": 1, "resolve": 1}
    assert hub.calls.count(repository=dataset.name.path, method="HEAD") == 1
    assert set(hub.calls.by("user")) == {hub.calls.log[0].user} != {None}
    hub.calls.reset()
    assert hub.calls.log == []


def test_the_times_of_a_repositorys_commits_are_known(hub: Hub, api: HfApi, dataset: Repository) -> None:
    for path in ("a", "b"):
        commit(api, dataset, path)
    hub.faults.strike_next(Fault.STALE_PARENT, route="commit")
    with pytest.raises(HfHubHTTPError):
        commit(api, dataset, "c")
    landed = hub.calls.matching(route="commit", repository=dataset.name.path, status=200)
    assert [call.at for call in landed] == sorted(call.at for call in landed)
    assert len(landed) == 2


def test_a_call_that_fails_is_counted_with_its_fault(hub: Hub, api: HfApi, dataset: Repository) -> None:
    for fault in (Fault.LOST_REQUEST, Fault.LOST_ANSWER, Fault.UNAVAILABLE):
        hub.faults.strike_next(fault)
        with pytest.raises(ConnectionBroken):
            api.dataset_info(dataset.name.id)
    assert [(call.fault, call.status) for call in hub.calls.log] == [
        (Fault.LOST_REQUEST, None),
        (Fault.LOST_ANSWER, 200),
        (Fault.UNAVAILABLE, 503),
    ]


# The budget


def test_who_has_spent_a_budget_is_refused_until_the_window_is_over(
    hub: Hub, api: HfApi, dataset: Repository
) -> None:
    now = 0.0
    hub.budget.clock = lambda: now
    hub.budget.limits = {Kind.API: 2}
    for _ in range(2):
        api.dataset_info(dataset.name.id)
    with pytest.raises(HfHubHTTPError, match="429 Too Many Requests: you have reached your 'api' rate limit"):
        api.dataset_info(dataset.name.id)
    api.file_exists(dataset.name.id, "a", repo_type="dataset")
    HfApi(endpoint=hub.url, token=False).dataset_info(dataset.name.id)
    now = WINDOW_SECONDS
    api.dataset_info(dataset.name.id)


# The server


def test_of_many_commits_on_one_parent_one_lands(hub: Hub, api: HfApi, dataset: Repository) -> None:
    parent = dataset.head.id

    def land(path: str) -> bool:
        try:
            commit(api, dataset, path, parent_commit=parent)
        except HfHubHTTPError as error:
            assert error.response.status_code == 412
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        landed = list(threads.map(land, "abcdefgh"))
    assert landed.count(True) == len(dataset.files()) == 1


def test_a_hub_that_was_away_comes_back_with_all_that_it_had() -> None:
    with running_hub() as hub:
        dataset = hub.add_dataset("acme/data")
        api = HfApi(endpoint=hub.url, token=False)
        api.dataset_info(dataset.name.id)
        port = int(hub.url.rsplit(":", 1)[1])
    with pytest.raises(ConnectionBroken):
        api.dataset_info(dataset.name.id)
    with running_hub(hub, port=port):
        assert api.dataset_info(dataset.name.id).sha == dataset.head.id
