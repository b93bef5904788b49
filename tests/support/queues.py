"""A queue for tests: a data folder with requests in it, models without weights, and workers on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from src.queue.lifecycle import LeaseTerms
from src.queue.policy import Policy
from src.queue.reconciler import Reconciler
from src.queue.samples import SamplesPublisher
from src.running.executor import Executor
from src.running.suite import Suite
from src.shared.data.names import request_path
from src.shared.data.request import Request, Status, read_request, write_request
from src.shared.errors import ModelNotFound, RevisionNotFound
from src.shared.models.model_source import ModelFacts, ModelSource
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.store import Store
from src.shared.times import to_text
from support.executors import FunctionExecutor

COMMIT = "c" * 40
START = datetime(2026, 1, 31, 12, tzinfo=UTC)
TERMS = LeaseTerms(duration=timedelta(minutes=60), skew=timedelta(minutes=5))
POLICY = Policy(lease=TERMS)
SUITE = Suite(tasks=("tiny_addition", "tiny_copy"), tasks_dir="tasks")


class AnyModel:
    """Describes every model but those in an organisation named `nobody`; each has one commit."""

    def describe(self, name: str, revision: str) -> ModelFacts:
        if name.startswith("nobody/"):
            raise ModelNotFound(f"There is no model {name}: check its name.")
        if revision not in ("main", COMMIT):
            raise RevisionNotFound(f"{name} has no revision {revision}.")
        return ModelFacts(name=name, commit=COMMIT, location=f"models/{name}")


@dataclass
class Clock:
    """A clock that tests move."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Queue:
    """A data folder, seen as an owner sees it: files that can be read and edited by hand."""

    folder: Path
    clock: Clock = field(default_factory=Clock)

    @property
    def requests(self) -> FolderStore:
        return FolderStore(self.folder / "requests")

    @property
    def results(self) -> FolderStore:
        return FolderStore(self.folder / "results")

    def submit(self, model: str = "acme/model", **changes: object) -> str:
        """Add a request by hand and return its path."""
        request = Request(
            model=model,
            status=Status.PENDING,
            precision="float16",
            commit=COMMIT,
            submitted_time=to_text(self.clock.now),
        )
        request = replace(request, **changes)  # type: ignore[arg-type]
        path = request_path(
            model,
            private=False,
            precision=request.precision,
            weight_type=request.weight_type,
            commit=request.commit,
            use_chat_template=request.use_chat_template,
        )
        self.edit(path, request)
        return path

    def edit(self, path: str, request: Request) -> None:
        """Write a request by hand."""
        file = self.folder / "requests" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(write_request(request))

    def read(self, path: str) -> Request:
        return read_request((self.folder / "requests" / path).read_bytes())

    def result_paths(self) -> list[str]:
        return sorted(path for path in self.results.snapshot().files if path.endswith(".json"))

    def worker(
        self,
        name: str = "worker-1",
        *,
        executor: Executor | None = None,
        slots: int = 1,
        policy: Policy = POLICY,
        clock: Clock | None = None,
        requests: Store | None = None,
        results: Store | None = None,
        models: ModelSource | None = None,
        suite: Suite = SUITE,
        samples: Store | None = None,
        policy_now: Callable[[Policy], Policy] = lambda policy: policy,
    ) -> Reconciler:
        """A worker on this queue; each call is a new process's worth of memory."""
        return Reconciler(
            worker=name,
            requests=requests or self.requests,
            results=results or self.results,
            models=models or AnyModel(),
            executor=executor or FunctionExecutor(),
            suite=suite,
            policy=policy,
            slots=slots,
            clock=clock or self.clock,
            steady=clock or self.clock,
            samples=SamplesPublisher(suite.tasks, samples),
            policy_now=policy_now,
        )


def drain(worker: Reconciler, *, most: int = 1000) -> None:
    """Tick until nothing is left to do."""
    for _ in range(most):
        worker.tick()
        if worker.is_idle():
            return
    raise AssertionError(f"the queue is not empty after {most} ticks")
