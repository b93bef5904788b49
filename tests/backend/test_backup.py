"""Backup, wipe, restore: the datasets are identical, file by file, also after interruptions."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from src.shared.data.names import BOARD
from src.shared.data.request import Lease, Request, Status, read_request, write_request
from src.shared.errors import Conflict, StoreError
from src.shared.process.steady import steady_now
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.hub import Hub as Client
from src.shared.stores.hub import TooManyCalls
from src.upkeep import restoring
from src.upkeep.backing_up import back_up
from src.upkeep.backup_file import NAME, UNFINISHED, Part, read_backup
from src.upkeep.datasets import Dataset
from src.upkeep.folder_dataset import FolderDataset
from src.upkeep.hub_dataset import HubDataset
from src.upkeep.restoring import ForWhom, Restored, Terms, restore
from support.factories import make_request
from support.forbidden import forbid
from support.hub import Fault, Hub, running_hub
from support.hub.calls import Call
from support.hub.repository import RepoName
from support.queues import Queue, drain
from support.waiting import PATIENCE
from support.whole_boards import (
    BINARY,
    add_board,
    in_folders,
    on_the_hub,
    path_of,
    read_files,
    whole_board,
    write_files,
)

BACKEND = Path("backend").resolve()
ATTRIBUTES = "*.parquet filter=lfs diff=lfs merge=lfs -text\n"
NOW = datetime(2026, 2, 1, tzinfo=UTC)
FULL = Path("/dev/full")
FREELY, REPLACE = Terms(), Terms(replace=True)


@dataclass
class Place:
    """A board somewhere, and what to do to it."""

    datasets: Callable[[], Mapping[Part, Dataset]]
    files: Callable[[], dict[str, dict[str, bytes]]]
    wipe: Callable[[], None]
    put: Callable[[str, dict[str, bytes]], None]
    said: list[str] = field(default_factory=list)

    def back_up(self, folder: Path) -> int:
        """Back up; how many files were fetched."""
        copied = back_up(self.datasets(), folder, self.said.append, lambda: NOW)
        return sum(each.fetched for each in copied.values())

    def requests(self) -> dict[str, Request]:
        files = self.files()["requests"]
        return {path: read_request(data) for path, data in files.items() if path.startswith("acme/t")}

    def restore(self, folder: Path, terms: Terms = FREELY, at_once: int = 1000) -> list[Restored]:
        return restore(
            folder,
            self.datasets(),
            terms,
            self.said.append,
            requests=self.requests,
            private_by_default=dict.fromkeys(Part, False),
            clock=lambda: NOW,
            at_once=at_once,
        )


def folder_place(data: Path) -> Place:
    def wipe() -> None:
        shutil.rmtree(data)

    return Place(
        lambda: {part: FolderDataset(data / part) for part in (Part.REQUESTS, Part.RESULTS)},
        lambda: in_folders(data),
        wipe,
        lambda part, files: write_files(data / part, files),
    )


def hub_place(hub: Hub, token: str, owner: str = "acme") -> Place:
    def datasets() -> Mapping[Part, Dataset]:
        client = Client(token, endpoint=hub.url)
        return {part: HubDataset(client, f"{owner}/{part}", said.append) for part in list(Part)[:2]}

    def wipe() -> None:
        for part in list(Part)[:2]:
            hub.delete(RepoName("dataset", f"{owner}/{part}"))

    said: list[str] = []
    return Place(
        datasets,
        lambda: on_the_hub(hub, owner),
        wipe,
        lambda part, files: hub.get(RepoName("dataset", f"{owner}/{part}")).put(files) and None,
        said,
    )


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


@pytest.fixture
def token(hub: Hub) -> str:
    return hub.add_user("alice", {"acme": "write", "newcorp": "write"})


@pytest.fixture
def on_hub(hub: Hub, token: str) -> Place:
    add_board(hub, whole_board("acme/tiny", "acme/other"))
    place = hub_place(hub, token)
    place.put("results", {".gitattributes": ATTRIBUTES.encode()})
    return place


@pytest.fixture
def in_folder(tmp_path: Path) -> Place:
    for part, files in whole_board("acme/tiny", "acme/other").items():
        write_files(tmp_path / "data" / part, {**files, ".gitattributes": ATTRIBUTES.encode()})
    return folder_place(tmp_path / "data")


@pytest.fixture(params=["folder", "hub"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue("in_folder" if request.param == "folder" else "on_hub")
    return found


# Identical


def test_backup_wipe_restore_gives_identical_datasets(place: Place, tmp_path: Path) -> None:
    before = place.files()
    place.back_up(tmp_path / "backup")
    place.wipe()
    assert [each.created for each in place.restore(tmp_path / "backup")] == [True, True]
    assert place.files() == before


def test_replacing_gives_identical_datasets_without_what_came_since(place: Place, tmp_path: Path) -> None:
    before = place.files()
    place.back_up(tmp_path / "backup")
    place.put("requests", {path_of("acme/new"): b"{}", "broken.json": b"mended"})
    place.put("results", {".logs/acme/new/1_1.txt": b"new", ".samples/new.parquet": BINARY})
    with pytest.raises(
        StoreError, match=r"results has files that are not in the backup or differ from it: 2 in all"
    ):
        place.restore(tmp_path / "backup")
    results, requests = place.restore(tmp_path / "backup", REPLACE)
    assert (results.deleted, requests.deleted, requests.written) == (2, 1, 1)
    assert place.files() == before


def test_a_backup_has_every_file_byte_for_byte_and_large_ones_whole(place: Place, tmp_path: Path) -> None:
    place.back_up(tmp_path / "backup")
    assert in_folders(tmp_path / "backup") == place.files()
    kept = read_backup(tmp_path / "backup")
    told = json.loads((tmp_path / "backup" / NAME).read_text())["datasets"]
    for part in list(Part)[:2]:
        files = read_files(tmp_path / "backup" / part)
        assert told[part]["number"] == len(files) and told[part]["bytes"] == sum(map(len, files.values()))
        assert kept.datasets[part].files.keys() == files.keys()


def test_large_files_are_in_git_lfs_again(hub: Hub, on_hub: Place, tmp_path: Path) -> None:
    on_hub.back_up(tmp_path / "backup")
    on_hub.wipe()
    on_hub.restore(tmp_path / "backup")
    large = hub.get(RepoName("dataset", "acme/results")).large_files
    assert BINARY + b"acme/tiny" in large.values()


def test_a_backup_moves_between_folders_and_the_hub(
    hub: Hub, token: str, place: Place, tmp_path: Path
) -> None:
    before = place.files()
    place.back_up(tmp_path / "backup")
    folder_place(tmp_path / "elsewhere").restore(tmp_path / "backup")
    assert in_folders(tmp_path / "elsewhere") == before
    hub_place(hub, token, "newcorp").restore(tmp_path / "backup", Terms(board=ForWhom.SAME))
    assert on_the_hub(hub, "newcorp") == before


def test_a_backup_is_a_board_in_folders_at_once(tmp_path: Path, queue: Queue) -> None:
    queue.submit("acme/model")
    queue.results.snapshot()  # which makes the folder
    folder_place(queue.folder).back_up(tmp_path / "backup")
    copy = Queue(tmp_path / "backup", queue.clock)
    drain(copy.worker())
    assert copy.read(next(iter(copy.requests.snapshot().files))).status is Status.FINISHED


@pytest.mark.parametrize("private", [True, False])
def test_a_dataset_that_is_created_is_as_visible_as_before(
    hub: Hub, token: str, tmp_path: Path, private: bool
) -> None:
    add_board(hub, whole_board(), private=private)
    place = hub_place(hub, token)
    place.back_up(tmp_path / "backup")
    place.wipe()
    place.restore(tmp_path / "backup")
    assert hub.get(RepoName("dataset", "acme/results")).private is private


def test_samples_of_their_own_are_backed_up_too(hub: Hub, on_hub: Place, token: str, tmp_path: Path) -> None:
    samples = hub.add_dataset("acme/samples", {".samples/acme/tiny/1_1/x.parquet": BINARY}, private=True)
    client = Client(token, endpoint=hub.url)
    own = HubDataset(client, "acme/samples", on_hub.said.append)
    on_hub_datasets = on_hub.datasets
    on_hub.datasets = lambda: {**on_hub_datasets(), Part.SAMPLES: own}
    before = samples.files()
    on_hub.back_up(tmp_path / "backup")
    hub.delete(samples.name)
    on_hub.restore(tmp_path / "backup")
    restored = hub.get(samples.name)
    assert restored.files() == before and restored.private
    kept = in_folders(tmp_path / "backup")
    on_hub.datasets = on_hub_datasets  # SAMPLES_REPO was forgotten, or a token does not see it
    with pytest.raises(StoreError, match="has samples, and this one would lack them"):
        on_hub.back_up(tmp_path / "backup")
    assert in_folders(tmp_path / "backup") == kept and (tmp_path / "backup" / NAME).is_file()


# Again, and interrupted


def test_a_second_backup_fetches_only_what_changed(place: Place, tmp_path: Path) -> None:
    assert place.back_up(tmp_path / "backup") > 10
    place.put("results", {"acme/new.json": b"{}"})
    (tmp_path / "backup" / "results" / "acme" / "gone.json").write_bytes(b"{}")
    assert place.back_up(tmp_path / "backup") == 1
    assert in_folders(tmp_path / "backup") == place.files()


class Killed(BaseException):
    """The program ends here."""


class Kills:
    """Ends the program before the step of this number that changes a file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: float = float("inf")
        for name in ("replace", "unlink", "rmdir", "mkdir", "touch"):
            original = getattr(Path, name)
            monkeypatch.setattr(Path, name, self.counted(original))

    def counted(self, original: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **options: object) -> object:
            if ".leaderboard/lock" not in str(arguments[0]):
                self.left -= 1
            if self.left < 0:
                self.left = float("inf")
                raise Killed
            return original(*arguments, **options)

        return step


