"""The parts of a worker that the owner's settings shape: its rules, its executors and their processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event

from huggingface_hub import constants

from src.fleet.dispatcher import Dispatcher, TokenCheck
from src.fleet.kind import FleetKind
from src.fleet.situation import Limits
from src.fleet.token import problem_of as problem_of_members
from src.hub_fleet import code_of, make_jobs
from src.inference.endpoint_executor import EndpointExecutor, EndpointTerms
from src.inference.endpoints import Endpoints, use_api_at
from src.inference.hardware import Allowed
from src.inference.hosting import Hosting
from src.inference.market import Market
from src.inference.own_server import OwnServer, OwnServerExecutor
from src.inference.renting import Renting
from src.inference.sweeper import Sweeper
from src.inference.token import problem_of
from src.own_fleet import make_own_dispatcher
from src.queue.lifecycle import LeaseTerms
from src.queue.policy import Policy, read_order
from src.queue.retries import RetryTerms
from src.queue.samples_dataset import SamplesDataset
from src.running.child_environment import clean_environment
from src.running.executor import Executor, ProcessExecutor
from src.running.inference import Inference
from src.running.job import Work
from src.running.launchers import Launcher, ProgramLauncher
from src.running.suite import Suite
from src.running.warm_launcher import WarmLauncher
from src.running.watch import GB, ChildLimits
from src.settings import Settings
from src.shared.errors import ConfigurationError, StoreError
from src.shared.process.steady import steady_now
from src.shared.stores.budgets import Pace
from src.shared.stores.hub import Hub
from src.shared.stores.whose import Role, Whose
from src.shared.wiring import Stores
from src.telling.comments import Comments, page_of
from src.telling.herald import Herald
from src.telling.webhook import Webhook

SAMPLES_ARE_LOCAL = (
    "SAMPLES_REPO names a dataset on the Hub, but the data is in a local folder, where samples lie with the "
    "results. Leave SAMPLES_REPO unset, or set SAVE_SAMPLES to False."
)
SAMPLES_OF_THEIR_OWN = (
    "SAMPLES_REPO is {}, which holds this leaderboard's requests or results. Name another dataset, or leave "
    "it unset."
)


def samples_store(settings: Settings) -> SamplesDataset | None:
    """Return the dataset of samples, if they have one of their own. Raises ConfigurationError."""
    if settings.samples_repo is None or not settings.save_samples:
        return None
    if not settings.is_on_the_hub:
        raise ConfigurationError(SAMPLES_ARE_LOCAL)
    if settings.samples_repo in (settings.requests_dataset, settings.results_dataset):
        raise ConfigurationError(SAMPLES_OF_THEIR_OWN.format(settings.samples_repo))
    pace = Pace(settings.commits_per_hour, steady_now)
    hub = Hub(settings.hf_token)
    return SamplesDataset(hub, settings.samples_repo, private=settings.samples_private, pace=pace)


def datasets_of(settings: Settings) -> tuple[str, ...]:
    """Return the datasets that a worker writes."""
    samples = settings.samples_repo if settings.save_samples else None
    return tuple(filter(None, (settings.requests_dataset, settings.results_dataset, samples)))


def make_dispatcher(
    settings: Settings,
    given: Mapping[str, object],
    policy: Policy,
    connect: Callable[..., Hub] = Hub,
) -> Dispatcher | None:
    """Return what starts workers elsewhere, if the owner wants that. Raises ConfigurationError.

    `given` are the settings as the owner wrote them, `policy` has the rules of the members' queue, and
    `connect` makes a client for a token.
    """
    if settings.fleet is FleetKind.OFF:
        return None
    check = make_check_of_members(settings, connect)
    if settings.fleet is not FleetKind.JOBS:
        return make_own_dispatcher(settings, policy, check)
    limits = Limits(
        settings.max_workers,
        settings.max_dollars_per_day,
        settings.fleet_flavors,
        claims_within=settings.start_of_a_member,
        stops_within=settings.members_stop_within,
    )
    fleet = make_jobs(settings, given, limits, connect)
    return Dispatcher(fleet, limits, policy=policy, check_token=check)


def make_check_of_members(settings: Settings, connect: Callable[..., Hub]) -> TokenCheck:
    """Return what checks FLEET_TOKEN. Without one, members on machines of the owner's have HF_TOKEN."""
    if settings.fleet_token is None or not settings.is_on_the_hub:
        return lambda: None
    members = connect(settings.fleet_token, token_name="FLEET_TOKEN")
    return partial(problem_of_members, members, datasets_of(settings), code_of(settings))


def make_policy(settings: Settings, memory: int) -> Policy:
    """Return the rules of the queue. `memory` is the bytes for each evaluation. Raises ConfigurationError."""
    return Policy(
        lease=LeaseTerms(timedelta(minutes=settings.lease_minutes)),
        retries=RetryTerms(attempts=settings.max_attempts),
        order=read_order(settings.queue_order),
        largest=settings.largest_model(memory),
        smallest=settings.min_model_gb,
        machine=settings.machine,
    )


