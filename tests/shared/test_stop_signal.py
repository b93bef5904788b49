"""A process that waits to be told to end, told at an awkward moment."""

import signal
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest

from src.shared.process import stop_signal
from support.waiting import PATIENCE

SPACE = Path(stop_signal.__file__).parents[3]
BEGIN = """
import os, signal, threading, time
from src.shared.process.stop_signal import StopSignal
def main():
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
main()
"""
AFTER_THE_END = """
with open("/dev/null") as first, open({file!r}, "w+") as second:
    os.kill(os.getpid(), signal.SIGINT)
"""


def outcome(code: str, after: str = "") -> str:
    """What a process prints that runs this code between making its StopSignal and waiting, and more after."""
    process = subprocess.run(
        [sys.executable, "-X", "dev", "-c", BEGIN + indent(code, "    ") + END + after],
        cwd=SPACE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return process.stdout


@pytest.mark.parametrize("name", [signal.SIGTERM.name, signal.SIGINT.name])
@pytest.mark.parametrize(
    "how", [BEFORE_THE_WAIT, WITHOUT_A_WORD_TO_THE_MAIN_THREAD], ids=["before the wait", "without a word"]
)
def test_no_signal_is_missed(name: str, how: str) -> None:
    assert outcome(how.format(name=name)) == "ended\n"


@pytest.mark.parametrize("how", [BY_A_THREAD, MANY_TIMES], ids=["once", "many times"])
def test_a_thread_ends_the_wait(how: str) -> None:
    assert outcome(how) == "ended\n"


def test_another_signal_ends_nothing() -> None:
    assert outcome(AFTER_ANOTHER_SIGNAL) == "waited\nended\n"


def test_a_signal_that_comes_while_the_process_ends_harms_nothing(tmp_path: Path) -> None:
    """What the interpreter writes then must not land in a file that was opened meanwhile."""
    file = tmp_path / "file"
    assert outcome("stop.send()", AFTER_THE_END.format(file=str(file))) == "ended\n"
    assert file.read_bytes() == b""
