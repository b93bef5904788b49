"""What strangers call their files neither changes a terminal nor looks like another record of the log."""

import logging

from src.shared.process.logs import FORMAT, Harmless

HOSTILE = "acme/\x1b[2J\n2026-01-31 ERROR src.worker: all is lost\u202e"


def lines(message: str, error: Exception | None = None) -> list[str]:
    told = (type(error), error, None) if error else None
    record = logging.LogRecord("src", logging.INFO, "", 0, "read %s", (message,), told)
    return Harmless(FORMAT).format(record).split("\n")


def test_a_name_is_spelled_out_and_begins_no_record() -> None:
    first, second = lines(HOSTILE)
    assert first.endswith(r"INFO src: read acme/\x1b[2J")
    assert second == r"    2026-01-31 ERROR src.worker: all is lost\u202e"


def test_neither_do_the_words_of_an_error() -> None:
    first, *others = lines("acme/tiny", ValueError(f"no {HOSTILE}"))
    assert first.endswith("INFO src: read acme/tiny")
    assert all(each.startswith("    ") and each.isprintable() for each in others)
    assert r"    ValueError: no acme/\x1b[2J" in others


def test_a_record_without_anything_odd_reads_as_always() -> None:
    record = logging.LogRecord("src", logging.INFO, "", 0, "claimed %s", ("acme/tiny 🟢",), None)
    assert Harmless(FORMAT).format(record) == logging.Formatter(FORMAT).format(record)
