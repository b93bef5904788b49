"""How a program ends that was configured wrongly, and how messages repeat what strangers wrote."""

import pytest

from src.shared.errors import (
    ConfigurationError,
    StoreError,
    counted,
    exit_on_configuration_error,
    named,
    shown,
    unquoted,
)


def test_a_configuration_error_ends_a_program_with_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end, exit_on_configuration_error():
        raise ConfigurationError("LIMIT is wrong: write a number.")
    assert end.value.code == 2
    assert capsys.readouterr() == ("", "Configuration error: LIMIT is wrong: write a number.\n")


def test_a_name_in_a_configuration_error_cannot_change_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), exit_on_configuration_error():
        raise ConfigurationError("There are two:\nCannot read x\x1b[2J.")
    assert capsys.readouterr().err == "Configuration error: There are two:\nCannot read x\\x1b[2J.\n"


def test_any_other_error_keeps_its_traceback() -> None:
    with pytest.raises(StoreError), exit_on_configuration_error():
        raise StoreError("The disk is gone.")


@pytest.mark.parametrize("text", ["plain", "it's", "both ' and \"", "a\u202eb\n", "x" * 1_000, ""])
def test_a_strangers_text_without_quotes_is_bounded_and_has_no_invisible_characters(text: str) -> None:
    assert unquoted(text) == shown(text)[1:-1]
    assert unquoted(text).isprintable()
    assert len(unquoted(text)) <= 70


def test_a_number_of_things_has_no_wrong_plural() -> None:
    numbers = [counted(number, "row") for number in (0, 1, 2, 1_200)]
    assert numbers == ["0 rows", "1 row", "2 rows", "1,200 rows"]


def test_names_are_shortened() -> None:
    assert named(["a", "b"]) == "a, b"
    assert named(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert len(named(["x" * 999])) < 70
