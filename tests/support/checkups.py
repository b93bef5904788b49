"""A healthy leaderboard for the check-up, in folders or on a Hub, which a test then spoils in one place."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from huggingface_hub import constants

from src.shared.data.backend_description import BackendDescription, write_description
from src.shared.data.names import BACKEND_DESCRIPTION, request_path, result_path
from src.shared.data.request import Attempt, Lease, Request, Status, write_request
from src.shared.doctor.finding import Finding, Level
from src.shared.times import to_text
from src.shared.version import VERSION
from support.factories import COMMIT, MODEL, RUN, make_backend, make_request, make_result_file
from support.hub import Hub
from support.sources import ROOT

NOW = datetime.now(UTC)
SCORES = {
    "tiny_addition": {"acc,none": 0.5},
    "tiny_agreement": {"acc,none": 0.5},
    "tiny_copy": {"exact_match,none": 0.5},
}


def finished(**changes: Any) -> Request:
    """A request whose result is published."""
    attempt = Attempt(1, "here-0", NOW - timedelta(hours=2), NOW - timedelta(hours=1), "finished")
    values = {"status": Status.FINISHED, "run": RUN, "attempt": 1, "result": result_path(MODEL, RUN)}
    return make_request(**{**values, "history": (attempt,), "message": "It is there.", **changes})


def running(*, until: datetime) -> Request:
    """A request that a worker evaluates."""
    lease = Lease("here-0", "nonce", until - timedelta(hours=1), until - timedelta(hours=1), until)
    return make_request(model="acme/run", status=Status.RUNNING, run=RUN, attempt=1, lease=lease)


def waiting(model: str = "acme/waits", *, since: datetime = NOW, **changes: Any) -> Request:
    """A request that waits."""
    return make_request(model=model, submitted_time=to_text(since), **changes)


@dataclass
class Place:
    """A leaderboard and one of its Spaces: everything that the check-up looks at."""

    folder: Path
    role: str
    hub: Hub | None = None
    environment: dict[str, str] = field(default_factory=dict)
    envs: ModuleType = field(default_factory=lambda: ModuleType("envs"))

    def __post_init__(self) -> None:
        self.space = self.folder / self.role
        self.space.mkdir(parents=True)
        for name in ("README.md", "requirements.txt", "app.py"):
            shutil.copy(ROOT / self.role / name, self.space / name)
        if self.hub:
            self.environment |= {"OWNER": "acme"}
            self.hub.add_dataset("acme/requests")
            self.hub.add_dataset("acme/results")
        else:
            self.environment |= {"LEADERBOARD_DATA_DIR": str(self.folder / "data")}
        self.request(finished())
        self.put("results", result_path(MODEL, RUN), make_result_file(scores=SCORES))
        self.describe()

    def describe(self, **changes: Any) -> BackendDescription:
        """Publish what the backend runs."""
        known = {"version": VERSION, "tried": "a fingerprint", "space": "acme/backend", **changes}
        description = make_backend(**known)
        self.put("results", BACKEND_DESCRIPTION, write_description(description))
        return description

    def request(self, request: Request) -> str:
        """Put a request into the dataset. Returns its path."""
        path = request_path(
            request.model,
            private=False,
            precision=request.precision,
            weight_type=request.weight_type,
            commit=request.commit or COMMIT,
        )
        self.put("requests", path, write_request(request))
        return path

    def put(self, dataset: str, path: str, data: bytes | None) -> None:
        """Write a file into a dataset, or delete it."""
        if self.hub:
            repository = self.hub.get(_dataset(dataset))
            repository.put({} if data is None else {path: data}, delete=[path] if data is None else ())
            return
        place = self.folder / "data" / dataset / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if data is None:
            place.unlink()
        else:
            place.write_bytes(data)

    def card(self, old: str, new: str) -> None:
        """Change the head of the Space's README.md."""
        text = (self.space / "README.md").read_text(encoding="utf-8")
        assert old in text
        (self.space / "README.md").write_text(text.replace(old, new, 1), encoding="utf-8")

    def on_a_space(self, **variables: str) -> None:
        """From now on it is a Space of the Hub's, with a login."""
        name = "leaderboard" if self.role == "frontend" else "backend"
        self.environment |= {"SYSTEM": "spaces", "SPACE_ID": f"acme/{name}", "SPACE_AUTHOR_NAME": "acme"}
        if self.role == "frontend":
            self.environment |= {
                "OAUTH_CLIENT_ID": "id",
                "OAUTH_CLIENT_SECRET": "secret",
                "OAUTH_SCOPES": "openid profile",
                "OPENID_PROVIDER_URL": "https://huggingface.co",
            }
        self.environment |= variables


def _dataset(name: str) -> Any:
    from support.hub.repository import RepoName

    return RepoName("dataset", f"acme/{name}")


def point_at(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on this process's clients call this Hub, as with HF_ENDPOINT, which is read at the import."""
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.partition("/{repo_id}")
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{hub.url}{''.join(template[1:])}")


def fine_grained(hub: Hub, *more: str, permissions: Mapping[str, Any] | None = None) -> str:
    """A token of alice's for the two datasets, and for more."""
    datasets = ["datasets/acme/requests", "datasets/acme/results"]
    return hub.add_token("alice", "fineGrained", [*datasets, *more], permissions)


def of(findings: list[Finding], *levels: Level) -> list[str]:
    """The sentences of findings of these levels."""
    return [f"{each.checked}: {each.sentence}" for each in findings if each.level in levels]


def not_green(findings: list[Finding]) -> list[str]:
    """The sentences of all that is not green."""
    return of(findings, Level.WARNING, Level.WRONG)


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below a folder, hidden ones too, with its content and when it was changed."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
