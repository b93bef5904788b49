"""What the fleet on a cluster makes of the answers of Slurm's commands: hostile, wrong, late or none."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.fleet import slurm_commands
from src.fleet.flavour import Flavour
from src.fleet.logs_of_members import ENDS_WITHIN
from src.fleet.member import Member
from src.fleet.own_machines import OwnMachine
from src.fleet.seam import FleetError, NoHardware
from src.fleet.situation import Start
from src.fleet.slurm import SlurmFleet
from src.fleet.slurm_lists import members_in, time_of
from src.fleet.slurm_orders import SlurmTerms

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
BOARD = "acme/requests"
DIGEST = SlurmTerms(board=BOARD, machines=(), folder=Path()).digest
MACHINES = (
    OwnMachine("small", 6.0, None, ("--mem=6G",)),
    OwnMachine("big", 80.0, 2.5, ("--partition=gpu", "--gres=gpu:1")),
)
ORDER = Start("small-1", MACHINES[0].flavour, 0.0, 4.8, timedelta(hours=6))
NAME = f"lb-{DIGEST}:small-1:0-4800:small"
TIMES = "2026-08-01T11:00:00|2026-08-01T11:30:00|2026-08-02T11:30:00"

SQUEUE = """\
for each in "$@"; do
    case "$each" in --format=*) marker=$(echo "${each#--format=}" | cut -d'|' -f1);; esac
done
sed "s/^@/$marker|/" "$FAKES/jobs"
"""


@dataclass
class Fakes:
    """Commands in the place of Slurm's."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.set("squeue", SQUEUE)
        self.set("scancel", "exit 0")
        self.set("sbatch", "echo 12")
        self.jobs()

    def set(self, command: str, script: str) -> None:
        """Write a command. It notes its arguments and its environment."""
        notes = f'echo "$@" >> "$FAKES/{command}.calls"; env > "$FAKES/{command}.env"'
        (self.folder / command).write_text(f"#!/bin/sh\nexport FAKES={self.folder}\n{notes}\n{script}\n")
        (self.folder / command).chmod(0o755)

    def jobs(self, *lines: str) -> None:
        """Say what squeue prints. A line that begins with @ is one of its own."""
        (self.folder / "jobs").write_text("".join(f"{each}\n" for each in lines))

    def calls(self, command: str) -> list[str]:
        """The arguments of each call of a command."""
        file = self.folder / f"{command}.calls"
        return file.read_text().splitlines() if file.exists() else []

    def environment(self, command: str) -> dict[str, str]:
        """The environment of the last call of a command."""
        return dict(each.split("=", 1) for each in (self.folder / f"{command}.env").read_text().splitlines())

    def fleet(self, **changes: object) -> SlurmFleet:
        path = os.pathsep.join([str(self.folder), os.environ["PATH"]])
        environment = {**self.variables, "PATH": path}
        terms: dict[str, object] = {"board": BOARD, "machines": MACHINES, "folder": self.folder / "logs"}
        terms |= {"environment": environment, "tokens": self.tokens}
        return SlurmFleet(SlurmTerms(**{**terms, **changes}), clock=lambda: NOW)  # type: ignore[arg-type]


@pytest.fixture
def fakes(tmp_path: Path) -> Fakes:
    return Fakes(tmp_path)


def test_members_are_found_by_the_names_of_their_jobs(fakes: Fakes) -> None:
    fakes.jobs(
        f"@7|RUNNING|{TIMES}|None|{NAME}", f"@12|PENDING|{TIMES}|Resources|lb-{DIGEST}:big-1:4800-64000:big"
    )
    small, big = fakes.fleet().members()
    assert (small.name, small.id, small.flavour, small.price) == ("small-1", "7", "small", None)
    assert (small.smallest, small.largest, small.message) == (0.0, 4.8, "")
    assert (small.ordered, small.started) == (NOW - timedelta(hours=1), NOW - timedelta(minutes=30))
    assert (big.smallest, big.largest, big.price) == (4.8, 64.0, 2.5)
    assert (big.is_pending, big.message) == (True, "Slurm says: Resources.")
    assert small.worker == "small-1.7"


