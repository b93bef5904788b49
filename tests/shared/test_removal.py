"""Removing a model: all of it goes, in both datasets, and nothing older comes back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from src.shared.data.names import log_path, result_path, samples_folder
from src.shared.data.reports import read_result
from src.shared.data.request import Status, read_request, write_request
from src.shared.errors import NotPossible, StoreError
from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from src.shared.moderation.acts import LONGEST_REASON, Act, Done, read_moderation, record
from src.shared.moderation.removal import Removed, remove
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.hub import Hub
from src.shared.stores.hub_store import HubStore
from src.shared.stores.mirror import Mirror
from src.shared.stores.store import Snapshot, Store
from src.shared.times import from_text, to_run
from support.factories import RUN, make_request, make_result_file
from support.forbidden import forbid
from support.hub import running_hub

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
Open = Callable[[str], Store]


@pytest.fixture(params=["folder", "hub"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens a dataset by its name."""
    if request.param == "folder":
        yield lambda name: FolderStore(tmp_path / name)
        return
    with running_hub() as hub:
        token = hub.add_user("alice", {"acme": "write"})
        for name in ("requests", "results", "samples"):
            hub.add_dataset(f"acme/{name}")
        yield lambda name: HubStore(Hub(token, endpoint=hub.url), f"acme/{name}")


def in_folders(folder: Path) -> Open:
    return lambda name: FolderStore(folder / name)


def done(name: str = "acme/tiny", at: datetime = NOW) -> Done:
    return Done(act=Act.REMOVE, name=name, reason="Its owner asked for it.", by="alice", at=at)


def path_of(model: str) -> str:
    return f"{model}_eval_request_False_float32_Original_01234567.json"


def put(store: Store, files: dict[str, bytes]) -> None:
    store.commit(add=files, message="put", parent=store.snapshot())


def add_model(open_store: Open, model: str, run: str = RUN, **changes: object) -> None:
    """Add a finished request with its result, a log and samples."""
    finished = make_request(model=model, status=Status.FINISHED, run=run, result=result_path(model, run))
    request = replace(finished, **changes)  # type: ignore[arg-type]
    put(open_store("requests"), {path_of(model): write_request(request)})
    put(
        open_store("results"),
        {
            result_path(model, run): make_result_file(model=model, run=run),
            log_path(model, run, 1): b"log of " + model.encode(),
            f"{samples_folder(model, run, 1)}/tiny.parquet": b"samples",
        },
    )


def index(open_store: Open) -> None:
    """Write both indexes."""
    asked = Mirror(open_store("requests"), lambda _, data: read_request(data)).refresh()
    computed = Mirror(open_store("results"), read_result).refresh()
    requests = REQUESTS_INDEX.write(asked.snapshot.files, asked.values)
    results = RESULTS_INDEX.write(computed.snapshot.files, computed.values)
    put(open_store("requests"), {REQUESTS_INDEX.path: requests})
    put(open_store("results"), {RESULTS_INDEX.path: results})


def all_paths(store: Store) -> set[str]:
    folders = (".logs", "logs", ".samples")
    return {*store.snapshot().files, *(path for each in folders for path in store.listed_below(each))}


def of_the_model(open_store: Open, name: str = "acme/tiny") -> list[str]:
    """All paths, in any dataset, and rows of indexes that name the model."""
    found = []
    for dataset, table in (("requests", REQUESTS_INDEX), ("results", RESULTS_INDEX)):
        store = open_store(dataset)
        snapshot = store.snapshot()
        found += [path for path in all_paths(store) if name.casefold() in path.casefold()]
        if table.path in snapshot.files:
            data = store.read(snapshot, [table.path])[table.path]
            assert isinstance(data, bytes)
            found += [path for path in table.read(data).files if name.casefold() in path.casefold()]  # type: ignore[attr-defined]
    return found


def test_all_of_a_model_goes_and_nothing_of_its_neighbours(open_store: Open) -> None:
    for model in ("acme/tiny", "acme/tiny-2", "acme/Other"):
        add_model(open_store, model)
    put(open_store("results"), {"logs/acme/tiny/old_1.txt": b"an old log"})
    index(open_store)
    neighbours = {path for path in all_paths(open_store("results")) if "tiny/" not in path}
    assert remove(done(), open_store("requests"), open_store("results")) == Removed(1, 1, 3, ())
    assert [path for path in of_the_model(open_store) if "tiny-2" not in path] == []
    assert all_paths(open_store("results")) == neighbours
    assert path_of("acme/tiny-2") in open_store("requests").snapshot().files


def test_each_dataset_takes_one_commit_and_its_index_is_never_behind(tmp_path: Path) -> None:
    open_store = in_folders(tmp_path)
    add_model(open_store, "acme/tiny")
    index(open_store)
    stores = [Counting(open_store(name)) for name in ("requests", "results")]
    remove(done(), *stores)
    assert [each.commits for each in stores] == [1, 1]