def with_servers(policy: Policy, hosting: Hosting) -> Policy:
    """Return the policy with what may be rented now, and with what the owner's server has."""
    return replace(policy, renting=hosting.renting, served=hosting.served)


def make_launcher(settings: Settings, suite: Suite, folder: Path) -> Launcher:
    """Return a launcher that forks from a warm parent where that is safe. With a GPU it may not be."""
    processors = os.cpu_count() or 1
    threads = max(1, processors // settings.slots) if settings.slots > 1 else None
    environment = clean_environment(folder, settings.hf_read_token, threads)
    if sys.platform == "linux" and set(settings.devices) == {"cpu"}:
        return WarmLauncher(environment, suite, folder)
    return ProgramLauncher(environment)


def make_executor(
    settings: Settings,
    memory: int,
    folder: Path,
    launcher: Launcher,
    on_end: Callable[[], None],
    hosting: Hosting,
) -> Executor:
    """Return the executor for evaluations, with its limits. `memory` is the bytes for each evaluation."""
    child_ended = Event()

    def ended() -> None:
        child_ended.set()
        on_end()

    children = ProcessExecutor(
        folder,
        limits=ChildLimits(
            time=timedelta(hours=settings.max_hours),
            silence=timedelta(minutes=settings.stuck_minutes),
            memory=memory,
        ),
        launcher=launcher,
        devices=settings.devices,
        free_disk=int(settings.free_disk_gb * GB),
        inference_token=settings.inference_token,
        on_end=ended,
    )
    if hosting.server:
        return OwnServerExecutor(hosting.server, children)
    if hosting.market:
        terms = EndpointTerms(
            image=settings.endpoint_image,
            args=settings.endpoint_args,
            starts_within=timedelta(minutes=settings.endpoint_start_minutes),
        )
        endpoints = hosting.market.endpoints
        return EndpointExecutor(endpoints, hosting.market, terms, children, woken=child_ended, on_end=on_end)
    return children


def make_hosting(
    settings: Settings, connect: Callable[..., Hub] = Hub, *, is_a_member: bool = False
) -> Hosting:
    """Return the servers of a worker, and what it does about them. `connect` makes a client for a token.

    A member of a fleet looks for no endpoints that are left: its token may not, and its dispatcher does.
    """
    inference, url = settings.inference
    token = settings.inference_token
    # A server of one's own may want any key, but a token of the Hub is checked wherever it goes.
    is_of_the_hub = token is not None and (inference is Inference.ENDPOINT or token.startswith("hf_"))
    namespace = settings.namespace_of_endpoints if inference is Inference.ENDPOINT else None
    calling = connect(token, token_name="INFERENCE_TOKEN")
    check = partial(problem_of, calling, namespace) if is_of_the_hub else None
    use_api_at(settings.inference_endpoints_url)
    endpoints = Endpoints(
        connect(settings.hf_token), settings.namespace_of_endpoints, settings.requests_dataset
    )
    looks = settings.is_on_the_hub and settings.hf_token and not is_a_member
    sweeper = Sweeper(endpoints) if looks else None
    if url:
        return Hosting(server=OwnServer(url, token), sweeper=sweeper, check_token=check)
    if inference is not Inference.ENDPOINT:
        return Hosting(sweeper=sweeper)
    rules = Renting(
        offers=None,
        at_once=settings.max_endpoints,
        dollars_a_day=settings.max_dollars_per_day,
        stops_within=settings.stops_within,
    )
    allowed = Allowed(settings.endpoint_hardware, settings.endpoint_regions)
    market = Market(endpoints, allowed, rules)
    return Hosting(market=market, sweeper=sweeper, check_token=check)


def make_herald(settings: Settings, stores: Stores, worker: str) -> Herald:
    """Return what tells others of the news. By default it tells nobody."""
    board = str(stores.requests) if settings.is_on_the_hub else "requests"
    webhook = Webhook(settings.notify_url, board=board, worker=worker) if settings.notify_url else None
    if not settings.comment_on_models:
        return Herald(webhook)
    name = settings.requests_dataset.removesuffix("requests").strip("-/") or board
    page = partial(_page_of_the_frontend, stores)
    return Herald(webhook, Comments(Hub(settings.hf_token), name, page))


def _page_of_the_frontend(stores: Stores) -> str | None:
    """Return the address of the frontend Space that the requests dataset names, if it can be found out."""
    try:
        spaces = Whose(Role.BACKEND).look(stores.requests, stores.requests.snapshot())
    except StoreError:
        return None
    return page_of(constants.ENDPOINT, next(iter(spaces.get(Role.FRONTEND, ())), None))


def make_tester(
    settings: Settings, folder: Path, launcher: Launcher, on_end: Callable[[], None]
) -> ProcessExecutor:
    """Return the executor for the suite's trial. It may have to download all questions, so allow it time."""
    limits = ChildLimits(
        time=timedelta(hours=settings.max_hours), silence=timedelta(minutes=settings.stuck_minutes)
    )
    return ProcessExecutor(folder, limits=limits, launcher=launcher, work=Work.TRY, on_end=on_end)