@pytest.mark.parametrize(
    "name",
    [
        "bash",
        "",
        NAME.replace(DIGEST, "00000000"),
        f"{NAME}x|",
        f"x{NAME}",
        NAME.replace("small-1", "small_1"),
        NAME.replace("4800", "-4800"),
        NAME.replace("4800", "9" * 10),
        NAME.replace("small-1", "s" * 61),
        NAME.replace("small-1", "$(reboot)"),
        NAME.replace("small-1", "../small-1"),
    ],
)
def test_jobs_of_other_names_are_left_alone(fakes: Fakes, name: str) -> None:
    fakes.jobs(f"@7|RUNNING|{TIMES}|None|{name}")
    assert fakes.fleet().members() == []


@pytest.mark.parametrize("id", ["", "7_1", "7+0", "-7", "seven", "７", "1" * 13])
def test_only_the_number_of_a_job_is_an_id(fakes: Fakes, id: str) -> None:
    fakes.jobs(f"@{id}|RUNNING|{TIMES}|None|{NAME}")
    assert fakes.fleet().members() == []


def test_a_job_whose_name_holds_a_line_of_squeue_is_not_taken_for_a_member(fakes: Fakes) -> None:
    fakes.jobs(
        f"@7|RUNNING|{TIMES}|None|innocent",
        f"8|RUNNING|{TIMES}|None|{NAME}",
        f"0123456789abcdef|8|RUNNING|{TIMES}|None|{NAME}",
        f"|8|RUNNING|{TIMES}|None|{NAME}",
        "CLUSTER: other",
    )
    assert fakes.fleet().members() == []


@settings(max_examples=50)
@given(st.text())
def test_no_answer_of_squeue_is_an_error(text: str) -> None:
    def found(output: str) -> list[Member]:
        return list(members_in(output, "marker", DIGEST, {}, NOW))

    assert found(text) == []
    found(f"marker|7|RUNNING|{text}")
    assert all(each.name == "small-1" for each in found(f"marker|7|{text}|{NAME}"))


@pytest.mark.parametrize(
    ("state", "reason", "message"),
    [
        ("COMPLETED", "None", ""),
        ("COMPLETING", "None", ""),
        ("TIMEOUT", "TimeLimit", "Slurm says that it ended: timeout, TimeLimit."),
        ("CANCELLED", "None", "Slurm says that it ended: cancelled."),
        ("NODE_FAIL", "None", "Slurm says that it ended: node_fail."),
        ("OUT_OF_MEMORY", "OutOfMemory", "Slurm says that it ended: out_of_memory, OutOfMemory."),
    ],
)
def test_a_job_that_has_ended_is_a_member_that_has(
    fakes: Fakes, state: str, reason: str, message: str
) -> None:
    fakes.jobs(f"@7|{state}|2026-08-01T11:00:00|2026-08-01T11:30:00|2026-08-01T11:45:00|{reason}|{NAME}")
    (member,) = fakes.fleet().members()
    assert member.ended == NOW - timedelta(minutes=15)
    assert member.message == message


def test_what_waits_for_a_drained_node_says_so(fakes: Fakes) -> None:
    reason = "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions"
    fakes.jobs(f"@7|PENDING|2026-08-01T11:00:00|N/A|N/A|{reason}|{NAME}")
    (member,) = fakes.fleet().members()
    assert member.message == f"Slurm says: {reason}."
    assert member.started is None


def test_a_reason_is_one_short_line(fakes: Fakes) -> None:
    fakes.jobs(f"@7|PENDING|{TIMES}|{'x' * 5000}\x1b[31m|{NAME}")
    (member,) = fakes.fleet().members()
    assert len(member.message) <= 300
    assert member.message.isprintable()


