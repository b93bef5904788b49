"""Who a worker is, across restarts and beside others."""

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from src.running.identity import WorkerIdentity, take_identity
from src.shared.errors import ConfigurationError


def test_without_a_name_a_worker_is_its_host_with_the_lowest_free_number(tmp_path: Path) -> None:
    first = take_identity(None, tmp_path)
    second = take_identity(None, tmp_path)
    assert (first.worker, second.worker) == (f"{socket.gethostname()}-0", f"{socket.gethostname()}-1")
    assert first.folder != second.folder
    first.lock.release()
    assert take_identity(None, tmp_path).worker == first.worker


def test_a_killed_workers_number_is_free_again(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from src.running.identity import take_identity;"
        "identity = take_identity(None, Path(sys.argv[1])); print(identity.worker, flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "backend"},
    )
    with process:
        assert process.stdout
        name = process.stdout.readline().decode().strip()
        assert take_identity(None, tmp_path).worker != name
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert take_identity(None, tmp_path).worker == name


def test_a_name_that_a_living_worker_has_is_refused(tmp_path: Path) -> None:
    identity = take_identity("acme/backend", tmp_path)
    with pytest.raises(
        ConfigurationError, match="Another worker on this machine is already named 'acme/backend'"
    ):
        take_identity("acme/backend", tmp_path)
    identity.lock.release()


def test_a_name_from_outside_stays_inside_its_folder(tmp_path: Path) -> None:
    identity = take_identity("../../etc", tmp_path)
    assert identity.folder.resolve().is_relative_to(tmp_path)


def test_what_a_killed_predecessor_left_is_removed(tmp_path: Path) -> None:
    identity = take_identity("worker", tmp_path)
    (identity.folder / "jobs" / "nonce").mkdir(parents=True)
    identity.lock.release()
    assert not (take_identity("worker", tmp_path).folder / "jobs").exists()


def test_names_that_look_alike_as_folders_are_different_workers(tmp_path: Path) -> None:
    first, second = take_identity("acme/backend", tmp_path), take_identity("acme_backend", tmp_path)
    assert first.folder != second.folder


def test_a_folder_that_others_can_write_to_is_not_used(tmp_path: Path) -> None:
    """Who comes first in /tmp could hand a worker forged reports."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(ConfigurationError, match="others can write to it"):
        take_identity("worker", shared)


def leave_behind(identity: WorkerIdentity, *, days: float, used_days: float | None = None) -> Path:
    """A worker that ended `days` ago, with a model. Its jobs folder may have been used later."""
    weights = identity.folder / "hf" / "hub" / "weights"
    weights.mkdir(parents=True)
    (identity.folder / "jobs").mkdir()
    identity.lock.release()
    for path in (identity.folder / "hf", identity.folder / "jobs", identity.folder):
        is_used = used_days is not None and path.name == "jobs"
        ago = time.time() - timedelta(days=used_days if is_used and used_days else days).total_seconds()
        os.utime(path, (ago, ago))
    return identity.folder


def test_the_folder_of_a_worker_that_does_not_come_back_is_removed_after_a_week(tmp_path: Path) -> None:
    gone = leave_behind(take_identity("gone", tmp_path), days=8)
    recent = leave_behind(take_identity("recent", tmp_path), days=6)
    busy = leave_behind(take_identity("busy", tmp_path), days=30, used_days=2)
    own = take_identity(None, tmp_path)
    assert [folder.exists() for folder in (gone, recent, busy, own.folder)] == [False, True, True, True]
    assert take_identity("gone", tmp_path).folder == gone
    assert gone.exists()


def test_the_folder_of_a_worker_that_lives_stays_however_old_it_is(tmp_path: Path) -> None:
    living = take_identity("living", tmp_path)
    ago = time.time() - timedelta(days=30).total_seconds()
    os.utime(living.folder, (ago, ago))
    take_identity(None, tmp_path)
    assert living.folder.exists()


def test_a_worker_that_comes_back_after_weeks_has_its_models_still(tmp_path: Path) -> None:
    folder = leave_behind(take_identity("back", tmp_path), days=30)
    assert take_identity("back", tmp_path).folder == folder
    assert (folder / "hf" / "hub" / "weights").exists()