def test_an_interrupted_backup_never_looks_complete_and_the_next_completes_it(
    in_folder: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = Kills(monkeypatch)
    backup = tmp_path / "backup"
    before, points = in_folder.files(), 0
    for number in range(1000):
        kills.left = number
        try:
            in_folder.back_up(backup)
        except Killed:
            points += 1
            if (backup / NAME).exists():
                read_backup(backup)
                assert in_folders(backup) == before
            kills.left = float("inf")
            if number % 2:
                in_folder.back_up(backup)
                assert in_folders(backup) == before and not (backup / UNFINISHED).exists()
                shutil.rmtree(backup)
            continue
        break
    assert points > 15 and in_folders(backup) == before


@pytest.mark.parametrize("at_once", [1, 3, 1000])
def test_restoring_in_folders_completes_after_a_kill_at_any_step(
    in_folder: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    backup, before = tmp_path / "backup", in_folder.files()
    in_folder.back_up(backup)
    kills, points = Kills(monkeypatch), 0
    for number in range(1000):
        in_folder.put("requests", {"a": b"came since", "broken.json": b"mended"})
        in_folder.put("results", {"acme/new/results.json": b"{}", "acme/empty.json": b"full"})
        kills.left = number
        try:
            in_folder.restore(backup, REPLACE, at_once)
        except Killed:
            points += 1
            in_folder.restore(backup, REPLACE, at_once)
        assert in_folder.files() == before
        if kills.left < float("inf"):
            break
    assert points > 5


def test_after_a_kill_an_empty_dataset_needs_no_other_option(
    in_folder: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup, before = tmp_path / "backup", in_folder.files()
    in_folder.back_up(backup)
    kills = Kills(monkeypatch)
    in_folder.wipe()
    kills.left = 12
    with pytest.raises(Killed):
        in_folder.restore(backup)
    assert 0 < sum(map(len, in_folder.files().values())) < sum(map(len, before.values()))
    in_folder.restore(backup)
    assert in_folder.files() == before


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.LOST_REQUEST, Fault.UNAVAILABLE])
def test_a_commit_whose_answer_is_lost_is_not_taken_for_anothers(
    hub: Hub, on_hub: Place, tmp_path: Path, fault: Fault
) -> None:
    on_hub.back_up(tmp_path / "backup")
    before = on_hub.files()
    on_hub.wipe()
    hub.faults.strike_next(fault, route="commit", times=2)
    on_hub.restore(tmp_path / "backup", at_once=4)
    assert on_hub.files() == before


def test_many_files_take_few_commits(hub: Hub, on_hub: Place, tmp_path: Path) -> None:
    on_hub.put("requests", {f"acme/{number}.json": b"%d" % number for number in range(1100)})
    on_hub.back_up(tmp_path / "backup")
    on_hub.wipe()
    hub.calls.reset()
    on_hub.restore(tmp_path / "backup")
    assert hub.calls.count(route="commit") == 3
    commits = [call.repository for call in hub.calls.matching(route="commit")]
    assert commits[0] == "datasets/acme/results", "results go before requests"


def test_where_the_hub_asks_for_a_pause_the_command_waits_and_says_so(
    hub: Hub, token: str, on_hub: Place, tmp_path: Path
) -> None:
    paused: list[float] = []
    client = Client(token, endpoint=hub.url)
    original, refused = client.spend_reads, []

    def spend(number: int) -> None:
        if not refused:
            refused.append(number)
            raise TooManyCalls(steady_now() + timedelta(seconds=100))
        original(number)

    client.spend_reads = spend  # type: ignore[method-assign]
    datasets = {
        part: HubDataset(client, f"acme/{part}", on_hub.said.append, paused.append) for part in list(Part)[:2]
    }
    back_up(datasets, tmp_path / "backup", on_hub.said.append)
    assert len(paused) == 1 and 90 < paused[0] <= 100
    assert any(line.startswith("The Hub takes no more calls until ") for line in on_hub.said)


# Consistent


def test_every_finished_request_has_its_result_while_a_worker_publishes(
    on_hub: Place, hub: Hub, tmp_path: Path
) -> None:
    """Before each listing of a dataset, a model's result is published and its request finished."""
    numbers = iter(range(20))

    def publish(call: Call) -> None:
        number = next(numbers, None) if call.route == "info" and call.method == "GET" else None
        if number is not None:
            board = whole_board(f"acme/model-{number}")
            on_hub.put("results", board["results"])
            on_hub.put("requests", board["requests"])

    hub.traffic.on_answer = publish
    on_hub.back_up(tmp_path / "backup")
    hub.traffic.on_answer = None
    assert next(numbers, 20) > 3, "nothing was published meanwhile"
    found = in_folders(tmp_path / "backup")
    finished = [read_request(data) for path, data in found["requests"].items() if "/model-" in path]
    assert all(each.result in found["results"] for each in finished)


def test_no_half_commit_of_a_folder_is_copied(in_folder: Place, tmp_path: Path) -> None:
    """A commit that another program left half done is completed first."""
    store = FolderStore(tmp_path / "data" / "requests")
    store._write_ahead({"one.json": b"1", "two.json": b"2"}, [])
    in_folder.back_up(tmp_path / "backup")
    found = in_folders(tmp_path / "backup")["requests"]
    assert found["one.json"] == b"1" and found["two.json"] == b"2"
    assert not [path for path in found if path.endswith(".part")]


# Refusals


def test_a_damaged_backup_is_named_and_nothing_is_written(place: Place, tmp_path: Path) -> None:
    backup, before = tmp_path / "backup", place.files()
    place.back_up(backup)
    (backup / "results" / "acme" / "empty.json").write_bytes(b"x")
    (backup / "requests" / "broken.json").unlink()
    with pytest.raises(StoreError, match=r"Missing or changed files \(2\): ") as raised:
        place.restore(backup, REPLACE)
    assert "requests/broken.json" in str(raised.value) and "results/acme/empty.json" in str(raised.value)
    assert place.files() == before


def test_where_there_is_no_room_is_told_and_not_what_was_to_be_copied(
    in_folder: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_folder.back_up(tmp_path / "backup")
    in_folder.wipe()

    def fill(source: object, place: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(source), None, str(place))

    monkeypatch.setattr(shutil, "copyfile", fill)
    with pytest.raises(StoreError, match=rf"Cannot use {tmp_path}/data/results/.*: No space left"):
        in_folder.restore(tmp_path / "backup")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "There is no finished backup in"),
        ("{", "is not a valid list of a backup's files"),
        ('{"format": 2}', "newer version"),
        ('{"format": 1}', "is not a valid list of a backup's files: made"),
        ("requests only", "a dataset is missing"),
        ("../escape", "cannot be a file of a dataset"),
    ],
)
def test_what_is_no_backup_is_refused(place: Place, tmp_path: Path, text: str | None, sentence: str) -> None:
    kept = {"name": "x", "revision": "y", "private": None, "files": {}}
    whole = {"format": 1, "made": "2026-01-01T00:00:00Z", "template": "1", "datasets": {"requests": kept}}
    if text == "requests only":
        text = json.dumps(whole)
    if text == "../escape":
        escaping = {**kept, "files": {"../../x": {"bytes": 1, "sha256": "0" * 64}}}
        text = json.dumps({**whole, "datasets": {"requests": kept, "results": escaping}})
    if text is not None:
        (tmp_path / NAME).write_text(text)
    with pytest.raises(StoreError, match=sentence):
        place.restore(tmp_path)


