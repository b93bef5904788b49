"""Boards for the pages about models and tasks, and the addresses of these pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

from src.board.board import Board, Now
from src.leaderboard.merging import standings
from src.leaderboard.rescoring import AS_PUBLISHED
from src.leaderboard.rows import Row, Standings
from src.page.details.links import DetailsLinks
from src.shared.data.backend_description import Example
from src.shared.data.provenance import Cost, Provenance, Samples, Served
from src.shared.data.request import Status
from src.shared.data.result import Result, Setup
from src.shared.data.run_settings import RunConditions, RunSettings
from src.shared.stores.hub import Hub
from src.shared.stores.hub_store import HubStore
from src.tasks import Task
from support.boards import NOW, TASKS, make_result, run_at, scores
from support.factories import make_backend, make_request, make_task

STORE = HubStore(Hub(endpoint="https://hub.example"), "acme/data")

AS_TEXT = {"precision", "commit", "path", "request", "run", "engine", "weight_type"}


def result_of(
    model: str = "acme/tiny",
    values: Sequence[float | None] = (0.5, 0.5, 0.5),
    errors: Sequence[float | None] | None = None,
    *,
    hours: float = 0,
    **changes: Any,
) -> Result:
    """A result with scores, and perhaps standard errors, of the three tasks, as fractions."""
    made = make_result(run=run_at(hours), scores=scores(*values))
    if errors is not None:
        known = zip(scores(1, 1, 1).items(), errors, strict=True)
        stderrs = {
            task: {key: error for key in metrics} for (task, metrics), error in known if error is not None
        }
        made = replace(made, stderrs=stderrs)
    return replace(made, **{"model": model, "path": f"{model}/{hours}.json", **changes})


def board_of(*results: Result, tasks: Sequence[Task] = TASKS, **options: Any) -> Standings:
    """The leaderboard of these results."""
    return standings(tasks, {}, results, **options)


def row_of(found: Standings, model: str) -> Row:
    """The best row of a model."""
    return next(row for row in found.rows if row.model == model)


def keeper_of(board: Board, *, is_read: bool = True) -> Any:
    """A keeper that has just this board, from datasets on the Hub."""
    return SimpleNamespace(now=Now(board, NOW if is_read else None), requests=STORE, results=STORE)


def everything_called(text: str) -> Board:
    """A board where strangers, and the owner, wrote the same text everywhere they could."""
    names = [text[:300], f"{text[:300]} 2", f"{text[:300]} 3"]
    tasks = [
        Task(*each) for each in zip(("tiny_addition", text, text), (text, "acc", "x"), names, strict=True)
    ]
    setup = Setup(
        version=text,
        transformers=text,
        tasks={text: 0},
        batch_size=text,
        device=text,
        limit=None,
        has_chat_template=True,
        seeds=(1, None),
        settings=RunSettings(
            system_instruction=text, chat_template_name=text, gen_kwargs=json.dumps({text: text})
        ),
    )
    both = ("tiny_addition", text)
    result = result_of(
        text,
        **dict.fromkeys(AS_TEXT, text),
        scores={"tiny_addition": {text: 0.5}, text: {"acc,none": 0.5, "x": 0.25}},
        stderrs={"tiny_addition": {text: 0.01}},
        n_samples=dict.fromkeys(both, 20),
        n_shot={"tiny_addition": 1, text: 2},
        versions={"tiny_addition": text, text: f"{text} 2"},
        setup=setup,
        conditions=RunConditions(((text, text),), ((f"{text} 2", text),)),
        provenance=Provenance(
            base_model=text,
            base_commit=text,
            hardware=text,
            cost=Cost(hardware=text, seconds=90.0, price=1.0),
            samples=Samples(text, text),
            served=Served(inference=text, api=text, address=f"https://{text}", image=text, region=text),
        ),
        attempt=1,
    )
    others = [
        replace(result, precision=f"{text} {each}", path=f"{text}{each}", versions={text: f"{each}"})
        for each in "abcd"
    ]
    request = make_request(model=text, status=Status.FINISHED, commit=text)
    described = make_task(
        text, kind=text, version=text, file=text, example=Example(question=text, answer=text)
    )
    backend = make_backend(tasks=(described, replace(described, name="tiny_addition")), device=text)
    found = standings(tasks, {text: request}, [result, *others], flags={text: text}, backend=backend)
    return Board(replace(found, rows=tuple(replace(row, flag=text) for row in found.rows)), backend=backend)


def addresses(found: Standings, *, unknown: str = "nobody/nothing") -> list[str]:
    """The address of each kind of page, as links write them and as people may type them."""
    to = DetailsLinks(found, AS_PUBLISHED)
    row, name = found.rows[0], found.tasks[0].task.col_name
    asked = urlencode([("model", unknown), *to.pairs(found.rows[:2]), ("add", unknown)])
    linked = [to.model(row), to.task(name), to.comparison(found.rows[:5]), to.comparison([row])]
    typed = [f"model/{quote(unknown, safe='')}", f"task?{urlencode({'name': unknown})}", f"compare?{asked}"]
    return [f"/{each}" for each in [*linked, *typed, "model", "task", "compare"]]
