"""The names of files, and what may be taken for a request or a result."""

import pytest

from src.shared.data.names import (
    BLOCKLIST,
    is_data_path,
    is_hidden,
    is_safe_path,
    log_path,
    place_of,
    request_path,
    result_path,
)
from support.factories import COMMIT, RUN


def test_a_request_lies_at_its_old_name_with_eight_digits_of_the_commit() -> None:
    path = request_path(
        "acme/tiny", private=False, precision="float16", weight_type="Original", commit=COMMIT
    )
    assert path == "acme/tiny_eval_request_False_float16_Original_01234567.json"


def test_without_a_commit_a_request_lies_at_its_old_name() -> None:
    path = request_path("gpt2", private=False, precision="?", weight_type="Delta", commit=None)
    assert path == "gpt2_eval_request_False_?_Delta.json"


def test_with_the_chat_template_a_request_is_another_file() -> None:
    path = request_path(
        "acme/tiny",
        private=False,
        precision="float16",
        weight_type="Original",
        commit=COMMIT,
        use_chat_template=True,
    )
    assert path == "acme/tiny_eval_request_False_float16_Original_01234567_chat.json"


def test_defect_12_another_revision_is_another_file() -> None:
    commits = ["a" * 40, "b" * 40]
    paths = {
        request_path("a/b", private=False, precision="x", weight_type="y", commit=each) for each in commits
    }
    assert len(paths) == 2


def test_a_result_lies_in_its_models_folder() -> None:
    assert result_path("acme/tiny", RUN) == "acme/tiny/results_2026-01-31T12-00-00.000000.json"


def test_a_log_is_not_taken_for_a_result() -> None:
    path = log_path("acme/tiny.json", RUN, 2)
    assert path == ".logs/acme/tiny.json/2026-01-31T12-00-00.000000_2.txt"
    assert not is_data_path(path)


@pytest.mark.parametrize(
    "path", ["x.json", "x.JSON", "acme/tiny/results_2023-11-22 15:46:20.425378.json", "a/index/x.json"]
)
def test_every_other_json_may_be_a_request_or_a_result(path: str) -> None:
    assert is_data_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "README.md",
        ".leaderboard/x.json",
        ".logs/a/b.json",
        "index/x.json",
        "logs/a/b.json",
        ".cache/huggingface/x.json",
        "a/.hidden/x.json",
        "a/.json",
    ],
)
def test_our_own_folders_and_hidden_ones_hold_no_data(path: str) -> None:
    assert not is_data_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "x",
        "acme/tiny_eval_request_False_?_Original.json",
        "a/results_2023-11-22 15:46:20.4.json",
        "ü/é.json",
        "x" * 240,
        ".leaderboard/backend.yaml",
        ".logs/acme/tiny/1.txt",
    ],
)
def test_the_names_that_exist_may_be_written(path: str) -> None:
    assert is_safe_path(path)


@pytest.mark.parametrize(
    "path",
    [
        *("", "/x", "x/", "a//x", "..", "a/../x", ".x", "a\\x", "a\nx", "a\0x", "x" * 241),
        *(".leaderboard", ".logs/", ".leaderboard/.x", ".logs/../x", "a/.leaderboard/x", ".git/x"),
        *(".leaderboard/lock", ".leaderboard/journal.json"),
    ],
)
def test_a_name_that_leads_outside_or_cannot_be_seen_may_not_be_written(path: str) -> None:
    assert not is_safe_path(path)


@pytest.mark.parametrize("path", [".gitattributes", ".cache/x", "a/.x", ".leaderboard/.x.part", ".logsx/y"])
def test_only_our_own_folders_are_hidden_and_seen(path: str) -> None:
    assert is_hidden(path)
    assert not is_hidden(".leaderboard/backend.yaml")
    assert not is_hidden(".leaderboard")


def test_what_keeps_a_local_folder_whole_is_no_file_of_the_dataset() -> None:
    assert is_hidden(".leaderboard/lock")
    assert is_hidden(".leaderboard/journal.json")


def test_our_own_file_counts_in_its_old_place_while_its_new_one_is_empty() -> None:
    assert place_of(BLOCKLIST, [BLOCKLIST, "index/blocked.yaml"]) == BLOCKLIST
    assert place_of(BLOCKLIST, ["index/blocked.yaml"]) == "index/blocked.yaml"
    assert place_of(BLOCKLIST, []) == BLOCKLIST
