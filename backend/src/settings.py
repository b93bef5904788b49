"""The backend's settings as they are read at the start; envs.py is where owners write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from src.shared.environment import Port, Positive
from src.shared.settings import CommonSettings

FewShot = Annotated[int, Field(ge=0), "a whole number"]


@dataclass(frozen=True)
class Settings(CommonSettings):
    """Each field is a setting of the same name in capitals; docs/configuration.md says what it means."""

    hf_read_token: str | None = field(default=None, repr=False)
    tasks_harness: object = "tiny_addition, tiny_agreement, tiny_copy"
    tasks_dir: str = "tasks"
    num_fewshot: FewShot | None = None
    limit: Positive | None = None
    device: str = "cpu"
    batch_size: str = "auto"
    max_hours: Positive = 24.0
    worker_id: str | None = None
    gradio_server_port: Port = 7861
    refresh_rate: Positive = 60.0
    lease_minutes: Positive = 60.0

    @property
    def name_of_the_worker(self) -> str | None:
        """As it was set, else the Space's; None leaves it to the machine."""
        return self.worker_id or self.space_id
