"""Users, their organisations and their tokens, and who may do what."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from .repository import RepoName, Repository


class Role(StrEnum):
    """What a token may do at most."""

    READ = "read"
    """Read what its user may read."""
    WRITE = "write"
    """All that its user may do."""
    FINE_GRAINED = "fineGrained"
    """Read what is public, read and write the repositories that it names, and do what its permissions say."""


MANAGE_ENDPOINTS = "inference.endpoints.write"
"""Permission to create, list and delete the Inference Endpoints of a namespace."""
CALL_ENDPOINTS = "inference.endpoints.infer.write"
"""Permission to make calls to them."""
MANAGE_JOBS = "job.write"
"""Permission to start, list and cancel the Jobs of a namespace, which it pays for."""
READ_REPOSITORIES = "repo.content.read"
"""Permission to read the repositories of a namespace."""
WRITE_REPOSITORIES = "repo.write"
"""Permission to create, change and set up the repositories of a namespace."""


@dataclass(frozen=True)
class User:
    """A user. `organizations` has the user's role in each: admin, write, contributor or read."""

    name: str
    organizations: Mapping[str, str]

    def may_write(self, namespace: str) -> bool:
        """Whether repositories of a user or an organisation are this user's to change."""
        return namespace == self.name or self.organizations.get(namespace) in ("admin", "write")

    def belongs_to(self, namespace: str) -> bool:
        """Whether this user sees the private repositories of a user or an organisation."""
        return namespace == self.name or namespace in self.organizations


@dataclass(frozen=True)
class Token:
    """A token under which calls are a user's.

    `repositories` are those that a fine-grained one is for, `permissions` what it may do in each namespace.
    `expires` is only known of one that an application got when the user logged in to it.
    """

    value: str = field(repr=False)
    user: User
    role: Role
    repositories: frozenset[RepoName] = frozenset()
    permissions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    expires: datetime | None = None

    def covers(self, name: RepoName) -> bool:
        """Whether the token is for what is not public of a repository."""
        if self.role != Role.FINE_GRAINED or name in self.repositories:
            return True
        permitted = self.permissions.get(name.namespace, ())
        return READ_REPOSITORIES in permitted or WRITE_REPOSITORIES in permitted

    def changes(self, name: RepoName) -> bool:
        """Whether the token is for changing a repository, as far as its user may."""
        if self.role == Role.READ:
            return False
        if self.role != Role.FINE_GRAINED or name in self.repositories:
            return True
        return WRITE_REPOSITORIES in self.permissions.get(name.namespace, ())

    def permits(self, namespace: str, permission: str) -> bool:
        """Whether the token is for something that needs a permission."""
        return self.role != Role.FINE_GRAINED or permission in self.permissions.get(namespace, ())


@dataclass
class Accounts:
    """Everybody who has an account, and every token that was not revoked."""

    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    plans: dict[str, str] = field(default_factory=dict)
    """What a user (`pro`) or an organisation (`team`, `enterprise`) pays for, by name."""

    def add_user(self, name: str, organizations: Mapping[str, str] | None = None) -> User:
        """A new user."""
        self.users[name] = User(name, dict(organizations or {}))
        return self.users[name]

    def add_token(
        self,
        user: str,
        role: Role,
        repositories: Iterable[RepoName] = (),
        *,
        permissions: Mapping[str, Iterable[str]] | None = None,
    ) -> Token:
        """A new access token of a user."""
        value = f"hf_{secrets.token_hex(17)}"
        permitted = {namespace: frozenset(some) for namespace, some in (permissions or {}).items()}
        token = Token(value, self.users[user], role, frozenset(repositories), permitted)
        self.tokens[token.value] = token
        return token

    def add_app_token(self, user: str, valid_for: timedelta) -> Token:
        """A new token for an application: it says who the user is, and reads what is public."""
        value, expires = f"hf_oauth_{secrets.token_hex(17)}", datetime.now(UTC) + valid_for
        token = Token(value, self.users[user], Role.FINE_GRAINED, expires=expires)
        self.tokens[token.value] = token
        return token

    def token_in(self, authorization: str) -> Token | None:
        """The token that the header `Authorization: Bearer …` has; None for an unknown one."""
        return self.tokens.get(authorization.removeprefix("Bearer "))

    def revoke(self, value: str) -> None:
        """From now on the token is unknown."""
        del self.tokens[value]


def may_see(token: Token | None, repository: Repository) -> bool:
    """Whether somebody may know that a repository exists, and list its files."""
    name = repository.name
    if not repository.private:
        return True
    return token is not None and token.covers(name) and token.user.belongs_to(name.namespace)


def may_download(token: Token | None, repository: Repository) -> bool:
    """Whether somebody who sees a repository may read its files."""
    if not repository.gated:
        return True
    if token is None or not token.covers(repository.name):
        return False
    return token.user.name in repository.readers or token.user.belongs_to(repository.name.namespace)


def may_write(token: Token | None, name: RepoName) -> bool:
    """Whether somebody may create, change and delete a repository."""
    return token is not None and token.changes(name) and token.user.may_write(name.namespace)


def may_manage_endpoints(token: Token, namespace: str) -> bool:
    """Whether somebody may create, list and delete the Inference Endpoints of a user or an organisation."""
    if token.role == Role.READ:
        return False
    return token.permits(namespace, MANAGE_ENDPOINTS) and token.user.may_write(namespace)


def may_manage_jobs(token: Token, namespace: str) -> bool:
    """Whether somebody may start, list and cancel the Jobs of a user or an organisation."""
    if token.role == Role.READ:
        return False
    return token.permits(namespace, MANAGE_JOBS) and token.user.may_write(namespace)


def may_call_endpoints(token: Token | None, namespace: str) -> int:
    """200 if a token is for calls to the endpoints of a user or an organisation; or 401, or 403."""
    if token is None:
        return 401
    may = token.permits(namespace, CALL_ENDPOINTS) and token.user.belongs_to(namespace)
    return 200 if may else 403