class Counting:
    """A store that counts commits, and lets others in before each."""

    def __init__(self, store: Store, before: Callable[[], None] = lambda: None) -> None:
        self.store, self.before, self.commits = store, before, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    def __str__(self) -> str:
        return str(self.store)

    def commit(self, **arguments: object) -> None:
        before, self.before = self.before, lambda: None
        before()
        self.store.commit(**arguments)  # type: ignore[arg-type]
        self.commits += 1


@pytest.mark.parametrize("typed", ["acme/tiny", "ACME/Tiny"])
def test_the_letter_case_of_the_name_does_not_matter(open_store: Open, typed: str) -> None:
    add_model(open_store, "Acme/TINY")
    remove(done(typed), open_store("requests"), open_store("results"))
    assert of_the_model(open_store) == []


@pytest.mark.parametrize(
    "name", ["acme/*", "acme/t?ny", "acme", "acme/", "", "../results/acme/tiny", "acme/[t]iny"]
)
def test_a_name_is_no_pattern_and_no_folder(open_store: Open, name: str) -> None:
    add_model(open_store, "acme/tiny")
    before = all_paths(open_store("results"))
    with pytest.raises(NotPossible, match="There is nothing of"):
        remove(done(name), open_store("requests"), open_store("results"))
    assert all_paths(open_store("results")) == before


def test_a_model_without_an_organisation_does_not_take_the_organisation_of_its_name(open_store: Open) -> None:
    add_model(open_store, "acme")
    add_model(open_store, "acme/tiny")
    remove(done("acme"), open_store("requests"), open_store("results"))
    kept = all_paths(open_store("results"))
    assert kept == {
        result_path("acme/tiny", RUN),
        log_path("acme/tiny", RUN, 1),
        f"{samples_folder('acme/tiny', RUN, 1)}/tiny.parquet",
    }


def test_files_that_cannot_be_read_go_too(open_store: Open) -> None:
    put(open_store("requests"), {path_of("acme/tiny"): b"{", path_of("acme/other"): b"{"})
    put(open_store("results"), {"acme/tiny/results_1.json": b"{", "acme/other/results_1.json": b"{"})
    assert remove(done(), open_store("requests"), open_store("results")) == Removed(1, 0, 1, ())
    assert of_the_model(open_store) == []
    assert "acme/other/results_1.json" in open_store("results").snapshot().files


def test_killed_between_the_commits_removing_again_completes_it(open_store: Open) -> None:
    add_model(open_store, "Acme/Tiny")
    put(open_store("results"), {".logs/Acme/Tiny/failed_1.txt": b"log"})

    class Killed(BaseException):
        pass

    def kill() -> None:
        raise Killed

    with pytest.raises(Killed):
        remove(done("Acme/Tiny"), open_store("requests"), Counting(open_store("results"), kill))  # type: ignore[arg-type]
    assert path_of("Acme/Tiny") not in open_store("requests").snapshot().files
    moderation = read_moderation(open_store("requests"), open_store("requests").snapshot())
    assert moderation.is_of_before_a_removal("acme/tiny", _began(RUN)), "what is left is not shown"
    put(open_store("results"), {".logs/x": b""})
    remove(done("acme/tiny"), open_store("requests"), open_store("results"))
    assert of_the_model(open_store) == []


def test_only_logs_that_an_earlier_removal_left_are_found_in_their_spelling(open_store: Open) -> None:
    put(open_store("results"), {".logs/Acme/Tiny/late_1.txt": b"log"})
    record(open_store("requests"), done("Acme/Tiny"))
    assert remove(done("acme/tiny"), open_store("requests"), open_store("results")).others == 1
    assert of_the_model(open_store) == []


def test_a_result_that_a_worker_publishes_meanwhile_goes_or_is_of_before_the_removal(
    open_store: Open,
) -> None:
    add_model(open_store, "acme/tiny")
    during, late = "2026-02-01T11-00-00.000000", "2026-02-01T11-30-00.000000"
    results = open_store("results")
    publish = partial(
        put, open_store("results"), {result_path("acme/tiny", during): make_result_file(run=during)}
    )
    remove(done(), open_store("requests"), Counting(results, publish))  # type: ignore[arg-type]
    assert of_the_model(open_store) == []
    put(open_store("results"), {result_path("acme/tiny", late): make_result_file(run=late)})
    moderation = read_moderation(open_store("requests"), open_store("requests").snapshot())
    assert moderation.is_of_before_a_removal("acme/tiny", _began(late))


