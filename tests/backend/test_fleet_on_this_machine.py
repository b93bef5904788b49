"""Workers as processes of this machine: found again by every dispatcher, by what they keep locked."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import psutil
import pytest

from src.fleet.flavour import Flavour
from src.fleet.local import LocalFleet, LocalTerms
from src.fleet.logs_of_members import ENDS_WITHIN
from src.fleet.member import Member
from src.fleet.own_machines import OwnMachine
from src.fleet.seam import FleetError, NoHardware
from src.fleet.situation import Start
from src.shared.data.request import Status
from support.boards_on_own_machines import LARGE, SMALL, OwnBoard, kill
from support.waiting import wait_for

SMALL_ONE = OwnMachine("small", 6.0)
ORDER = Start("small-1", SMALL_ONE.flavour, 0.0, 4.8)

MEMBER = """\
import json, os, signal, sys
secrets = json.loads(os.fdopen(int(os.environ.pop("LEADERBOARD_SECRETS_PIPE"))).read())
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # one that came before a wait would be lost
got = {"arguments": sys.argv[1:], "environment": dict(os.environ), "secrets": secrets}
print(json.dumps(got), flush=True)
signal.sigwait([signal.SIGTERM])
"""
"""In the place of a worker: it says what it got, and waits until it is told to end."""

Make = Callable[..., LocalFleet]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes fleets on one folder, each a new dispatcher's. What they start is gone after the test."""
    made = []

    def fleet(**changes: object) -> LocalFleet:
        terms: dict[str, object] = {
            "board": "acme/requests",
            "machines": (SMALL_ONE,),
            "folder": tmp_path / "fleet",
        }
        terms |= {"environment": os.environ, "command": (sys.executable, "-c", MEMBER)}
        made.append(LocalFleet(LocalTerms(**{**terms, **changes})))  # type: ignore[arg-type]
        return made[-1]

    yield fleet
    for each in made:
        for member in each.members():
            each.stop(member)
        # A process lets go of its lock a moment before it can be waited for.
        wait_for(lambda one=each: gone(one) and not one._children, what="no member")


def gone(fleet: LocalFleet) -> bool:
    return all(each.ended for each in fleet.members())


def said(fleet: LocalFleet, member: Member) -> dict[str, object]:
    """What a member said that it got."""
    text = wait_for(lambda: fleet.end_of_log(member), what="its first line")
    found: dict[str, object] = json.loads(text)
    return found


def test_a_member_is_told_its_sizes_and_gets_its_token_through_a_pipe(make: Make) -> None:
    environment = {
        **os.environ,
        "AWS_SECRET_ACCESS_KEY": "x",
        "HF_TOKEN": "the owner's",
        "TASKS_HARNESS": "arc",
    }
    fleet = make(environment=environment, tokens={"HF_TOKEN": "hf_secret"}, variables={"FLEET": "off"})
    member = fleet.start(ORDER)
    got = said(fleet, member)
    assert got["secrets"] == {"HF_TOKEN": "hf_secret"}
    assert got["arguments"] == (
        ["--smallest-gb", "0.000", "--largest-gb", "4.800", "--claims-for", "6", "--hardware", "small"]
    )
    variables = got["environment"]
    assert isinstance(variables, dict)
    assert variables["WORKER_ID"] == member.worker
    assert variables["MAX_MEMORY_GB"] == "5.401"
    assert (variables["FLEET"], variables["TASKS_HARNESS"]) == ("off", "arc")
    assert not {"HF_TOKEN", "AWS_SECRET_ACCESS_KEY"} & set(variables)


def test_a_price_that_the_owner_states_is_told(make: Make) -> None:
    fleet = make(machines=(OwnMachine("small", 6.0, 0.25),))
    assert str(said(fleet, fleet.start(ORDER))["arguments"]).endswith("'--price', '0.25']")
    assert fleet.members()[0].price == 0.25


def test_another_dispatcher_finds_a_member_and_ends_it(make: Make) -> None:
    member = make().start(ORDER)
    said(make(), member)
    (found,) = make().members()
    assert found == member
    assert found.is_running
    make().stop(found)
    wait_for(lambda: gone(make()), what="its end")
    (ended,) = make().members()
    assert ended.ended


def test_a_member_that_is_there_is_not_started_again(make: Make) -> None:
    assert make().start(ORDER).id == make().start(ORDER).id
    assert make().start(Start("small-2", SMALL_ONE.flavour, 0.0, 4.8)).name == "small-2"
    assert len(make().members()) == 2


