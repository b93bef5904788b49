"""The whole state of a Hub, and what tests do to it directly: accounts, repositories, renames, faults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from .accounts import Accounts, Role
from .budget import Budget
from .calls import Calls
from .endpoints import InferenceEndpoints
from .faults import Faults
from .jobs import JobsOfAHub
from .logins import VALID_FOR, Logins
from .refusals import AlreadyExists, BadRequest, RepositoryNotFound
from .repository import RepoName, Repository, RepoType
from .spaces import Space, SpacesOfAHub
from .traffic import Traffic

Files = Mapping[str, bytes | str] | Path
"""The files of a new repository: contents by path, or a folder that has them."""


@dataclass
class Hub:
    """A Hub: `url` is where it answers while it is being served."""

    url: str = ""
    accounts: Accounts = field(default_factory=Accounts)
    logins: Logins = field(default_factory=Logins)
    traffic: Traffic = field(default_factory=Traffic)
    endpoints: InferenceEndpoints = field(default_factory=InferenceEndpoints)
    jobs: JobsOfAHub = field(default_factory=JobsOfAHub)
    spaces: SpacesOfAHub = field(default_factory=SpacesOfAHub)
    _repositories: dict[RepoName, Repository] = field(default_factory=dict)
    _moved: dict[RepoName, RepoName] = field(default_factory=dict)

    @property
    def calls(self) -> Calls:
        """The calls so far."""
        return self.traffic.calls

    @property
    def faults(self) -> Faults:
        """What goes wrong from now on."""
        return self.traffic.faults

    @property
    def budget(self) -> Budget:
        """How many calls are allowed."""
        return self.traffic.budget

    def add_user(self, name: str, organizations: Mapping[str, str] | None = None) -> str:
        """A new user, with a role in organisations (`admin`, `write`, `read`). Returns a token to write."""
        self.accounts.add_user(name, organizations or {})
        return self.add_token(name)

    def add_token(
        self,
        user: str,
        role: str = Role.WRITE,
        repositories: Iterable[str] = (),
        permissions: Mapping[str, Iterable[str]] | None = None,
    ) -> str:
        """Another token of a user. A fine-grained one names repositories, as in `datasets/acme/requests`.

        It may also have permissions: `{"acme": ["inference.endpoints.infer.write"]}`.
        """
        named = map(RepoName.from_path, repositories)
        return self.accounts.add_token(user, Role(role), named, permissions=permissions).value

    def add_app_token(self, user: str) -> str:
        """Another token of those that an application gets when a user logs in to it."""
        return self.accounts.add_app_token(user, VALID_FOR).value

    def add_oauth_app(self) -> tuple[str, str]:
        """A new application that users log in to with their account. Returns its id and its secret."""
        return self.logins.add_app()

    def log_in_browser(self, user: str | None, *, tells_roles: bool = True) -> None:
        """Seat a user at the browser, or nobody; and say if applications learn the roles in organisations."""
        self.logins.user = None if user is None else self.accounts.users[user]
        self.logins.tells_roles = tells_roles

    def add_model(self, id: str, files: Files | None = None, **settings: Any) -> Repository:
        """A new model; the settings are the fields of Repository."""
        return self.add(RepoName("model", id), files, **settings)

    def add_dataset(self, id: str, files: Files | None = None, **settings: Any) -> Repository:
        """A new dataset."""
        return self.add(RepoName("dataset", id), files, **settings)

    def add_space(self, id: str, files: Files | None = None, **settings: Any) -> Repository:
        """A new Space, whatever its owner pays for."""
        return self.add(RepoName("space", id), files, **settings)

    def space(self, id: str) -> Space:
        """What a Space has besides its files. Raises RepositoryNotFound."""
        space = self.get(RepoName("space", id)).space
        assert space
        return space

    def add(self, name: RepoName, files: Files | None = None, **settings: Any) -> Repository:
        """A new repository. Raises AlreadyExists, and BadRequest for an impossible name."""
        self._check_is_free(name)
        space = Space(name, self.spaces) if name.type == "space" else None
        repository = Repository(name, space=space, **settings)
        if files:
            repository.put(contents_of(files) if isinstance(files, Path) else files)
        self._repositories[_key(name)] = repository
        return repository

    def find(self, name: RepoName) -> Repository | None:
        """A repository by its name, in whatever case, or by a name that it had before."""
        key = _key(name)
        while key not in self._repositories and key in self._moved:
            key = self._moved[key]
        return self._repositories.get(key)

    def get(self, name: RepoName) -> Repository:
        """As `find`. Raises RepositoryNotFound."""
        repository = self.find(name)
        if repository is None:
            raise RepositoryNotFound
        return repository

    def rename(self, type: RepoType, old: str, new: str) -> None:
        """Give a repository another name. Calls to the old one are redirected."""
        name = RepoName(type, new)
        self._check_is_free(name)
        repository = self._take(RepoName(type, old))
        repository.name = name
        if repository.space:
            repository.space.name = name
        self._repositories[_key(name)] = repository
        self._moved[_key(RepoName(type, old))] = _key(name)

    def delete(self, name: RepoName) -> None:
        """Remove a repository. Raises RepositoryNotFound."""
        self._take(name)

    def _check_is_free(self, name: RepoName) -> None:
        try:
            validate_repo_id(name.id)
        except HFValidationError as error:
            raise BadRequest(str(error)) from error
        if _key(name) in self._repositories:
            message = f"You already created this {name.type} repo: {name.id}"
            raise AlreadyExists(message, url=f"{self.url}/{name.path}")

    def _take(self, name: RepoName) -> Repository:
        if _key(name) not in self._repositories:
            raise RepositoryNotFound
        return self._repositories.pop(_key(name))


def contents_of(folder: Path) -> dict[str, bytes]:
    """All files of a folder but hidden ones, by their paths in it."""
    files = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    visible = {
        inner: path for inner, path in files.items() if not any(part.startswith(".") for part in inner.parts)
    }
    return {inner.as_posix(): path.read_bytes() for inner, path in visible.items()}


def _key(name: RepoName) -> RepoName:
    return RepoName(name.type, name.id.lower())
