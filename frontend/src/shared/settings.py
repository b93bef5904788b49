"""The settings that both Spaces have: where the data lies, who owns it, where the page is served."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from huggingface_hub import constants
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from .environment import Positive
from .errors import ConfigurationError
from .stores.budgets import COMMITS

TOKEN = re.compile(r"[!-~]+")
"""Visible ASCII: what a header can hold."""


@dataclass(frozen=True)
class CommonSettings:
    """Each field is a setting of the same name in capitals; docs/configuration.md explains them."""

    owner: str | None = None
    queue_repo: str | None = None
    results_repo: str | None = None
    hf_token: str | None = field(default=None, repr=False)
    hf_read_token: str | None = field(default=None, repr=False)
    commits_per_hour: Positive = COMMITS
    leaderboard_data_dir: str | None = None
    system: str | None = None
    space_id: str | None = None
    space_author_name: str | None = None
    gradio_server_name: str | None = None

    def __post_init__(self) -> None:
        """Refuse values that cannot be right, at the start. Raises ConfigurationError."""
        names = [("OWNER", self.owner, "acme"), ("QUEUE_REPO", self.queue_repo, "acme/requests")]
        names += [("RESULTS_REPO", self.results_repo, "acme/results")]
        for name, value, example in names:
            if value is not None and not is_repo_id(value, slashes=example.count("/")):
                raise ConfigurationError(
                    f"{name} is {value!r}: write a name as on the Hub, such as {example}."
                )
        for name, token in {"HF_TOKEN": self.hf_token, "HF_READ_TOKEN": self.hf_read_token}.items():
            if token is not None and not TOKEN.fullmatch(token):
                raise ConfigurationError(
                    f"{name} holds characters that no token has: copy it again from "
                    "https://huggingface.co/settings/tokens."
                )
        if not constants.ENDPOINT.startswith(("http://", "https://")):
            raise ConfigurationError(
                f"HF_ENDPOINT is {constants.ENDPOINT!r}: write an address, such as https://huggingface.co."
            )

    @property
    def is_a_space(self) -> bool:
        """Whether Gradio treats this as a Space of the Hub."""
        return self.system == "spaces" and bool(self.space_id)

    @property
    def organisation(self) -> str | None:
        """The owner of the datasets: the one that is set, or else the Space's."""
        space_owner = self.space_id.partition("/")[0] if self.space_id else None
        return self.owner or self.space_author_name or space_owner

    @property
    def is_on_the_hub(self) -> bool:
        """Whether the data is on the Hub: on a Space or with an owner, unless a folder is set."""
        return not self.leaderboard_data_dir and self.organisation is not None

    @property
    def requests_dataset(self) -> str:
        """The requests dataset on the Hub."""
        return self.queue_repo or f"{self.organisation}/requests"

    @property
    def results_dataset(self) -> str:
        """The results dataset on the Hub."""
        return self.results_repo or f"{self.organisation}/results"

    @property
    def server_name(self) -> str:
        """The address to serve at: by default all on a Space, elsewhere only this machine."""
        return self.gradio_server_name or ("0.0.0.0" if self.space_id else "127.0.0.1")


def is_repo_id(text: str, *, slashes: int) -> bool:
    """Return whether the Hub could have something of this name, with this many slashes."""
    try:
        validate_repo_id(text)
    except HFValidationError:
        return False
    return text.count("/") == slashes
