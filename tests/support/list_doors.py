"""Prints the doors of the Space in the current folder under the settings in the environment, as JSON.

Those that Gradio itself uses while it starts are left out: tests of each Space show that it needs them.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

sys.path[0] = str(Path.cwd())

from src.page.doors import open_doors  # noqa: E402  # the folder has just become the place to look in
from src.settings import Settings  # noqa: E402
from src.shared.environment import read_settings  # noqa: E402
from src.shared.serving.doors import LAUNCH  # noqa: E402
from src.shared.wiring import open_stores  # noqa: E402

settings = read_settings(Settings)
found = open_doors(settings, open_stores(settings))
print(json.dumps([asdict(door) for door in found if door not in LAUNCH]))