def test_a_claim_made_while_it_is_removed_is_of_before_the_removal(open_store: Open) -> None:
    """The worker claims after the command began, and its clock is ahead."""
    add_model(open_store, "acme/tiny")
    claimed = NOW + timedelta(minutes=2)
    running = make_request(status=Status.RUNNING, run=to_run(claimed), attempt=1)
    claim = partial(put, open_store("requests"), {path_of("acme/tiny"): write_request(running)})
    requests = Counting(open_store("requests"), claim)
    remove(done(), requests, open_store("results"))  # type: ignore[arg-type]
    moderation = read_moderation(open_store("requests"), open_store("requests").snapshot())
    assert moderation.is_of_before_a_removal("acme/tiny", claimed)
    assert not moderation.is_of_before_a_removal("acme/tiny", claimed + timedelta(seconds=1))
    assert of_the_model(open_store) == []


def test_a_run_of_a_far_future_does_not_hide_what_is_evaluated_after_the_removal(open_store: Open) -> None:
    claimed = NOW + timedelta(minutes=2)
    add_model(open_store, "acme/tiny", run=to_run(claimed))
    add_model(open_store, "acme/Tiny", run="9999-12-31T23-59-59.999999")
    remove(done(), open_store("requests"), open_store("results"))
    moderation = read_moderation(open_store("requests"), open_store("requests").snapshot())
    assert moderation.is_of_before_a_removal("acme/tiny", claimed)
    assert not moderation.is_of_before_a_removal("acme/tiny", NOW + timedelta(minutes=5))


def test_samples_in_a_dataset_of_their_own_go_too_and_others_are_named(open_store: Open) -> None:
    add_model(open_store, "acme/tiny")
    elsewhere = {
        "samples": {"repo": "acme/old-samples", "path": samples_folder("acme/tiny", RUN, 1), "tasks": {}}
    }
    report = make_result_file()
    text = report.replace(b'"leaderboard": {', b'"leaderboard": {' + _json(elsewhere)[1:-1] + b", ")
    put(open_store("results"), {result_path("acme/tiny", RUN): text})
    put(
        open_store("samples"),
        {f"{samples_folder('acme/tiny', RUN, 1)}/tiny.parquet": b"samples", "notes.txt": b"x"},
    )
    removed = remove(done(), open_store("requests"), open_store("results"), open_store("samples"))
    assert removed.others == 3
    assert removed.samples_elsewhere == ("acme/old-samples",)
    assert all_paths(open_store("samples")) == {"notes.txt"}


def test_an_index_of_a_newer_version_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store = in_folders(tmp_path)
    add_model(open_store, "acme/tiny")
    newer = replace(RESULTS_INDEX, reader=RESULTS_INDEX.reader + 1)
    computed = Mirror(open_store("results"), read_result).refresh()
    data = newer.write(computed.snapshot.files, computed.values)
    put(open_store("results"), {RESULTS_INDEX.path: data})
    remove(done(), open_store("requests"), open_store("results"))
    assert RESULTS_INDEX.path not in open_store("results").snapshot().files


def test_a_removed_model_can_be_submitted_and_removed_again(open_store: Open) -> None:
    add_model(open_store, "acme/tiny")
    remove(done(), open_store("requests"), open_store("results"))
    with pytest.raises(
        NotPossible, match="There is nothing of acme/tiny on this leaderboard: check the name"
    ):
        remove(done(), open_store("requests"), open_store("results"))
    later = NOW + timedelta(days=1)
    add_model(open_store, "acme/tiny", to_run(later))
    moderation = read_moderation(open_store("requests"), open_store("requests").snapshot())
    assert not moderation.is_of_before_a_removal("acme/tiny", later)
    remove(done(at=later), open_store("requests"), open_store("results"))
    assert of_the_model(open_store) == []


def test_a_reason_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    before: Snapshot = store.snapshot()
    with pytest.raises(NotPossible, match=r"The reason has 501 characters: shorten it to 500\."):
        record(store, replace(done(), reason="x" * (LONGEST_REASON + 1)))
    with pytest.raises(NotPossible, match=r"The name has 201 characters: shorten it to 200\."):
        record(store, replace(done(), name="x" * 201))
    assert store.snapshot() == before


def test_acts_that_cannot_be_read_stop_a_removal_before_it_begins(open_store: Open) -> None:
    add_model(open_store, "acme/tiny")
    put(open_store("requests"), {".leaderboard/acts.json": b"{"})
    with pytest.raises(StoreError, match=r"acts\.json in .* cannot be read"):
        remove(done(), open_store("requests"), open_store("results"))
    assert len(of_the_model(open_store)) == 4


def _began(run: str) -> datetime:
    began = from_text(run)
    assert began
    return began


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def test_logs_that_cannot_be_read_are_told_and_removing_again_completes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store = in_folders(tmp_path)
    add_model(open_store, "acme/tiny")
    with monkeypatch.context() as patch:
        forbid(tmp_path / "results" / ".logs" / "acme" / "tiny", patch)
        with pytest.raises(StoreError, match="tiny: Permission denied"):
            remove(done(), open_store("requests"), open_store("results"))
    remove(done(), open_store("requests"), open_store("results"))
    assert of_the_model(open_store) == []
