"""lighteval's command line for a run, and why some runs have none."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping

from src.leaderboard.commands.model import NEXT_LINE, PLAIN, Model
from src.leaderboard.served import server_in_words
from src.shared.data.benchmark import SEPARATOR, key_of
from src.shared.data.precision import PRECISIONS
from src.shared.data.result import Setup

TASK = re.compile(r"[\w.:+-]{1,200}\|\d{1,4}", re.ASCII)
"""A task with its number of examples."""

FILE = re.compile(r"(?!-)[\w./-]{1,200}\.py", re.ASCII)
"""The path of a file with the leaderboard's own tasks."""

BESIDES = ("xxhash<4",)
"""What lighteval 0.13 needs besides: its cache fails with newer ones."""


def obstacle(setup: Setup, model: Model, *, has_settings: bool) -> str | None:
    """Return why lighteval's command line cannot repeat a run exactly, or None if nothing prevents it.

    `has_settings` says whether the run has settings that are not lighteval's defaults.
    """
    words = (setup.version, setup.transformers or "-", setup.batch_size or "-")
    if not all(map(PLAIN.fullmatch, words)) or not all(map(TASK.fullmatch, setup.tasks)):
        return "Its result contains names or versions that cannot be lighteval's."
    if model.served:
        return (
            f"The answers came from {server_in_words(model.served)}. lighteval's command line gets no "
            "log-probabilities from a server, so no command of it gives the same scores."
        )
    if model.precision not in PRECISIONS:
        return f"lighteval's command line does not load models in {model.precision} as the leaderboard does."
    if model.base:
        return "lighteval's command line cannot put an adapter on a base model at a commit."
    if has_settings:
        return "We do not write the settings of its run into a command of lighteval."
    if setup.limit is not None and not (setup.limit >= 1 and setup.limit.is_integer()):
        return "lighteval's command line cannot ask a fraction of the questions."
    return None


def commands(setup: Setup, model: Model, own_tasks: Mapping[str, str]) -> Iterator[str]:
    """Yield the versions to install, and a command for each file of tasks.

    `own_tasks` has the files of the leaderboard's own tasks by name.
    """
    packages = [f"lighteval=={setup.version}"]
    packages += [f"transformers=={setup.transformers}"] if setup.transformers else []
    yield shlex.join(["pip", "install", *packages, *BESIDES])
    by_file: dict[str, list[str]] = defaultdict(list)
    for task in setup.tasks:
        key = key_of(task)
        file = own_tasks.get(task) or own_tasks.get(task.partition(SEPARATOR)[0]) or ""
        by_file[file or (own_tasks.get(key.task, "") if key else "")].append(task)
    for file, tasks in by_file.items():
        options = [["--custom-tasks", file]] if FILE.fullmatch(file) else []
        options += [["--max-samples", str(int(setup.limit))]] if setup.limit is not None else []
        yield NEXT_LINE.join(
            [
                f"lighteval accelerate {_model_arguments(setup, model)}",
                shlex.quote(",".join(tasks)),
                *map(shlex.join, options),
            ]
        )


def _model_arguments(setup: Setup, model: Model) -> str:
    """Return the first argument, quoted for the shell."""
    place = model.place
    parts = [f"model_name={place.path}"]
    parts += [f"revision={place.revision}"] if place.revision else []
    parts += [f"dtype={model.precision}"]
    parts += [f"batch_size={setup.batch_size}"] if setup.batch_size else []
    parts += [f"override_chat_template={setup.has_chat_template}"]
    text = ",".join(parts)
    return f'"{text}"' if place.is_local else shlex.quote(text)
