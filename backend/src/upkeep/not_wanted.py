"""Refuses models that the owner or a maintainer keeps off the board."""

from __future__ import annotations

from datetime import datetime

from src.shared.data.names import BLOCKLIST
from src.shared.data.reasons import finder
from src.shared.errors import BadFile, NotPossible, StoreError
from src.shared.moderation.acts import DONE, Act, read_moderation
from src.shared.moderation.blocklist import Blocklist, read_blocklist
from src.shared.stores.own_file import own_file
from src.shared.stores.store import Snapshot, Store


class NotWanted:
    """The decisions of the owner and maintainers about models. Raises StoreError if they cannot be read."""

    def __init__(self, requests: Store, snapshot: Snapshot) -> None:
        try:
            self._acts = read_moderation(requests, snapshot)
            self._list = own_file(requests, snapshot, BLOCKLIST, read_blocklist) or Blocklist()
        except BadFile as error:
            raise StoreError(
                f"The maintainers' decisions about models in {requests} cannot be read: {error.sentence}"
            ) from None

    def check(self, *models: str) -> None:
        """Raise NotPossible, with the reason, if one of these models is hidden, blocked or removed."""
        for model in filter(None, models):
            self._check(model)

    def is_of_before_a_removal(self, model: str, began: datetime) -> bool:
        """Return whether a model was removed after this moment."""
        return self._acts.is_of_before_a_removal(model, began)

    def _check(self, model: str) -> None:
        for act in (Act.HIDE, Act.BLOCK):
            if (reason := finder(self._acts.reasons(act))(model)) is not None:
                raise NotPossible(f"{model} is {DONE[act]} on this leaderboard{_because(reason)}.")
        if (reason := self._list.model(model)) is not None:
            raise NotPossible(f"{model} is listed in {BLOCKLIST}{_because(reason)}.")


def _because(reason: str) -> str:
    return f": {reason.rstrip('.')}" if reason else ""
