"""The frontend's settings as they are read at the start; envs.py is where owners write them."""

from __future__ import annotations

from dataclasses import dataclass

from src.shared.environment import Port, Positive
from src.shared.settings import CommonSettings


@dataclass(frozen=True)
class Settings(CommonSettings):
    """Each field is a setting of the same name in capitals; docs/configuration.md says what it means."""

    refresh_rate: Positive = 30.0
    anonymous_submissions: bool | None = None
    gradio_server_port: Port = 7860

    @property
    def takes_anonymous_submissions(self) -> bool:
        """As it was set; else not on a Space, where strangers come by."""
        return self.space_id is None if self.anonymous_submissions is None else self.anonymous_submissions
