"""What is published of a child's log."""

from pathlib import Path

import pytest

from src.running.logs import KEPT_BYTES, read_log, shorten
from support.processor_time import processor_seconds


def test_the_end_of_a_long_log_is_kept_in_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(b"".join(b"line %d\n" % number for number in range(1000)))
    text = read_log(log, 100)
    first, *lines = text.decode().splitlines()
    assert first == "[the first 8791 bytes or more are left out]"
    assert lines == [f"line {number}" for number in range(989, 1000)]
    assert 8791 + len("\n".join(lines)) + 1 == log.stat().st_size


def test_of_a_line_that_is_longer_than_all_that_is_kept_the_end_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    for line in (b"x" * 1000, b"x" * 1000 + b"\n"):
        log.write_bytes(line)
        assert (
            read_log(log, 100)
            == b"[the first %d bytes or more are left out]\n" % (len(line) - 100) + line[-100:]
        )
    log.write_bytes(b"a word " * 1000 + b"\n")
    assert read_log(log, 100).splitlines()[1].split()[0] in (b"a", b"word")


def test_a_log_that_grew_too_large_keeps_its_end_and_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"a line\n" * 100_000)
        shorten(log, 700_000)
        assert log.stat().st_size == 700_000
        shorten(log, 600_000)
        writer.write(b"the last line\n")
    text = log.read_bytes()
    assert KEPT_BYTES - 100 < len(text) < KEPT_BYTES + 100
    assert text.startswith(b"[the first 5000")
    assert text.endswith(b"\na line\nthe last line\n")
    shorten(tmp_path / "nowhere.txt")
    shorten(tmp_path, 0)


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path / "log.txt") == b""


@pytest.mark.parametrize(
    ("line", "published"),
    [
        (b"token hf_abcdefghijklmnop here", b"token [removed] here"),
        (b"https://me:secret@proxy:3128/x", b"https://[removed]@proxy:3128/x"),
        (b"Authorization: Bearer abc.def", b"Authorization: Bearer [removed]"),
        (b"authorization: Basic bWU6c2VjcmV0 sent", b"authorization: Basic [removed] sent"),
        (b"{'Authorization': 'Basic bWU6c2VjcmV0'}", b"{'Authorization': 'Basic [removed]"),
        (
            b"a token=abc, api_key='def' and hf_token=ghi",
            b"a token=[removed], api_key='[removed]' and hf_token=[removed]",
        ),
        (b"WANDB_API_KEY=abc 'api_key': 'def'", b"WANDB_API_KEY=[removed] 'api_key': '[removed]'"),
        (b"hf_jwt_eyJhbGciOi.eyJ_zY-29.ab sk-abcdefghijklmnop", b"[removed] [removed]"),
        (b"git+https://secret@host/x", b"git+https://[removed]@host/x"),
        (b"pad_token=<pad> of a basic model", b"pad_token=<pad> of a basic model"),
        (b"https://me:secret@host/x?sig=abc", b"https://[removed]@host/x?[removed]"),
        (
            b"GET https://host/x?a=1&Signature=a~b-c_d__&Key-Pair-Id=K HTTP",
            b"GET https://host/x?[removed] HTTP",
        ),
        (
            b'"https://s3.host/x?X-Amz-Algorithm=AWS4&X-Amz-Signature=ab" 200',
            b'"https://s3.host/x?[removed]" 200',
        ),
        (b"http://host/x?X-Goog-Signature=ab", b"http://host/x?[removed]"),
        (b"https://host/x?sv=2020&sig=ab%3D", b"https://host/x?[removed]"),
        (
            b"https://host/x?Policy=ab https://host/y?token=cd",
            b"https://host/x?[removed] https://host/y?[removed]",
        ),
        (b"https://host/x?tokenizer=a&design=b", b"https://host/x?tokenizer=a&design=b"),
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


def test_many_addresses_in_one_line_are_searched_in_no_time(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_bytes(b"http://a?" * 20_000)
    assert len(read_log(tmp_path / "log.txt")) == 180_000


@pytest.mark.parametrize(
    "unit",
    [
        *(
            b"http://",
            b"https://a",
            b"http://a?",
            b"http://a?b ",
            b"://",
            b"://a:b",
            b"://a:b@",
            b"a:",
            b"bearer ",
        ),
        *(
            b"authorization",
            b"authorization: basic ",
            b"token=",
            b"access_",
            b"hf_",
            b"hf_oauth_a.",
            b"api_org_a",
            b"a_api_key=",
            b"sk-",
        ),
        *(b"http://a?" + b"X-Amz-" * 50, b"X-Goog-", b"token", b"/", b"\n", b" ", b"x", b"'", b"\xff"),
    ],
)
def test_no_log_takes_long_to_be_cleaned(tmp_path: Path, unit: bytes) -> None:
    """A model and its files have a say in what is logged."""
    log = tmp_path / "log.txt"
    log.write_bytes(unit * (2 * KEPT_BYTES // len(unit)))
    assert processor_seconds(lambda: read_log(log)) < 0.2
