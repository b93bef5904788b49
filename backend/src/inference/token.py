"""What INFERENCE_TOKEN may do: the only token near a stranger's model may call endpoints, no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from src.inference.endpoints import ANY_FAILURE
from src.running.child_environment import INFERENCE_TOKEN as NAME
from src.shared.data.json_file import as_object, as_text, as_texts
from src.shared.stores.hub import Hub, reason, status_of

MANAGES = "inference.endpoints.write"
"""The permission to make and delete endpoints."""

CALLS = "inference.endpoints.infer.write"
"""The permission to call endpoints."""

READS_GATED = "canReadGatedRepos"

OF_INFERENCE = "inference."
"""How the names of the permissions to call models begin, such as `inference.endpoints.infer.write`."""

HOW = (
    "Create a fine-grained token at https://huggingface.co/settings/tokens with the permission to make "
    f"calls to Inference Endpoints and with no other, and set it as {NAME}."
)
UNKNOWN = f"The Hub does not know the token in {NAME}. {HOW}"
TOO_MUCH = f"The token in {NAME} may do more than call models ({{what}}), and evaluations hold it. {HOW}"
TOO_LITTLE = f"The token in {NAME} may not call the Inference Endpoints of {{namespace}}. {HOW}"


def problem_of(hub: Hub, namespace: str | None = None) -> str | None:
    """Return what is wrong with the token of this client, as a sentence for the owner, or None.

    With a `namespace` it must be allowed to call that account's endpoints. Raises ConnectionError if the Hub
    does not answer.
    """
    token = rights_of_the_token(hub)
    return UNKNOWN if token is None else problem_of_rights(token, namespace)


def rights_of_the_token(hub: Hub) -> Mapping[str, object] | None:
    """Return what the Hub's `whoami` says about the token of this client; None if it does not know it.

    Raises ConnectionError if the Hub does not answer.
    """
    try:
        answer = hub.call(hub.api.whoami)
    except ANY_FAILURE as error:
        if status_of(error) in (401, 403):
            return None
        raise ConnectionError(reason(error, hub)) from error
    return as_object(as_object(as_object(answer).get("auth")).get("accessToken"))


def problem_of_rights(token: Mapping[str, object], namespace: str | None = None) -> str | None:
    """Return what is wrong with a token, given what the Hub's `whoami` says about it."""
    role = as_text(token.get("role"))
    if role != "fineGrained":
        return TOO_MUCH.format(what=f"its role is `{role or 'unknown'}`")
    rights = as_object(token.get("fineGrained"))
    given = list(_permissions(rights))
    others = sorted({each for _, each in given if not each.startswith(OF_INFERENCE) or each == MANAGES})
    if rights.get("canReadGatedRepos"):
        others.append(READS_GATED)
    if others:
        return TOO_MUCH.format(what=", ".join(f"`{each}`" for each in others[:3]))
    if namespace is not None and not {(None, CALLS), (namespace.lower(), CALLS)} & set(given):
        return TOO_LITTLE.format(namespace=namespace)
    return None if given else TOO_LITTLE.format(namespace=namespace or "this account")


def _permissions(fine_grained: Mapping[str, object]) -> Iterator[tuple[str | None, str]]:
    """Yield each permission, with the account that it is for; None means all of the token's user."""
    for permission in as_texts(fine_grained.get("global")):
        yield None, permission
    scoped = fine_grained.get("scoped")
    for each in scoped if isinstance(scoped, list) else []:
        scope = as_object(each)
        name = as_text(as_object(scope.get("entity")).get("name")).lower()
        for permission in as_texts(scope.get("permissions")):
            yield name, permission
