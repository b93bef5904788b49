"""The dataset on the Hub that holds nothing but samples."""

from __future__ import annotations

from src.shared.data.cards import SAMPLES_CARD
from src.shared.errors import StoreError
from src.shared.stores.budgets import Pace
from src.shared.stores.hub import Hub
from src.shared.stores.hub_store import HubStore

IS_PUBLIC = (
    "The dataset {} is public, but SAMPLES_PRIVATE is True. Make it private in its settings on the Hub, or "
    "set SAMPLES_PRIVATE to False."
)


class SamplesDataset(HubStore):
    """A dataset for samples. It is created if it is missing, as a private one if `private`."""

    def __init__(self, hub: Hub, repo_id: str, *, private: bool, pace: Pace) -> None:
        super().__init__(hub, repo_id, card=SAMPLES_CARD, pace=pace, private=private)

    def check_writing(self) -> None:
        """Raise StoreError when samples cannot be written, or would be public against the setting."""
        self.snapshot()  # which creates it
        super().check_writing()
        if self.private and not self.is_private():
            raise StoreError(IS_PUBLIC.format(self))
