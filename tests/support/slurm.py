"""A cluster of one node for tests: Debian's Slurm, all of it in one folder, and gone with the test.

Run as `python slurm.py FOLDER` it is the cluster's keeper: the parent of the daemons and, as Linux allows, of
every process that they leave behind. It ends all of them when its standard input ends, so also when the test
was killed.
"""

from __future__ import annotations

import ctypes
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

if __name__ != "__main__":
    import pytest

    from support.processes import free_port
    from support.waiting import PATIENCE, wait_for

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "squeue", "scancel", "scontrol", "sinfo")
MISSING = "Slurm is missing: `apt-get install slurmctld slurmd slurm-client munge`"

WORKS = frozenset({"idle", "mixed", "allocated", "completing"})
DRAINS = frozenset({"draining", "drained"})
"""States of a node, as `sinfo` calls them."""

PR_SET_CHILD_SUBREAPER = 36
"""The number of this option of `prctl` on Linux (linux/prctl.h)."""

SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")
"""Where daemons lie, which an ordinary user's PATH may lack."""

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={controller_port}
SlurmdPort={node_port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
MpiDefault=none
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
KillWait=20
MessageTimeout=100
TCPTimeout=30
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={processors} RealMemory={megabytes} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
"""


@dataclass
class Cluster:
    """A cluster that runs. Its commands find it by `variables`."""

    folder: Path
    variables: Mapping[str, str]
    _keeper: subprocess.Popen[str]

    def run(self, *command: str) -> str:
        """Run one of Slurm's commands and return what it prints."""
        done = self._try(*command)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def jobs(self) -> dict[str, str]:
        """The state of each job that Slurm still knows."""
        lines = self.run("squeue", "--noheader", "--states=all", "--format=%A %T").splitlines()
        return dict(line.split() for line in lines)

    def drain(self, reason: str) -> None:
        """Let the node start nothing more, as an administrator does."""
        self.run("scontrol", "update", f"nodename={host()}", "state=drain", f"reason={reason}")

    def resume(self) -> None:
        """Let the node start jobs again, once it is drained."""
        command = ("scontrol", "update", f"nodename={host()}", "state=resume")

        def is_back() -> bool:
            """A node that was only down comes back by itself, and cannot be resumed then."""
            return self._try(*command).returncode == 0 or self._state() in WORKS

        wait_for(is_back, what="a node that works again")

    def restart(self, daemon: str) -> None:
        """End a daemon, start it again and wait until the cluster answers."""
        assert self._keeper.stdin
        assert self._keeper.stdout
        self._keeper.stdin.write(f"{daemon}\n")
        self._keeper.stdin.flush()
        assert self._keeper.stdout.readline().strip() == daemon
        self.wait_until_it_answers()

    def processes_of(self, job: str) -> list[psutil.Process]:
        """What runs in a job, its first process first; empty if it does not run."""
        for process in psutil.Process(self._keeper.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # also of those that have ended, and nobody waits for
                if f"slurmstepd: [{job}.batch]" in " ".join(process.cmdline()):
                    return process.children(recursive=True)
        return []

    def wait_until_it_answers(self) -> None:
        """Wait until the node can run jobs."""
        try:
            wait_for(lambda: self._state() in WORKS | DRAINS, what="a node that works")
        except AssertionError:
            raise AssertionError(f"the node does not run jobs: {self._ends_of_logs()}") from None

    def _state(self) -> str:
        return self._try("sinfo", "--noheader", "--format=%T").stdout.strip()

    def _try(self, *command: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.variables}
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    def _ends_of_logs(self) -> str:
        assert self._keeper.poll() is None, "the keeper of the cluster has ended"
        return "\n".join(log.read_text()[-500:] for log in self.folder.glob("*.log"))


def host() -> str:
    """The name of this machine, and so of the node."""
    return socket.gethostname().partition(".")[0]


@contextmanager
def running_cluster(*, processors: int = 2, megabytes: int = 6000) -> Iterator[Cluster]:
    """Run a cluster until the block ends. Skips where Slurm is not installed."""
    if sys.platform != "linux" or not all(map(_where, (*DAEMONS, *COMMANDS))):
        pytest.skip(MISSING)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # its socket's address must be short
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)  # munged wants a socket that every user can reach
        _configure(folder, processors, megabytes)
        keeper = stack.enter_context(
            subprocess.Popen(
                [sys.executable, __file__, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C reaches only the tests
            )
        )
        cluster = Cluster(folder, {"SLURM_CONF": str(folder / "slurm.conf")}, keeper)
        stack.callback(keeper.communicate, timeout=PATIENCE)
        cluster.wait_until_it_answers()
        yield cluster


def _where(program: str) -> str | None:
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_FOLDERS]))


def _configure(folder: Path, processors: int, megabytes: int) -> None:
    for name in ("state", "spool"):
        (folder / name).mkdir(mode=0o755)
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(128))
    configuration = CONFIGURATION.format(
        host=host(),
        user=getpass.getuser(),
        folder=folder,
        controller_port=free_port(),
        node_port=free_port(),
        processors=min(processors, os.cpu_count() or 1),
        megabytes=megabytes,
    )
    (folder / "slurm.conf").write_text(configuration)


class Keeper:
    """Starts the daemons and ends everything that comes of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        munge = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munge.pid"}
        munge |= {"log-file": "munged.log", "seed-file": "munge.seed"}
        self._commands = {
            "munged": ("-F", *(f"--{option}={folder / file}" for option, file in munge.items())),
            "slurmctld": ("-D",),
            "slurmd": ("-D", "-N", host()),
        }
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def run(self, commands: IO[str]) -> None:
        """Keep the cluster until there are no more commands: names of daemons to start again."""
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, *[ctypes.c_ulong(1)] * 4)
        try:
            for name in DAEMONS:
                self._start(name)
            for line in commands:
                name = line.strip()
                self._daemons[name].terminate()  # as an administrator does, so that it saves its state
                self._daemons[name].wait()
                self._start(name)
                print(name, flush=True)
        finally:
            self._end()

    def _start(self, name: str) -> None:
        with (self._folder / f"{name}.output.log").open("ab") as log:
            self._daemons[name] = subprocess.Popen(
                [str(_where(name)), *self._commands[name]],
                env={**os.environ, "SLURM_CONF": str(self._folder / "slurm.conf")},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _end(self) -> None:
        """Kill everything: what a killed process leaves becomes a child of this one."""
        while left := psutil.Process().children(recursive=True):
            for process in left:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(left, timeout=10)
            _reap()
        shutil.rmtree(self._folder, ignore_errors=True)


def _reap() -> None:
    """Wait for those children that nobody else waits for."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Keeper(Path(sys.argv[1])).run(sys.stdin)
