"""What owners set for the backend is checked when it starts."""

import re

import pytest

from src.settings import Settings
from src.shared.environment import owners_file, read_settings
from src.shared.errors import ConfigurationError


@pytest.mark.parametrize(
    "size", ["big", "0", "-3", "auto:x", "auto:", "auto:0", "8.5", "1e3", "auto:-1", "08"]
)
def test_a_batch_size_that_is_none_is_refused_at_the_start(size: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_settings(Settings, environment={"BATCH_SIZE": size})
    wanted = "a whole number above 0, `auto`, or `auto:4` with such a number"
    assert str(refused.value) == (
        f"BATCH_SIZE is {size!r}, where {wanted} is needed: write {wanted}, or leave it unset."
    )


@pytest.mark.parametrize("size", ["1", "8", "auto", "auto:4", " 16 "])
def test_a_batch_size_of_lm_eval_is_taken(size: str) -> None:
    assert read_settings(Settings, environment={"BATCH_SIZE": size}).batch_size == size.strip()


@pytest.mark.parametrize("number", ["many", "-1", "0", "99", "10000001", "2.5"])
def test_a_number_of_resamples_that_is_none_is_refused_at_the_start(number: str) -> None:
    with pytest.raises(ConfigurationError, match=f"BOOTSTRAP_ITERS is {re.escape(repr(number))}"):
        read_settings(Settings, environment={"BOOTSTRAP_ITERS": number})


def test_lm_evals_number_of_resamples_is_the_default() -> None:
    assert read_settings(Settings, environment={}).bootstrap_iters == 100_000


def test_the_defaults_in_the_shipped_file_are_those_of_a_file_without_them() -> None:
    envs = owners_file("src.envs")
    assert read_settings(Settings, envs, {}) == Settings()
    for field in ("tasks_harness", "max_attempts", "lease_minutes", "batch_size"):
        assert hasattr(envs, field.upper())


def test_sizes_between_which_there_is_none_are_refused_at_the_start() -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_settings(Settings, environment={"MIN_MODEL_GB": "18", "MAX_MODEL_GB": "12"})
    assert str(refused.value) == (
        "MIN_MODEL_GB is 18 and MAX_MODEL_GB is 12, so no model is of a size to take. Lower the first."
    )
