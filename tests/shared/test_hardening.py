"""What is not shown by looking at a hidden process: tests/whole/test_hidden_processes.py does that."""

import ctypes
import errno
import logging
import sys

import pytest

from src.shared.process import hardening


class Libc:
    """A C library whose `prctl` gives this answer, or that has none."""

    def __init__(self, answer: int | None) -> None:
        if answer is not None:
            self.prctl = lambda *arguments: answer


@pytest.fixture(autouse=True)
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")


def test_a_process_that_cannot_be_hidden_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Libc(-1))
    ctypes.set_errno(errno.EPERM)
    hardening.forbid_inspection()
    assert "(prctl: Operation not permitted)" in caplog.text
    assert "Run nothing else as this user" in caplog.text


def test_one_that_is_hidden_says_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Libc(0))
    hardening.forbid_inspection()
    assert not caplog.text


def test_other_systems_have_nothing_to_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Libc(None))
    hardening.forbid_inspection()
