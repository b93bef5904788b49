"""The frontend's settings as they are read at the start; envs.py is where owners write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from src.shared.environment import Port, Positive
from src.shared.settings import CommonSettings
from src.submitting.limits import Terms, read_higher
from src.submitting.submitter import read_logins

Approval = Annotated[Literal["automatic", "by_hand"], "automatic or by_hand"]
WholeNumber = Annotated[int, Field(ge=0), "a whole number of at least 0"]
Days = Annotated[float, Field(gt=0, le=36_500), "a number of days, up to 36500"]


@dataclass(frozen=True)
class Settings(CommonSettings):
    """Each field is a setting of the same name in capitals; docs/configuration.md explains them."""

    refresh_rate: Positive = 30.0
    anonymous_submissions: bool | None = None
    approval: Approval = "automatic"
    maintainers: object = ""
    rate_limit_quota: WholeNumber = Terms.quota
    rate_limit_period: Days = Terms.period / timedelta(days=1)
    higher_rate_limits: object = ""
    writes_per_hour: WholeNumber = Terms.writes
    max_pending: WholeNumber = Terms.pending
    gradio_server_port: Port = 7860
    template: str | None = None
    """Read by `make upgrade` only, in the frontend's file, because every leaderboard has one."""
    space_host: str | None = None
    oauth_client_id: str | None = None
    oauth_client_secret: str | None = field(default=None, repr=False)
    oauth_scopes: str | None = None
    openid_provider_url: str | None = None

    @property
    def takes_anonymous_submissions(self) -> bool:
        """Whether people may submit without a login. By default not on a Space, where strangers come by."""
        return self.space_id is None if self.anonymous_submissions is None else self.anonymous_submissions

    @property
    def has_a_login(self) -> bool:
        """Whether the Hub's login is set up.

        Off a Space, Gradio would simulate the login with this server's token, and everybody would be its
        owner. Without the other variables it would not start.
        """
        others = (self.oauth_client_id, self.oauth_client_secret, self.oauth_scopes, self.openid_provider_url)
        return self.is_a_space and all(others)

    @property
    def terms(self) -> Terms:
        """Who may submit, and how much. Raises ConfigurationError."""
        return Terms(
            anonymous=self.takes_anonymous_submissions,
            login=self.has_a_login,
            quota=self.rate_limit_quota,
            period=timedelta(days=self.rate_limit_period),
            higher=read_higher(self.higher_rate_limits),
            writes=self.writes_per_hour,
            pending=self.max_pending,
            by_hand=self.approval == "by_hand",
        )

    @property
    def names_of_maintainers(self) -> frozenset[str]:
        """The logins in MAINTAINERS, in lower case. Raises ConfigurationError."""
        return read_logins("MAINTAINERS", self.maintainers)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts under which the Hub serves the page: the Space's own, and custom domains."""
        return tuple(host.strip() for host in (self.space_host or "").split(",") if host.strip())
