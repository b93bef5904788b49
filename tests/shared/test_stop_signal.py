"""A process that waits to be told to end, told at an awkward moment."""

import signal
import subprocess
import sys

import pytest

from src.shared import stop_signal

BEGIN = """
import os, signal, threading, time
from src.shared.stop_signal import StopSignal
stop = StopSignal()
"""
BEFORE_THE_WAIT = "os.kill(os.getpid(), signal.{name})"
WITHOUT_A_WORD_TO_THE_MAIN_THREAD = """
ready = threading.Event()
def take_the_signal():
    ready.wait()
    os.kill(os.getpid(), signal.{name})
    time.sleep(600)
threading.Thread(target=take_the_signal, daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.{name}])
ready.set()
"""
"""Its wait is not interrupted, as when the signal came just before it. Another thread takes the signal."""
BY_A_THREAD = "threading.Timer(0.1, stop.send).start()"
MANY_TIMES = "for _ in range(100_000): stop.send()"
AFTER_ANOTHER_SIGNAL = """
signal.signal(signal.SIGCHLD, lambda *_: None)
os.kill(os.getpid(), signal.SIGCHLD)
threading.Timer(0.1, lambda: (print("waited", flush=True), stop.send())).start()
"""
END = """
stop.wait()
print("ended")
"""


def outcome(code: str) -> str:
    """What a process says that runs this between the beginning and the wait."""
    process = subprocess.run(
        [sys.executable, "-c", BEGIN + code + END],
        cwd=stop_signal.__file__.partition("/src/")[0],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return process.stdout


@pytest.mark.parametrize("name", [signal.SIGTERM.name, signal.SIGINT.name])
@pytest.mark.parametrize("how", [BEFORE_THE_WAIT, WITHOUT_A_WORD_TO_THE_MAIN_THREAD])
def test_no_signal_is_missed(name: str, how: str) -> None:
    assert outcome(how.format(name=name)) == "ended\n"


@pytest.mark.parametrize("how", [BY_A_THREAD, MANY_TIMES])
def test_a_thread_ends_the_wait(how: str) -> None:
    assert outcome(how) == "ended\n"


def test_another_signal_ends_nothing() -> None:
    assert outcome(AFTER_ANOTHER_SIGNAL) == "waited\nended\n"
