"""What Spaces are called on the Hub, which finds one that was renamed under its old name too."""

from __future__ import annotations

from huggingface_hub.errors import RepositoryNotFoundError

from ..errors import StoreError
from .hub import FAILURES, Hub, reason


def current_name(hub: Hub, name: str) -> str | None:
    """What the Space of this name is called now; None if the Hub knows none. Raises StoreError."""
    try:
        return str(hub.call(hub.api.space_info, name).id)
    except RepositoryNotFoundError:
        return None
    except FAILURES as error:
        raise StoreError(f"Cannot look up the Space {name}: {reason(error, hub)}") from error
