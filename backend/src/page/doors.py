"""The doors of this Space: what its page, its health and its logs need, and nothing else."""

from __future__ import annotations

from starlette.middleware import Middleware

from src.page.health import PATH
from src.settings import Settings
from src.shared.serving.doors import INSTALLATION, LAUNCH, PAGE, Door, Doors
from src.shared.serving.folder_files import file_doors
from src.shared.wiring import Stores

HEALTH = Door(("GET",), PATH, "machines watch the worker")


def doors(settings: Settings, stores: Stores) -> list[Middleware]:
    """Return the middleware that closes everything else."""
    return [Middleware(Doors, open_doors(settings, stores))]


def open_doors(settings: Settings, stores: Stores) -> list[Door]:
    """Return the doors that are open under these settings."""
    found = [*LAUNCH, *PAGE, HEALTH, *file_doors(stores.results)]
    return [*found, *INSTALLATION] if settings.is_a_space else found
