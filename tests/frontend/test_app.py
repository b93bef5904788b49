"""The Space as a process: a mistake in its settings is one sentence, and it serves until told to end."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from support.boards import Leaderboard, scores
from support.old_envs import with_old_envs
from support.processes import free_port
from support.waiting import PATIENCE, wait_for

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"


def start(space: Path = FRONTEND, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=space,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as page:
            return page.status == 200
    except OSError:
        return False


def wait_until_it_serves(process: subprocess.Popen[str], port: int) -> None:
    wait_for(lambda: answers(f"http://127.0.0.1:{port}/") or process.poll() is not None, what="its page")
    assert process.poll() is None


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"REFRESH_RATE": "often"}, "REFRESH_RATE is 'often', where a number above 0 is needed"),
        (
            {"ANONYMOUS_SUBMISSIONS": "perhaps"},
            "ANONYMOUS_SUBMISSIONS is 'perhaps', where true or false is needed",
        ),
        ({"MAX_PENDING": "-1"}, "MAX_PENDING is '-1', where a whole number of at least 0 is needed"),
        ({"RATE_LIMIT_PERIOD": "1e10"}, "RATE_LIMIT_PERIOD is '1e10', where a number of days, up to 36500"),
        (
            {"HIGHER_RATE_LIMITS": "alice"},
            "HIGHER_RATE_LIMITS holds 'alice': write a login and a whole number",
        ),
        (
            {"GRADIO_SERVER_PORT": "http"},
            "GRADIO_SERVER_PORT is 'http', where a whole number up to 65535 is needed",
        ),
    ],
)
def test_a_mistake_in_the_settings_is_one_sentence(variables: dict[str, str], sentence: str) -> None:
    process = start(**variables)
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert output.startswith(f"Configuration error: {sentence}")
    assert output.count("\n") == 1


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = start(LEADERBOARD_DATA_DIR=str(tmp_path), GRADIO_SERVER_PORT=port)
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert f"Configuration error: GRADIO_SERVER_PORT cannot be {port}" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_the_page_and_the_results_until_it_is_told_to_end(
    leaderboard: Leaderboard, number: signal.Signals
) -> None:
    leaderboard.add_result(scores=scores(0.5, 0.5, 0.5))
    port = free_port()
    process = start(LEADERBOARD_DATA_DIR=str(leaderboard.folder), GRADIO_SERVER_PORT=str(port))
    try:
        wait_until_it_serves(process, port)
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/gradio_api/run/leaderboard",
            data=b'{"data": []}',
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            assert b"acme/tiny" in answer.read()
        process.send_signal(number)
        output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        assert "Traceback" not in output
    finally:
        process.kill()


def test_an_old_envs_in_the_place_of_ours_works(leaderboard: Leaderboard, tmp_path: Path) -> None:
    port = free_port()
    space = with_old_envs(FRONTEND, tmp_path)
    process = start(space, LEADERBOARD_DATA_DIR=str(leaderboard.folder), GRADIO_SERVER_PORT=str(port))
    try:
        wait_until_it_serves(process, port)
    finally:
        process.kill()
        process.communicate()


def test_a_mistake_in_about_is_one_sentence_with_the_line(tmp_path: Path) -> None:
    space = with_old_envs(FRONTEND, tmp_path)
    about = space / "src" / "about.py"
    about.write_text(about.read_text() + "\nTITLE = TITEL\n")
    output, _ = start(space, LEADERBOARD_DATA_DIR=str(tmp_path)).communicate(timeout=PATIENCE)
    line = len(about.read_text().splitlines())
    assert output == (
        f"Configuration error: src/about.py, line {line}: NameError: name 'TITEL' is not defined. "
        "Correct this line.\n"
    )
