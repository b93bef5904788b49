"""Which stores a Space uses: local folders or the Hub."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from huggingface_hub import constants

from .data.cards import REQUESTS_CARD, RESULTS_CARD
from .index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from .models.folder_models import FolderModels
from .models.hub_models import HubModels
from .models.model_source import FirstFound, ModelSource, Presence
from .process.steady import steady_now
from .settings import CommonSettings
from .stores.budgets import Pace
from .stores.folder_store import FolderStore, WatchedFolder
from .stores.hub import Hub
from .stores.hub_spaces import current_name
from .stores.hub_store import HubStore
from .stores.store import Store
from .times import Clock

LOCAL_FOLDER = Path("../data")
"""Where a Space on your own machine keeps its data by default: beside both Spaces."""

LOST_ON_A_SPACE = (
    "The data is in the folder {folder} on this Space's disk, which is lost at the next restart. "
    "Unset LEADERBOARD_DATA_DIR in the Space's settings to use the datasets on the Hub."
)
LOCAL = (
    "The data is in the local folder {folder}. Set OWNER to an organisation to use its datasets on the Hub."
)


@dataclass(frozen=True)
class Stores:
    """The two datasets, and what belongs to the place where they are."""

    requests: Store
    results: Store
    models: ModelSource
    """Where models are looked up."""
    presence: Callable[[str], Presence | None] = lambda model: None
    """Asks the Hub whether a model is still there; None if it does not say, or if the data is elsewhere."""
    space_name: Callable[[str], str | None] = lambda name: None
    """Returns the current name of a Space that may have been renamed; None if there is no such Space."""
    local_models: Path | None = None
    """The folder of models that are not on the Hub, if there is one."""
    notice: str = ""
    """A sentence for the page about where the data is, if visitors must know."""


def open_stores(
    settings: CommonSettings,
    *,
    clock: Clock = steady_now,
    only_look: bool = False,
    connect: Callable[[str | None], Hub] = Hub,
) -> Stores:
    """Return the stores for these settings. Nothing is read or created before they are used.

    `clock` is for intervals. With `only_look`, a missing dataset is not created, and folders are not written.
    `connect` makes the client of the Hub from a token.
    """
    if settings.is_on_the_hub:
        return _on_the_hub(settings, clock, connect(settings.hf_token), only_look=only_look)
    return _in_folders(settings, WatchedFolder if only_look else FolderStore)


def _on_the_hub(settings: CommonSettings, clock: Clock, hub: Hub, *, only_look: bool) -> Stores:
    models = HubModels(hub, Hub(settings.hf_read_token, token_name="HF_READ_TOKEN"))
    pace = partial(Pace, settings.commits_per_hour, clock)
    cards = (REQUESTS_CARD, RESULTS_CARD) if not only_look else (None, None)
    names = settings.requests_dataset, settings.results_dataset
    return Stores(
        requests=HubStore(hub, names[0], card=cards[0], index=REQUESTS_INDEX, pace=pace()),
        results=HubStore(hub, names[1], card=cards[1], index=RESULTS_INDEX, pace=pace()),
        models=models,
        presence=models.presence,
        space_name=partial(current_name, hub),
    )


def _in_folders(settings: CommonSettings, store: type[FolderStore]) -> Stores:
    """Models may be in a folder too. Others are on the Hub, unless the client is offline."""
    folder = Path(settings.leaderboard_data_dir or LOCAL_FOLDER).resolve()
    notice = LOST_ON_A_SPACE if settings.space_id else "" if settings.leaderboard_data_dir else LOCAL
    local = FolderModels(folder / "models")
    hub = HubModels(Hub(settings.hf_token), Hub(settings.hf_read_token, token_name="HF_READ_TOKEN"))
    return Stores(
        requests=store(folder / "requests", web="files/requests"),
        results=store(folder / "results", web="files/results"),
        models=local if constants.HF_HUB_OFFLINE else FirstFound(local, hub),
        local_models=folder / "models",
        notice=notice.format(folder=folder),
    )
