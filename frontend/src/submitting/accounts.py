"""Accounts of the Hub: whose a token is. Tokens are asked about once and never kept, logged or shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from src.shared.data.json_file import as_object
from src.shared.errors import LeaderboardError
from src.shared.settings import TOKEN
from src.shared.stores.hub import FAILURES, TRY_AGAIN, Hub, reason, status_of
from src.submitting.submitter import Submitter

LONGEST_TOKEN = 4000
"""Characters; those of the Hub's logins have some hundreds."""

PATIENCE_SECONDS = 3.0
"""How long a failing call is retried; people can try again themselves."""

CONNECT = partial(Hub, patience=PATIENCE_SECONDS)

NOT_ACCEPTED = (
    "The Hub does not accept the token in the Authorization header. Create a fine-grained token without any "
    "permissions at https://huggingface.co/settings/tokens."
)

OF_AN_APP = (
    "The token in the Authorization header was issued to an app, perhaps by `hf auth login` in the browser. "
    "Create a fine-grained access token without any permissions at https://huggingface.co/settings/tokens."
)


class NotRecognised(LeaderboardError):
    """We cannot identify the submitter; the message has the reason."""


class Accounts:
    """Asks the Hub whose a token is.

    `connect` makes a client for one token, which is then thrown away: if the Hub limits one user's calls,
    nobody else is kept out.
    """

    def __init__(self, connect: Callable[[str], Hub] = CONNECT) -> None:
        self._connect = connect

    def of_token(self, token: str) -> Submitter:
        """Return the user whose access token it is, in one call. Raises NotRecognised.

        The Hub also confirms the tokens that its login issues to apps. An app that a user once signed in to
        must not act here in their name.
        """
        if len(token) > LONGEST_TOKEN or not TOKEN.fullmatch(token):
            raise NotRecognised(NOT_ACCEPTED)
        hub = self._connect(token)
        try:
            account = hub.call(hub.api.whoami)
        except FAILURES as error:
            if status_of(error) in (400, 401, 403):
                raise NotRecognised(NOT_ACCEPTED) from None
            raise NotRecognised(
                f"Cannot ask the Hub whose token this is: {reason(error, hub, TRY_AGAIN)}"
            ) from None
        if account.get("type") != "user":
            raise NotRecognised(
                "The token in the Authorization header does not belong to a person. Use one of your own."
            )
        if as_object(account.get("auth")).get("type") != "access_token":
            raise NotRecognised(OF_AN_APP)
        organisations = (each.get("name") for each in account.get("orgs") or ())
        return Submitter(str(account["name"]), frozenset(filter(None, organisations)))
