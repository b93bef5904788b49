"""The check-up itself: what the Hub, the two datasets and this machine say. It only reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from src.doctor.machine import check_machine
from src.doctor.tasks import check_options, check_tasks
from src.inference.hosting import Hosting
from src.inference.token import MANAGES
from src.parts import make_hosting, make_policy, samples_store, with_servers
from src.queue.reconciler import Reconciler
from src.queue.shipped import SET_THE_TASKS, is_made_for_others
from src.running.inference import Inference
from src.running.memory import available_memory
from src.running.suite import Suite
from src.settings import Settings
from src.shared.data.backend_description import BackendDescription, read_description
from src.shared.data.names import BACKEND_DESCRIPTION, places
from src.shared.data.reports import read_result
from src.shared.data.request import Request, read_request
from src.shared.data.result import Result
from src.shared.doctor.card import check_card
from src.shared.doctor.contents import Contents, check_contents
from src.shared.doctor.datasets import check_dataset, check_visibility
from src.shared.doctor.finding import Finding, Level, green, status, wrong
from src.shared.doctor.other_space import check_other_space
from src.shared.doctor.token import check_read_token, check_token
from src.shared.errors import ConfigurationError, StoreError
from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from src.shared.stores.hub import brief_hub
from src.shared.stores.mirror import Mirror, Reading
from src.shared.stores.store import Store
from src.shared.stores.whose import Role, Whose
from src.shared.times import utc_now
from src.shared.wiring import Stores, open_stores
from src.suite.from_settings import make_suite

SPACE = Path(__file__).resolve().parents[2]
"""The folder of this Space."""

DISCUSSES = "discussion.write"
"""The permission to write comments."""


@dataclass(frozen=True)
class Datasets:
    """The two datasets as they were read."""

    requests: Reading[Request]
    results: Reading[Result]
    description: BackendDescription | None = None
    broken: Sequence[str] = ()
    """A sentence for each file that cannot be understood."""


def check_up(settings: Settings, space: Path = SPACE, *, is_here: bool = True) -> list[Finding]:
    """Check everything. On the Hub this takes about ten calls, and it writes nothing.

    `is_here` says whether evaluations run on this machine.
    """
    stores = open_stores(settings, only_look=True, connect=brief_hub)
    found = [
        *of_the_tokens(settings),
        *of_the_datasets(settings, stores),
        *check_card(space, is_a_leaderboard=False),
        *check_options(settings),
    ]
    try:
        suite, hosting = make_suite(settings), make_hosting(settings, brief_hub)
        policy = make_policy(settings, settings.memory_per_evaluation(available_memory()))
        samples_store(settings)
    except ConfigurationError as error:
        return [*found, wrong("settings", str(error))]
    if is_here:
        found += check_machine(settings, suite)
    hosting.refresh()
    found += of_the_servers(settings, hosting)
    try:
        read = read_datasets(stores)
    except StoreError:  # the check of the datasets has said so
        return found
    found += check_tasks(suite, read.description)
    found += of_the_queue(read, suite, stores.requests)
    announced = read.description.max_model_gb if read.description else None
    most_gb = with_servers(policy, hosting).most_gb if is_here else announced
    found += check_contents(contents_of(read), utc_now(), most_gb=most_gb)
    found += check_other_space(settings, _frontend(stores))
    return found


def of_the_tokens(settings: Settings) -> Iterator[Finding]:
    """Yield findings about the tokens that the Hub knows."""
    if not settings.is_on_the_hub:
        return
    is_renting = settings.inference.inference is Inference.ENDPOINT
    allowed = [MANAGES] * is_renting + [DISCUSSES] * settings.comment_on_models
    datasets = [settings.requests_dataset, settings.results_dataset]
    if settings.save_samples and settings.samples_repo:
        datasets.append(settings.samples_repo)
    yield from check_token(brief_hub(settings.hf_token), datasets, allowed=allowed)[1]
    yield from check_read_token(brief_hub(settings.hf_read_token, token_name="HF_READ_TOKEN"))


def of_the_datasets(settings: Settings, stores: Stores) -> Iterator[Finding]:
    """Yield findings about whether the datasets can be used, and whose they are."""
    whose = Whose(Role.BACKEND, settings.space_id, stores.space_name)
    both = (stores.requests, stores.results)
    found = [each for store in both for each in check_dataset(store, whose)]
    yield from found
    if not status(found):
        yield from check_visibility(brief_hub(settings.hf_token), both)


def of_the_servers(settings: Settings, hosting: Hosting) -> Iterator[Finding]:
    """Yield findings about where models run. `hosting` must have looked."""
    yield from (wrong("inference", sentence) for sentence in hosting.problems)
    if not hosting.problems and settings.inference.inference is not Inference.LOCAL:
        yield green("inference", "The server answers." if hosting.server else "Endpoints can be rented.")


def of_the_queue(read: Datasets, suite: Suite, requests: Store) -> Iterator[Finding]:
    """Yield a finding if the queue is meant for other tasks."""
    if is_made_for_others(suite.tasks, read.requests.values.values(), read.results.values.values()):
        yield wrong("tasks", SET_THE_TASKS.format(requests))


def read_datasets(stores: Stores) -> Datasets:
    """Read both datasets. Raises StoreError."""
    requests = Mirror(stores.requests, lambda _, data: read_request(data), index=REQUESTS_INDEX).refresh()
    results = Mirror(stores.results, read_result, index=RESULTS_INDEX).refresh()
    described = Mirror(
        stores.results,
        lambda _, data: read_description(data),
        is_wanted=places(BACKEND_DESCRIPTION).__contains__,
    ).refresh()
    broken = [*_broken(stores.requests, requests), *_broken(stores.results, results, described)]
    return Datasets(requests, results, next(iter(described.values.values()), None), broken)


def contents_of(read: Datasets) -> Contents:
    """Return what the check-up looks at of the two datasets."""
    return Contents(
        requests=read.requests.values,
        models=[result.model for result in read.results.values.values()],
        broken=read.broken,
        files=frozenset(read.results.snapshot.files),
    )


def for_strangers(reconciler: Reconciler, stores: Stores) -> list[Finding]:
    """Return what the page shows to everybody of what the worker read last: no call, and no secret.

    Only what is not well, and what a stranger sees in the public datasets as well. Whose token it is and what
    it may do, this machine and the settings are for the owner, and this page cannot know its owner.
    """
    requests, results = reconciler.datasets.requests, reconciler.datasets.results
    broken = [*_broken(stores.requests, requests), *_broken(stores.results, results)]
    contents = contents_of(Datasets(requests, results, broken=broken))
    found = check_contents(contents, utc_now(), most_gb=reconciler.most_gb)
    return [each for each in found if each.is_public and each.level is not Level.GREEN]


def _broken(
    store: Store, *readings: Reading[Request] | Reading[Result] | Reading[BackendDescription]
) -> list[str]:
    return [
        f"{path} in {store} was skipped: {sentence}"
        for reading in readings
        for path, sentence in sorted(reading.broken.items())
    ]


def _frontend(stores: Stores) -> str | None:
    """Return the frontend Space that the requests dataset names, if there is one."""
    try:
        spaces = Whose(Role.BACKEND).look(stores.requests, stores.requests.snapshot())
    except StoreError:
        return None
    return next(iter(spaces.get(Role.FRONTEND, ())), None)
