"""The dispatcher: what it asks, starts, stops and tells, on an engine that is a list in memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from src.fleet.__main__ import dispatch_once
from src.fleet.dispatcher import Dispatcher, Shown
from src.fleet.flavour import Flavour
from src.fleet.jobs import JobsFleet
from src.fleet.kind import FleetKind
from src.fleet.member import Member
from src.fleet.seam import FleetError, NoHardware
from src.fleet.situation import Limits, Start
from src.fleet.variables import FOR_MEMBERS, NOT_FOR_MEMBERS, variables_of
from src.page import sections
from src.page.html import render
from src.parts import make_dispatcher, make_hosting, make_policy
from src.settings import Settings
from src.shared.data.backend_description import (
    BackendDescription,
    FleetDescription,
    HardwareDescription,
    read_description,
    write_description,
)
from src.shared.data.request import Attempt, Request, Status
from src.shared.environment import read_settings
from src.shared.errors import ConfigurationError
from support.factories import make_request

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
L4, A100 = Flavour("l4x1", 24, 0.8), Flavour("a100-large", 80, 2.5)


@dataclass
class ListedFleet:
    """An engine without machines: what it was asked, and what is there."""

    there: list[Member] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    sold_out: set[str] = field(default_factory=set)

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.refuses:
            raise FleetError(self.refuses[what])

    def offers(self) -> Sequence[Flavour]:
        self._ask("offers")
        return [L4, A100]

    def members(self) -> Sequence[Member]:
        self._ask("members")
        return list(self.there)

    def start(self, order: Start) -> Member:
        self._ask("start")
        if order.flavour.name in self.sold_out:
            raise NoHardware(f"No {order.flavour.name}.")
        member = Member(
            name=order.name,
            id=str(len(self.there)),
            flavour=order.flavour.name,
            price=order.flavour.price,
            smallest=order.smallest,
            largest=order.largest,
            ordered=NOW,
        )
        self.there.append(member)
        return member

    def stop(self, member: Member) -> None:
        self._ask("stop")
        self.there = [replace(each, ended=NOW) if each.id == member.id else each for each in self.there]

    def end_of_log(self, member: Member) -> str:
        self._ask("end_of_log")
        return "the end"


def dispatcher(fleet: ListedFleet, **changes: Any) -> Dispatcher:
    limits = changes.pop("limits", Limits(2, 20.0))
    return Dispatcher(fleet, limits, **{"clock": lambda: NOW, "steady": lambda: NOW, **changes})


def queue(*sizes: float) -> dict[str, Request]:
    """Requests for models of so many billion parameters."""
    return {
        f"acme/m{number}.json": make_request(model=f"acme/m{number}", params=size, precision="bfloat16")
        for number, size in enumerate(sizes)
    }


def test_an_idle_leaderboard_asks_the_engine_once_and_never_again() -> None:
    fleet = ListedFleet()
    idle = dispatcher(fleet)
    for _ in range(10):
        idle.tick({"acme/m.json": make_request(status=Status.FINISHED)})
    assert fleet.asked == ["offers", "members"]


def test_a_member_is_started_for_what_waits_and_shown_with_its_reason() -> None:
    fleet = ListedFleet()
    ours = dispatcher(fleet)
    ours.tick(queue(7, 30))
    assert {each.flavour for each in fleet.there} == {"l4x1", "a100-large"}
    assert len(ours.shown.members) == 2
    assert set(ours.shown.reasons) == set(queue(7, 30))
    ours.tick(queue(7, 30))
    assert len(fleet.there) == 2


def test_members_are_watched_until_they_have_ended() -> None:
    fleet = ListedFleet()
    ours = dispatcher(fleet)
    ours.tick(queue(7))
    fleet.asked.clear()
    ours.tick({})
    assert "members" in fleet.asked
    fleet.there = [replace(each, started=NOW, ended=NOW) for each in fleet.there]
    ours.tick({})
    fleet.asked.clear()
    ours.tick({})
    assert fleet.asked == []


def test_a_list_that_lacks_what_was_started_has_nothing_started_at_each_tick() -> None:
    class Forgetful(ListedFleet):
        def members(self) -> Sequence[Member]:
            return []

    times = [NOW]
    fleet = Forgetful()
    ours = dispatcher(fleet, steady=lambda: times[-1])
    for minutes in (0, 1, 5, 14):
        times.append(NOW + timedelta(minutes=minutes))
        ours.tick(queue(7))
        assert (fleet.asked.count("start"), len(ours.shown.members)) == (1, 1)
    times.append(NOW + timedelta(minutes=15))
    ours.tick(queue(7))
    assert fleet.asked.count("start") == 2


def test_members_that_have_ended_are_shown_for_a_day_without_asking_for_them_again() -> None:
    times = [NOW]
    ended = Member(
        name="l4x1-1", flavour="l4x1", price=0.8, largest=18, ordered=NOW, started=NOW - HOUR, ended=NOW
    )
    fleet = ListedFleet([ended])
    ours = dispatcher(fleet, clock=lambda: times[-1], steady=lambda: times[-1])
    ours.tick({})
    fleet.asked.clear()
    for hours, members, spent in ((0.5, (ended,), 0.8), (13, (ended,), 0.0), (25, (), 0.0)):
        times.append(NOW + hours * HOUR)
        ours.tick({})
        assert (ours.shown.members, ours.shown.spent) == (members, pytest.approx(spent))
    assert fleet.asked == []


@pytest.mark.parametrize("what", ["offers", "members", "start"])
def test_what_the_engine_refuses_is_told_on_the_page_and_tried_again(what: str) -> None:
    fleet = ListedFleet(refuses={what: "No <b>credits</b>."})
    ours = dispatcher(fleet)
    ours.tick(queue(7))
    assert ours.shown.problems == ("No <b>credits</b>.",)
    fleet.refuses = {}
    ours.tick(queue(7))
    assert ours.shown.problems == ()
    assert len(fleet.there) == 1


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (Limits(1, 20.0, ("l4x1", "l4x11")), "FLEET_FLAVORS names l4x11, which is not on offer. `python"),
        (Limits(1, 0.5), "An hour of the cheapest hardware that FLEET_FLAVORS allows costs $0.80, which is"),
    ],
)
def test_limits_that_start_nothing_are_told_also_while_nothing_waits(limits: Limits, problem: str) -> None:
    ours = dispatcher(ListedFleet(), limits=limits)
    for requests in ({}, {}, queue(7)):
        ours.tick(requests)
        assert [each.startswith(problem) for each in ours.shown.problems] == [True]


def test_hardware_that_the_engine_refuses_is_replaced_and_asked_for_again_after_a_while() -> None:
    times = [NOW]
    fleet = ListedFleet(sold_out={"l4x1"})
    ours = dispatcher(fleet, steady=lambda: times[-1])
    for minutes in (0, 1, 9):
        times.append(NOW + timedelta(minutes=minutes))
        ours.tick(queue(7))
        assert ours.shown.problems == ("No l4x1.",)
    assert [each.flavour for each in fleet.there] == ["a100-large"]
    assert fleet.asked.count("start") == 2
    fleet.there.clear()
    fleet.sold_out.clear()
    times.append(NOW + timedelta(minutes=30))
    ours.tick(queue(7))
    assert ours.shown.problems == ()
    assert [each.flavour for each in fleet.there] == ["l4x1"]


def test_hardware_that_the_engine_refuses_is_asked_for_once_and_other_hardware_still() -> None:
    fleet = ListedFleet(sold_out={"l4x1"})
    dispatcher(fleet, limits=Limits(9)).tick(queue(*[7] * 5, 30))
    assert fleet.asked.count("start") == 2
    assert [each.flavour for each in fleet.there] == ["a100-large"]


def test_after_a_refusal_that_holds_for_all_no_more_starts_are_tried() -> None:
    fleet = ListedFleet(refuses={"start": "No credits."})
    ours = dispatcher(fleet, limits=Limits(9))
    ours.tick(queue(*[7] * 9))
    assert fleet.asked.count("start") == 1


def test_a_slow_engine_does_not_keep_the_dispatcher_from_its_next_look_at_the_money() -> None:
    times = [NOW]

    class Slow(ListedFleet):
        def start(self, order: Start) -> Member:
            times.append(times[-1] + timedelta(minutes=1))
            return super().start(order)

    fleet = Slow()
    ours = dispatcher(fleet, limits=Limits(9), steady=lambda: times[-1])
    ours.tick(queue(*[7] * 9))
    assert len(fleet.there) == 2
    ours.tick(queue(*[7] * 9))
    assert len(fleet.there) == 4


def test_a_look_at_the_money_only_starts_nothing_and_stops_nothing_else() -> None:
    began = NOW - HOUR
    useless = Member(
        name="l4x1-1", id="0", flavour="l4x1", price=0.8, largest=18, ordered=began, started=began
    )
    fleet = ListedFleet([useless])
    ours = dispatcher(fleet)
    ours.watch_money(queue(7))
    assert fleet.asked == ["offers", "members"]
    assert ours.shown.spent == pytest.approx(0.8)
    broke = dispatcher(fleet, limits=Limits(2, 0.9))
    broke.watch_money(queue(7))
    assert fleet.there[0].ended
    fleet.asked.clear()
    dispatcher(fleet, limits=Limits(2)).watch_money(queue(7))
    assert fleet.asked == []


def test_nothing_starts_in_the_place_of_a_member_that_could_not_be_stopped() -> None:
    began = NOW - HOUR
    useless = Member(
        name="l4x1-1", id="0", flavour="l4x1", price=0.8, largest=18, ordered=began, started=began
    )
    fleet = ListedFleet([useless], refuses={"stop": "The Hub sleeps."})
    ours = dispatcher(fleet, limits=Limits(1, 20.0))
    ours.tick(queue(7))
    assert (fleet.there, ours.shown.problems) == ([useless], ("The Hub sleeps.",))
    fleet.refuses = {}
    ours.tick(queue(7))
    assert [each.name for each in fleet.there if each.ended is None] == ["l4x1-1"]
    assert len(fleet.there) == 2


def test_the_page_says_why_a_member_was_stopped() -> None:
    began = NOW - HOUR
    fleet = ListedFleet(
        [Member(name="l4x1-1", id="0", flavour="l4x1", price=0.8, largest=18, ordered=began, started=began)]
    )
    ours = dispatcher(fleet)
    ours.tick(queue(7))
    ours.tick(queue(7))
    assert "It was stopped: it has claimed nothing within 30 minutes (FLEET_START_MINUTES)." in str(
        sections.fleet(ours.shown, NOW)
    )


def test_no_member_is_started_with_a_token_that_may_do_more() -> None:
    fleet = ListedFleet()
    answers = ["It may do more."]
    ours = dispatcher(fleet, check_token=lambda: answers[0] if answers else None)
    ours.tick(queue(7))
    assert ours.shown.problems == ("It may do more.",)
    assert fleet.there == []
    answers.clear()
    ours.tick(queue(7))
    assert len(fleet.there) == 1


def test_a_token_that_was_never_checked_starts_nothing() -> None:
    def unreachable() -> None:
        raise ConnectionError("the Hub sleeps")

    fleet = ListedFleet()
    ours = dispatcher(fleet, check_token=unreachable)
    ours.tick(queue(7))
    assert ours.shown.problems == ("The Hub was not reached to check FLEET_TOKEN: the Hub sleeps",)
    assert fleet.there == []


def test_the_largest_model_is_what_the_allowed_hardware_takes() -> None:
    ours = dispatcher(ListedFleet(), limits=Limits(1, 20.0, ("l4x1",)))
    assert ours.most_gb is None
    ours.prepare()
    assert ours.most_gb == 18


def test_hardware_that_is_not_known_yet_is_told() -> None:
    fleet = ListedFleet(refuses={"offers": "The Hub sleeps."})
    ours = dispatcher(fleet)
    ours.prepare()
    assert ours.shown.problems == ("The Hub sleeps.",)


def test_the_page_shows_members_with_links_and_what_they_cost() -> None:
    fleet = ListedFleet()
    ours = dispatcher(fleet)
    ours.tick(queue(7))
    started = NOW - timedelta(minutes=15)
    (member,) = fleet.there
    fleet.there = [
        replace(member, ordered=started, started=started, url="https://hub/jobs/1", message="<script>x"),
        replace(member, id="2", name="l4x1-2", ordered=started),
        replace(member, id="3", name="l4x1-3", started=started, ended=NOW),
    ]
    ours.tick(queue(7))
    page = str(sections.fleet(ours.shown, NOW))
    assert '<a href="https://hub/jobs/1"' in page
    assert "<script>" not in page
    assert "has run for 15 min · $0.20" in page
    assert "has waited for its machine for 15 min" in page
    assert "ended after 15 min" in page
    assert "Spent today: $0.40 of $20.00" in page
    assert "Workers of the fleet (2)" in page
    assert page.index("l4x1-2") < page.index("Ended within the last day") < page.index("l4x1-3")
    assert "It waits for the worker l4x1-" in page


def test_what_a_member_costs_is_not_told_where_nobody_knows_it() -> None:
    fleet = ListedFleet()
    ours = dispatcher(fleet, limits=Limits(2))
    ours.tick(queue(7))
    fleet.there = [replace(each, started=NOW - timedelta(minutes=15), price=None) for each in fleet.there]
    ours.tick(queue(7))
    page = str(sections.fleet(ours.shown, NOW))
    assert "has run for 15 min" in page
    assert "$" not in page


def test_long_times_are_told_in_hours() -> None:
    fleet = ListedFleet()
    dispatcher(fleet).tick(queue(7))
    [member] = fleet.there
    long_ago = NOW - timedelta(hours=8, minutes=5)
    assert replace(member, started=long_ago).standing(NOW) == "has run for 8 h 5 min"


def test_a_reason_of_several_requests_is_told_once_with_their_number() -> None:
    shown = Shown(reasons=dict.fromkeys(["a", "b"], "It is sold out.") | {"c": "A worker starts."})
    page = " ".join(str(sections.fleet(shown, NOW)).split())
    assert 'It is sold out. <span class="quiet">2 requests</span>' in page
    assert "A worker starts.</li>" in page
    assert "None." not in page


@dataclass
class OneLook:
    """A worker that looks once."""

    dispatcher: Dispatcher
    requests: dict[str, Request]

    def dispatch(self) -> None:
        self.dispatcher.tick(self.requests)

    def close(self) -> None:
        """Nothing is open."""


def test_one_look_says_what_is_there_also_if_that_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    ours = dispatcher(ListedFleet())
    assert dispatch_once(OneLook(ours, {}), ours) == 0  # type: ignore[arg-type]
    nothing = capsys.readouterr().out
    assert nothing == "No request can be claimed now, and no worker is there.\n"
    failed = Attempt(1, "here", NOW - HOUR, NOW, "crashed")
    pauses = {path: replace(each, attempt=1, history=(failed,)) for path, each in queue(7).items()}
    assert dispatch_once(OneLook(ours, pauses), ours) == 0  # type: ignore[arg-type]
    assert capsys.readouterr().out == nothing
    assert dispatch_once(OneLook(ours, queue(7)), ours) == 0  # type: ignore[arg-type]
    first, *_ = capsys.readouterr().out.splitlines()
    assert "on l4x1 has waited for its machine for" in first


def test_one_look_ends_well_when_nobody_reads_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after `| head`."""
    reader, writer = os.pipe()
    os.close(reader)
    ours = dispatcher(ListedFleet())
    with os.fdopen(writer, "w") as closed, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", closed)
        assert dispatch_once(OneLook(ours, {}), ours) == 0  # type: ignore[arg-type]


