"""A store that does not deliver what it lists, as the Hub sometimes does."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from src.shared.data.names import is_data_path
from src.shared.errors import BadFile, NotDelivered
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.store import Snapshot


class Withholding(FolderStore):
    """Withholds the paths that `withholds` names: at first all requests and results."""

    def __init__(self, folder: Path, withholds: Callable[[str], bool] = is_data_path) -> None:
        super().__init__(folder)
        self.withholds = withholds

    def read(self, snapshot: Snapshot, paths: Collection[str]) -> Mapping[str, bytes | BadFile]:  # type: ignore[override]
        late = NotDelivered("the Hub lists it but does not deliver it")
        return {
            path: late if self.withholds(path) else data
            for path, data in super().read(snapshot, paths).items()
        }
