"""Checks of the tokens: whose they are, and whether they may do what they must, and no more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ..data.json_file import as_object, as_text, as_texts
from ..stores.hub import FAILURES, TRY_AGAIN, Hub, reason, status_of
from .finding import Finding, green, named, warning, wrong

FINE_GRAINED, READ = "fineGrained", "read"
WRITES = "repo.write"
CREATE = "Create one at https://huggingface.co/settings/tokens"

NONE = (
    "HF_TOKEN is not set, so nobody can submit and no result is published. {create}, fine-grained, with "
    "write access to {datasets} and nothing else, and set it as the Space's secret HF_TOKEN."
)
REFUSED = (
    "The Hub does not accept the token in {name}: it was revoked, or has expired. {create}, and set it as "
    "{name}."
)
NOT_ASKED = "The Hub was not asked about the token in {name}: {reason}"
ONLY_READS = (
    "The token of {user} in HF_TOKEN can only read. {create}, fine-grained, with write access to {datasets}, "
    "and set it as HF_TOKEN."
)
MAY_ALL = (
    "The token in HF_TOKEN may do everything that {user} may. {create}, fine-grained, with write access to "
    "{datasets} and nothing else, and set it as HF_TOKEN."
)
MAY_MORE = (
    "The token of {user} in HF_TOKEN may more than it needs ({what}). {create}, fine-grained, with write "
    "access to {datasets} and nothing else, and set it as HF_TOKEN."
)
LACKS = (
    "The token of {user} in HF_TOKEN has no write access to {dataset}. Edit it at "
    "https://huggingface.co/settings/tokens: add {dataset} with the permission to write."
)
READER_WRITES = (
    "HF_READ_TOKEN may write ({what}), and evaluations of strangers' models hold it. {create}, which can "
    "only read, and set it as HF_READ_TOKEN."
)


@dataclass(frozen=True)
class TokenFacts:
    """What the Hub says about a token."""

    user: str
    role: str
    """`read`, `write` or `fineGrained`; empty if the Hub does not say."""
    everywhere: tuple[str, ...] = ()
    """The permissions of a fine-grained token that name no entity."""
    scopes: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """Of a fine-grained token: the kind and the name of each entity, and the permissions for it."""
    roles: Mapping[str, str] | None = None
    """The user's role in each organisation, in lower case."""

    def is_admin_of(self, namespace: str) -> bool:
        """Return whether the user owns an account or is admin of the organisation."""
        name = namespace.casefold()
        return self.user.casefold() == name or (self.roles or {}).get(name) == "admin"

    def may_write(self, dataset: str) -> bool:
        """Return whether a fine-grained token names a dataset, or its owner, with write access."""
        namespace = dataset.partition("/")[0]
        wanted = {
            ("dataset", dataset.casefold()),
            ("user", namespace.casefold()),
            ("org", namespace.casefold()),
        }
        return any(
            (kind, name.casefold()) in wanted and WRITES in permissions
            for kind, name, permissions in self.scopes
        )

    def beyond(self, datasets: Collection[str], allowed: Collection[str]) -> list[str]:
        """Return what a fine-grained token may change besides these datasets and allowed permissions.

        To write everywhere in their owner's account counts as allowed: such a token creates them.
        """
        names = {each.casefold() for each in datasets}
        owners = {each.partition("/")[0] for each in names}
        found = [f"`{each}` everywhere" for each in self.everywhere if _changes(each) and each not in allowed]
        for kind, name, permissions in self.scopes:
            if kind == "dataset" and name.casefold() in names:
                continue
            rights = {*allowed, WRITES} if name.casefold() in owners else allowed
            found += [f"`{each}` of {name}" for each in permissions if _changes(each) and each not in rights]
        return found


def _changes(permission: str) -> bool:
    """Return whether a permission is for more than reading."""
    return not permission.endswith(".read")


def ask(hub: Hub) -> TokenFacts:
    """Ask the Hub whose the client's token is and what it may do, in one call. Raises one of FAILURES."""
    answer = as_object(hub.call(hub.api.whoami))
    token = as_object(as_object(answer.get("auth")).get("accessToken"))
    fine = as_object(token.get("fineGrained"))
    scoped = fine.get("scoped")
    scopes = []
    for each in map(as_object, scoped if isinstance(scoped, list) else []):
        entity = as_object(each.get("entity"))
        kind, name = as_text(entity.get("type")), as_text(entity.get("name"))
        scopes.append((kind, name, as_texts(each.get("permissions"))))
    listed = answer.get("orgs")
    organisations = map(as_object, listed if isinstance(listed, list) else [])
    return TokenFacts(
        user=as_text(answer.get("name")),
        role=as_text(token.get("role")),
        everywhere=as_texts(fine.get("global")),
        scopes=tuple(scopes),
        roles={
            as_text(each.get("name")).casefold(): as_text(each.get("roleInOrg")) for each in organisations
        },
    )


def check_token(
    hub: Hub, datasets: Collection[str], *, allowed: Collection[str] = ()
) -> tuple[TokenFacts | None, list[Finding]]:
    """Check the token that writes. `allowed` are permissions that this Space needs besides."""
    checked, told = "token", {"create": CREATE, "datasets": " and ".join(datasets)}
    if not hub.api.token:
        return None, [wrong(checked, NONE.format(**told))]
    try:
        facts = ask(hub)
    except FAILURES as error:
        return None, [_not_asked(checked, hub, error)]
    return facts, list(_rights(facts, datasets, allowed, told))


def _rights(
    facts: TokenFacts, datasets: Collection[str], allowed: Collection[str], told: Mapping[str, str]
) -> Iterator[Finding]:
    checked = "token"
    if facts.role == READ:
        yield wrong(checked, ONLY_READS.format(user=facts.user, **told))
        return
    if facts.role != FINE_GRAINED:
        yield warning(checked, MAY_ALL.format(user=facts.user, **told))
        return
    lacking = [each for each in datasets if not facts.may_write(each)]
    yield from (wrong(checked, LACKS.format(user=facts.user, dataset=each)) for each in lacking)
    if more := facts.beyond(datasets, allowed):
        yield warning(checked, MAY_MORE.format(user=facts.user, what=named(more), **told))
    if not lacking and not more:
        yield green(checked, f"It is a fine-grained token of {facts.user} for {told['datasets']}.")


def check_read_token(hub: Hub) -> list[Finding]:
    """Check the token for gated models, which evaluations hold, if it is set."""
    checked = "read token"
    if not hub.api.token:
        return []
    try:
        facts = ask(hub)
    except FAILURES as error:
        return [_not_asked(checked, hub, error)]
    if facts.role not in (READ, FINE_GRAINED):
        what = f"its role is `{facts.role or 'unknown'}`"
        return [wrong(checked, READER_WRITES.format(what=what, create=CREATE))]
    if more := facts.beyond((), ()):
        return [wrong(checked, READER_WRITES.format(what=named(more), create=CREATE))]
    return [green(checked, f"The token of {facts.user} in HF_READ_TOKEN can only read.")]


def _not_asked(checked: str, hub: Hub, error: Exception) -> Finding:
    if status_of(error) in (401, 403):
        return wrong(checked, REFUSED.format(name=hub.token_name, create=CREATE))
    return warning(checked, NOT_ASKED.format(name=hub.token_name, reason=reason(error, hub, TRY_AGAIN)))
