"""Backs up the board that the settings name, and says what was copied."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from src.upkeep.backing_up import MISSING, Copied, back_up
from src.upkeep.backup_file import Part
from src.upkeep.commands import say
from src.upkeep.datasets import Dataset
from src.upkeep.places import UpkeepSettings, whole_datasets

WHAT_NEXT = (
    "The backup in {0} is complete. To look at it, run `python -m src.export` with LEADERBOARD_DATA_DIR={0}, "
    "which changes nothing in it. To restore it, run `python -m src.restore {0}`."
)


def backed_up(settings: UpkeepSettings, folder: Path) -> None:
    """Back up, and say what was copied. Raises StoreError."""
    copied = back_up(readable(whole_datasets(settings, say)), folder, say)
    for part, each in copied.items():
        say(told(part, each))
    say(WHAT_NEXT.format(folder.resolve()))


def readable(datasets: Mapping[Part, Dataset]) -> Mapping[Part, Dataset]:
    """Return the datasets without that of samples if it is not there yet. Raises StoreError."""
    samples = datasets.get(Part.SAMPLES)
    if samples is None or samples.revision() is not None:
        return datasets
    say(MISSING.format(samples))
    return {part: each for part, each in datasets.items() if part is not Part.SAMPLES}


def told(part: Part, copied: Copied) -> str:
    """Return what was copied of one dataset, in a sentence."""
    kept = copied.kept
    return (
        f"{part}: {len(kept.files):,} files ({copied.fetched:,} new), {kept.bytes:,} bytes, "
        f"of {kept.name} at revision {kept.revision[:8]}."
    )
