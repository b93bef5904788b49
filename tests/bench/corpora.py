"""Leaderboards of any size in the documented formats: requests, results and logs, made from numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from src.shared.data.names import log_path, request_path, result_path
from src.shared.data.reports import read_result
from src.shared.data.request import Attempt, Request, Status, read_request, write_request
from src.shared.data.result import Result
from src.shared.times import to_run, to_text
from src.tasks import Task
from support.factories import make_request, make_result_file

Files = Mapping[str, bytes]

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = ("🟢 : pretrained", "🔶 : fine-tuned", "⭕ : instruction-tuned", "🟦 : RL-tuned")
LICENSES = ("apache-2.0", "mit", "llama3", "gemma", "cc-by-nc-4.0")
PRECISIONS = ("float16", "bfloat16")


@dataclass(frozen=True)
class Evaluated:
    """One model that was evaluated: its request, its result and its log, by path."""

    request: Files
    result: Files
    log: Files


@dataclass(frozen=True)
class Corpus:
    """A leaderboard of so many models of so many organisations, each evaluated on so many tasks."""

    models: int
    organizations: int
    tasks: int = 6

    @property
    def columns(self) -> tuple[Task, ...]:
        """The tasks as about.py has them."""
        return tuple(Task(f"task_{place}", "acc", f"Task {place}") for place in range(self.tasks))

    def evaluated(self) -> Iterator[Evaluated]:
        """All models."""
        return map(self.model, range(self.models))

    def model(self, place: int, *, run: int = 0) -> Evaluated:
        """The model at a place; `run` tells several evaluations of one model apart."""
        chance = random.Random(f"{place} {run}")
        model = (
            f"org-{place % self.organizations}/model-{place}-{chance.choice(('base', 'instruct', 'chat'))}"
        )
        commit, precision = f"{chance.getrandbits(160):040x}", chance.choice(PRECISIONS)
        ended = FIRST + timedelta(minutes=place, seconds=run)
        name, where = to_run(ended), result_path(model, to_run(ended))
        log = log_path(model, name, 1)
        scores = {f"task_{task}": {"acc,none": round(chance.random(), 4)} for task in range(self.tasks)}
        params = round(chance.uniform(0.1, 80), 3)
        request = make_request(
            model=model,
            commit=commit,
            precision=precision,
            status=Status.FINISHED,
            submitted_time=to_text(ended),
            model_type=chance.choice(TYPES),
            params=params,
            license=chance.choice(LICENSES),
            likes=chance.randrange(2000),
            run=name,
            attempt=1,
            history=(Attempt(1, "acme-backend-0", ended, ended, "finished", "", log),),
            result=where,
        )
        path = request_path(model, private=False, precision=precision, weight_type="Original", commit=commit)
        cost = {"hardware": "a10g-small", "seconds": 300 + 200 * params * (1 + place % 7), "price": 1.0}
        result = make_result_file(
            model=model,
            commit=commit,
            precision=precision,
            scores=scores,
            run=name,
            cost=cost if place % 6 else None,
        )
        return Evaluated({path: write_request(request)}, {where: result}, {log: b"evaluated\n" * 20})

    def read(self) -> tuple[dict[str, Request], list[Result]]:
        """All requests by path, and all results, as the frontend reads them."""
        files = [*self.evaluated()]
        requests = {path: read_request(data) for each in files for path, data in each.request.items()}
        return requests, [read_result(path, data) for each in files for path, data in each.result.items()]

    def write(self, requests: Path, results: Path, *, has_logs: bool = True) -> None:
        """Put all files into the folders of the two datasets."""
        put(requests, {"README.md": b"# Requests\n"})
        put(results, {"README.md": b"# Results\n"})
        for each in self.evaluated():
            put(requests, each.request)
            put(results, {**each.result, **(each.log if has_logs else {})})


def put(folder: Path, files: Files) -> None:
    """Write files below a folder."""
    for path, data in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
