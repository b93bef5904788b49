"""The kinds of models, each with its symbol, as request files write them: `🟢 : pretrained`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

SEPARATOR = " : "


@dataclass(frozen=True)
class ModelType:
    """A kind of model; both parts are empty where it is unknown."""

    symbol: str
    name: str

    def __str__(self) -> str:
        return f"{self.symbol or '?'}{SEPARATOR}{self.name}"


UNKNOWN = ModelType("", "")
MODEL_TYPES = [
    ModelType("🟢", "pretrained"),
    ModelType("🔶", "fine-tuned"),
    ModelType("⭕", "instruction-tuned"),
    ModelType("🟦", "RL-tuned"),
]


LONGEST = 200
"""Characters of a text that are read and remembered; a stranger's may have millions."""


def read_model_type(text: str) -> ModelType:
    """Return the kind that a text names: `🟢 : pretrained`, that text twice, its name only, or an unknown
    kind.
    """
    return _read(text[:LONGEST])


@lru_cache(maxsize=1000)
def _read(text: str) -> ModelType:
    parts = [part.strip() for part in text.split(SEPARATOR.strip())]
    name = parts[-1]
    known = {kind.name.lower(): kind for kind in MODEL_TYPES}
    if name.lower() in known:
        return known[name.lower()]
    symbol = parts[0] if len(parts) > 1 and len(parts[0]) <= 3 else ""
    return ModelType("" if symbol == "?" else symbol, "" if name in ("?", "unknown") else name)
