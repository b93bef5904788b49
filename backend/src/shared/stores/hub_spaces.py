"""The names of Spaces on the Hub, which finds a renamed one under its old name too."""

from __future__ import annotations

from huggingface_hub.errors import RepositoryNotFoundError

from ..errors import StoreError
from .hub import FAILURES, Hub, reason


def current_name(hub: Hub, name: str) -> str | None:
    """Return the present name of a Space, or None if the Hub has no such Space. Raises StoreError."""
    try:
        return str(hub.call(hub.api.space_info, name).id)
    except RepositoryNotFoundError:
        return None
    except FAILURES as error:
        raise StoreError(f"Cannot look up the Space {name}: {reason(error, hub)}") from error
