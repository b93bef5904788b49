"""`python -m src.worker`, as a maintainer runs it on their own compute, and how the Space ends."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from src.shared.data.backend_description import read_description
from src.shared.data.names import BACKEND_DESCRIPTION
from src.shared.data.request import Status
from support.old_envs import with_old_envs
from support.processes import free_port
from support.queues import Queue
from support.receiver import running_receiver
from support.tiny_model import make_tiny_model
from support.unprivileged import unprivileged
from support.waiting import PATIENCE, wait_for

BACKEND = Path("backend").resolve()
COMMAND, SPACE = ("-m", "src.worker"), ("app.py",)
ENDLESS = {"TASKS_DIR": "../tests/support/endless", "TASKS_HARNESS": "endless"}


@contextmanager
def command(
    data: Path,
    *options: str,
    program: tuple[str, ...] = COMMAND,
    space: Path = BACKEND,
    run_by: Callable[..., list[str]] = lambda *command: [*command],
    **variables: str,
) -> Iterator[subprocess.Popen[str]]:
    """The command as a process, which is gone after the block."""
    environment = {**os.environ, "LEADERBOARD_DATA_DIR": str(data), "REFRESH_RATE": "0.2", **variables}
    # Models are looked up in the folder only: the Hub cannot be reached from everywhere.
    environment |= {"TMPDIR": str(data.parent), "HF_HUB_OFFLINE": "1"}
    with subprocess.Popen(
        run_by(sys.executable, *program, *options),
        cwd=space,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_drain_ends_when_nothing_is_left(queue: Queue) -> None:
    path = queue.submit("nobody/there")
    with command(queue.folder, "--drain") as process:
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    assert queue.read(path).status is Status.FAILED
    assert queue.read(path).message == "There is no model nobody/there in models/: check its name."


def test_drain_ends_when_nothing_is_left_of_its_share(queue: Queue) -> None:
    """The worker that takes the large ones does not touch the small one, nor speak for the leaderboard."""
    small = queue.submit("nobody/small", params=1.0)
    large = queue.submit("nobody/large", params=20.0)
    share = "--smallest-gb=18", "--largest-gb=60", "--claims-for=6", "--hardware=l4x1", "--price=0.8"
    with command(queue.folder, "--drain", *share, MAX_MEMORY_GB="100") as process:
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    assert (queue.read(small).status, queue.read(small).message) == (Status.PENDING, "")
    assert queue.read(large).status is Status.FAILED
    description = (queue.folder / "results" / BACKEND_DESCRIPTION).read_bytes()
    assert read_description(description).max_model_gb is None


def test_a_worker_whose_hours_are_over_claims_nothing_and_ends(queue: Queue) -> None:
    path = queue.submit("nobody/there")
    with command(queue.folder, "--drain", "--claims-for=0.00001") as process:
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    assert queue.read(path).status is Status.PENDING


@pytest.mark.parametrize(
    "option",
    [
        "--smallest-gb=-1",
        "--largest-gb=nan",
        "--claims-for=0",
        "--hardware=l4 x1",
        "--hardware=",
        "--price=-1",
    ],
)
def test_an_option_that_cannot_be_right_is_refused(queue: Queue, option: str) -> None:
    with command(queue.folder, option) as process:
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    name, _, value = option.partition("=")
    assert f"argument {name}: invalid " in output
    assert repr(value) in output


def test_a_share_without_any_size_is_one_sentence(queue: Queue) -> None:
    with command(queue.folder, "--smallest-gb=18", MAX_MODEL_GB="12") as process:
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert output == (
        "Configuration error: This worker is for models with at least 18 GB, but takes none with more "
        "than 12 GB, so none is of a size to take. Lower --smallest-gb or MIN_MODEL_GB, or use a machine "
        "with more memory.\n"
    )


@pytest.mark.slow
def test_drain_waits_until_a_slow_receiver_has_the_news(queue: Queue) -> None:
    with running_receiver() as receiver:
        receiver.answers, receiver.headers = [503], {"Retry-After": "8"}
        with command(
            queue.folder, "--drain", TASKS_HARNESS="no_such_task", NOTIFY_URL=receiver.url
        ) as process:
            output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, output
    assert [each["event"] for each in receiver.got] == ["suite_problems"] * 2
    assert receiver.got[0]["id"] == receiver.got[1]["id"]
    assert "ended before this was told" not in output


@pytest.mark.slow
def test_a_worker_of_an_ordinary_user_ends_an_evaluation_that_holds_too_much_memory(queue: Queue) -> None:
    make_tiny_model(queue.folder / "models" / "acme" / "tiny")
    path = queue.submit("acme/tiny", commit=None, precision="float32")
    settings = {"MAX_MEMORY_GB": "0.05", "MAX_ATTEMPTS": "1", **ENDLESS}
    with command(queue.folder, "--drain", run_by=unprivileged, **settings) as process:
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    assert "more than its limit of 0.05 GB, and was stopped" in queue.read(path).message


def test_an_old_envs_in_the_place_of_ours_works(queue: Queue) -> None:
    path = queue.submit("nobody/there")
    space = with_old_envs(BACKEND, queue.folder.parent)
    with command(queue.folder, "--drain", space=space) as process:
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    assert queue.read(path).status is Status.FAILED
    description = (queue.folder / "results" / BACKEND_DESCRIPTION).read_bytes()
    assert [task.name for task in read_description(description).tasks] == ["tiny_addition", "tiny_copy"]
    assert read_description(description).limit == 20


def test_a_mistake_in_the_settings_is_one_sentence(queue: Queue) -> None:
    with command(queue.folder, REFRESH_RATE="often") as process:
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert output == (
        "Configuration error: REFRESH_RATE is 'often', where a number of seconds, up to a week, is needed: "
        "write a number of seconds, up to a week, or leave it unset.\n"
    )


def test_a_second_worker_of_the_same_name_is_refused(queue: Queue) -> None:
    with command(queue.folder, WORKER_ID="acme/backend") as first:
        folder = queue.folder.parent
        wait_for(
            lambda: list(folder.glob("leaderboard-workers-*/worker-acme%2Fbackend.lock")),
            what="the first worker",
        )
        with command(queue.folder, WORKER_ID="acme/backend") as second:
            output, _ = second.communicate(timeout=PATIENCE)
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=PATIENCE)
    assert second.returncode == 2
    assert "Another worker on this machine is already named 'acme/backend'" in output
    assert first.returncode == 0


@pytest.mark.parametrize(
    "program",
    [pytest.param(COMMAND, id="worker"), pytest.param(SPACE, id="space", marks=pytest.mark.slow)],
)
def test_a_worker_that_is_asked_to_stop_gives_its_evaluation_back_at_once(
    queue: Queue, program: tuple[str, ...]
) -> None:
    """As a Space is stopped: SIGTERM, while a child begins; the Space still imports what its page needs."""
    make_tiny_model(queue.folder / "models" / "acme" / "tiny")
    path = queue.submit("acme/tiny", commit=None, precision="float32")
    settings = {"GRADIO_SERVER_PORT": str(free_port()), **ENDLESS}
    with command(queue.folder, program=program, **settings) as process:
        wait_for(lambda: queue.read(path).status is Status.RUNNING, what="the claim")
        children = wait_for(lambda: psutil.Process(process.pid).children(recursive=True), what="a child")
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    request = queue.read(path)
    assert (request.status, request.lease) == (Status.PENDING, None)
    assert [each.end for each in request.history] == ["stopped"]
    assert not psutil.wait_procs(children, timeout=PATIENCE)[1]


def test_a_worker_without_a_page_answers_for_its_health_if_it_is_asked_to(queue: Queue) -> None:
    port = free_port()
    with command(queue.folder, "--health-port", str(port)) as process:

        def health() -> bool:
            assert process.poll() is None
            try:
                return httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
            except httpx.HTTPError:
                return False

        wait_for(health, what="its health")
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output


def test_a_port_for_its_health_that_is_taken_is_one_sentence(queue: Queue) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with command(queue.folder, "--health-port", port) as process:
            output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "Configuration error: The health of the worker cannot be served on 127.0.0.1, port" in output
    assert "Traceback" not in output