def test_a_living_worker_is_not_robbed_of_its_request(place: Place, tmp_path: Path) -> None:
    place.back_up(tmp_path / "backup")
    before = place.files()
    lease = Lease("box-1", "n", NOW, NOW, NOW + timedelta(hours=1))
    running = make_request(model="acme/tiny", status=Status.RUNNING, lease=lease)
    place.put("requests", {path_of("acme/tiny"): write_request(running)})
    with pytest.raises(StoreError, match=r"acme/tiny is being evaluated by box-1.*Pause the Spaces"):
        place.restore(tmp_path / "backup", REPLACE)
    place.restore(tmp_path / "backup", Terms(replace=True, even_running=True))
    assert place.files() == before


def test_what_others_write_while_it_is_restored_is_not_lost_either(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visitor submits after the first look at the requests, and then a worker claims."""
    place.back_up(tmp_path / "backup")
    place.wipe()
    lease = Lease("box-1", "n", NOW, NOW, NOW + timedelta(hours=1))
    running = write_request(make_request(model="acme/tiny", status=Status.RUNNING, lease=lease))
    came = iter([{"acme/new.json": b"{}"}, {path_of("acme/tiny"): running}])
    write = restoring._write_all

    def meanwhile(target: restoring._Target, *others: Any) -> None:
        if target.folder.name == Part.REQUESTS and (files := next(came, None)):
            place.put("requests", files)
        write(target, *others)

    monkeypatch.setattr(restoring, "_write_all", meanwhile)
    with pytest.raises(
        StoreError, match=r"1 in all, such as acme/new\.json\. Others wrote to it in the meantime"
    ):
        place.restore(tmp_path / "backup")
    assert place.files()["requests"]["acme/new.json"] == b"{}"
    with pytest.raises(StoreError, match=r"acme/tiny is being evaluated by box-1.*Nothing was written\."):
        place.restore(tmp_path / "backup", REPLACE)
    assert place.requests()[path_of("acme/tiny")].lease == lease


def test_what_others_write_before_anything_is_restored_stops_it_before(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.back_up(tmp_path / "backup")
    restored = restoring._restored

    def meanwhile(target: restoring._Target, *others: Any, **more: Any) -> Restored:
        place.put("results", {"acme/new.json": b"{}"})
        return restored(target, *others, **more)

    monkeypatch.setattr(restoring, "_restored", meanwhile)
    with pytest.raises(StoreError, match=r"such as acme/new.json\. Nothing was written\."):
        place.restore(tmp_path / "backup")


def test_the_last_try_counts_too(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = place.files()
    place.back_up(tmp_path / "backup")
    place.wipe()
    write, tries = restoring._write_all, iter(range(1, restoring.TRIES))

    def conflicts(*given: Any) -> None:
        if next(tries, None):
            raise Conflict("others were faster")
        write(*given)

    monkeypatch.setattr(restoring, "_write_all", conflicts)
    place.restore(tmp_path / "backup")
    assert place.files() == before


def test_others_that_write_again_and_again_are_told(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.back_up(tmp_path / "backup")
    place.wipe()

    def conflicts(*given: Any) -> None:
        raise Conflict("others were faster")

    monkeypatch.setattr(restoring, "_write_all", conflicts)
    with pytest.raises(StoreError, match=r"Pause the Spaces and stop the workers\."):
        place.restore(tmp_path / "backup")


def test_nothing_is_written_through_a_link(in_folder: Place, tmp_path: Path) -> None:
    in_folder.back_up(tmp_path / "backup")
    in_folder.wipe()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data" / "results").mkdir(parents=True)
    (tmp_path / "data" / "results" / "acme").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=r"acme is a link to another place\. Delete the link"):
        in_folder.restore(tmp_path / "backup")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_another_board_is_not_given_the_names_of_this_boards_spaces(
    hub: Hub, token: str, on_hub: Place, tmp_path: Path
) -> None:
    on_hub.back_up(tmp_path / "backup")
    moved = hub_place(hub, token, "newcorp")
    with pytest.raises(StoreError, match=r"The backup is of acme/results.*--board another"):
        moved.restore(tmp_path / "backup")
    moved.restore(tmp_path / "backup", Terms(board=ForWhom.ANOTHER))
    expected = {
        part: {path: data for path, data in files.items() if path != BOARD}
        for part, files in on_hub.files().items()
    }
    assert moved.files() == expected
    theirs = {BOARD: b"frontends:\n- newcorp/leaderboard\n"}
    moved.put("results", theirs)
    moved.restore(tmp_path / "backup", Terms(board=ForWhom.ANOTHER, replace=True))
    assert moved.files()["results"] == {**expected["results"], **theirs}


def test_a_folder_with_something_else_is_not_overwritten(place: Place, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"cat")
    with pytest.raises(StoreError, match="is neither an empty folder nor a backup"):
        place.back_up(tmp_path / "photos")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="is neither an empty folder nor a backup"):
        place.back_up(tmp_path / "file")
    assert (tmp_path / "photos" / "cat.jpg").read_bytes() == b"cat"


def test_a_board_is_not_backed_up_into_itself(in_folder: Place, tmp_path: Path) -> None:
    for inside in (tmp_path / "data", tmp_path / "data" / "results" / "backup"):
        with pytest.raises(StoreError, match="overlaps with the dataset"):
            in_folder.back_up(inside)


def test_what_is_not_there_is_not_backed_up(place: Place, tmp_path: Path) -> None:
    place.wipe()
    with pytest.raises(StoreError, match="does not exist"):
        place.back_up(tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_a_folder_that_cannot_be_read_is_told_and_not_taken_for_an_empty_one(
    in_folder: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tmp_path / "data" / "results" / ".logs"
    forbid(logs, monkeypatch)
    with pytest.raises(StoreError, match=f"Cannot read {logs}: Permission denied"):
        in_folder.back_up(tmp_path / "backup")
    assert not (tmp_path / "backup" / NAME).exists()


def test_links_and_locks_are_left_out_and_named(
    in_folder: Place, hub: Hub, token: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (tmp_path / "data" / "results" / "link.json").symlink_to(secret)
    in_folder.back_up(tmp_path / "backup")
    assert any("link.json" in line for line in in_folder.said)
    assert b"secret" not in in_folders(tmp_path / "backup")["results"].values()
    add_board(
        hub, {"requests": {".leaderboard/journal.json": b'{"add": [], "delete": ["../../x"]}'}, "results": {}}
    )
    hostile = hub_place(hub, token)
    hostile.back_up(tmp_path / "hostile")
    assert not (tmp_path / "hostile" / "requests" / ".leaderboard" / "journal.json").exists()
    assert any("journal.json" in line for line in hostile.said)


def test_a_token_that_only_reads_is_told_before_anything_is_written(
    hub: Hub, on_hub: Place, tmp_path: Path
) -> None:
    on_hub.back_up(tmp_path / "backup")
    before = on_hub.files()
    on_hub.put("requests", {"new.json": b"{}"})
    reader = hub_place(hub, hub.add_token("alice", "read"))
    with pytest.raises(StoreError, match="Cannot write to acme/requests: the token in HF_TOKEN lacks"):
        reader.restore(tmp_path / "backup", REPLACE)
    assert on_hub.files() == {**before, "requests": {**before["requests"], "new.json": b"{}"}}


# The commands


def command(name: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"src.{name}", *arguments],
        cwd=BACKEND,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a file that is always full")
def test_a_command_goes_on_when_nobody_reads_what_it_says(in_folder: Place, tmp_path: Path) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "src.backup", str(tmp_path / "backup")],
            cwd=BACKEND,
            env={**os.environ, "LEADERBOARD_DATA_DIR": str(tmp_path / "data")},
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    assert in_folders(tmp_path / "backup") == in_folder.files()


def test_the_commands_say_what_they_did(hub: Hub, token: str, on_hub: Place, tmp_path: Path) -> None:
    variables = {"HF_ENDPOINT": hub.url, "OWNER": "acme", "HF_TOKEN": token}
    backup = str(tmp_path / "backup")
    done = command("backup", backup, SAMPLES_REPO="acme/samples", **variables)
    assert done.returncode == 0, done.stderr
    assert "The dataset acme/samples does not exist" in done.stdout
    assert f"The backup in {backup} is complete." in done.stdout
    before = on_hub.files()
    on_hub.wipe()
    done = command("restore", backup, **variables)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Pause the Spaces and stop the workers")
    assert "acme/requests: created, " in done.stdout
    assert on_hub.files() == before
    done = command("restore", str(tmp_path / "nowhere"), **variables)
    assert done.returncode == 1 and "There is no finished backup in" in done.stderr
    assert token not in done.stdout + done.stderr


def killed_at(hub: Hub, token: str, call: Callable[[Call, list[Call]], bool], *arguments: str) -> None:
    """Run a command, and kill it with SIGKILL at the first call of which this is true."""
    variables = {"HF_ENDPOINT": hub.url, "OWNER": "acme", "HF_TOKEN": token}
    hub.calls.reset()
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=BACKEND,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
    )

    def kill(last: Call) -> None:
        if call(last, hub.calls.log):
            os.kill(process.pid, signal.SIGKILL)

    hub.traffic.on_answer = kill
    ended = process.wait(PATIENCE)
    hub.traffic.on_answer = None
    assert ended == -signal.SIGKILL


READING_CALLS = 35
"""How many calls that backing up takes."""


def test_the_tests_below_kill_it_at_each_third_of_its_calls(hub: Hub, on_hub: Place, tmp_path: Path) -> None:
    hub.calls.reset()
    on_hub.back_up(tmp_path / "backup")
    assert len(hub.calls.log) == READING_CALLS, [call.route for call in hub.calls.log]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, READING_CALLS + 1, 3))
def test_killed_at_any_call_a_backup_never_looks_complete_and_the_next_completes_it(
    hub: Hub, token: str, on_hub: Place, tmp_path: Path, number: int
) -> None:
    backup, before = tmp_path / "backup", on_hub.files()
    killed_at(hub, token, lambda _, calls: len(calls) >= number, "src.backup", str(backup))
    with pytest.raises(StoreError, match="There is no finished backup"):
        read_backup(backup)
    there, all_files = (sum(map(len, files.values())) for files in (in_folders(backup), before))
    assert on_hub.back_up(backup) == all_files - there
    assert in_folders(backup) == before == on_hub.files()


CALLS = 18
"""How many calls of that restoring are no mere reading."""


def changing(hub: Hub) -> list[Call]:
    return [call for call in hub.calls.log if call.method != "GET"]


def test_the_tests_below_kill_it_after_each_of_its_changing_calls(
    hub: Hub, on_hub: Place, tmp_path: Path
) -> None:
    on_hub.back_up(tmp_path / "backup")
    on_hub.wipe()
    hub.calls.reset()
    on_hub.restore(tmp_path / "backup")
    assert len(changing(hub)) == CALLS, [call.route for call in changing(hub)]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, CALLS + 1))
def test_killed_after_any_changing_call_restoring_again_completes_it(
    hub: Hub, token: str, on_hub: Place, tmp_path: Path, number: int
) -> None:
    backup, before = tmp_path / "backup", on_hub.files()
    on_hub.back_up(backup)
    on_hub.wipe()

    def is_the_one(last: Call, calls: list[Call]) -> bool:
        return last.method != "GET" and len(changing(hub)) == number

    killed_at(hub, token, is_the_one, "src.restore", str(backup))
    on_hub.restore(backup)
    assert on_hub.files() == before
