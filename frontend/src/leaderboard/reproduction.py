"""The commands that reproduce a row's scores: lm_eval as it was run, on the same commit of the model."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from src.leaderboard.rows import Row, Standings
from src.leaderboard.search import found, read_search
from src.shared.data.backend_description import BackendDescription
from src.shared.data.model_name import is_model_name
from src.shared.data.precision import PRECISIONS
from src.shared.data.request import ORIGINAL
from src.shared.data.result import Setup
from src.shared.times import to_text

COMMIT = re.compile(r"[0-9a-f]{40}")

PLAIN = re.compile(r"[\w.:+-]{1,200}", re.ASCII)
"""Names of tasks and devices, numbers, versions."""

LM_EVALS_SEEDS = (0, 1234, 1234, 1234)
"""lm_eval's default seeds."""

LOCAL_MODELS = "$LEADERBOARD_DATA_DIR/models"
"""The place of a model that is not on the Hub. The shell of whoever runs the leaderboard knows the folder."""

OFFERED = 5
"""How many rows are reproduced for one search."""

NEXT_LINE = " \\\n  "


@dataclass(frozen=True)
class Reproduction:
    """The commands that reproduce a row's scores, and notes about them.

    People paste them into a shell, so whatever comes from a file is restricted to plain words and quoted.
    """

    row: Row
    notes: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    def __str__(self) -> str:
        row = self.row
        commit = f", commit {row.commit[:8]}" if row.commit else ""
        kind = f"{row.precision}, {row.weight_type}{', with its chat template' * row.use_chat_template}"
        title = f"{row.model}, {kind}{commit}, evaluated {to_text(row.ended)}"
        return "\n".join([*(f"# {_one_line(text)}" for text in (title, *self.notes)), *self.commands])


def reproductions(
    standings: Standings,
    search: str,
    *,
    local_models: Collection[str] = (),
    description: BackendDescription | None = None,
) -> list[Reproduction]:
    """Return the commands for the first rows that a search finds, or for the best row without a search."""
    sought = read_search(search)
    rows = found(standings, sought)[: OFFERED if sought.terms else 1]
    return [reproduction(row, local_models=local_models, description=description) for row in rows]


def reproduction(
    row: Row, *, local_models: Collection[str] = (), description: BackendDescription | None = None
) -> Reproduction:
    """Return how to reproduce a row's scores. Without commands, a note says why there are none."""
    setups = [result.setup for result in row.results if result.setup]
    obstacle = _obstacle(row, setups)
    if obstacle:
        return Reproduction(row, (obstacle,))
    notes = []
    is_local = row.model in local_models
    if is_local:
        notes.append("The model is not on the Hub. It is in the leaderboard's local folder of models.")
    elif row.commit is None:
        notes.append("The result does not say which commit of the model was evaluated.")
    own_tasks = _own_tasks(description)
    if any(own_tasks & setup.tasks.keys() for setup in setups):
        notes.append("The leaderboard's own tasks are in its backend's folder. Run the command there.")
    include_path = description.include_path if description and own_tasks else None
    model = _model_arguments(row, is_local=is_local)
    commands = chain(*(_commands(setup, model, own_tasks, include_path) for setup in setups))
    return Reproduction(row, tuple(notes), tuple(dict.fromkeys(commands)))


def _obstacle(row: Row, setups: Collection[Setup]) -> str | None:
    """Return why lm_eval's command line cannot reproduce the row's scores, or None if nothing prevents it."""
    if not setups:
        return "Its result is not a report of lm_eval, so we cannot show how to reproduce it."
    if not is_model_name(row.model) or (row.commit and not COMMIT.fullmatch(row.commit)):
        return "Its result names a model or a commit that the Hub could not have."
    if not all(map(PLAIN.fullmatch, _words(setups))):
        return "Its result contains names or versions that cannot be lm_eval's."
    if row.precision not in PRECISIONS:
        return f"lm_eval's command line does not load models in {row.precision}."
    if row.weight_type != ORIGINAL:
        return f"It has {row.weight_type} weights, which lm_eval's command line cannot load at a commit."
    return None


def _words(setups: Iterable[Setup]) -> Iterator[str]:
    """Yield what goes from the result files into the commands."""
    for setup in setups:
        yield from (setup.lm_eval, setup.transformers or "-", setup.batch_size, setup.device or "-")
        yield from setup.tasks


def _own_tasks(description: BackendDescription | None) -> set[str]:
    """Return the tasks in the leaderboard's own folder, as opposed to lm_eval's collection."""
    if not description:
        return set()
    folder = f"{description.include_path}/"
    return {task.name for task in description.tasks if (task.file or "").startswith(folder)}


def _model_arguments(row: Row, *, is_local: bool) -> str:
    """Return the value of --model_args, quoted for the shell."""
    if is_local:
        return f'"pretrained={LOCAL_MODELS}/{row.model},dtype={row.precision}"'
    revision = f",revision={row.commit}" if row.commit else ""
    return shlex.quote(f"pretrained={row.model}{revision},dtype={row.precision}")


def _commands(
    setup: Setup, model: str, own_tasks: Collection[str], include_path: str | None
) -> Iterator[str]:
    """Yield the versions to install, then one command per number of examples."""
    packages = [f"lm_eval[hf]=={setup.lm_eval}"]
    packages += [f"transformers=={setup.transformers}"] if setup.transformers else []
    yield shlex.join(["pip", "install", *packages])
    by_fewshot: dict[int | None, list[str]] = defaultdict(list)
    for task, number in setup.tasks.items():
        by_fewshot[number].append(task)
    for number, tasks in by_fewshot.items():
        options = [["--tasks", ",".join(tasks)], *_options(setup, number)]
        options += [["--include_path", include_path]] if include_path and {*tasks} & {*own_tasks} else []
        command = ["lm_eval --model hf", f"--model_args {model}", *map(shlex.join, options)]
        yield NEXT_LINE.join(command)


def _options(setup: Setup, num_fewshot: int | None) -> Iterator[list[str]]:
    """Yield the options of lm_eval besides the model and the tasks."""
    if num_fewshot is not None:
        yield ["--num_fewshot", str(num_fewshot)]
    if setup.has_chat_template:
        yield ["--apply_chat_template"]
    yield ["--batch_size", setup.batch_size]
    if setup.device:
        yield ["--device", setup.device]
    if setup.limit is not None:
        is_whole = setup.limit >= 1 and setup.limit.is_integer()
        yield ["--limit", str(int(setup.limit) if is_whole else setup.limit)]
    if None not in setup.seeds and setup.seeds != LM_EVALS_SEEDS:
        yield ["--seed", ",".join(map(str, setup.seeds))]


def _one_line(text: str) -> str:
    """Return the text on one line. Anything after the end of a comment would be a command."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