def test_a_member_that_was_killed_has_ended_also_if_its_number_is_taken_again(
    make: Make, tmp_path: Path
) -> None:
    fleet = make()
    member = fleet.start(ORDER)
    said(fleet, member)
    (pid_file,) = (tmp_path / "fleet").rglob("*.pid")
    psutil.Process(int(pid_file.read_text())).send_signal(signal.SIGKILL)
    wait_for(lambda: gone(fleet), what="its end")
    pid_file.write_text(str(os.getpid()))  # as if this process had got its number
    assert gone(make())
    make().stop(member)
    assert make().start(ORDER).id != member.id


def test_another_dispatcher_that_looks_at_the_same_moment_is_not_taken_for_a_member(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = make()
    member = fleet.start(ORDER)
    said(fleet, member)
    fleet.stop(member)
    wait_for(lambda: gone(fleet), what="its end")
    lock, found = fcntl.flock, []

    def while_another_looks(opened: IO[bytes], how: int) -> None:
        lock(opened, how)
        monkeypatch.setattr(fcntl, "flock", lock)
        found.append(gone(make()))

    monkeypatch.setattr(fcntl, "flock", while_another_looks)
    fleet.members()
    assert found == [True]


def test_a_member_that_does_not_end_when_it_is_told_is_killed(make: Make, tmp_path: Path) -> None:
    deaf = MEMBER.replace("signal.sigwait([signal.SIGTERM])", "signal.sigwait([signal.SIGUSR1])")
    fleet = make(command=(sys.executable, "-c", deaf))
    member = fleet.start(ORDER)
    said(fleet, member)
    fleet.stop(member)
    fleet.stop(member)
    assert not gone(fleet)
    (note,) = (tmp_path / "fleet").rglob("*.stop")
    long_ago = (datetime.now(UTC) - ENDS_WITHIN).timestamp()
    os.utime(note, (long_ago, long_ago))
    make().stop(member)
    wait_for(lambda: gone(fleet), what="its end")


def test_old_files_of_members_are_removed_unless_they_run_or_ended_just_now(
    make: Make, tmp_path: Path
) -> None:
    fleet = make()
    runs, ended = fleet.start(ORDER), fleet.start(Start("small-2", SMALL_ONE.flavour, 0.0, 4.8))
    said(fleet, runs)
    said(fleet, ended)
    fleet.stop(ended)
    wait_for(lambda: any(each.ended for each in fleet.members()), what="its end")
    (folder,) = (tmp_path / "fleet").iterdir()
    names = [f"{member.worker}.{suffix}" for member in (runs, ended) for suffix in ("json", "pid")]
    others = ["results.json", "small.log", "daemon.pid"]
    gone_for_long = [f"small-3.0123abcd.{suffix}" for suffix in ("json", "log", "pid", "stop")]
    long_ago = (datetime.now(UTC) - timedelta(days=15)).timestamp()
    for name in (*names, *others, *gone_for_long):
        (folder / name).touch()
        os.utime(folder / name, (long_ago, long_ago))
    fleet.start(Start("small-4", SMALL_ONE.flavour, 0.0, 4.8))
    left = {each.name for each in folder.iterdir()}
    assert {*names, *others} <= left
    assert not left & set(gone_for_long)


def test_members_of_other_leaderboards_are_not_seen(make: Make) -> None:
    make().start(ORDER)
    assert make(board="other/requests").members() == []


def test_files_that_are_none_of_ours_are_left_alone(make: Make, tmp_path: Path) -> None:
    fleet = make()
    fleet.members()
    (folder,) = (tmp_path / "fleet").iterdir()
    (folder / "notes.json").write_text("{}")
    (folder / "small-1.0123abcd.json").write_text('{"flavour": "small"}')
    (folder / "small-2.0123abcd.json").write_text("x" * 5000)
    (folder / "small-3.0123abcd.json").symlink_to("/etc/passwd")
    naive = {"flavour": "small", "price": 0, "smallest": 0, "largest": 1, "ordered": "2026-08-01T00:00:00"}
    (folder / "small-4.0123abcd.json").write_text(json.dumps(naive))
    assert fleet.members() == []


def test_one_that_ended_is_shown_for_a_day(make: Make, tmp_path: Path) -> None:
    fleet = make()
    member = fleet.start(ORDER)
    said(fleet, member)
    fleet.stop(member)
    wait_for(lambda: gone(fleet), what="its end")
    (file,) = (tmp_path / "fleet").rglob("*.json")
    before = datetime.now(UTC) - timedelta(hours=25)
    file.write_text(file.read_text().replace(member.ordered.date().isoformat(), before.date().isoformat()))
    os.utime(file.with_suffix(".log"), (before.timestamp(), before.timestamp()))
    assert fleet.members() == []


def test_a_machine_that_is_not_named_any_more_is_not_used(make: Make) -> None:
    with pytest.raises(NoHardware, match="FLEET_MACHINES does not name gone any more"):
        make().start(Start("gone-1", Flavour("gone", 1.0, 0.0), 0.0, 1.0))


def test_a_member_that_cannot_be_started_is_a_sentence(make: Make, tmp_path: Path) -> None:
    with pytest.raises(
        FleetError, match=r"The worker small-1\.\w+ could not be started on this machine: No such"
    ):
        make(command=(str(tmp_path / "no-python"),)).start(ORDER)
    assert gone(make())


def test_a_member_that_cannot_be_told_to_end_is_a_sentence(make: Make, tmp_path: Path) -> None:
    fleet = make()
    member = fleet.start(ORDER)
    (pid_file,) = (tmp_path / "fleet").rglob("*.pid")
    number = pid_file.read_text()
    pid_file.write_text("none")
    with pytest.raises(FleetError, match="could not be told to end"):
        fleet.stop(member)
    pid_file.write_text(number)


def test_requests_of_two_sizes_survive_what_happens_to_members_and_dispatchers(tmp_path: Path) -> None:
    board = OwnBoard(tmp_path)
    for number in range(6):
        board.submit(number, LARGE if number % 3 == 2 else SMALL)

    def interrupt(how: signal.Signals) -> None:
        """Send a signal to a worker that holds a request. It may end by itself just before."""
        wait_for(lambda: kill(board.processes_of(board.wait_for_work())[:1], how), what="one at work")

    with board.dispatching() as first:
        interrupt(signal.SIGKILL)
        first.kill()
    with board.dispatching(), board.dispatching():
        interrupt(signal.SIGTERM)
        board.wait_for_the_end()

    assert board.is_finished_once()
    hardware = {board.read(path).params: board.read(path).history[-1].hardware for path in board.paths}
    assert hardware == {SMALL: "small", LARGE: "big"}
    assert board.number(Status.FINISHED) == 6


@pytest.mark.slow
def test_eleven_requests_survive_ten_interruptions(tmp_path: Path) -> None:
    """One more is submitted before each, so that there is always something to interrupt."""
    board = OwnBoard(tmp_path)
    board.submit(0)
    with ExitStack() as stack:
        fleets = [stack.enter_context(board.dispatching())]

        def begin() -> None:
            fleets.append(stack.enter_context(board.dispatching()))

        def at_work() -> list[psutil.Process]:
            found = wait_for(lambda: board.processes_of(board.wait_for_work()), what="a member at work")
            return found or []

        interruptions: list[Callable[[], object]] = [
            lambda: kill(at_work()[:1]),
            lambda: kill(at_work()[1:]),
            lambda: signal_all(at_work()[:1], signal.SIGTERM),
            lambda: frozen_for_a_while(board),
            lambda: kill([psutil.Process(fleets.pop().pid)]),
            begin,
            begin,
            lambda: lost(board, ".json"),
            lambda: lost(board, ".log"),
            lambda: kill([each for worker in board.running() for each in board.processes_of(worker)]),
        ]
        for number, interrupt in enumerate(interruptions, 1):
            board.submit(number, LARGE if number % 3 == 2 else SMALL)
            if fleets:
                board.wait_for_work()
            interrupt()
        board.wait_for_the_end(seconds=600)

    assert board.is_finished_once()
    ends = Counter(each.end for path in board.paths for each in board.read(path).history)
    assert ends["finished"] == len(board.paths) == 11
    assert ends["lost"] >= 1


def frozen_for_a_while(board: OwnBoard) -> None:
    """Let a member and all beneath it stand still until its lease is lost, and then go on."""
    worker = board.wait_for_work()
    processes = board.processes_of(worker)
    signal_all(processes, signal.SIGSTOP)
    wait_for(lambda: worker not in board.running(), seconds=120, what="the end of its lease")
    signal_all(processes, signal.SIGCONT)


def lost(board: OwnBoard, suffix: str) -> None:
    """Remove one of the files of a member that is at work."""
    for file in board.fleet_folder.glob(f"*/{board.wait_for_work()}{suffix}"):
        file.unlink()


def signal_all(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to these, and to none that has gone."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
