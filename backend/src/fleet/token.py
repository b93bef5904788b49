"""The rights of FLEET_TOKEN: the only token in a member may change the leaderboard's datasets, no more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from src.inference.token import READS_GATED, rights_of_the_token
from src.shared.data.json_file import as_object, as_text, as_texts
from src.shared.stores.hub import Hub

NAME = "FLEET_TOKEN"
WRITES, READS = "repo.write", "repo.content.read"
"""The permissions of a fine-grained token for one repository."""

HOW = (
    "Create a fine-grained token at https://huggingface.co/settings/tokens that may read and write "
    f"{{datasets}} and nothing else, and set it as {NAME}."
)
UNKNOWN = f"The Hub does not know the token in {NAME}. {HOW}"
TOO_MUCH = (
    f"The token in {NAME} may do more than write the leaderboard's datasets ({{what}}), and members hold "
    f"it. {HOW}"
)
TOO_LITTLE = f"The token in {NAME} may not write {{missing}}. {HOW}"


class Right(NamedTuple):
    """One permission, and what it is for: `dataset acme/requests`."""

    place: str
    permission: str


def problem_of(hub: Hub, datasets: Collection[str], code: str | None = None) -> str | None:
    """Return what is wrong with the token of this client, as a sentence for the owner, or None.

    It must be allowed to write these datasets. It may read the Space `code`, which may be private. Raises
    ConnectionError if the Hub does not answer.
    """
    token = rights_of_the_token(hub)
    return (
        UNKNOWN.format(datasets=_named(datasets))
        if token is None
        else problem_of_rights(token, datasets, code)
    )


def problem_of_rights(
    token: Mapping[str, object], datasets: Collection[str], code: str | None = None
) -> str | None:
    """Return what is wrong with a token, given what the Hub's `whoami` says about it."""
    named = _named(datasets)
    role = as_text(token.get("role"))
    if role != "fineGrained":
        return TOO_MUCH.format(what=f"its role is `{role or 'unknown'}`", datasets=named)
    rights = as_object(token.get("fineGrained"))
    given = set(_rights(rights))
    needed = {Right(f"dataset {each}".lower(), WRITES) for each in datasets}
    allowed = needed | {Right(f"dataset {each}".lower(), READS) for each in datasets}
    if code:
        allowed.add(Right(f"space {code}".lower(), READS))
    others = sorted(f"{each.permission} of {each.place}" for each in given - allowed)
    if rights.get("canReadGatedRepos"):
        others.append(READS_GATED)
    if others:
        return TOO_MUCH.format(what=", ".join(f"`{each}`" for each in others[:3]), datasets=named)
    missing = [each for each in datasets if Right(f"dataset {each}".lower(), WRITES) not in given]
    return TOO_LITTLE.format(missing=_named(missing), datasets=named) if missing else None


def _rights(fine_grained: Mapping[str, object]) -> Iterator[Right]:
    for permission in as_texts(fine_grained.get("global")):
        yield Right("the whole account", permission)
    scoped = fine_grained.get("scoped")
    for each in scoped if isinstance(scoped, list) else []:
        scope = as_object(each)
        entity = as_object(scope.get("entity"))
        place = f"{as_text(entity.get('type'))} {as_text(entity.get('name'))}".lower()
        for permission in as_texts(scope.get("permissions")):
            yield Right(place, permission)


def _named(datasets: Collection[str]) -> str:
    return " and ".join(datasets)
