"""How a program ends that was configured wrongly."""

import pytest

from src.shared.errors import ConfigurationError, StoreError, told_in_one_sentence


def test_a_configuration_error_ends_a_program_with_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end, told_in_one_sentence():
        raise ConfigurationError("LIMIT is wrong: write a number.")
    assert end.value.code == 2
    assert capsys.readouterr() == ("", "Configuration error: LIMIT is wrong: write a number.\n")


def test_any_other_error_keeps_its_traceback() -> None:
    with pytest.raises(StoreError), told_in_one_sentence():
        raise StoreError("The disk is gone.")
