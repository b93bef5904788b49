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


@dataclass(frozen=True)
class Datasets:
    """The two datasets under a frontend, as their owner edits them by hand: in a folder, or on a Hub."""

    folder: Path
    hub: RemoteHub | None = None

    def write(self, dataset: str, path: str, content: str) -> None:
        """Put a file into a dataset."""
        if self.hub:
            self.hub.do("put", type="dataset", id=f"acme/{dataset}", files={path: content})
        else:
            file = self.folder / dataset / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")

    def write_request(self, model: str, *, precision: str = "float16", **fields: Any) -> None:
        """Put a model's request into its place."""
        content = {"model": model, "precision": precision, "weight_type": "Original"} | fields
        self.write("requests", f"{model}_eval_request_False_{precision}_Original.json", json.dumps(content))

    def delete(self, dataset: str, path: str) -> None:
        """Remove a file from a dataset."""
        if self.hub:
            self.hub.do("put", type="dataset", id=f"acme/{dataset}", files={}, delete=[path])
        else:
            (self.folder / dataset / path).unlink()

    @contextmanager
    def frontend(self, **settings: str) -> Iterator[Space]:
        """A frontend on them."""
        if self.hub:
            token = self.hub.do("add_user", name="alice", organizations={"acme": "admin"})
            settings = on_the_hub(self.hub, token) | settings
        with running(self.folder, ("frontend",), **settings) as spaces:
            yield spaces["frontend"]


@contextmanager
def datasets_in_a_folder(folder: Path) -> Iterator[Datasets]:
    """Empty datasets in a folder."""
    yield Datasets(folder)


@contextmanager
def datasets_on_a_hub(folder: Path) -> Iterator[Datasets]:
    """Empty datasets on a Hub."""
    with hub_process(FRONTEND_PYTHON) as hub:
        for dataset in ("requests", "results"):
            hub.do("add_repository", type="dataset", id=f"acme/{dataset}", files={"README.md": "# A dataset"})
        yield Datasets(folder, hub)


def on_the_hub(hub: RemoteHub, token: str) -> dict[str, str]:
    """The settings of a Space whose data lies there."""
    where = {"LEADERBOARD_DATA_DIR": "", "OWNER": "acme", "HF_TOKEN": token, "HF_ENDPOINT": hub.url}
    return where | TO_THE_HUB_OF_THE_TESTS


def with_a_login(hub: RemoteHub) -> dict[str, str]:
    """The settings of a Space where people sign in at the Hub."""
    client_id, secret = hub.do("add_oauth_app")
    return {
        "SYSTEM": "spaces",
        "SPACE_ID": "acme/leaderboard",
        "OAUTH_CLIENT_ID": client_id,
        "OAUTH_CLIENT_SECRET": secret,
        "OAUTH_SCOPES": "openid profile",
        "OPENID_PROVIDER_URL": hub.url,
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "WORKER_ID": hub.url.rpartition(":")[2],  # no two on this machine have the same
    }


@contextmanager
def leaderboard_in_a_folder(data: Path, models: Path) -> Iterator[Leaderboard]:
    """Both Spaces on one empty data folder; nothing is looked up on the Hub."""
    (data / "models").symlink_to(models)
    with running(data, HF_HUB_OFFLINE="1", **QUICK) as spaces:
        yield Leaderboard(data, models, **spaces)


@contextmanager
def leaderboard_on_a_hub(
    data: Path, models: Path, *, login: bool = False, **settings: str
) -> Iterator[Leaderboard]:
    """Both Spaces on a Hub that has the models, and no datasets yet; with a login if it is wanted."""
    with hub_process(FRONTEND_PYTHON) as hub:
        token = hub.do("add_user", name="alice", organizations={"acme": "admin"})
        for folder in sorted(each for each in models.glob("*/*") if each.is_dir()):
            name = folder.relative_to(models).as_posix()
            hub.do("add_repository", type="model", id=name, folder=str(folder))
        where = on_the_hub(hub, token) | (with_a_login(hub) if login else {})
        with running(data, **{**where, **QUICK, **settings}) as spaces:
            yield Leaderboard(data, models, **spaces, hub=hub, token=token)
