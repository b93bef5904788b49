"""A clock of the wall that leaps under the programs that a test starts (leaping_clock.c)."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_suffix(".c")


@dataclass(frozen=True)
class LeapingClock:
    """The clock of all programs that have its `variables`."""

    library: Path
    file: Path

    @property
    def variables(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "LEAPING_CLOCK": str(self.file)}

    def set_ahead(self, time: timedelta) -> None:
        """Leap: the clock is so much ahead from now on, or back."""
        with self.file.open("r+b") as file:  # in place: the programs have mapped it
            file.write(struct.pack("=q", round(time.total_seconds())))


def leaping_clock(folder: Path) -> LeapingClock:
    """Compile the library into a folder; skips where that is impossible."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("a clock that leaps is made for Linux with gcc: `apt-get install gcc libc6-dev`")
    clock = LeapingClock(folder / "leaping_clock.so", folder / "ahead")
    clock.file.write_bytes(struct.pack("=q", 0))
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", clock.library, SOURCE], check=True)
    return clock
