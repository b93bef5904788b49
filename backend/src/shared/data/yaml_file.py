"""The door for YAML from a dataset: what anybody may have written becomes plain values or a BadFile."""

from __future__ import annotations

import yaml

from ..errors import BadFile

MAX_BYTES = 1_000_000
"""The largest file that is read; the description of a backend with hundreds of tasks has tens of thousands of
bytes.
"""

MAX_DEPTH = 10
"""How deep lists and objects may be nested; ours are five deep."""

LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


TEXT_LOADER: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""For files with names: `no` and `0123` stay texts."""


def read_yaml(data: bytes, loader: type = LOADER) -> object:
    """Return the value in `data`. Raises BadFile for what is not YAML, is too large or deep, or could
    explode.
    """
    if len(data) > MAX_BYTES:
        raise BadFile(f"it has {len(data):,} bytes, and no more than {MAX_BYTES:,} are read")
    try:
        _refuse_what_can_explode(data)
        return yaml.load(data, loader)  # a safe one
    except (yaml.YAMLError, ValueError) as error:
        raise BadFile(f"it is not valid YAML: {' '.join(str(error).split())}") from None


def _refuse_what_can_explode(data: bytes) -> None:
    """Aliases can make a small file huge, deep nesting ends the process, a tag makes any text any type."""
    depth = 0
    for event in yaml.parse(data, LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise BadFile(f"its values are nested more than {MAX_DEPTH} deep")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None):
            raise BadFile("it has YAML tags or aliases, which are not read")