def test_a_price_that_nobody_knows_counts_as_free() -> None:
    fleet = ListedFleet()
    ours = dispatcher(fleet)
    ours.tick(queue(7))
    fleet.there = [replace(each, started=NOW - timedelta(hours=10), price=None) for each in fleet.there]
    ours.tick(queue(7))
    assert ours.shown.spent == 0
    assert "Spent today: $0.00 of $20.00, without workers of which nobody said what they cost" in str(
        sections.fleet(ours.shown, NOW)
    )


def test_what_may_be_started_for_which_sizes_is_described_once_it_is_known() -> None:
    ours = dispatcher(ListedFleet())
    assert ours.described is None
    ours.tick({})
    assert ours.described == FleetDescription(
        max_workers=2,
        dollars_a_day=20.0,
        hardware=(
            HardwareDescription(name="l4x1", largest_gb=18, price=0.8),
            HardwareDescription(name="a100-large", largest_gb=60, price=2.5),
        ),
    )


def test_a_limit_beyond_anything_that_could_be_spent_does_not_make_the_description_unreadable() -> None:
    ours = dispatcher(ListedFleet(), limits=Limits(1, 1e12))
    ours.tick({})
    written = write_description(BackendDescription(tasks=(), fleet=ours.described))
    assert read_description(written).fleet == ours.described


