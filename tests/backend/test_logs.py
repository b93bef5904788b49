"""What is published of a child's log."""

from pathlib import Path

import pytest

from src.logs import read_log


def test_the_end_of_a_long_log_is_kept_in_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(b"".join(b"line %d\n" % number for number in range(1000)))
    text = read_log(log, 100)
    first, *lines = text.decode().splitlines()
    assert first == "[the first 8791 bytes are left out]"
    assert lines == [f"line {number}" for number in range(989, 1000)]
    assert 8791 + len("\n".join(lines)) + 1 == log.stat().st_size


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path / "log.txt") == b""


@pytest.mark.parametrize(
    ("line", "published"),
    [
        (b"token hf_abcdefghijklmnop here", b"token [removed] here"),
        (b"https://me:secret@proxy:3128/x", b"https://[removed]@proxy:3128/x"),
        (b"Authorization: Bearer abc.def", b"Authorization: Bearer [removed]"),
        (b"hf_hub_download of the model", b"hf_hub_download of the model"),
        (b"loaded HF_HUB_OFFLINE", b"loaded HF_HUB_OFFLINE"),
        (b"https://huggingface.co/a/b", b"https://huggingface.co/a/b"),
    ],
)
def test_tokens_and_logins_are_removed(tmp_path: Path, line: bytes, published: bytes) -> None:
    (tmp_path / "log.txt").write_bytes(line + b"\n")
    assert read_log(tmp_path / "log.txt") == published + b"\n"


def test_folders_of_the_machine_are_named_otherwise(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("/srv/jobs/1/report.json in /srv/jobs")
    names = {"/srv/jobs": "jobs", "/srv/jobs/1": "job", "": "nothing"}
    assert read_log(tmp_path / "log.txt", names=names) == b"job/report.json in jobs"
