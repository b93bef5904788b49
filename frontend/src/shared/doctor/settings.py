"""Checks of what the owner set: variables, envs.py, and what cannot be right together."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from types import ModuleType
from typing import TypeVar

from ..environment import OLD_NAMES, look_alike, mistakes, read_settings
from ..errors import ConfigurationError
from ..settings import CommonSettings
from .finding import Finding, green, named, warning, wrong

S = TypeVar("S", bound=CommonSettings)

CHECKED = "settings"
TOKEN_IN_A_FILE = re.compile(r"hf_[A-Za-z0-9]{20,}")
OF_THE_OLD_TEMPLATE = {
    *("API", "REPO_ID", "CACHE_PATH", "EVAL_REQUESTS_PATH", "EVAL_RESULTS_PATH", "ACCELERATOR", "REGION"),
    *("VENDOR", "NUM_LINES_VISUALIZE", "TOKEN", "EVAL_REQUESTS_PATH_BACKEND", "EVAL_RESULTS_PATH_BACKEND"),
}
"""Names in an envs.py of the old template. They have no meaning here and do no harm."""

SECRETS = ("NOTIFY_URL",)
"""Settings whose values are secrets although they do not look like a token."""

MOST_COMMITS = 128
"""How many commits an hour the Hub takes to a dataset."""

HURRIED_SECONDS = 5
ALIKE_IN_A_FILE = 0.6
"""The similarity from which a name in envs.py, where every name is meant as a setting, is a misspelt one."""

LOST = (
    "LEADERBOARD_DATA_DIR is set on a Space, whose disk is emptied at every restart. Unset it, so that the "
    "data lies in datasets on the Hub."
)
SAME = (
    "QUEUE_REPO and RESULTS_REPO are both {}. Requests and results need two datasets: set one of the two to "
    "another name."
)
SAME_TOKEN = (
    "HF_READ_TOKEN is the same token as HF_TOKEN, and evaluations of strangers' models hold it. Create a "
    "token that can only read at https://huggingface.co/settings/tokens, and set it as HF_READ_TOKEN."
)
IN_THE_FILE = (
    "src/envs.py holds a secret in {}, which everybody who sees the repository can read. Revoke it (a token "
    "at https://huggingface.co/settings/tokens), remove it from the file, and set a new one as a secret of "
    "the Space."
)
TOO_MANY_COMMITS = (
    "COMMITS_PER_HOUR is {:g}, but the Hub takes about 128 an hour and refuses the others. Set it to 120."
)
HURRIED = (
    "REFRESH_RATE is {:g}: every read costs two of the thousand calls that the Hub takes in five minutes. "
    "Set it to 30 or more."
)


def check_settings(
    kind: type[S], envs: ModuleType | None, environment: Mapping[str, str]
) -> tuple[S | None, list[Finding]]:
    """Return the settings, or None if they cannot be read, and what was found about them."""
    found = [wrong(CHECKED, sentence) for sentence in mistakes(kind, envs, environment)]
    settings = None
    if not found:
        try:
            settings = read_settings(kind, envs, environment)
        except ConfigurationError as error:
            found.append(wrong(CHECKED, str(error)))
    names = {each.name.upper() for each in fields(kind)}
    found += [warning(CHECKED, sentence) for sentence in _without_effect(names, envs, environment)]
    found += [wrong(CHECKED, IN_THE_FILE.format(name)) for name in _tokens_in(envs, environment)]
    if settings:
        found += _together(settings)
    if not found:
        found.append(green(CHECKED, f"All {len(names)} can be used as they are."))
    return settings, found


def _without_effect(
    names: Collection[str], envs: ModuleType | None, environment: Mapping[str, str]
) -> Iterator[str]:
    """Yield a sentence about each name that has no effect."""
    known = {*names, *OLD_NAMES.values(), *OF_THE_OLD_TEMPLATE}
    in_the_file = (
        {name for name in vars(envs) if name.isupper() and not name.startswith("_")} if envs else set()
    )
    for name, meant in look_alike(names, environment.keys() - in_the_file):
        yield f"The variable {name} is not a setting, so it has no effect. Did you mean {meant}?"
    unknown = in_the_file - known
    meant_by = dict(look_alike(names, unknown, alike=ALIKE_IN_A_FILE))
    for name, meant in meant_by.items():
        yield f"{name} in src/envs.py is not a setting, so it has no effect. Did you mean {meant}?"
    if others := sorted(unknown - meant_by.keys()):
        they = "is not a setting" if len(others) == 1 else "are not settings"
        yield (
            f"{named(others)} in src/envs.py {they} of this Space, and without effect. Remove what you do "
            "not use yourself."
        )


def _tokens_in(envs: ModuleType | None, environment: Mapping[str, str]) -> list[str]:
    """Return the names in envs.py under which a token is written, and not read from a variable."""
    values = vars(envs) if envs else {}
    return sorted(
        name
        for name, value in values.items()
        if name.isupper()
        and isinstance(value, str)
        and (TOKEN_IN_A_FILE.search(value) or (name in SECRETS and value.strip()))
        and value not in environment.values()
    )


def _together(settings: CommonSettings) -> Iterator[Finding]:
    """Yield findings about settings that can be read, and still cannot be meant."""
    if settings.space_id and settings.leaderboard_data_dir:
        yield wrong(CHECKED, LOST)
    if settings.is_on_the_hub and settings.requests_dataset == settings.results_dataset:
        yield wrong(CHECKED, SAME.format(settings.requests_dataset))
    if settings.hf_token and settings.hf_token == settings.hf_read_token:
        yield wrong(CHECKED, SAME_TOKEN)
    if settings.commits_per_hour > MOST_COMMITS and settings.is_on_the_hub:
        yield warning(CHECKED, TOO_MANY_COMMITS.format(settings.commits_per_hour))
    rate = getattr(settings, "refresh_rate", None)
    if rate is not None and rate < HURRIED_SECONDS and settings.is_on_the_hub:
        yield warning(CHECKED, HURRIED.format(rate))
