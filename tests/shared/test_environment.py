"""Settings from the environment."""

import pytest

from src.shared.environment import env
from src.shared.errors import ConfigurationError

NAME = "LEADERBOARD_TEST_SETTING"


@pytest.mark.parametrize("text", [None, "", "  "])
def test_a_setting_that_is_unset_or_empty_has_its_default(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if text is not None:
        monkeypatch.setenv(NAME, text)
    assert (env(NAME), env(NAME, 5), env(NAME, None, kind=int)) == (None, 5, None)


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [
        (" acme ", None, "acme"),
        ("acme", "other", "acme"),
        ("7", 5, 7),
        ("0", 5, 0),
        ("7", 5.0, 7.0),
        ("1e-3", 5.0, 0.001),
        ("true", False, True),
        ("False", True, False),
        ("NO", True, False),
        ("1", False, True),
    ],
)
def test_a_setting_is_read_as_a_value_of_its_defaults_type(
    text: str, default: object, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAME, text)
    assert (env(NAME, default), type(env(NAME, default))) == (value, type(value))


def test_a_setting_without_a_default_is_read_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "0.5")
    assert env(NAME, None, kind=float) == 0.5


@pytest.mark.parametrize(
    ("text", "default", "wanted"),
    [
        ("many", 5, "a whole number"),
        ("0.5", 5, "a whole number"),
        ("x", 0.5, "a number"),
        ("2", True, "true or false"),
    ],
)
def test_a_setting_of_the_wrong_type_is_told_in_a_sentence(
    text: str, default: object, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAME, text)
    with pytest.raises(ConfigurationError) as error:
        env(NAME, default)
    assert str(error.value) == (
        f"{NAME} is {text!r}, where {wanted} is needed: write {wanted}, or leave it unset."
    )