def test_the_page_says_when_there_are_no_members() -> None:
    assert "One starts when a request waits" in str(sections.fleet(dispatcher(ListedFleet()).shown, NOW))
    assert str(sections.fleet(None, NOW)) == ""
    assert render("fleet.html", number=0, there=[], ended=[], money="", reasons=[])


def test_each_setting_is_either_for_members_or_not() -> None:
    names = {each.name for each in fields(Settings)}
    assert names <= FOR_MEMBERS | NOT_FOR_MEMBERS, names - FOR_MEMBERS - NOT_FOR_MEMBERS
    assert names >= FOR_MEMBERS | NOT_FOR_MEMBERS, (FOR_MEMBERS | NOT_FOR_MEMBERS) - names
    assert not FOR_MEMBERS & NOT_FOR_MEMBERS


def test_a_member_gets_the_owners_settings_and_none_of_the_secrets() -> None:
    given = {
        "LIMIT": 5,
        "TASKS_HARNESS": ["tiny_copy", "tiny_addition"],
        "METADATA": {"questions": 500},
        "SAVE_SAMPLES": True,
        "HF_TOKEN": "hf_secret",
        "NOTIFY_URL": "https://hooks/secret",
        "FLEET": "jobs",
        "WORKER_ID": "mine",
    }
    assert variables_of(given, {"FLEET": "off"}) == {
        "LIMIT": "5",
        "TASKS_HARNESS": "tiny_copy, tiny_addition",
        "METADATA": '{"questions": 500}',
        "SAVE_SAMPLES": "True",
        "FLEET": "off",
    }