def test_variables_of_the_owner_do_not_change_what_squeue_shows(fakes: Fakes) -> None:
    fakes.variables = {
        "SQUEUE_FORMAT": "%j",
        "SQUEUE_USERS": "bob",
        "SLURM_CONF": "/etc/c",
        "TZ": "Asia/Tokyo",
    }
    fakes.fleet().members()
    environment = fakes.environment("squeue")
    assert environment["SLURM_CONF"] == "/etc/c"
    assert environment["TZ"] == "UTC"
    assert not [name for name in environment if name.startswith("SQUEUE_")]
    assert f"--user={os.getuid()}" in fakes.calls("squeue")[0]


def test_a_member_is_submitted_with_its_sizes_and_its_time(fakes: Fakes) -> None:
    member = fakes.fleet(longest=timedelta(hours=24)).start(ORDER)
    (call,) = fakes.calls("sbatch")
    assert call.startswith(f"--mem=6G --parsable --job-name={NAME} --export=ALL --time={30 * 60} ")
    assert "--smallest-gb 0.000 --largest-gb 4.800 --claims-for 6 --hardware small" in call
    assert "--price" not in call
    assert f"--output={fakes.folder}/logs/lb-%j.log" in call
    assert (member.id, member.ordered, member.is_pending) == ("12", NOW, True)


def test_a_price_that_the_owner_states_is_told(fakes: Fakes) -> None:
    fakes.fleet().start(Start("big-1", MACHINES[1].flavour, 4.8, 64.0))
    assert fakes.calls("sbatch")[0].endswith("--hardware big --price 2.5")
    environment = fakes.environment("sbatch")
    assert environment["DEVICE"] == "cuda"
    assert "MAX_MEMORY_GB" not in environment


def test_a_member_gets_its_tokens_and_no_other_secret_of_the_owner(fakes: Fakes) -> None:
    fakes.variables = {
        **{
            "AWS_SECRET_ACCESS_KEY": "x",
            "SLURM_JOB_ID": "3",
            "SLURM_MEM_PER_CPU": "4",
            "SLURM_CONF": "/etc/c",
        },
        **{"SBATCH_ACCOUNT": "lab", "SBATCH_EXPORT": "NONE", "SBATCH_ARRAY_INX": "0-99", "WORKER_ID": "mine"},
        **{"LANG": "C", "TASKS_HARNESS": "arc", "SLURM_JWT": "x", "HF_TOKEN": "the owner's"},
    }
    fakes.tokens = {"HF_TOKEN": "hf_secret"}
    fakes.fleet(variables={"FLEET": "off"}).start(ORDER)
    environment = fakes.environment("sbatch")
    assert environment["HF_TOKEN"] == "hf_secret"
    assert environment["TASKS_HARNESS"] == "arc"
    assert environment["FLEET"] == "off"
    assert environment["LEADERBOARD_MEMBER"] == "small-1"
    assert environment["DEVICE"] == "cpu"
    assert environment["MAX_MEMORY_GB"] == "5.401"
    kept = {name for name in environment if re.match("SLURM|SBATCH|AWS|WORKER", name)}
    assert kept == {"SLURM_CONF", "SBATCH_ACCOUNT"}
    assert "hf_secret" not in "".join(fakes.calls("sbatch"))


def test_a_member_that_is_there_is_not_started_again(fakes: Fakes) -> None:
    fakes.jobs(f"@7|PENDING|{TIMES}|Priority|{NAME}")
    assert fakes.fleet().start(ORDER).id == "7"
    assert fakes.calls("sbatch") == []


def test_of_two_that_were_ordered_at_once_the_later_one_ends(fakes: Fakes) -> None:
    mine = f"@12|PENDING|{TIMES}|Priority|{NAME}"
    fakes.set("sbatch", f"printf '{mine}\\n@9|RUNNING|{TIMES}|None|{NAME}\\n' > \"$FAKES/jobs\"; echo 12")
    assert fakes.fleet().start(ORDER).id == "9"
    assert fakes.calls("scancel") == ["12"]


def test_the_id_is_read_after_what_a_cluster_prints_before_it(fakes: Fakes) -> None:
    fakes.set("sbatch", "echo 'Welcome. This job costs 12 units.'; echo; echo '34;cluster'; echo")
    assert fakes.fleet().start(ORDER).id == "34"


