"""Models that the owner flagged: `.leaderboard/flags.yaml` in the requests dataset."""

from __future__ import annotations

from collections.abc import Mapping

from src.shared.data.reasons import Reasons, read_reasons
from src.shared.data.yaml_file import TEXT_LOADER, read_yaml
from src.shared.errors import BadFile

KEY = "models"


def read_flags(data: bytes) -> Reasons:
    """Read the list in a file. Raises BadFile if it is not as described in docs/data-format.md."""
    raw = read_yaml(data, TEXT_LOADER)
    if not raw:
        return {}
    if not isinstance(raw, Mapping) or set(raw) != {KEY}:
        raise BadFile(f"it may hold only `{KEY}:`")
    return read_reasons(raw[KEY], KEY)
