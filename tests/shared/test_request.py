"""Reading and writing request files: ours, the old template's, and what nobody foresaw."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import nan
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from src.shared.data.request import (
    FORMAT,
    RERUN,
    Attempt,
    Identity,
    Lease,
    Progress,
    Request,
    Status,
    read_request,
    write_request,
)
from src.shared.errors import BadFile
from support.factories import COMMIT, make_request, old_request_file
from support.json_values import json_files, json_values

TIMES = ("started", "renewed", "until")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LEASE = Lease("here-0", "n0nce", started=NOON, renewed=NOON, until=NOON + timedelta(hours=1))
RUNNING = make_request(
    status=Status.RUNNING,
    run="2026-01-31T12-00-00.000000",
    attempt=2,
    lease=LEASE,
    progress=Progress("tiny_addition", 5, 100),
    history=(Attempt(1, "here-0", NOON, None, "crashed", "It died.", "logs/x.txt"),),
)


def written(request: Request) -> dict[str, Any]:
    file: dict[str, Any] = json.loads(write_request(request))
    return file


# Old files


def test_every_field_of_the_old_templates_file_is_read() -> None:
    assert read_request(old_request_file()) == Request(
        model="demo-leaderboard/gpt2-demo",
        base_model="",
        revision="main",
        private=False,
        precision="bfloat16",
        weight_type="Original",
        status=Status.FINISHED,
        submitted_time="2023-11-21T18:10:08Z",
        model_type="🟢 : pretrained",
        likes=0,
        params=0.1,
        license="custom",
    )


def test_an_old_file_that_is_rewritten_keeps_its_fields() -> None:
    old = json.loads(old_request_file(job_id=7, sender={"name": "x"}))
    new = written(read_request(old_request_file(job_id=7, sender={"name": "x"})))
    assert new | old == new
    assert new["format"] == FORMAT


def test_unknown_keys_survive_in_their_order() -> None:
    extra = {f"key_{number}": [number, {"deep": None}] for number in range(20)}
    rewritten = written(read_request(old_request_file(**extra)))
    assert list(rewritten.items())[-20:] == list(extra.items())


def test_an_unknown_key_may_be_called_extra() -> None:
    assert written(read_request(old_request_file(extra=5)))["extra"] == 5


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("PENDING", Status.PENDING),
        ("running ", Status.RUNNING),
        ("FAILED", Status.FAILED),
        ("CANCELLED", Status.CANCELLED),
        ("canceled", Status.CANCELLED),
        ("RERUN", Status.PENDING),
        ("PENDING_NEW_EVAL", Status.PENDING),
        ("FINISHED_x", Status.FINISHED),
    ],
)
def test_statuses_are_read_as_their_nearest_meaning(word: str, status: Status) -> None:
    assert read_request(old_request_file(status=word)).status is status


def test_rerun_begins_a_new_run_and_keeps_the_history() -> None:
    rerun = read_request(json.dumps(written(RUNNING) | {"status": "RERUN", "result": "x.json"}).encode())
    asked = Attempt(0, "", None, None, RERUN, "The owner had it evaluated again.")
    assert rerun == replace(
        RUNNING,
        status=Status.PENDING,
        run=None,
        attempt=0,
        lease=None,
        progress=None,
        history=(*RUNNING.history, asked),
    )
    assert read_request(write_request(rerun)) == rerun


def test_a_rerun_with_a_broken_history_is_refused() -> None:
    with pytest.raises(BadFile, match="history: Input should be a valid tuple"):
        read_request(old_request_file(status="RERUN", history="none"))


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("params", 0, None),
        ("params", -1, None),
        ("params", nan, None),
        ("params", "unknown", None),
        ("params", 1e30, None),
        ("params", 7, 7.0),
        ("params", 7e9, 7.0),
        ("params", 361_472, 361_472 / 1e9),
        ("params", "7B", 7.0),
        ("params", " 350m ", 0.35),
        ("params", "0.5", 0.5),
        ("likes", None, None),
        ("likes", nan, None),
        ("likes", 3.0, 3),
        ("license", ["mit", "apache-2.0"], "mit, apache-2.0"),
        ("license", None, ""),
        ("license", {"name": "llama2", "link": "https://example.org"}, "llama2"),
        ("base_model", None, ""),
        ("revision", None, "main"),
        ("revision", " v1 ", "v1"),
        ("revision", 1.0, "1.0"),
        ("precision", None, "?"),
        ("precision", "fp16", "float16"),
        ("precision", "half", "float16"),
        ("precision", "torch.bfloat16", "bfloat16"),
        ("precision", "BFLOAT16", "bfloat16"),
        ("precision", "bf16 ", "bfloat16"),
        ("precision", "FP32", "float32"),
        ("precision", "8-bit", "8bit"),
        ("precision", "GPTQ", "GPTQ"),
        ("precision", "IQ4_XS", "IQ4_XS"),
        ("weight_type", None, "Original"),
        ("weight_type", "adapter", "Adapter"),
        ("model", " acme/tiny ", "acme/tiny"),
        ("model", "https://huggingface.co/acme/tiny/tree/main", "acme/tiny"),
        ("model", "hf.co/acme/tiny", "acme/tiny"),
        ("lease", {}, None),
        ("progress", {}, None),
        ("history", {}, ()),
        ("private", None, False),
        ("private", "False", False),
        ("use_chat_template", None, False),
        ("use_chat_template", True, True),
        ("attempt", None, 0),
        ("history", None, ()),
        ("format", None, FORMAT),
    ],
)
def test_unknown_values_are_read_as_unknown(field: str, value: object, read: object) -> None:
    found = getattr(read_request(old_request_file(**{field: value})), field)
    assert (found, type(found)) == (read, type(read))


def test_of_a_key_that_stands_twice_the_last_counts() -> None:
    data = old_request_file().removesuffix(b"}") + b', "precision": "4bit"}'
    assert read_request(data).precision == "4bit"


@pytest.mark.parametrize(
    "text",
    ["2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00", "2026-01-31T12:00", "2026-01-31 12:00:00 UTC"],
)
def test_when_it_was_submitted_may_have_a_zone_or_no_seconds(text: str) -> None:
    assert make_request(submitted_time=text).submitted == NOON


def test_when_it_was_submitted_may_be_a_date_or_unknown() -> None:
    assert make_request(submitted_time="2026-01-31").submitted == NOON - timedelta(hours=12)
    assert make_request(submitted_time="yesterday").submitted is None


def test_a_byte_order_mark_before_a_file_is_skipped() -> None:
    assert read_request(b"\xef\xbb\xbf" + old_request_file()) == read_request(old_request_file())


# Our files


def test_what_was_written_is_read_again_equal() -> None:
    assert read_request(write_request(RUNNING)) == RUNNING


def test_a_file_begins_with_the_old_fields_and_is_readable_by_eye() -> None:
    text = write_request(make_request()).decode()
    assert text.startswith('{\n  "model": "acme/tiny",\n  "base_model": "",\n  "revision": "main",\n')
    assert '"🟢 : pretrained"' in text


@pytest.mark.parametrize(
    "until", ["2026-01-31T13:00:00", "2026-01-31T13:00:00Z", "2026-01-31T14:00:00+01:00"]
)
def test_times_that_were_edited_by_hand_are_utc_or_become_it(until: str) -> None:
    file = written(RUNNING)
    file["lease"]["until"] = until
    assert read_request(json.dumps(file).encode()) == RUNNING


def test_half_a_character_does_not_make_a_file_unreadable() -> None:
    assert read_request(write_request(make_request(message="bad \ud83d name"))).message == "bad ? name"


def test_nan_in_an_unknown_key_becomes_null() -> None:
    request = read_request(old_request_file(score=[nan, {"x": nan}]))
    assert written(request)["score"] == [None, {"x": None}]


def test_two_requests_are_the_same_when_model_commit_precision_weights_and_chat_template_are() -> None:
    assert make_request().identity == Identity("acme/tiny", COMMIT, "float32", "Original", False)
    assert make_request(model_type="?", revision="v1").identity == make_request().identity
    assert make_request(use_chat_template=True).identity != make_request().identity


# What cannot be understood


NO_REQUESTS = {
    "empty": b"",
    "blank": b" \n",
    "torn": b"{",
    "a list": b"[]",
    "null": b"null",
    "a number": b"5",
    "no keys": b"{}",
    "not UTF-8": b"\xff{}",
    "UTF-16": old_request_file().decode().encode("utf-16"),
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n",
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "a number of 5,000 digits": b'{"model": "a/b", "status": "PENDING", "x": ' + b"9" * 5000 + b"}",
    "20 MB": b" " * 20_000_001,
    "no status": b'{"model": "a/b"}',
    "a null status": old_request_file(status=None),
    "an unknown status": old_request_file(status="DREAMING"),
    "a list as status": old_request_file(status=["PENDING"]),
    "a null model": old_request_file(model=None),
    "a blank model": old_request_file(model="  "),
    "a number as model": old_request_file(model=5),
    "an object as precision": old_request_file(precision={"bits": 4}),
    "an unclear truth": old_request_file(private="perhaps"),
    "a text as attempt": old_request_file(attempt="first"),
    "a text as lease": old_request_file(lease="mine"),
    "half a lease": old_request_file(lease={"worker": "here-0"}),
    "a lease without times": old_request_file(
        lease={"worker": "w", "nonce": "n", "started": "now", "renewed": "now", "until": "later"}
    ),
    "a lease before all time": old_request_file(
        lease=vars(LEASE) | dict.fromkeys(TIMES, "0001-01-01T00:00:00+14:00")
    ),
    "a history of numbers": old_request_file(history=[1] * 1000),
}


@pytest.mark.parametrize("data", NO_REQUESTS.values(), ids=NO_REQUESTS.keys())
def test_a_file_that_is_no_request_is_refused_in_a_short_sentence(data: bytes) -> None:
    with pytest.raises(BadFile, match=r"^it (is|does|has) ") as refusal:
        read_request(data)
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("UTF-16", "save it as UTF-8"), ("a Git LFS pointer", "Upload the file again, without Git LFS.")],
)
def test_a_refusal_of_another_kind_of_file_says_what_it_is_and_what_to_do(name: str, remedy: str) -> None:
    with pytest.raises(BadFile) as refusal:
        read_request(NO_REQUESTS[name])
    assert str(refusal.value).startswith(f"it is {name}")
    assert remedy in refusal.value.sentence


def test_a_refusal_names_the_field() -> None:
    with pytest.raises(BadFile, match="attempt: Input should be a valid integer"):
        read_request(old_request_file(attempt="first"))


times = st.datetimes().map(str) | st.integers() | st.just("2026-01-31T12:00:00Z")
texts = st.none() | st.text() | st.lists(json_values, max_size=2)
NEEDED = {"model": st.text(min_size=1), "status": st.sampled_from([*Status, "RERUN", "FINISHED_x"])}
LIKELY = {
    "revision": texts,
    "license": texts,
    "likes": json_values,
    "params": json_values,
    "private": st.booleans(),
    "commit": st.none() | st.text(),
    "attempt": st.integers(),
    "lease": st.fixed_dictionaries({"worker": st.text(), "nonce": st.text()} | dict.fromkeys(TIMES, times)),
    "history": st.lists(st.just({"attempt": 1, "worker": "w", "started": None, "ended": None, "end": ""})),
    "job_id": json_values,
}


@given(json_files(NEEDED, LIKELY))
@example(b'{"model": "m", "status": "PENDING", "attempt": 1000001.0}')
@example(b'{"model": "m", "status": "PENDING", "attempt": -1.0}')
def test_no_file_raises_anything_but_bad_file_and_what_is_read_can_be_written_and_read_again(
    data: bytes,
) -> None:
    try:
        request = read_request(data)
    except BadFile as error:
        assert str(error)
    else:
        assert read_request(write_request(request)) == request


# The same evaluation


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({"status": Status.FAILED, "submitted_by": "bob"}, True),
        ({"commit": "f" * 40}, False),
        ({"use_chat_template": True}, False),
        ({"commit": None}, True),  # of the old template, at the same branch
        ({"commit": None, "revision": "v2"}, False),
        ({"commit": None, "precision": "float16"}, False),
    ],
)
def test_requests_for_the_same_evaluation_are_told(changes: dict[str, Any], is_same: bool) -> None:
    one, other = make_request(), make_request(**changes)
    assert (one.is_same_as(other), other.is_same_as(one)) == (is_same, is_same)