ON_THE_HUB = {
    "OWNER": "acme",
    "FLEET": "jobs",
    "HF_TOKEN": "hf_space",
    "FLEET_TOKEN": "hf_members",
    "FLEET_CODE": "acme/backend",
}


def made(**changes: str) -> Dispatcher | None:
    settings = read_settings(Settings, environment={**ON_THE_HUB, **changes})
    return make_dispatcher(settings, {}, make_policy(settings, 10**9))


def test_a_fleet_is_made_from_the_settings() -> None:
    assert made()
    assert made(FLEET_CODE="", FLEET_IMAGE="acme/worker:1")
    assert made(FLEET_CODE="", SPACE_ID="acme/backend")
    assert made(FLEET="off") is None


def test_a_member_has_the_time_to_start_that_the_owner_gives_it() -> None:
    dispatcher = made(FLEET_START_MINUTES="90", MAX_HOURS="10")
    assert dispatcher
    assert dispatcher._limits.claims_within == timedelta(minutes=90)
    assert isinstance(dispatcher._fleet, JobsFleet)
    assert dispatcher._fleet._terms.longest == timedelta(hours=11.5)


def test_a_job_evaluates_one_model_at_once_whatever_the_owner_set_for_the_space() -> None:
    dispatcher = made(MAX_PARALLEL="4")
    assert dispatcher
    assert isinstance(dispatcher._fleet, JobsFleet)
    assert dispatcher._fleet._terms.variables["MAX_PARALLEL"] == "1"


