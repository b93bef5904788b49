"""The frontend's settings as they are read at the start; envs.py is where owners write them."""

from __future__ import annotations

from dataclasses import dataclass

from src.shared.environment import Port, Positive


@dataclass(frozen=True)
class Settings:
    """Each field is a setting of the same name in capitals; docs/configuration.md says what it means."""

    owner: str | None = None
    space_author_name: str | None = None
    leaderboard_data_dir: str | None = None
    space_id: str | None = None
    refresh_rate: Positive = 30.0
    anonymous_submissions: bool | None = None
    gradio_server_name: str | None = None
    gradio_server_port: Port = 7860

    @property
    def owner_of_the_datasets(self) -> str | None:
        """The owner that was set, else the Space's."""
        return self.owner or self.space_author_name

    @property
    def takes_anonymous_submissions(self) -> bool:
        """As it was set; else not on a Space, where strangers come by."""
        return self.space_id is None if self.anonymous_submissions is None else self.anonymous_submissions

    @property
    def server_name(self) -> str:
        """As it was set; else all addresses on a Space, and elsewhere this machine only."""
        return self.gradio_server_name or ("0.0.0.0" if self.space_id else "127.0.0.1")
