"""The door for YAML from a dataset: what anybody may have written becomes plain values or a BadFile."""

from __future__ import annotations

import yaml

from ..errors import BadFile

MAX_BYTES = 1_000_000
"""The largest file that is read; what a backend of hundreds of tasks runs takes some tens of thousands."""

MAX_DEPTH = 10
"""How deep lists and objects may lie in each other; ours lie five deep."""

LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


TEXT_LOADER: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""For what people write names into: `no` and `0123` stay what they are."""


def read_yaml(data: bytes, loader: type = LOADER) -> object:
    """The value in `data`. Raises BadFile for what is not YAML, is too large, too deep, or could explode."""
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