def test_the_id_is_read_where_a_cluster_is_named_too(fakes: Fakes) -> None:
    fakes.set("sbatch", "echo '34;cluster'")
    assert fakes.fleet().start(ORDER).id == "34"


@pytest.mark.parametrize(
    ("script", "kind", "sentence"),
    [
        (
            "echo 'sbatch: error: invalid partition specified: gpu' >&2; "
            "echo 'sbatch: error: Batch job submission failed: Invalid partition name specified' >&2; exit 1",
            NoHardware,
            "Slurm takes no job for small: Batch job submission failed: Invalid partition name specified. "
            "Correct its options in FLEET_MACHINES (--mem=6G).",
        ),
        ("exit 3", NoHardware, "Slurm takes no job for small: exit status 3."),
        (
            "echo 'sbatch: error: Unable to contact slurm controller (connect failure)' >&2; exit 1",
            FleetError,
            "Slurm does not answer: Unable to contact slurm controller (connect failure). "
            "It will be retried automatically.",
        ),
        ("echo hello", FleetError, "sbatch answered 'hello', where the number of a job was expected."),
        ("yes | head -c 4000000; echo", FleetError, "sbatch answered 'y y y"),
        ("yes | head -c 9000000; echo", FleetError, "sbatch has answered with more than 5 MB."),
    ],
)
def test_what_sbatch_refuses_is_a_sentence(
    fakes: Fakes, script: str, kind: type[FleetError], sentence: str
) -> None:
    fakes.set("sbatch", script)
    with pytest.raises(FleetError) as raised:
        fakes.fleet().start(ORDER)
    assert type(raised.value) is kind
    assert str(raised.value).startswith(sentence)
    assert len(str(raised.value)) < 1000


def test_a_machine_that_is_not_named_any_more_is_not_asked_for(fakes: Fakes) -> None:
    with pytest.raises(NoHardware, match="FLEET_MACHINES does not name gone any more"):
        fakes.fleet().start(Start("gone-1", Flavour("gone", 1.0, 0.0), 0.0, 1.0))


@pytest.mark.parametrize("command", ["squeue", "sbatch", "scancel"])
def test_without_slurm_it_is_said_where_to_run_the_fleet(fakes: Fakes, command: str, tmp_path: Path) -> None:
    (fakes.folder / command).unlink()
    fleet = fakes.fleet(environment={"PATH": str(fakes.folder)})
    (fakes.folder / "jobs").write_text("")
    for tool in ("sed", "cut", "env"):
        (fakes.folder / tool).symlink_to(f"/usr/bin/{tool}")
    with pytest.raises(FleetError, match=rf"{command} was not found\. Run the fleet where .* a login node"):
        if command == "scancel":
            fleet.stop(member())
        else:
            fleet.start(ORDER)


def test_a_command_that_does_not_end_is_ended(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm_commands, "PATIENCE_SECONDS", 0.2)
    fakes.set("squeue", "exec sleep 60")
    with pytest.raises(FleetError, match="squeue has not answered within 0 seconds"):
        fakes.fleet().members()


