"""The commands that reproduce a row's scores: each run as it was, on the same commit of the model."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from src.leaderboard.commands import lighteval, lm_eval
from src.leaderboard.commands.model import Model, Place
from src.leaderboard.rows import Row, Standings
from src.leaderboard.search import found, read_search
from src.shared.data.backend_description import BackendDescription
from src.shared.data.model_name import is_model_name
from src.shared.data.provenance import SERVER, Served
from src.shared.data.request import ADAPTER, ORIGINAL
from src.shared.data.result import Result, Setup
from src.shared.data.run_settings import LIGHTEVAL, SERVED
from src.shared.times import to_text

COMMIT = re.compile(r"[0-9a-f]{40}")

OFFERED = 5
"""How many rows are reproduced for one search."""

SEVERAL_RUNS = "Its scores come from {} runs, the oldest first. Of a task in several, the newest counts."


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
    runs = [(result, result.setup) for result in row.origins if result.setup]
    if not runs:
        note = (
            "Its result is not a report of lm_eval or of our worker, so we cannot show how to reproduce it."
        )
        return Reproduction(row, (note,))
    if not is_model_name(row.model) or (row.commit and not COMMIT.fullmatch(row.commit)):
        return Reproduction(row, ("Its result names a model or a commit that the Hub could not have.",))
    models = [_model(row, result, local_models) for result, _ in runs]
    obstacles = (
        _obstacle_of_weights(row, model) or _obstacle(result, setup, model)
        for (result, setup), model in zip(runs, models, strict=True)
    )
    if obstacle := next(filter(None, obstacles), None):
        return Reproduction(row, (obstacle,))
    owned = [_own_tasks(description, setup) for _, setup in runs]
    told = (lm_eval.notes(setup, model) for (_, setup), model in zip(runs, models, strict=True))
    notes = [*_notes(row, models[0]), *chain(*told)]
    if len(runs) > 1:
        notes.append(SEVERAL_RUNS.format(len(runs)))
    if any(_has_own_tasks(setup, own_tasks) for (_, setup), own_tasks in zip(runs, owned, strict=True)):
        notes.append("The leaderboard's own tasks are in its backend's folder. Run the command there.")
    include_path = description.include_path if description and any(owned) else None
    commands = chain(
        *(
            lighteval.commands(setup, model, own_tasks)
            if setup.engine == LIGHTEVAL
            else lm_eval.commands(setup, model, own_tasks, include_path)
            for (_, setup), model, own_tasks in zip(runs, models, owned, strict=True)
        )
    )
    return Reproduction(row, tuple(dict.fromkeys(notes)), tuple(dict.fromkeys(commands)))


def _model(row: Row, result: Result, local_models: Collection[str]) -> Model:
    """Return what a command must know of the model."""
    known = result.provenance
    base = None
    if row.weight_type == ADAPTER and known.base_model:
        base = Place(known.base_model, known.base_commit, known.base_model in local_models)
    place = Place(row.model, row.commit, row.model in local_models)
    return Model(place, row.precision, base, known.versions.get("peft"), _served(result))


def _served(result: Result) -> Served | None:
    """Return the server that answered. Of some only the route is known."""
    route = dict(result.conditions.always).get(SERVED) if result.conditions else None
    return result.provenance.served or (Served(inference=SERVER, api=route) if route else None)


def _obstacle_of_weights(row: Row, model: Model) -> str | None:
    """Return why no command can load the model's weights, or None."""
    base = model.base
    if row.weight_type == ORIGINAL or (base and (base.commit or base.is_local)):
        return None
    if row.weight_type == ADAPTER:
        return "It is an adapter, and its result does not say which commit of which model it was put on."
    return f"It has {row.weight_type} weights, which no command line can load at a commit."


def _obstacle(result: Result, setup: Setup, model: Model) -> str | None:
    """Return why a run cannot be repeated exactly by its engine's command line, or None."""
    if setup.engine == LIGHTEVAL:
        has_settings = bool(result.conditions and result.conditions.always)
        return lighteval.obstacle(setup, model, has_settings=has_settings)
    return lm_eval.obstacle(setup, model)


def _notes(row: Row, model: Model) -> Iterator[str]:
    """Yield what people must know of the model."""
    if model.place.is_local:
        yield "The model is not on the Hub. It is in the leaderboard's local folder of models."
    elif row.commit is None:
        yield "The result does not say which commit of the model was evaluated."


def _own_tasks(description: BackendDescription | None, setup: Setup) -> dict[str, str]:
    """Return the tasks in the leaderboard's own folder, with their files: those for the run's engine."""
    if not description or description.engine != setup.engine:
        return {}
    folder = f"{description.include_path}/"
    return {task.name: task.file for task in description.tasks if task.file and task.file.startswith(folder)}


def _has_own_tasks(setup: Setup, own_tasks: Mapping[str, str]) -> bool:
    return any(task in own_tasks or task.partition("|")[0] in own_tasks for task in setup.tasks)


def _one_line(text: str) -> str:
    """Return the text on one line. Anything after the end of a comment would be a command."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
