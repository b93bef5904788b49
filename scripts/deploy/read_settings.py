"""Reads a Space's settings through the Space's own code, as JSON. Run it in the Space's folder.

`python read_settings.py` reads all of them; with `--common` only those that both Spaces have, for an
environment that lacks the Space's packages. The Space's variables come on standard input, as a JSON object.
They never become variables of this process: whoever may edit a Space could otherwise set `LD_PRELOAD` or
`PYTHONWARNINGS` on the machine of whoever deploys. Secrets are no part of it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from dataclasses import fields
from importlib import import_module
from pathlib import Path

LOST = (
    "LEADERBOARD_DATA_DIR is set, and a Space would keep its data in that folder of its own disk, which is "
    "emptied at every restart. Remove it from src/envs.py and from the Space's variables."
)
NOT_SET_BY_OWNERS = re.compile(
    r"HF_TOKEN|HF_READ_TOKEN|INFERENCE_TOKEN|FLEET_TOKEN|TOKEN|SYSTEM|SPACE_.*|OAUTH_.*|OPENID_.*|GRADIO_SERVER_.*"
)
"""Secrets, and what the Hub sets."""


class Kept(logging.Handler):
    """Keeps what the Space would log about its settings."""

    def __init__(self) -> None:
        super().__init__()
        self.sentences: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a sentence."""
        self.sentences.append(record.getMessage())


def main() -> None:
    """Print the settings, or the sentence that the Space would end with."""
    sys.path[0] = str(Path.cwd())
    from src.shared.environment import owners_file, read_settings
    from src.shared.errors import ConfigurationError
    from src.shared.settings import CommonSettings

    given = {str(name): str(value) for name, value in json.load(sys.stdin).items()}
    kept = Kept()
    logging.getLogger().addHandler(kept)
    is_common = "--common" in sys.argv
    answer: dict[str, object] = {"names": []}
    try:
        kind = CommonSettings if is_common else import_module("src.settings").Settings
        envs = owners_file("src.envs")
        names = {each.name.upper() for each in fields(kind)}
        if is_common:
            names |= set(filter(str.isupper, vars(envs)))
        answer["names"] = sorted(name for name in names if not NOT_SET_BY_OWNERS.fullmatch(name))
        settings = read_settings(kind, envs, given)
        answer |= {
            "requests": settings.requests_dataset,
            "results": settings.results_dataset,
            "owner": settings.organisation,
        }
        if settings.leaderboard_data_dir:
            answer["refused"] = LOST
        if Path("src/about.py").exists():
            tasks = getattr(owners_file("src.about"), "Tasks", None)
            import_module("src.tasks").read_tasks(tasks, taken=import_module("src.columns").TAKEN)
    except ConfigurationError as error:
        answer["error"] = str(error)
    # They tell of names that are almost a setting's. With --common the Space's other settings look like that.
    answer["sentences"] = [] if is_common else kept.sentences
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
