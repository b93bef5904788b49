"""The acts of maintainers on models, people and the board: what is in force, and who did it."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given

from src.shared.data import reasons
from src.shared.data.names import ACTS
from src.shared.errors import BadFile, NotPossible, StoreError
from src.shared.moderation.acts import (
    Act,
    Done,
    Moderation,
    read_acts,
    record,
    with_act,
    write_acts,
)
from src.shared.moderation.blocklist import Blocklist, with_acts
from src.shared.stores.folder_store import FolderStore
from support.json_values import json_files, json_values

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)


def done(act: Act, name: str = "acme/tiny", reason: str = "", **changes: object) -> Done:
    return Done(**{"act": act, "name": name, "reason": reason, "by": "alice", "at": NOW} | changes)


def after(*acts: Done) -> Moderation:
    moderation = Moderation()
    for each in acts:
        moderation = with_act(moderation, each)
    return moderation


def test_what_is_written_is_read_again() -> None:
    moderation = after(done(Act.FLAG, reason="says “ünï”"), done(Act.CLOSE, "", "It moved."))
    assert read_acts(write_acts(moderation)) == moderation


def is_hidden(moderation: Moderation, model: str) -> bool:
    return with_acts(Blocklist(), moderation).is_hidden(model)


def test_an_act_counts_until_it_is_undone_in_any_letter_case() -> None:
    assert is_hidden(after(done(Act.HIDE)), "ACME/Tiny")
    undone = after(done(Act.HIDE), done(Act.SHOW, "Acme/TINY"))
    assert not is_hidden(undone, "acme/tiny")
    assert is_hidden(after(*undone.acts, done(Act.HIDE)), "acme/tiny")


def test_a_pattern_hides_all_that_it_fits() -> None:
    assert is_hidden(after(done(Act.HIDE, "spammers/*")), "spammers/copy-7")


def test_only_patterns_are_compared_with_every_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """After years thousands are hidden by name, and it is asked of each of thousands of results."""
    compared: list[str] = []
    monkeypatch.setattr(reasons, "fnmatchcase", lambda name, pattern: compared.append(pattern))
    hidden = [done(Act.HIDE, f"acme/m{number}") for number in range(100)]
    blocklist = with_acts(Blocklist(), after(*hidden, done(Act.HIDE, "spammers/*")))
    assert blocklist.is_hidden("acme/m7")
    assert not blocklist.is_hidden("acme/other")
    assert compared == ["spammers/*"]


@pytest.mark.parametrize(
    ("act", "undo"),
    [
        (Act.FLAG, Act.UNFLAG),
        (Act.HIDE, Act.SHOW),
        (Act.BLOCK, Act.UNBLOCK),
        (Act.BLOCK_USER, Act.UNBLOCK_USER),
        (Act.CLOSE, Act.OPEN),
    ],
)
def test_the_second_to_do_or_undo_the_same_is_told_so(act: Act, undo: Act) -> None:
    name, what = ("", "The board") if act is Act.CLOSE else ("acme/tiny", "acme/tiny")
    with pytest.raises(
        NotPossible, match=rf"^{what} is already .*: alice did that on 2026-02-01 12:00 UTC\."
    ):
        after(done(act, name), done(act, name, by="bob"))
    with pytest.raises(NotPossible, match=f"^{what} is not"):
        after(done(undo, name))


def test_what_began_before_a_removal_is_of_before_it() -> None:
    moderation = after(done(Act.REMOVE))
    assert moderation.is_of_before_a_removal("ACME/tiny", NOW - timedelta(seconds=1))
    assert not moderation.is_of_before_a_removal("acme/tiny", NOW)
    assert not moderation.is_of_before_a_removal("acme/other", NOW - timedelta(days=1))


@pytest.mark.parametrize(
    "file",
    [
        b"{",
        b"[]",
        b'{"acts": 3}',
        b'{"format": 2, "acts": []}',
        b'{"acts": [{"act": "explode", "name": "a/b", "by": null, "at": "2026-01-01T00:00:00Z"}]}',
        b'{"acts": [{"act": "flag", "name": "a/b", "by": null}]}',
        json.dumps({"acts": [{"act": "flag", "name": "x" * 201, "by": None, "at": "2026-01-01"}]}).encode(),
        json.dumps(
            {"acts": [{"act": "flag", "name": "x", "reason": "x" * 501, "by": None, "at": "2026-01-01"}]}
        ).encode(),
    ],
)
def test_what_is_no_list_of_acts_is_refused(file: bytes) -> None:
    with pytest.raises(BadFile):
        read_acts(file)


@given(json_files({"acts": json_values}, {"format": json_values}))
def test_any_file_is_read_or_refused(file: bytes) -> None:
    with suppress(BadFile):
        read_acts(file)


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"{", "it is not valid JSON"),
        (
            b'{"format": 2, "acts": []}',
            r"it was written by a newer version of this template\. Update",
        ),
    ],
)
def test_a_file_of_acts_that_cannot_be_read_is_not_overwritten(tmp_path: Path, file: bytes, why: str) -> None:
    store = FolderStore(tmp_path)
    store.commit(add={ACTS: file}, message="", parent=store.snapshot())
    with pytest.raises(StoreError, match=rf"acts\.json in .* cannot be read: {why}"):
        record(store, done(Act.FLAG))
    assert store.read(store.snapshot(), [ACTS]) == {ACTS: file}