def test_a_controller_that_is_away_is_a_sentence(fakes: Fakes) -> None:
    fakes.set("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(FleetError, match="Slurm does not answer: slurm_load_jobs error: Unable to contact"):
        fakes.fleet().members()


def member(**changes: object) -> Member:
    known: dict[str, object] = {
        "name": "small-1",
        "id": "7",
        "flavour": "small",
        "price": 0.0,
        "largest": 4.8,
    }
    return Member(**{**known, "ordered": NOW, **changes})  # type: ignore[arg-type]


def test_an_answer_that_is_too_long_lets_no_member_seem_gone(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = f"@7|RUNNING|{TIMES}|None|{NAME}"
    fakes.jobs(*[line] * 100)
    monkeypatch.setattr(slurm_commands, "MOST_ANSWERED", 99 * len(line))
    with pytest.raises(FleetError, match="squeue has answered with more than"):
        fakes.fleet().members()


def test_one_that_waits_is_cancelled_and_one_that_runs_is_told_to_end(fakes: Fakes) -> None:
    fakes.fleet().stop(member())
    fakes.fleet().stop(member(started=NOW))
    assert fakes.calls("scancel") == ["7", "--batch --signal=TERM 7"]


def test_one_that_does_not_end_when_it_is_told_is_killed(fakes: Fakes) -> None:
    (fakes.folder / "logs").mkdir(mode=0o700)
    told = "--batch --signal=TERM 7"
    for _ in range(2):
        fakes.fleet().stop(member(started=NOW))
    assert fakes.calls("scancel") == [told, told]
    (note,) = (fakes.folder / "logs").iterdir()
    long_ago = (datetime.now(UTC) - ENDS_WITHIN).timestamp()
    os.utime(note, (long_ago, long_ago))
    fakes.fleet().stop(member(started=NOW))
    assert fakes.calls("scancel") == [told, told, "7"]


@pytest.mark.parametrize(
    "said",
    ["Invalid job id specified", "Job/step already completing or completed", "Job has already completed"],
)
def test_one_that_has_ended_already_is_no_error(fakes: Fakes, said: str) -> None:
    fakes.set("scancel", f"echo 'scancel: error: Kill job error on job id 7: {said}' >&2; exit 1")
    fakes.fleet().stop(member(started=NOW))


def test_one_that_cannot_be_stopped_is_a_sentence(fakes: Fakes) -> None:
    fakes.set("scancel", "echo 'scancel: error: Access/permission denied' >&2; exit 1")
    with pytest.raises(FleetError, match="scancel failed: Access/permission denied"):
        fakes.fleet().stop(member())


def test_the_end_of_a_log_is_short_and_no_link_is_followed(fakes: Fakes, tmp_path: Path) -> None:
    fleet = fakes.fleet()
    assert fleet.end_of_log(member()) == ""
    folder = fakes.folder / "logs"
    folder.mkdir(mode=0o700)
    (folder / "lb-7.log").write_bytes(b"x" * 50_000 + b"\xffthe end")
    assert len(fleet.end_of_log(member())) <= 20_000
    assert fleet.end_of_log(member()).endswith("�the end")
    (folder / "lb-8.log").symlink_to("/etc/passwd")
    with pytest.raises(FleetError, match=r"The log of the worker small-1\.8 cannot be read"):
        fleet.end_of_log(member(id="8"))


def test_a_folder_that_others_can_write_to_is_refused(fakes: Fakes) -> None:
    (fakes.folder / "logs").mkdir()
    (fakes.folder / "logs").chmod(0o777)
    with pytest.raises(FleetError, match="others can write to it\\. Set FLEET_FOLDER to another one"):
        fakes.fleet().start(ORDER)
    assert fakes.calls("sbatch") == []


def test_a_folder_that_cannot_be_made_is_a_sentence(fakes: Fakes) -> None:
    (fakes.folder / "file").write_text("")
    with pytest.raises(FleetError, match=r"The folder of the fleet, .* cannot be used: Not a directory"):
        fakes.fleet(folder=fakes.folder / "file" / "logs").start(ORDER)


def test_old_logs_of_members_are_removed_and_nothing_else(fakes: Fakes) -> None:
    folder = fakes.folder / "logs"
    folder.mkdir(mode=0o700)
    others = {"1.log": 15, "results.json": 15, "lb-notes.log": 15, "daemon.pid": 15}
    for name, days in {"lb-1.log": 15, "lb-1.stop": 15, "lb-2.log": 13, **others}.items():
        (folder / name).write_text("")
        written = (datetime.now(UTC) - timedelta(days=days)).timestamp()
        os.utime(folder / name, (written, written))
    fakes.fleet().start(ORDER)
    assert {each.name for each in folder.iterdir()} == {"lb-2.log", *others}


def test_a_script_that_is_missing_is_a_sentence(fakes: Fakes) -> None:
    with pytest.raises(FleetError, match=r"The script .*/gone.sh is missing"):
        fakes.fleet(script=fakes.folder / "gone.sh").start(ORDER)


@pytest.mark.parametrize("text", ["N/A", "Unknown", "", "NONE", "2026-13-01T00:00:00", "2026-08-01"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert time_of(text) is None
