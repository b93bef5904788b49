"""The command `python -m src.doctor`: check this Space, its settings and its datasets, and change nothing.

It prints a line for each thing: green, or what is wrong and what to do. The exit status is 1 if something is
wrong.
"""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import logging
import os
import sys
from types import ModuleType

from src.board.keeper import Keeper
from src.columns import TAKEN
from src.doctor.checkup import SPACE, Doctor
from src.leaderboard.local_models import local_models
from src.page.texts import read_texts
from src.settings import Settings
from src.shared.doctor.card import check_card
from src.shared.doctor.command import arguments, tell
from src.shared.doctor.finding import Finding, wrong
from src.shared.doctor.settings import check_settings
from src.shared.environment import owners_file
from src.shared.errors import ConfigurationError
from src.shared.stores.hub import brief_hub
from src.shared.wiring import open_stores
from src.tasks import read_num_fewshot, read_rank_mixed_scores, read_tasks, unknown_fields


def main() -> int:
    """Print the findings, and return the exit status."""
    options = arguments(__doc__)
    logging.basicConfig(level=logging.CRITICAL)  # the findings say it
    return tell(examine(), options)


def examine() -> list[Finding]:
    """Check everything that can be checked, however much is wrong."""
    envs, found = _owners_file("src.envs")
    about, about_found = _owners_file("src.about")
    if found:  # without the file its values would be taken for the defaults
        return [*found, *about_found, *check_card(SPACE, is_a_leaderboard=True)]
    settings, found = check_settings(Settings, envs, os.environ)
    found += about_found
    if settings:
        try:
            settings.terms  # noqa: B018  # reading it checks it
            settings.names_of_maintainers  # noqa: B018
        except ConfigurationError as error:
            found.append(wrong("settings", str(error)))
    try:
        keeper = _keeper(settings, about) if settings and about else None
    except ConfigurationError as error:
        found.append(wrong("about.py", str(error)))
        keeper = None
    if settings is None or keeper is None:
        return [*found, *check_card(SPACE, is_a_leaderboard=True)]
    keeper.sync()
    return Doctor(
        settings, open_stores(settings, only_look=True, connect=brief_hub), keeper, found
    ).check_up()


def _owners_file(name: str) -> tuple[ModuleType | None, list[Finding]]:
    try:
        return owners_file(name), []
    except ConfigurationError as error:
        return None, [wrong(f"{name.rpartition('.')[2]}.py", str(error))]


def _keeper(settings: Settings, about: ModuleType) -> Keeper:
    """Return a keeper that only reads. Raises ConfigurationError for a mistake in about.py."""
    read_texts(about)
    stores, tasks = open_stores(settings, only_look=True, connect=brief_hub), getattr(about, "Tasks", None)
    return Keeper(
        stores.requests,
        stores.results,
        read_tasks(tasks, taken=TAKEN),
        num_fewshot=read_num_fewshot(getattr(about, "NUM_FEWSHOT", None)),
        rank_mixed=read_rank_mixed_scores(getattr(about, "RANK_MIXED_SCORES", True)),
        local_models=lambda: local_models(stores.local_models),
        hints=unknown_fields(tasks),
    )


if __name__ == "__main__":
    sys.exit(main())
