"""A whole leaderboard that runs on this machine, as the tests see it: its data in folders or on a Hub."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_leaderboard import ROOT, Space, running
from support.hub_process import RemoteHub, hub_process
from visitor import Visitor

BACKEND_PYTHON = str(ROOT / ".venv" / "backend" / "bin" / "python")
FRONTEND_PYTHON = str(ROOT / ".venv" / "frontend" / "bin" / "python")
QUICK = {"REFRESH_RATE": "0.5", "LEASE_MINUTES": "1"}
TO_THE_HUB_OF_THE_TESTS = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}


@dataclass(frozen=True)
class Leaderboard:
    """Its two Spaces, its folder, and the models that can be submitted.

    `hub` has its datasets and models, and `token` can write to them; without one they lie in the folder.
    """

    data: Path
    models: Path
    frontend: Space
    backend: Space
    hub: RemoteHub | None = None
    token: str = ""

    @property
    def visitor(self) -> Visitor:
        return Visitor(self.frontend.url)

    @property
    def variables(self) -> dict[str, str]:
        """What lm_eval's own command line needs to find the models."""
        if self.hub:
            return {"HF_ENDPOINT": self.hub.url, **TO_THE_HUB_OF_THE_TESTS}
        return {"LEADERBOARD_DATA_DIR": str(self.data)}

    def result(self, path: str) -> dict[str, Any]:
        """A file of the results dataset."""
        if not self.hub:
            text = (self.data / "results" / path).read_text()
        else:
            address = f"{self.hub.url}/datasets/acme/results/resolve/main/{path}"
            with urllib.request.urlopen(address) as answer:
                text = answer.read().decode()
        result: dict[str, Any] = json.loads(text)
        return result


@contextmanager
def leaderboard_in_a_folder(data: Path, models: Path) -> Iterator[Leaderboard]:
    """Both Spaces on one empty data folder; nothing is looked up on the Hub."""
    (data / "models").symlink_to(models)
    with running(data, HF_HUB_OFFLINE="1", **QUICK) as spaces:
        yield Leaderboard(data, models, **spaces)


@contextmanager
def leaderboard_on_a_hub(data: Path, models: Path) -> Iterator[Leaderboard]:
    """Both Spaces on a Hub that has the models, and no datasets yet."""
    with hub_process(FRONTEND_PYTHON) as hub:
        token = hub.do("add_user", name="alice", organizations={"acme": "admin"})
        for folder in sorted(each for each in models.glob("*/*") if each.is_dir()):
            name = folder.relative_to(models).as_posix()
            hub.do("add_repository", type="model", id=name, folder=str(folder))
        on_the_hub = {"LEADERBOARD_DATA_DIR": "", "OWNER": "acme", "HF_TOKEN": token, "HF_ENDPOINT": hub.url}
        with running(data, **on_the_hub, **TO_THE_HUB_OF_THE_TESTS, **QUICK) as spaces:
            yield Leaderboard(data, models, **spaces, hub=hub, token=token)
