"""Finds out who runs a command: the datasets keep that name."""

from __future__ import annotations

import getpass
from collections.abc import Callable

from src.shared.errors import StoreError
from src.shared.settings import CommonSettings
from src.shared.stores.hub import FAILURES, Hub, reason

NO_TOKEN = (
    "Set HF_TOKEN to a token of yours that can write to the datasets: they keep your name with what you do."
)


def who_runs(settings: CommonSettings, connect: Callable[[str | None], Hub] = Hub) -> str | None:
    """Return whose token HF_TOKEN is, as the Hub says; where the data is in folders, this machine's user.

    Raises StoreError without a token, or if the Hub does not answer.
    """
    if not settings.is_on_the_hub:
        return _user()
    if settings.hf_token is None:
        raise StoreError(NO_TOKEN)
    hub = connect(settings.hf_token)
    try:
        return str(hub.call(hub.api.whoami)["name"])
    except FAILURES as error:
        raise StoreError(f"Cannot ask the Hub whose token HF_TOKEN is: {reason(error, hub)}") from None


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without names of users
        return None
