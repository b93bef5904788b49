"""Accounts of the Hub: whose a token is. Tokens are asked about once and never kept, logged or shown."""

from __future__ import annotations

import re

from src.shared.errors import LeaderboardError
from src.shared.hub import FAILURES, Hub, reason, status_of
from src.submitter import Submitter

TOKEN = re.compile(r"[!-~]{1,200}")
"""Visible ASCII: what a header can hold."""

NOT_ACCEPTED = (
    "The Hub does not accept the token in the header Authorization. Create a fine-grained one without any "
    "permissions at https://huggingface.co/settings/tokens."
)


class NotRecognised(LeaderboardError):
    """It cannot be told who submits; the message says why."""


class Accounts:
    """Asks the Hub whose a token is."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def of_token(self, token: str) -> Submitter:
        """The user whose token it is, in one call. Raises NotRecognised."""
        if not TOKEN.fullmatch(token):
            raise NotRecognised(NOT_ACCEPTED)
        try:
            account = self._hub.call(self._hub.api.whoami, token=token)
        except FAILURES as error:
            if status_of(error) in (400, 401, 403):
                raise NotRecognised(NOT_ACCEPTED) from None
            raise NotRecognised(
                f"Cannot ask the Hub whose token this is: {reason(error, self._hub)}"
            ) from None
        if account.get("type") != "user":
            raise NotRecognised(
                "The token in the header Authorization is not a person's: use one of your own."
            )
        organisations = (each.get("name") for each in account.get("orgs") or ())
        return Submitter(str(account["name"]), frozenset(filter(None, organisations)))
