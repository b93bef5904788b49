"""The fleet on a real cluster whose members only wait: each of Slurm's commands, and what it says."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from src.fleet.own_machines import read_machines
from src.fleet.seam import NoHardware
from src.fleet.situation import Start
from src.fleet.slurm import SlurmFleet
from src.fleet.slurm_orders import SlurmTerms
from support.slurm import Cluster, running_cluster
from support.waiting import wait_for

MACHINES = read_machines("small: 6 GB, --mem=100; none: 6 GB, --partition=none; gpu: 80 GB, --gres=gpu:1")
SMALL, NONE, GPU = (each.flavour for each in MACHINES)

SCRIPT = """\
#!/bin/bash
trap 'echo told to end; exit' TERM
echo "$LEADERBOARD_MEMBER begins: $*"
sleep 600 & wait
"""

Make = Callable[..., SlurmFleet]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def make(cluster: Cluster, tmp_path: Path) -> Make:
    """Makes fleets; each is a new dispatcher's."""
    script = tmp_path / "member.sh"
    script.write_text(SCRIPT)

    def fleet(**changes: object) -> SlurmFleet:
        environment = {**os.environ, **cluster.variables}
        terms: dict[str, object] = {
            "board": str(tmp_path),
            "machines": MACHINES,
            "folder": tmp_path / "fleet",
        }
        terms |= {"environment": environment, "script": script}
        return SlurmFleet(SlurmTerms(**{**terms, **changes}))  # type: ignore[arg-type]

    return fleet


def order(number: int = 1) -> Start:
    return Start(f"small-{number}", SMALL, 0.0, 4.8)


def test_a_member_is_started_found_told_to_end_and_seen_to_have_ended(make: Make) -> None:
    member = make().start(order())
    wait_for(lambda: make().members()[0].is_running, what="its start")
    (found,) = make().members()
    assert (found.name, found.id, found.largest) == (member.name, member.id, 4.8)
    wait_for(lambda: "begins" in make().end_of_log(member), what="its first line")
    assert "small-1 begins: --smallest-gb 0.000 --largest-gb 4.800" in make().end_of_log(member)

    make().stop(found)
    wait_for(lambda: make().members()[0].ended, what="its end")
    assert "told to end" in make().end_of_log(member)
    make().stop(found)


def test_a_member_is_told_to_end_while_it_waits(make: Make, cluster: Cluster) -> None:
    cluster.drain("its disk is full")
    try:
        fleet = make()
        member = fleet.start(order())
        wait_for(lambda: "DRAINED" in fleet.members()[0].message, what="the reason why it waits")
        assert fleet.members()[0].is_pending
        fleet.stop(member)
        wait_for(lambda: fleet.members()[0].ended, what="its end")
    finally:
        cluster.resume()


def test_two_fleets_start_one_member_of_a_name(make: Make) -> None:
    first, second = make(), make()
    assert first.start(order()).id == second.start(order()).id
    assert second.start(order(2)).id != first.members()[0].id
    assert len([each for each in first.members() if not each.ended]) == 2
    for each in first.members():
        first.stop(each)


def test_members_of_another_board_and_jobs_of_any_name_are_left_alone(
    make: Make, cluster: Cluster, tmp_path: Path
) -> None:
    fleet = make()
    member = fleet.start(order())
    marked = f"0123456789abcdef|99|RUNNING|||||lb-{'0' * 8}:small-1:0-1:small"
    job = cluster.run(
        "sbatch",
        "--parsable",
        f"--job-name=x\n{marked}",
        "--output=/dev/null",
        "--mem=100",
        str(tmp_path / "member.sh"),
    )
    assert [each.id for each in fleet.members()] == [member.id]
    assert make(board="another").members() == []
    fleet.stop(member)
    cluster.run("scancel", job.strip())


@pytest.mark.parametrize(
    ("flavour", "said"),
    [(NONE, "Invalid partition name specified"), (GPU, "Invalid generic resource")],
    ids=["a partition", "GPUs"],
)
def test_what_the_cluster_does_not_have_is_a_sentence(make: Make, flavour: object, said: str) -> None:
    with pytest.raises(NoHardware) as raised:
        make().start(Start("x-1", flavour, 0.0, 4.8))  # type: ignore[arg-type]
    assert str(raised.value).startswith(f"Slurm takes no job for {flavour.name}: ")  # type: ignore[attr-defined]
    assert said in str(raised.value)
    assert make().members() == []
