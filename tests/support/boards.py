"""A frontend's stores, keeper and desk on a folder, with requests and results put there as files."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from src.board.keeper import Keeper
from src.maintaining.maintainers import Maintainers
from src.maintaining.office import Office
from src.page.links import Links
from src.page.texts import Texts
from src.shared.data.names import request_path, result_path
from src.shared.data.reports import read_result
from src.shared.data.request import Request, write_request
from src.shared.data.result import Result
from src.shared.errors import StoreError
from src.shared.models.folder_models import FolderModels
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.store import Store
from src.submitting.accounts import Accounts
from src.submitting.desk import Desk
from src.submitting.form import Form
from src.submitting.group_commit import GroupCommit
from src.submitting.receipts import Receipt, submissions
from src.tasks import Task
from support.factories import MODEL, RUN, make_model_folder, make_request, make_result_file

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
TASKS = (
    Task("tiny_addition", "acc", "Addition"),
    Task("tiny_agreement", "acc", "Agreement"),
    Task("tiny_copy", "exact_match", "Copying"),
)
TEXTS = Texts("<h1>The board</h1>", "An introduction.", "About it.", "How to submit.", "Cite", "@misc{it}")


def scores(addition: Any = None, agreement: Any = None, copying: Any = None) -> dict[str, dict[str, Any]]:
    """The scores of the three tasks as lm_eval names them; a task without one was not run."""
    found = {
        "tiny_addition": {"acc,none": addition},
        "tiny_agreement": {"acc,none": agreement},
        "tiny_copy": {"exact_match,none": copying},
    }
    return {task: metrics for task, metrics in found.items() if None not in metrics.values()}


def run_at(hours: float) -> str:
    """The name of a run that many hours after the first one."""
    return (datetime.fromisoformat(f"{RUN[:10]}T12:00:00") + timedelta(hours=hours)).strftime(
        "%Y-%m-%dT%H-%M-%S.%f"
    )


def make_result(model: str = MODEL, *, run: str = RUN, **changes: Any) -> Result:
    """A result as it is read from a file of our worker."""
    return read_result(result_path(model, run), make_result_file(model=model, run=run, **changes))


def path_of(request: Request) -> str:
    """Where the frontend puts a request."""
    return request_path(
        request.model,
        private=request.private,
        precision=request.precision,
        weight_type=request.weight_type,
        commit=request.commit,
        use_chat_template=request.use_chat_template,
    )


@dataclass
class Leaderboard:
    """A leaderboard in a folder: its stores, its keeper, and a desk on them."""

    folder: Path
    keeper: Keeper = field(init=False)
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.requests = FolderStore(self.folder / "requests")
        self.results = FolderStore(self.folder / "results")
        self.models = FolderModels(self.folder / "models")
        self.keeper = Keeper(self.requests, self.results, TASKS, clock=lambda: NOW)
        self.desk = self.make_desk(self.requests)

    def make_group(self, store: Store) -> GroupCommit[Request, Receipt]:
        """What writes requests into a store."""
        return GroupCommit(
            store, self.keeper.read_requests, submissions(), show=self.keeper.show, clock=lambda: NOW
        )

    def make_office(self) -> Office:
        """The office for maintainers, on the same requests."""
        group = self.make_group(self.requests)
        return Office(group, self.requests, self.results, sync=self.keeper.sync, clock=lambda: NOW)

    def make_desk(self, store: Store, **options: Any) -> Desk:
        """Another desk on the same requests."""
        group = self.make_group(store)
        known = {
            "requests": lambda: self.keeper.requests_now,
            "backend": lambda: self.keeper.now.board.backend,
            "blocked": lambda: self.keeper.blocked,
        }
        return Desk(self.models, group, clock=lambda: NOW, **{**known, **options})

    def page(
        self,
        desk: Desk | None = None,
        texts: Texts = TEXTS,
        tasks: Any = TASKS,
        *,
        visitors: Any = None,
        maintainers: Maintainers | None = None,
        **options: Any,
    ) -> Any:
        """The page, as gradio has it; importing gradio takes seconds. By default it has no maintainers."""
        from src.page.page import build_page

        who = (visitors or self.visitors(), self.make_office(), maintainers or Maintainers())
        return build_page(self.keeper, desk or self.desk, texts, tasks, *who, **options)

    def visitors(self) -> Any:
        """Tells who is at the page."""
        from src.page.visitors import Visitors

        return Visitors(Accounts())

    def add_model(self, name: str = MODEL, **options: Any) -> None:
        """A model that can be submitted."""
        make_model_folder(self.folder / "models", name, **options)

    def add_request(self, **changes: Any) -> str:
        """A request's file, by hand; its path."""
        request = make_request(**changes)
        return self.write("requests", path_of(request), write_request(request))

    def add_result(self, model: str = MODEL, *, run: str = RUN, **changes: Any) -> str:
        """A result's file, by hand; its path."""
        return self.write(
            "results", result_path(model, run), make_result_file(model=model, run=run, **changes)
        )

    def write(self, dataset: str, path: str, data: bytes) -> str:
        """Any file in one of the datasets, by hand."""
        file = self.folder / dataset / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return path

    def form(self, model: str = MODEL, **fields: str) -> Form:
        """A form that is filled in well."""
        return Form(**{"model": model, "precision": "float32", "model_type": "pretrained", **fields})


class BrokenStore:
    """A dataset that cannot be reached."""

    is_new = False

    def __str__(self) -> str:
        return "acme/requests"

    def snapshot(self) -> Any:
        raise StoreError("acme/requests cannot be reached.")

    def read(self, snapshot: Any, paths: Any) -> Any:
        raise StoreError("acme/requests cannot be reached.")

    def commit(self, **_: Any) -> Any:
        raise StoreError("acme/requests cannot be reached.")

    def address(self, path: str) -> None:
        return None

    def folder_address(self, path: str) -> None:
        return None

    def check_writing(self) -> None:
        raise StoreError("acme/requests cannot be reached.")


NO_LINKS = Links(BrokenStore(), BrokenStore())
"""As on datasets in a folder."""
