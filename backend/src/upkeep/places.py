"""The settings of the commands of upkeep, and the datasets that they name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from src.shared.data.request import Request, read_request
from src.shared.errors import ConfigurationError
from src.shared.index.indexes import REQUESTS_INDEX
from src.shared.settings import CommonSettings, is_repo_id
from src.shared.stores.hub import Hub
from src.shared.stores.hub_store import HubStore
from src.shared.stores.mirror import Mirror
from src.shared.wiring import LOCAL_FOLDER, Stores, open_stores
from src.upkeep.backup_file import Part
from src.upkeep.datasets import Dataset, Say
from src.upkeep.folder_dataset import FolderDataset
from src.upkeep.hub_dataset import HubDataset

Connect = Callable[[str | None], Hub]


@dataclass(frozen=True)
class UpkeepSettings(CommonSettings):
    """The backend's settings that the datasets depend on.

    The other settings need the packages of evaluations. Without them, these commands run in the frontend's
    small environment, so that an owner who only has a clone need not install torch.
    """

    samples_repo: str | None = None
    samples_private: bool = True

    def __post_init__(self) -> None:
        """Refuse values that cannot be right. Raises ConfigurationError."""
        super().__post_init__()
        if self.samples_repo is not None and not is_repo_id(self.samples_repo, slashes=1):
            raise ConfigurationError(
                f"SAMPLES_REPO is {self.samples_repo!r}: write a dataset's name on the Hub, such as "
                "acme/samples."
            )

    @property
    def has_samples_dataset(self) -> bool:
        """Whether samples have a dataset of their own."""
        return self.is_on_the_hub and self.samples_repo is not None


def whole_datasets(settings: UpkeepSettings, say: Say, connect: Connect = Hub) -> Mapping[Part, Dataset]:
    """Return the datasets of a board with all their files. Nothing is read before they are used."""
    if not settings.is_on_the_hub:
        folder = Path(settings.leaderboard_data_dir or LOCAL_FOLDER).resolve()
        return {part: FolderDataset(folder / part) for part in (Part.REQUESTS, Part.RESULTS)}
    hub = connect(settings.hf_token)
    names = {Part.REQUESTS: settings.requests_dataset, Part.RESULTS: settings.results_dataset}
    if settings.samples_repo:
        names[Part.SAMPLES] = settings.samples_repo
    return {part: HubDataset(hub, name, say) for part, name in names.items()}


def existing_stores(settings: UpkeepSettings) -> Stores:
    """Return the stores, which must be there: no command of upkeep makes an empty board.

    Raises ConfigurationError if they should be in a folder that is not there.
    """
    folder = Path(settings.leaderboard_data_dir or LOCAL_FOLDER).resolve()
    if not settings.is_on_the_hub:
        if not (folder / Part.REQUESTS).is_dir():
            raise ConfigurationError(
                f"There is no board in {folder}. Set OWNER to the owner of the datasets on the Hub, or "
                "LEADERBOARD_DATA_DIR to the folder that contains requests/ and results/."
            )
        return open_stores(settings)
    return open_stores(settings, only_look=True)  # on the Hub: it creates nothing, but can write


def samples_store(settings: UpkeepSettings) -> HubStore | None:
    """Return the dataset of samples, if they have one of their own."""
    if not settings.has_samples_dataset:
        return None
    return HubStore(Hub(settings.hf_token), settings.samples_repo or "")


def present_requests(settings: UpkeepSettings) -> Mapping[str, Request]:
    """Return the requests that can be understood, by path. Raises StoreError, also if one was withheld."""
    requests = open_stores(settings, only_look=True).requests
    mirror = Mirror(requests, lambda _, data: read_request(data), index=REQUESTS_INDEX)
    return mirror.refresh_whole().values
