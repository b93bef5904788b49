"""How a program ends that was configured wrongly."""

import pytest

from src.shared.errors import ConfigurationError, StoreError, exit_on_configuration_error


def test_a_configuration_error_ends_a_program_with_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end, exit_on_configuration_error():
        raise ConfigurationError("LIMIT is wrong: write a number.")
    assert end.value.code == 2
    assert capsys.readouterr() == ("", "Configuration error: LIMIT is wrong: write a number.\n")


def test_any_other_error_keeps_its_traceback() -> None:
    with pytest.raises(StoreError), exit_on_configuration_error():
        raise StoreError("The disk is gone.")
