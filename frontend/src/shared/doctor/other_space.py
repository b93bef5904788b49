"""Checks that both Spaces of a leaderboard are told the same: the variables of the other one on the Hub."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from ..settings import CommonSettings, is_repo_id
from ..stores.hub import FAILURES, brief_hub
from .finding import Finding, green, warning, wrong

CHECKED = "other Space"
DIFFERS = (
    "The variable {name} of {space} is {theirs!r}, but this Space uses {ours!r}. Set the same one in both, "
    "so that they use the same datasets."
)
LACKS = (
    "This Space has the variable {name} ({ours!r}), and {space} lacks it. Set it there too, unless its "
    "src/envs.py has it."
)


def check_other_space(settings: CommonSettings, space: str | None) -> list[Finding]:
    """Compare the variables of the other Space on the Hub with what this one uses.

    Nothing is found outside a Space, or if the token may not read the other one's settings.
    """
    is_known = space is not None and is_repo_id(space, slashes=1)
    if not (settings.is_a_space and settings.hf_token and is_known and space != settings.space_id):
        return []
    assert space
    hub = brief_hub(settings.hf_token)
    try:
        found = hub.call(hub.api.get_space_variables, space)
    except FAILURES:  # a token for two datasets may not, and need not
        return []
    theirs = {name: str(each.value or "").strip() for name, each in found.items()}
    return list(_differences(settings, space, theirs)) or [
        green(CHECKED, f"The variables of {space} fit to this Space's.")
    ]


def _differences(settings: CommonSettings, space: str, theirs: Mapping[str, str]) -> Iterator[Finding]:
    owner = space.partition("/")[0]
    used = {
        "OWNER": (settings.organisation or "", owner),
        "QUEUE_REPO": (settings.requests_dataset, f"{theirs.get('OWNER') or owner}/requests"),
        "RESULTS_REPO": (settings.results_dataset, f"{theirs.get('OWNER') or owner}/results"),
    }
    for name, (ours, default) in used.items():
        told = theirs.get(name)
        if told and told != ours:
            yield wrong(CHECKED, DIFFERS.format(name=name, space=space, theirs=told[:100], ours=ours))
        elif not told and os.environ.get(name, "").strip() and ours != default:
            yield warning(CHECKED, LACKS.format(name=name, space=space, ours=ours))
