"""Which stores a Space uses: local folders or the Hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .errors import ConfigurationError
from .folder_models import FolderModels
from .folder_store import FolderStore
from .model_source import ModelSource
from .store import Store

LOCAL_FOLDER = Path("../data")
"""Where a Space on one's own machine keeps its data unless told otherwise: beside both Spaces."""

LOST_ON_A_SPACE = (
    "The data lies in the folder {folder} on this Space's disk, which is lost at the next restart: "
    "unset LEADERBOARD_DATA_DIR in the Space's settings to use the datasets on the Hub."
)
LOCAL = (
    "The data lies in the local folder {folder}. Set OWNER to an organisation to use its datasets on the Hub."
)


@dataclass(frozen=True)
class Stores:
    """The two datasets, where models are looked up, and a sentence for the page if their place needs one."""

    requests: Store
    results: Store
    models: ModelSource
    notice: str = ""


def open_stores(*, data_dir: str | None, space_id: str | None, owner: str | None) -> Stores:
    """The stores for these settings. Raises ConfigurationError when they ask for what is not there."""
    if not data_dir and (space_id or owner):
        wanted = f"OWNER is {owner!r}" if owner else "this is a Space"
        raise ConfigurationError(
            f"{wanted}, which asks for datasets on the Hub, and this version keeps its data in local folders "
            "only: set LEADERBOARD_DATA_DIR to a folder."
        )
    folder = (Path(data_dir) if data_dir else LOCAL_FOLDER).resolve()
    notice = LOST_ON_A_SPACE if space_id else "" if data_dir else LOCAL
    return Stores(
        requests=FolderStore(folder / "requests"),
        results=FolderStore(folder / "results"),
        models=FolderModels(folder / "models"),
        notice=notice.format(folder=folder),
    )
