"""Who is a maintainer: whom MAINTAINERS names, and the owner, as the Hub says; nobody else."""

from __future__ import annotations

import os
from types import ModuleType

import pytest

from src.maintaining.maintainers import Maintainers
from src.settings import Settings
from src.shared.environment import read_settings
from src.shared.errors import ConfigurationError
from src.submitting.submitter import ANONYMOUS, Submitter


def names(written: object) -> frozenset[str]:
    envs = ModuleType("envs")
    envs.MAINTAINERS = written  # type: ignore[attr-defined]
    return read_settings(Settings, envs, {}).names_of_maintainers


@pytest.mark.parametrize(
    "written", ["alice, Bob", " alice ,, BOB, ", ["Alice", "bob"], ("alice", "bob"), {"alice", "bob"}]
)
def test_maintainers_are_a_text_or_a_list(written: object) -> None:
    assert names(written) == {"alice", "bob"}


@pytest.mark.parametrize("written", ["", None, " , ", []])
def test_by_default_nobody_is_named(written: object) -> None:
    assert names(written) == frozenset()


def test_a_variable_overrides_the_file() -> None:
    settings = read_settings(Settings, None, {**os.environ, "MAINTAINERS": "carol"})
    assert settings.names_of_maintainers == {"carol"}


@pytest.mark.parametrize(
    "written",
    ["alice bob", "alice; bob", "@alice", "acme/alice", ["alice", 3], [None], "x" * 97, "älice"],
)
def test_what_is_no_login_is_told_with_what_to_write(written: object) -> None:
    with pytest.raises(ConfigurationError, match=r"MAINTAINERS holds .* is no user .*such as alice, bob\."):
        names(written)


def test_whom_the_setting_names_is_one_in_any_letter_case_and_nobody_alike() -> None:
    maintainers = Maintainers(frozenset({"alice"}))
    assert maintainers.include(Submitter("ALICE"), None)
    for login in ("alice2", "alic", "аlice", " alice", ""):
        assert not maintainers.include(Submitter(login), None)
    assert not maintainers.include(ANONYMOUS, "hf_token")


def test_without_a_login_nobody_is_even_if_everybody_were_an_owner() -> None:
    assert not Maintainers(is_owner=lambda login, token: True).include(ANONYMOUS, "hf_token")


def test_the_owner_always_is_as_the_hub_says_of_login_and_token() -> None:
    asked = []

    def is_owner(login: str | None, token: str | None) -> bool:
        asked.append((login, token))
        return login == "alice"

    maintainers = Maintainers(frozenset({"bob"}), is_owner)
    assert maintainers.include(Submitter("alice"), "hf_1")
    assert not maintainers.include(Submitter("mallory"), "hf_2")
    assert maintainers.include(Submitter("bob"), "hf_3")
    assert asked == [("alice", "hf_1"), ("mallory", "hf_2")]
