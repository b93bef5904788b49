"""The fleet on the owner's machines, as the settings shape it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from src.fleet.deciding import Decision, decide
from src.fleet.dispatcher import Dispatcher
from src.fleet.flavour import Flavour
from src.fleet.local import LocalFleet
from src.fleet.member import Member
from src.fleet.own_machines import read_machines
from src.fleet.seam import FleetError
from src.fleet.situation import Limits, Situation
from src.fleet.slurm import SlurmFleet
from src.own_fleet import make_own_dispatcher, make_slurm, tokens_of_members, variables_of_own_members
from src.parts import make_dispatcher
from src.queue.policy import Policy
from src.running.memory import available_memory
from src.running.watch import GB
from src.settings import Settings
from src.shared.environment import read_settings
from src.shared.errors import StoreError
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.hub import Hub
from src.worker import Worker, make_worker
from support.factories import make_request
from support.hub import running_hub
from support.sources import ROOT

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)


class Unwritable(FolderStore):
    """A dataset that the token may not write."""

    def check_writing(self) -> None:
        raise StoreError("Cannot write acme/samples.")


def settings(**variables: str) -> Settings:
    return read_settings(Settings, environment={"LEADERBOARD_DATA_DIR": "data", **variables})


def test_without_machines_this_one_has_one_share() -> None:
    ((here, is_allowed),) = make_own_dispatcher(settings(FLEET="local"), Policy()).offers()
    assert (here.name, is_allowed, here.price) == ("here", True, 0.0)
    assert here.memory_gb == available_memory() / GB


def test_all_machines_are_allowed_unless_some_are_named() -> None:
    given = {"FLEET": "slurm", "FLEET_MACHINES": "a: 1 GB; b: 2 GB, --gres=gpu:1"}
    dispatcher = make_own_dispatcher(settings(**given), Policy())
    assert [is_allowed for _, is_allowed in dispatcher.offers()] == [True, True]
    dispatcher = make_own_dispatcher(settings(**given, FLEET_FLAVORS="b"), Policy())
    assert [is_allowed for _, is_allowed in dispatcher.offers()] == [False, True]


@pytest.mark.parametrize(("machines", "limit"), [("a: 1 GB; b: 2 GB", None), ("a: 1 GB; b: 2 GB, $0.5", 7.0)])
def test_the_money_of_a_day_limits_machines_that_have_a_price(machines: str, limit: float | None) -> None:
    given = settings(FLEET="slurm", FLEET_MACHINES=machines, MAX_DOLLARS_PER_DAY="7")
    assert make_own_dispatcher(given, Policy()).shown.limit == limit


def test_a_member_keeps_its_place_in_the_queue_of_a_cluster_for_a_day() -> None:
    given = settings(FLEET="slurm", FLEET_MACHINES="small: 6 GB; big: 30 GB")
    limits = make_own_dispatcher(given, Policy())._limits
    offers = [each.flavour for each in given.fleet_machines]
    waits = Member(name="small-1", flavour="small", price=0.0, largest=4.8, ordered=NOW)
    requests = {"acme/tiny.json": make_request(params=0.1)}

    def decided(hours: float) -> Decision:
        now = NOW + timedelta(hours=hours)
        return decide(Situation(requests=requests, now=now, offers=offers, members=[waits], limits=limits))

    assert decided(23) == Decision(reasons={"acme/tiny.json": "It waits for the worker small-1, on small."})
    assert [each.member for each in decided(25).stop] == [waits]


def test_a_member_has_the_time_to_start_that_the_owner_gives_it() -> None:
    given = settings(FLEET="slurm", FLEET_MACHINES="a: 1 GB", FLEET_START_MINUTES="90", MAX_HOURS="10")
    assert make_own_dispatcher(given, Policy())._limits.claims_within == timedelta(minutes=90)
    assert make_slurm(given)._terms.longest == timedelta(hours=11.5)


def test_the_dispatcher_knows_what_members_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = settings(FLEET="local", MAX_MODEL_GB="5", TASKS_HARNESS="tiny_copy")
    worker = make_worker(given, given={})
    assert worker.dispatcher
    policy = worker.dispatcher._policy
    worker.close()
    assert (policy.largest, policy.tasks) == (5, ("tiny_copy",))


@pytest.mark.parametrize("look", [Worker.tick, Worker.dispatch], ids=["tick", "once"])
@pytest.mark.parametrize(("dollars", "number"), [(20.0, 0), (2.0, 1)])
def test_members_stop_when_the_money_is_spent_although_samples_cannot_be_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    look: Callable[[Worker], None],
    dollars: float,
    number: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    worker = make_worker(settings(FLEET="local", TASKS_HARNESS="tiny_copy"), given={})
    began = NOW - timedelta(hours=3)
    runs = Member(name="small-1", flavour="small", price=1.0, largest=9.0, ordered=began, started=began)
    stopped: list[Member] = []
    fleet: Any = SimpleNamespace(
        offers=lambda: [Flavour("small", 12.0, 1.0)], members=lambda: [runs], stop=stopped.append
    )
    worker.dispatcher = Dispatcher(fleet, Limits(1, dollars), clock=lambda: NOW)
    worker.samples = Unwritable(tmp_path / "samples")
    with pytest.raises(StoreError, match="Cannot write"):
        look(worker)
    assert stopped == [runs] * number
    assert worker.dispatcher.shown.members == (runs,)
    worker.close()


def test_members_get_the_token_for_the_fleet_if_there_is_one() -> None:
    both = settings(HF_TOKEN="hf_owner", FLEET_TOKEN="hf_fleet", HF_READ_TOKEN="hf_read")
    assert tokens_of_members(both) == {"HF_TOKEN": "hf_fleet", "HF_READ_TOKEN": "hf_read"}
    assert tokens_of_members(settings(HF_TOKEN="hf_owner")) == {"HF_TOKEN": "hf_owner"}
    assert tokens_of_members(settings()) == {}


@pytest.mark.parametrize("engine", ["local", "slurm"])
def test_no_member_gets_a_token_for_the_fleet_that_may_do_more(engine: str, tmp_path: Path) -> None:
    given = read_settings(
        Settings,
        environment={
            **{"FLEET": engine, "FLEET_MACHINES": "a: 30 GB", "FLEET_FOLDER": str(tmp_path)},
            **{"OWNER": "acme", "HF_TOKEN": "hf_writes"},
        },
    )
    with running_hub() as hub:
        token = hub.add_user("alice", {"acme": "admin"})

        def problem(given: Settings) -> str | None:
            def connect(token: str | None, **_: object) -> Hub:
                return Hub(token, endpoint=hub.url, patience=0.1)

            dispatcher = make_dispatcher(given, {}, Policy(), connect)
            assert dispatcher
            return dispatcher._check_token()

        assert "may do more than write" in str(problem(replace(given, fleet_token=token)))
        assert problem(given) is None


def test_members_dispatch_nothing_and_find_the_data_from_any_folder() -> None:
    assert variables_of_own_members(settings()) == {
        "FLEET": "off",
        "COMMENT_ON_MODELS": "false",
        "MAX_PARALLEL": "1",
        "LEADERBOARD_DATA_DIR": str(Path("data").resolve()),
    }
    on_the_hub = read_settings(Settings, environment={"OWNER": "acme"})
    assert "LEADERBOARD_DATA_DIR" not in variables_of_own_members(on_the_hub)


def test_a_member_evaluates_one_model_at_once_whatever_the_owner_set_for_this_machine() -> None:
    owners = settings(FLEET="local", MAX_PARALLEL="4", DEVICE="cuda:0,cuda:1")
    assert owners.slots == 4
    of_a_member = {"MAX_PARALLEL": "4", "DEVICE": "cuda:0,cuda:1", **variables_of_own_members(owners)}
    assert settings(**of_a_member).slots == 1


def test_where_there_is_no_slurm_it_is_said_and_nothing_else_happens(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FleetError, match="squeue was not found"):
        make_slurm(settings(FLEET="slurm", FLEET_MACHINES="a: 1 GB")).members()


def test_the_engine_is_the_one_that_is_named() -> None:
    assert isinstance(make_own_dispatcher(settings(FLEET="local"), Policy())._fleet, LocalFleet)
    given = settings(FLEET="slurm", FLEET_MACHINES="a: 1 GB")
    assert isinstance(make_own_dispatcher(given, Policy())._fleet, SlurmFleet)


@pytest.mark.parametrize("file", ["docs/fleet.md", "docs/configuration.md", "backend/src/envs.py"])
def test_the_machines_in_the_docs_are_understood(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    examples = re.findall(r"[\"`](\w+: \d+ GB[^\"`]*)[\"`]", text)
    assert examples
    for each in examples:
        assert len(read_machines(each)) == 2
