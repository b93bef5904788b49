"""Nobody decides by a request that is missing because the Hub withholds it: no command, and no fleet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from src import worker
from src.fleet.dispatcher import Dispatcher
from src.fleet.flavour import Flavour
from src.fleet.member import Member
from src.fleet.situation import Limits
from src.settings import Settings
from src.shared.data.names import ACTS
from src.shared.data.request import Status, write_request
from src.shared.environment import read_settings
from src.shared.errors import StoreError
from src.shared.moderation.rerun_commits import reader
from src.shared.stores.folder_store import FolderStore
from src.shared.times import utc_now
from src.shared.wiring import Stores
from src.upkeep import places
from src.upkeep.importing import Importing
from src.upkeep.places import UpkeepSettings, present_requests
from src.upkeep.published_by_hand import ByHand
from src.upkeep.retiring import retire
from support.factories import make_request
from support.queues import SUITE, AnyModel
from support.withholding import Withholding

NOW = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    models: Any = AnyModel()
    requests = Withholding(tmp_path / "requests")
    waiting = {"acme/tiny.json": write_request(make_request(status=Status.PENDING))}
    requests.commit(add=waiting, message="submit", parent=requests.snapshot())
    return Stores(requests, FolderStore(tmp_path / "results"), models)


def opened(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read what restoring must not replace."""
    monkeypatch.setattr(places, "open_stores", lambda settings, only_look: stores)
    present_requests(UpkeepSettings())


@pytest.mark.parametrize(
    "decide",
    [
        lambda stores, _: retire(stores.requests, "We move.", by="alice"),
        lambda stores, _: Importing(stores, who="alice", now=NOW),
        lambda stores, _: ByHand(stores, SUITE, who="alice", worker="here", say=print).look(make_request()),
        lambda stores, _: reader(stores.requests, stores.results)(),
        opened,
    ],
    ids=["retire", "import", "evaluate", "rerun", "restore"],
)
def test_no_command_decides_without_a_request_that_is_there(
    stores: Stores, decide: Callable[[Stores, pytest.MonkeyPatch], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreError, match=r"deliver all files of .* now, for example acme/tiny\.json: try"):
        decide(stores, monkeypatch)
    assert ACTS not in stores.requests.snapshot().files


def test_a_member_is_not_stopped_because_the_hub_withholds_what_it_evaluates(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(worker, "open_stores", lambda settings: stores)
    looks = worker.make_worker(read_settings(Settings, environment={"FLEET": "local"}), given={})
    began = utc_now() - timedelta(hours=3)
    member = Member(name="small-1", flavour="small", largest=9.0, ordered=began, started=began)
    stopped: list[Member] = []
    fleet: Any = SimpleNamespace(
        offers=lambda: [Flavour("small", 12.0, 1.0)], members=lambda: [member], stop=stopped.append
    )
    looks.dispatcher = Dispatcher(fleet, Limits())
    looks.dispatch()
    assert looks.dispatcher.shown.members == (member,)
    assert not stopped
    looks.close()
