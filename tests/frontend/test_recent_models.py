"""How many models one login may look up in five minutes."""

from datetime import UTC, datetime, timedelta

import pytest

from src.shared.errors import ModelError
from src.submitting.recent_models import LOOKUPS_OF_ONE, RecentModels
from support.cases import Described


def test_a_login_has_its_lookups_in_any_five_minutes_and_not_in_those_since_its_first() -> None:
    now = datetime(2026, 2, 1, 12, tzinfo=UTC)
    models = RecentModels(Described({}), clock=lambda: now)
    models.spend("acme/one", "bob")
    now += timedelta(minutes=4, seconds=58)
    for _ in range(LOOKUPS_OF_ONE - 1):
        models.spend("acme/one", "bob")
    now += timedelta(seconds=3)
    models.spend("acme/one", "bob")  # in place of the first
    with pytest.raises(ModelError, match=r"too many models were looked up .* Try again at "):
        models.spend("acme/one", "bob")
    models.spend("acme/one", "alice")
