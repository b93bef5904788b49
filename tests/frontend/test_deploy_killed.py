"""`make deploy` as a program: killed after each changing call in turn, and what it does with secrets."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.deploying import deploy, make_clone, start_deployment
from support.hub import Hub, running_hub
from support.hub.calls import Call
from support.waiting import PATIENCE

pytestmark = pytest.mark.slow

ARGUMENTS = ["acme", "--board", "math", "--set", "RATE_LIMIT_QUOTA=7"]
ARGUMENTS += ["--hardware", "t4-small", "--sleep", "2h", "--stdin"]
CALLS = 32
"""How many calls of that deployment can change something, or prepare it."""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.accounts.plans["acme"] = "team"
        hub.add_user("alice", {"acme": "admin"})
        yield hub


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clone(tmp_path_factory.mktemp("clone"))


@pytest.fixture
def token(hub: Hub) -> str:
    return hub.add_token("alice", "fineGrained", permissions={"acme": ["repo.content.read", "repo.write"]})


@contextmanager
def running(hub: Hub, clone: Path, home: Path, token: str) -> Iterator[subprocess.Popen[str]]:
    """Run the program with the token on its standard input, and end it if a test fails before."""
    with start_deployment(hub.url, *ARGUMENTS, clone=clone, home=home, stdin=subprocess.PIPE) as process:
        try:
            assert process.stdin
            process.stdin.write(f"HF_TOKEN={token}\n")
            process.stdin.flush()
            yield process
        finally:
            process.kill()


def killing_after(number: int, pid: int, killed: list[Call]) -> Callable[[Call], None]:
    """Kill the program when the Hub has carried out so many changing calls, before it answers the last."""
    seen = 0

    def on_answer(call: Call) -> None:
        nonlocal seen
        seen += call.method != "GET"
        if seen == number and not killed:
            os.kill(pid, signal.SIGKILL)
            killed.append(call)

    return on_answer


def state(hub: Hub, token: str) -> dict[str, Any]:
    """All that a deployment leaves on the Hub. Of secrets, whether each is the token."""
    return {
        name.path: {
            "files": repository.files(),
            "space": repository.space
            and (
                {key: each.value == token for key, each in repository.space.secrets.items()},
                {key: each.value for key, each in repository.space.variables.items()},
                repository.space.hardware,
                repository.space.sleep_time,
                repository.space.stage,
            ),
        }
        for name, repository in hub._repositories.items()
    }


@pytest.fixture(scope="module")
def whole(clone: Path) -> tuple[dict[str, Any], list[str]]:
    """What a deployment that nobody kills leaves, and its changing calls."""
    with running_hub() as hub:
        hub.accounts.plans["acme"] = "team"
        token = hub.add_user("alice", {"acme": "admin"})
        ran = deploy(hub.url, *ARGUMENTS[:-1], clone=clone, secrets={"HF_TOKEN": token})
        assert ran.status == 0, ran.output
        return state(hub, token), [call.route for call in hub.calls.log if call.method != "GET"]


def test_the_tests_below_kill_it_after_each_of_its_changing_calls(
    whole: tuple[dict[str, Any], list[str]],
) -> None:
    _, routes = whole
    assert len(routes) == CALLS, routes
    assert {"create", "commit", "add_secret", "add_variable", "sleep_time"} <= set(routes)


@pytest.mark.parametrize("number", range(1, CALLS + 1))
def test_killed_after_any_changing_call_the_next_run_completes_it(
    hub: Hub, token: str, clone: Path, tmp_path: Path, whole: tuple[dict[str, Any], list[str]], number: int
) -> None:
    expected, routes = whole
    killed: list[Call] = []
    with running(hub, clone, tmp_path, token) as process:
        hub.traffic.on_answer = killing_after(number, process.pid, killed)
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL, output
    assert [call.route for call in killed] == [routes[number - 1]]
    hub.traffic.on_answer = None

    ran = deploy(hub.url, *ARGUMENTS[:-1], clone=clone, secrets={"HF_TOKEN": token})
    assert ran.status == 0, ran.output
    assert state(hub, token) == expected
    assert token not in output + ran.output


# Secrets

SPY = """
import json, os, sys
from pathlib import Path
Path({file!r}).write_text(json.dumps([dict(os.environ), sys.argv]))
"""


def test_a_secret_is_in_no_output_argument_environment_or_file(hub: Hub, token: str, tmp_path: Path) -> None:
    clone = make_clone(tmp_path / "clone")
    for part in ("frontend", "backend"):  # the owner's file runs in the programs that read the settings
        seen = tmp_path / f"seen-{part}.json"
        spy = SPY.format(file=str(seen))
        envs = clone / part / "src" / "envs.py"
        envs.write_text(envs.read_text() + spy)
    looked_at: list[bytes] = []

    def look(call: Call) -> None:
        proc = Path(f"/proc/{process.pid}")
        looked_at.append((proc / "cmdline").read_bytes())
        if os.geteuid() == 0:  # nobody else may
            looked_at.append((proc / "environ").read_bytes())

    with running(hub, clone, tmp_path / "home", token) as process:
        hub.traffic.on_answer = look
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    assert len(looked_at) > CALLS
    assert not [each for each in looked_at if token.encode() in each]
    assert token not in output
    for part in ("frontend", "backend"):
        environment, arguments = json.loads((tmp_path / f"seen-{part}.json").read_text())
        assert not {"SPACE_ID", "QUEUE_REPO"} & environment.keys(), "nothing of the Space is a variable here"
        assert token not in json.dumps([environment, arguments])
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 400
    assert not [path for path in files if token.encode() in path.read_bytes()]
    for repository in hub._repositories.values():
        assert not [path for path, data in repository.files().items() if token.encode() in data]


@pytest.mark.parametrize("has_login", [False, True])
def test_at_a_terminal_the_token_is_asked_for_once_and_not_shown(
    hub: Hub, token: str, clone: Path, tmp_path: Path, has_login: bool
) -> None:
    """With a login, Enter takes its token."""
    ours, theirs = os.openpty()
    process = start_deployment(
        hub.url,
        "acme",
        clone=clone,
        home=tmp_path,
        login=token if has_login else None,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    shown = b""
    while b"HF_TOKEN (" not in shown or not shown.endswith(b": "):
        shown += os.read(ours, 4096)
    os.write(ours, b"\n" if has_login else token.encode() + b"\n")
    while part := read_terminal(ours):
        shown += part
    os.close(ours)
    assert process.wait(PATIENCE) == 0, shown.decode()
    assert shown.count(b"HF_TOKEN (") == 1, "it was asked for twice"
    assert (b"Enter: the one that deploys" in shown) == has_login
    assert b"Your leaderboard is up." in shown
    assert token.encode() not in shown
    assert hub.space("acme/backend").secrets["HF_TOKEN"].value == token


def read_terminal(terminal: int) -> bytes:
    """What is shown next; nothing at the end, which Linux reports as an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_ctrl_c_says_how_to_go_on(hub: Hub, token: str, clone: Path, tmp_path: Path) -> None:
    with running(hub, clone, tmp_path, token) as process:
        hub.traffic.on_answer = interrupting(process.pid)
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, output
    assert "Interrupted. Run the same command again: it goes on where it stopped." in output
    assert "Traceback" not in output


def interrupting(pid: int) -> Callable[[Call], None]:
    """Interrupt the program at its first secret."""

    def on_answer(call: Call) -> None:
        if call.route == "add_secret":
            os.kill(pid, signal.SIGINT)

    return on_answer
