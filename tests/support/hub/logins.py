"""Logging in elsewhere with an account of the Hub: who sits at the browser, and what may ask."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from .accounts import User

VALID_FOR = timedelta(hours=8)
"""From then on a login counts no more, as on the Hub."""


@dataclass(frozen=True)
class Consent:
    """What a click on Authorize allowed. A code stands for it until the application has fetched its token."""

    client_id: str
    redirect_uri: str
    scope: str
    nonce: str | None
    user: User


@dataclass
class Logins:
    """The user who is logged in at the Hub in the browser, the applications' secrets, the codes."""

    user: User | None = None
    tells_roles: bool = True
    """Whether applications learn the user's role in an organisation. On the Hub, of those they tick."""
    apps: dict[str, str] = field(default_factory=dict)
    _consents: dict[str, Consent] = field(default_factory=dict)

    def add_app(self) -> tuple[str, str]:
        """The id and the secret of a new application."""
        client_id, secret = secrets.token_hex(16), secrets.token_hex(16)
        self.apps[client_id] = secret
        return client_id, secret

    def add_code(self, consent: Consent) -> str:
        """A new code for what the user allowed."""
        code = secrets.token_urlsafe(24)
        self._consents[code] = consent
        return code

    def redeem(self, code: str) -> Consent | None:
        """What the code stands for, the first time; None for one that is unknown or was used."""
        return self._consents.pop(code, None)

    @cached_property
    def key(self) -> Any:
        """What ID tokens are signed with."""
        from authlib.jose import JsonWebKey  # here, because the backend's environment has no authlib

        return JsonWebKey.generate_key("RSA", 2048, is_private=True)

    def signed(self, claims: dict[str, Any]) -> str:
        """An ID token."""
        from authlib.jose import jwt

        header = {"alg": "RS256", "kid": self.key.thumbprint()}
        token: bytes = jwt.encode(header, claims, self.key)
        return token.decode("ascii")