@pytest.mark.parametrize(("seconds", "minutes"), [("60", 10), ("240", 10), ("600", 22)])
@pytest.mark.parametrize("fleet", ["jobs", "local"])
def test_members_stop_the_earlier_the_more_rarely_somebody_looks(
    fleet: str, seconds: str, minutes: int
) -> None:
    dispatcher = made(FLEET=fleet, REFRESH_RATE=seconds)
    assert dispatcher
    assert dispatcher._limits.stops_within == timedelta(minutes=minutes)


def test_the_dispatcher_looks_for_endpoints_that_are_left_from_before_the_fleet_and_no_member_does() -> None:
    given = read_settings(Settings, environment={"OWNER": "acme", "HF_TOKEN": "hf_space", "FLEET": "jobs"})
    assert make_hosting(given)._sweeper
    assert make_hosting(given, is_a_member=True)._sweeper is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"FLEET_TOKEN": ""}, "needs two secrets: HF_TOKEN, which may start Jobs, and FLEET_TOKEN"),
        ({"HF_TOKEN": ""}, "needs two secrets"),
        ({"OWNER": "", "LEADERBOARD_DATA_DIR": "data"}, "in a local folder, which jobs cannot reach"),
        ({"FLEET_CODE": ""}, "it is not said what jobs run. Set FLEET_CODE"),
        ({"CONFIRM_RUN_UNSAFE_CODE": "true"}, "code that models write would run in a job beside FLEET_TOKEN"),
        ({"FLEET_TOKEN": "hf_space"}, "FLEET_TOKEN is the same token as HF_TOKEN"),
        ({"FLEET_TOKEN": "a b"}, "FLEET_TOKEN holds characters that no token has"),
        ({"FLEET": "abacus"}, "FLEET is 'abacus', where `jobs`, `slurm`, `local` or `off` is needed"),
        ({"MAX_WORKERS": "0"}, "MAX_WORKERS is '0'"),
        ({"MAX_HOURS": "1e12"}, "MAX_HOURS is '1e12', where a number of hours, up to a year, is needed"),
        ({"MIN_MODEL_GB": "5"}, "FLEET is `jobs`, and the fleet gives each worker its sizes"),
        (
            {"FLEET": "local", "FLEET_FOLDER": "~nobody-of-this-name/x"},
            "FLEET_FOLDER is '~nobody-of-this-name/x', where a folder such as",
        ),
        ({"FLEET": "local", "FLEET_FOLDER": "a\0b"}, "where a folder such as"),
        (
            {"FLEET": "local", "FLEET_MACHINES": "a: 2 GB; b: 3 GB", "FLEET_FLAVORS": "a, c"},
            "FLEET_FLAVORS names c, but the machines are a, b. Name some of these",
        ),
        ({"FLEET": "local", "FLEET_FLAVORS": "a"}, "FLEET_FLAVORS names a, but the machines are here."),
        ({"FLEET_CODE": "backend"}, "FLEET_CODE is 'backend', where the name of a Space"),
        (
            {"INFERENCE": "endpoint", "INFERENCE_TOKEN": "hf_calls"},
            "FLEET is `jobs`, so workers on other machines evaluate the models, but INFERENCE says",
        ),
        ({"INFERENCE": "http://127.0.0.1:8000/v1"}, "but INFERENCE says that a server does"),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence.replace("(", r"\(")):
        made(**changes)


def test_code_of_models_may_run_in_an_image_with_an_ordinary_user() -> None:
    assert made(CONFIRM_RUN_UNSAFE_CODE="true", FLEET_IMAGE="acme/worker:1")


def test_every_kind_of_fleet_has_a_name() -> None:
    assert {each.value for each in FleetKind} == {"jobs", "slurm", "local", "off"}
