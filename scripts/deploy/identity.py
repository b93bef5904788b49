"""Who a token belongs to, and what it may do: what `whoami` answers, read with care."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .refusals import Stopped

WRITE, READ = "repo.write", "repo.content.read"
TOKENS = "https://huggingface.co/settings/tokens"
WHAT_IT_NEEDS = "*Write access to contents/settings of all repos* in {owner}"
PAYING = ("team", "enterprise", "plus", "academia")


class Repo(NamedTuple):
    """A repository, as scopes name it: `space`, `acme/leaderboard`."""

    type: str
    id: str


class Scope(NamedTuple):
    """What a fine-grained token may do with a repository (`dataset`), or all of an owner (`org`, `user`)."""

    type: str
    name: str
    permissions: frozenset[str]


@dataclass(frozen=True)
class Organisation:
    """An organisation of a token's user: the user's role in it, and what it pays for, if the Hub tells."""

    role: str
    plan: str


@dataclass(frozen=True)
class Identity:
    """A token's user. `role` is the token's: `read`, `write`, `fineGrained`, or empty if that is not told."""

    user: str
    is_pro: bool
    organisations: Mapping[str, Organisation]
    role: str
    scopes: tuple[Scope, ...] = ()

    def may_write(self, repo: Repo) -> bool:
        """Whether the token is for changing a repository, as far as the Hub tells."""
        return self.role != "read" and (self.role != "fineGrained" or self._covers(repo))

    def may_create_in(self, owner: str) -> bool:
        """Whether the token is for new repositories of an owner."""
        return self.role != "read" and (self.role != "fineGrained" or WRITE in self._permissions(owner))

    def writes(self) -> bool:
        """Whether the token could change anything at all."""
        if self.role != "fineGrained":
            return self.role != "read"
        return any(each.endswith("write") for scope in self.scopes for each in scope.permissions)

    def pays(self, owner: str) -> bool | None:
        """Whether a user or an organisation has a plan with Gradio Spaces. None if the Hub does not tell."""
        if owner == self.user:
            return self.is_pro
        return True if self.organisations[owner].plan in PAYING else None

    def _covers(self, repo: Repo) -> bool:
        owner = repo.id.partition("/")[0]
        named = (each for each in self.scopes if (each.type, each.name) == (repo.type, repo.id))
        return WRITE in self._permissions(owner) or any(WRITE in each.permissions for each in named)

    def _permissions(self, owner: str) -> frozenset[str]:
        of_owner = [each for each in self.scopes if each.type in ("org", "user") and each.name == owner]
        return frozenset().union(*(each.permissions for each in of_owner))


def read_identity(answer: object) -> Identity:
    """Read what `whoami` answers. What is missing or strange counts as not told. Raises Stopped."""
    facts = _mapping(answer)
    if not isinstance(facts.get("name"), str):
        raise Stopped(
            "The server does not say whose token it is: it may not be the Hub. Look at HF_ENDPOINT."
        )
    token = _mapping(_mapping(facts.get("auth")).get("accessToken"))
    return Identity(
        user=facts["name"],
        is_pro=facts.get("isPro") is True,
        organisations={
            str(each.get("name")): Organisation(
                str(each.get("roleInOrg") or ""),
                str(each.get("plan") or ("enterprise" if each.get("isEnterprise") is True else "")),
            )
            for each in map(_mapping, _list(facts.get("orgs")))
        },
        role=str(token.get("role") or ""),
        scopes=tuple(map(_scope, _list(_mapping(token.get("fineGrained")).get("scoped")))),
    )


def check_deployer(who: Identity, owner: str, repos: Mapping[Repo, bool]) -> None:
    """Check that a token may deploy to an owner's repositories, of which some exist. Raises Stopped."""
    if owner != who.user and owner not in who.organisations:
        others = ", ".join(sorted([who.user, *who.organisations]))
        raise Stopped(
            f"The token belongs to {who.user}, who is not in the organisation {owner}. Deploy to one of "
            f"{others}, or sign in with an account of {owner}: `hf auth login`."
        )
    if owner != who.user and who.organisations[owner].role == "read":
        raise Stopped(
            f"{who.user} may only read in {owner}. Ask an administrator of {owner} for the role *write*: "
            f"https://huggingface.co/organizations/{owner}/settings/members"
        )
    refused = [
        repo.id
        for repo, exists in repos.items()
        if not (who.may_write(repo) if exists else who.may_create_in(owner))
    ]
    if refused:
        can = "can only read" if who.role == "read" else "is not for all that is needed"
        raise Stopped(
            f"The token of {who.user} {can}, and may not create or change {', '.join(refused)}. Create a "
            f"fine-grained token with {WHAT_IT_NEEDS.format(owner=owner)} at {TOKENS}, and sign in with it: "
            "`hf auth login`."
        )


def check_secret(name: str, who: Identity, datasets: Collection[str]) -> str:
    """Check that a token is fit to be a secret of the Spaces. Returns a note about it, mostly empty.

    Raises Stopped.
    """
    if name == "HF_READ_TOKEN":
        if who.writes():
            raise Stopped(
                "The token for HF_READ_TOKEN can write, and evaluations of strangers' models see it. Create "
                f"one that can only read at {TOKENS}."
            )
        return ""
    unwritable = [each for each in datasets if not who.may_write(Repo("dataset", each))]
    if unwritable:
        can = "can only read" if who.role == "read" else "is not for them"
        raise Stopped(
            f"The token for {name} cannot write to {' and '.join(unwritable)}: it {can}. Create a "
            f"fine-grained one with write access to both datasets at {TOKENS}."
        )
    if who.role == "write":
        return (
            f"The token in {name} can change everything of {who.user}. A fine-grained one for the two "
            f"datasets is safer: {TOKENS}"
        )
    return ""


def _scope(answer: object) -> Scope:
    facts = _mapping(answer)
    entity = _mapping(facts.get("entity"))
    permissions = frozenset(each for each in _list(facts.get("permissions")) if isinstance(each, str))
    return Scope(str(entity.get("type")), str(entity.get("name")), permissions)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
