"""Members as Jobs of the Hub: found, started, stopped and refused. No member's command runs here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from src.fleet.flavour import Flavour
from src.fleet.job_lists import flavour_from
from src.fleet.job_orders import BOARD, LARGEST, MEMBER, SMALLEST, JobTerms
from src.fleet.jobs import JobsFleet
from src.fleet.member import Member
from src.fleet.seam import FleetError, NoHardware
from src.fleet.situation import Limits, Start
from src.fleet.token import problem_of
from src.shared.stores.hub import Hub as Client
from support.hub import Fault, Hub, JobStage, running_hub
from support.hub.job_flavours import JobFlavour

TERMS = JobTerms(
    namespace="acme",
    board="acme/requests",
    image="acme/worker:1",
    variables={"OWNER": "acme"},
    secrets={"HF_TOKEN": "hf_members"},
)
FLAVOURS = {each.name: each for each in [Flavour("l4x1", 24, 0.8), Flavour("cpu-basic", 16, 0.01, 0)]}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.jobs.sold_out |= set(FLAVOURS)  # so that no command runs
        yield hub


@pytest.fixture
def fleet(hub: Hub) -> JobsFleet:
    return fleet_of(hub, hub.add_user("alice", {"acme": "write"}))


def fleet_of(hub: Hub, token: str, terms: JobTerms = TERMS) -> JobsFleet:
    def client(patience: float) -> Client:
        return Client(token, endpoint=hub.url, patience=patience)

    return JobsFleet(client(0.1), client(0.0), terms)


def order(name: str = "l4x1-1", flavour: str = "l4x1", **changes: object) -> Start:
    start = Start(name, FLAVOURS[flavour], 12.0, 18.0, timedelta(hours=6))
    return replace(start, **changes)  # type: ignore[arg-type]


def labels(**changes: str) -> dict[str, str]:
    right = {BOARD: TERMS.digest, MEMBER: "l4x1-1", SMALLEST: "12000", LARGEST: "18000"}
    return {**right, **{name.replace("_", "-"): value for name, value in changes.items()}}


def test_a_started_member_is_found_again_by_whoever_looks(hub: Hub, fleet: JobsFleet) -> None:
    member = fleet.start(order())
    (found,) = fleet_of(hub, hub.add_user("bob", {"acme": "write"})).members()
    assert (found.id, found.name, found.flavour) == (member.id, "l4x1-1", "l4x1")
    assert (found.smallest, found.largest) == (12.0, 18.0)
    assert found.is_pending
    assert found.url == member.url
    assert found.worker == f"l4x1-1.{hub.jobs.all[0].id}"


def test_a_member_has_its_part_of_the_queue_and_a_timeout_beyond_the_longest_evaluation(
    hub: Hub, fleet: JobsFleet
) -> None:
    fleet.start(order())
    (job,) = hub.jobs.all
    assert job.timeout >= timedelta(hours=24 + 6)
    assert job.body["dockerImage"] == "acme/worker:1"
    assert job.body["command"][4:] == [
        *("l4x1-1", "--smallest-gb", "12.000", "--largest-gb", "18.000"),
        *("--claims-for", "6", "--hardware", "l4x1", "--price", "0.8"),
    ]
    assert job.body["environment"] == {"OWNER": "acme", "DEVICE": "cuda", "PYTHONUNBUFFERED": "1"}
    assert job.body["secrets"] == {"HF_TOKEN": "hf_members"}


def test_a_machine_without_a_gpu_computes_on_its_processor(hub: Hub, fleet: JobsFleet) -> None:
    fleet.start(order("cpu-basic-1", "cpu-basic"))
    assert hub.jobs.all[0].body["environment"]["DEVICE"] == "cpu"


def test_members_publish_the_largest_model_of_all_allowed_hardware(hub: Hub) -> None:
    terms = replace(TERMS, limits=Limits(flavours=("l4x1", "a100-large")))
    fleet = fleet_of(hub, hub.add_user("alice", {"acme": "write"}), terms)
    fleet.offers()
    fleet.start(order())
    assert hub.jobs.all[0].body["environment"]["MAX_MODEL_GB"] == "60"


def test_no_token_is_in_a_command_a_label_or_a_variable(hub: Hub, fleet: JobsFleet) -> None:
    fleet.start(order())
    body = hub.jobs.all[0].body
    assert "hf_" not in str({name: value for name, value in body.items() if name != "secrets"})


def test_a_name_is_started_once(hub: Hub, fleet: JobsFleet) -> None:
    first = fleet.start(order())
    assert fleet.start(order()).id == first.id
    assert len(hub.jobs.all) == 1


def test_of_two_members_that_two_dispatchers_start_at_once_the_earlier_stays(
    hub: Hub, fleet: JobsFleet
) -> None:
    other = fleet_of(hub, hub.add_user("bob", {"acme": "write"}))
    looked = other._going
    not_yet = [True]  # its first look was before the other one started
    other._going = lambda name: [] if not_yet and not_yet.pop() else looked(name)  # type: ignore[method-assign]
    first = fleet.start(order())
    assert other.start(order()).id == first.id
    assert [each.stage for each in hub.jobs.all] == [JobStage.SCHEDULING, JobStage.CANCELED]


def test_a_job_that_the_list_does_not_show_yet_is_a_member(hub: Hub, fleet: JobsFleet) -> None:
    hub.jobs.unlisted = 1
    member = fleet.start(order())
    (job,) = hub.jobs.all
    assert job.stage is JobStage.SCHEDULING
    hub.jobs.unlisted = 0
    (listed,) = fleet.members()
    assert str(member.url).endswith(f"/jobs/acme/{job.id}")
    assert replace(member, ordered=listed.ordered, price=listed.price, url=listed.url) == listed


def test_a_job_runs_although_the_look_after_its_start_fails(hub: Hub) -> None:
    token = hub.add_user("alice", {"acme": "write"})

    class Starting(Client):
        """A client after whose call the Hub lists nothing for a while."""

        def call(self, *arguments: Any, **named: Any) -> Any:
            made = super().call(*arguments, **named)
            hub.faults.strike_next(Fault.UNAVAILABLE, route="list_jobs", times=1_000)
            return made

    looking, once = (kind(token, endpoint=hub.url, patience=0.1) for kind in (Client, Starting))
    member = JobsFleet(looking, once, TERMS).start(order())
    (job,) = hub.jobs.all
    assert (member.id, job.stage) == (job.id, JobStage.SCHEDULING)


def test_a_start_whose_answer_is_lost_is_not_repeated_but_found(hub: Hub, fleet: JobsFleet) -> None:
    hub.faults.strike_next(Fault.LOST_ANSWER, route="run_job")
    with pytest.raises(FleetError, match="cannot be managed at the moment"):
        fleet.start(order())
    assert len(hub.jobs.all) == 1
    assert fleet.start(order()).id == hub.jobs.all[0].id
    assert len(hub.jobs.all) == 1


HOSTILE: list[Mapping[str, str]] = [
    labels(leaderboard="of-another-board"),
    labels(member="<script>alert(1)</script>"),
    labels(member="../../etc"),
    labels(member="x" * 100),
    labels(smallest_mb="-5"),
    labels(smallest_mb="٣"),
    labels(largest_mb="1e9"),
    labels(largest_mb="9" * 50),
    {BOARD: TERMS.digest},
    {BOARD: TERMS.digest, MEMBER: "l4x1-1"},
    {MEMBER: "l4x1-1", SMALLEST: "0", LARGEST: "1"},
    {},
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=str)
def test_jobs_of_others_are_left_alone(hub: Hub, fleet: JobsFleet, hostile: Mapping[str, str]) -> None:
    hub.jobs.add("acme", labels=hostile)
    assert fleet.members() == []
    assert fleet.start(order()).id == hub.jobs.all[1].id


def test_a_job_that_the_client_cannot_read_does_not_hide_the_others(hub: Hub, fleet: JobsFleet) -> None:
    hub.jobs.add("acme", labels=labels())
    hub.jobs.add("acme", labels=labels(member="l4x1-2")).id = "no id at all"
    assert [each.name for each in fleet.members()] == ["l4x1-1"]


def test_members_are_read_from_all_pages_and_old_ones_are_not_read(hub: Hub, fleet: JobsFleet) -> None:
    hub.jobs.page = 3
    for number in range(40):
        hub.jobs.add("acme", labels=labels(member=f"l4x1-{number}"), stage="COMPLETED").finished = datetime(
            2020, 1, 1, tzinfo=UTC
        )
        hub.jobs.all[-1].created = datetime(2020, 1, 1, tzinfo=UTC)
    for number in range(7):
        hub.jobs.add("acme", labels=labels(member=f"l4x1-{number}"))
    hub.jobs.add("acme", labels=labels(member="l4x1-9"), stage="ERROR", age=timedelta(hours=30))
    hub.calls.reset()
    found = fleet.members()
    assert len(found) == 8
    assert sum(each.ended is not None for each in found) == 1
    assert hub.calls.count(route="list_jobs") <= 6


def test_a_running_member_is_billed_at_the_price_of_its_flavour(hub: Hub, fleet: JobsFleet) -> None:
    fleet.offers()
    hub.jobs.add("acme", labels=labels(), flavour="a100-large", age=timedelta(hours=1))
    (member,) = fleet.members()
    assert member.is_running
    assert member.price == pytest.approx(2.5, rel=1e-3)
    hub.jobs.flavours = [each for each in hub.jobs.flavours if each.name != "a100-large"]
    newer = fleet_of(hub, hub.add_user("bob", {"acme": "write"}))
    newer.offers()
    assert newer.members()[0].price == pytest.approx(5.0, rel=1e-3)  # unknown: as much as the dearest


def test_hardware_is_asked_for_once_an_hour(hub: Hub) -> None:
    now = [datetime(2026, 8, 1, tzinfo=UTC)]
    client = Client(hub.add_user("alice"), endpoint=hub.url)
    fleet = JobsFleet(client, client, TERMS, clock=lambda: now[0])
    fleet.offers()
    fleet.offers()
    assert hub.calls.count(route="job_hardware") == 1
    now[0] += timedelta(hours=1)
    fleet.offers()
    assert hub.calls.count(route="job_hardware") == 2


@pytest.mark.parametrize("what", ["nothing is listed", "nothing is understood", "the Hub is busy"])
def test_hardware_keeps_its_price_while_the_hub_lists_none(hub: Hub, what: str) -> None:
    now = [datetime(2026, 8, 1, tzinfo=UTC)]
    client = Client(hub.add_user("alice", {"acme": "write"}), endpoint=hub.url, patience=0.0)
    fleet = JobsFleet(client, client, TERMS, clock=lambda: now[0])
    before = fleet.offers()
    hub.jobs.add("acme", labels=labels())
    if what == "the Hub is busy":
        hub.faults.strike_next(Fault.UNAVAILABLE, route="job_hardware", times=50)
    else:
        hub.jobs.flavours = [] if what == "nothing is listed" else [JobFlavour("free", "Free", 2, 16, 0.0)]
    now[0] += timedelta(hours=1)
    assert fleet.offers() == before
    (member,) = fleet.members()
    assert member.price == pytest.approx(0.8, rel=1e-3)


def test_hardware_that_is_listed_no_more_keeps_its_price(hub: Hub) -> None:
    now = [datetime(2026, 8, 1, tzinfo=UTC)]
    client = Client(hub.add_user("alice", {"acme": "write"}), endpoint=hub.url)
    fleet = JobsFleet(client, client, TERMS, clock=lambda: now[0])
    fleet.offers()
    hub.jobs.add("acme", labels=labels())
    hub.jobs.flavours = [each for each in hub.jobs.flavours if each.name != "l4x1"]
    now[0] += timedelta(hours=1)
    assert "l4x1" not in {each.name for each in fleet.offers()}
    assert fleet.members()[0].price == pytest.approx(0.8, rel=1e-3)


def test_a_list_of_hardware_without_anything_is_a_sentence(hub: Hub, fleet: JobsFleet) -> None:
    hub.jobs.flavours = []
    with pytest.raises(FleetError, match="list of hardware for Jobs has nothing that the fleet understands"):
        fleet.offers()


def test_hardware_has_memory_and_a_price_an_hour(hub: Hub, fleet: JobsFleet) -> None:
    found = {each.name: each for each in fleet.offers()}
    assert next(iter(found)) == "cpu-basic"
    assert (found["cpu-basic"].memory_gb, found["cpu-basic"].accelerators) == (16, 0)
    assert found["l4x1"].price == pytest.approx(0.8, rel=1e-3)
    assert found["l4x4"].memory_gb == 24  # a model that is not spread uses one of the four
    spread = fleet_of(hub, hub.add_user("bob"), replace(TERMS, uses_all_gpus=True))
    assert {each.name: each.memory_gb for each in spread.offers()}["l4x4"] == 96


def test_hardware_that_cannot_be_understood_is_left_out(hub: Hub, fleet: JobsFleet) -> None:
    hub.jobs.flavours += [
        JobFlavour("free", "Free", 2, 16, 0.0),
        JobFlavour("<b>", "Bold", 2, 16, 1.0),
        JobFlavour("tpu", "Memoryless", 2, 0, 1.0),
        JobFlavour("dear", "Dearer than --price may say", 2, 16, 1e9),
        JobFlavour("huge", "Larger than labels may say", 2, 10**7, 1.0),
        JobFlavour("n" * 58, "Its members would not be found again", 2, 16, 1.0),
    ]
    assert not {"free", "<b>", "tpu", "dear", "huge", "n" * 58} & {each.name for each in fleet.offers()}


@pytest.mark.parametrize("value", [None, [], {}, -1, 5, True, 1e400, float("nan"), "<b>", "x" * 99])
@pytest.mark.parametrize(
    "key", ["name", "accelerator", "unitCostUSD", "unitLabel", "quantity", "vram", "type"]
)
def test_an_entry_of_any_shape_is_no_error(key: str, value: object) -> None:
    gpu = {"type": "gpu", "model": "L4", "quantity": "1", "vram": "24 GB", "manufacturer": "Nvidia"}
    listed = {"name": "l4x1", "prettyName": "L4", "cpu": "8", "ram": "30 GB", "unitLabel": "minute"}
    listed |= {"unitCostUSD": 0.01, "unitCostMicroUSD": 10_000}  # type: ignore[dict-item]
    changed = {**listed, "accelerator": {**gpu, key: value}, **({} if key in gpu else {key: value})}
    found = flavour_from(changed)
    assert found is None or found.room > 0


def test_a_member_takes_the_models_at_the_edges_of_what_it_was_started_for(
    hub: Hub, fleet: JobsFleet
) -> None:
    fleet.start(order(smallest=1.001, largest=4.079))
    (found,) = fleet.members()
    assert (found.smallest, found.largest) == (1.001, 4.079)


def test_a_stopped_member_has_ended_and_is_no_error_twice(hub: Hub, fleet: JobsFleet) -> None:
    member = fleet.start(order())
    fleet.stop(member)
    fleet.stop(member)
    assert hub.jobs.all[0].stage is JobStage.CANCELED
    (found,) = fleet.members()
    assert found.ended
    assert not found.started
    fleet.stop(replace(member, id="68ffffffffffffff"))


def test_without_a_balance_the_owner_is_told_where_to_pay(hub: Hub, fleet: JobsFleet) -> None:
    hub.jobs.can_pay = False
    with pytest.raises(FleetError, match=r"acme without a positive balance \(402\). Add credits at https"):
        fleet.start(order())


def test_a_token_without_the_right_is_named(hub: Hub) -> None:
    stranger = fleet_of(hub, hub.add_user("eve"))
    with pytest.raises(FleetError, match=r"HF_TOKEN may not manage the Jobs of acme \(403\)"):
        stranger.members()


def test_a_busy_hub_is_told_as_such(hub: Hub, fleet: JobsFleet) -> None:
    hub.faults.strike_next(Fault.UNAVAILABLE, route="list_jobs", times=50)
    with pytest.raises(FleetError, match="cannot be managed at the moment"):
        fleet.members()


@contextmanager
def answering(status: int, body: str) -> Iterator[str]:
    """The address of a server that answers each call in this way, such as a proxy."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("body", ["null", "[]", '"x"', "[" * 100_000])
@pytest.mark.parametrize("status", [200, 403])
def test_an_answer_that_is_not_the_hubs_is_a_sentence(status: int, body: str) -> None:
    member = Member(
        name="l4x1-1", id="68" * 8, flavour="l4x1", price=0.8, largest=18, ordered=datetime.now(UTC)
    )
    with answering(status, body) as url:
        client = Client("hf_x", endpoint=url, patience=0.0)
        fleet = JobsFleet(client, client, TERMS)
        for call in (fleet.offers, fleet.members, lambda: fleet.start(order()), lambda: fleet.stop(member)):
            with suppress(FleetError):
                call()
        with suppress(ConnectionError):
            problem_of(client, ("acme/requests",))


def test_a_flavour_that_the_hub_refuses_is_named(hub: Hub, fleet: JobsFleet) -> None:
    with pytest.raises(NoHardware, match="did not start a Job on abacus"):
        fleet.start(Start("abacus-1", Flavour("abacus", 24, 0.8), 0, 18))


def test_a_space_without_the_members_files_is_no_lack_of_hardware(hub: Hub) -> None:
    terms = replace(TERMS, image=None, code="acme/gone")
    fleet = fleet_of(hub, hub.add_user("alice", {"acme": "write"}), terms)
    with pytest.raises(
        FleetError, match=r"Cannot read the Space acme/gone, .* \(FLEET_CODE\): the Hub"
    ) as told:
        fleet.start(order())
    assert not isinstance(told.value, NoHardware)
    assert not hub.jobs.all


def test_a_sold_out_flavour_is_told_apart(
    hub: Hub, fleet: JobsFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    from support.hub.refusals import Conflict
    from support.hub.routes import jobs

    def refuse(*_: object) -> None:
        raise Conflict("l4x1 is not available at the moment")

    monkeypatch.setattr(jobs, "check_body", refuse)
    with pytest.raises(NoHardware, match="no l4x1 for Jobs at the moment"):
        fleet.start(order())


def test_the_end_of_a_log_is_bounded(hub: Hub, fleet: JobsFleet) -> None:
    member = fleet.start(order())
    job = hub.jobs.all[0]
    job.log = [(datetime.now(UTC), f"line {number} {'x' * 1000}") for number in range(500)]
    job.stage = JobStage.COMPLETED
    text = fleet.end_of_log(member)
    assert len(text) == 10_000
    assert text.count("line 499") == 1
    job.stage = JobStage.CANCELED
