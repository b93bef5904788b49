"""The engines: what each is called, where it comes from, and which of the settings names its tasks."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from src.shared.data.backend_description import BackendDescription
from src.shared.data.run_settings import LIGHTEVAL, LM_EVAL


class Engine(NamedTuple):
    """What the page says of an engine."""

    name: str
    repository: str = ""
    tasks_setting: str = "its tasks"
    """The backend's setting with the tasks."""
    collection: str = ""
    """The beginning of the path of a task file in the engine's own collection, as backend.yaml has it."""
    collection_in_repository: str = ""
    """The same folder in its repository."""

    def released(self, version: str | None) -> str | None:
        """Return the address of a released version, or of the newest if it is unknown."""
        if not self.repository or not version:
            return self.repository or None
        return f"{self.repository}/tree/v{quote(version)}"

    def address_of(self, file: str, version: str | None) -> str | None:
        """Return the address of a file of the engine's own collection, or None for another file."""
        if not self.collection or not file.startswith(self.collection):
            return None
        path = self.collection_in_repository + file.removeprefix(self.collection)
        return f"{self.repository}/blob/{quote(f'v{version}' if version else 'main')}/{quote(path)}"


ENGINES = {
    LM_EVAL: Engine(
        LM_EVAL,
        "https://github.com/EleutherAI/lm-evaluation-harness",
        "TASKS_HARNESS",
        "lm_eval/tasks/",
        "lm_eval/tasks/",
    ),
    LIGHTEVAL: Engine(
        LIGHTEVAL,
        "https://github.com/huggingface/lighteval",
        "TASKS_LIGHTEVAL",
        "lighteval/tasks/",
        "src/lighteval/tasks/tasks/",
    ),
}

LONGEST_NAME = 40


def engine_of(backend: BackendDescription | None) -> Engine:
    """Return the engine that a backend runs: lm_eval before it says so. Of an unknown one, only the name."""
    name = backend.engine if backend else LM_EVAL
    return ENGINES.get(name, Engine(name[:LONGEST_NAME]))
