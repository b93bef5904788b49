"""The frontend Space: reads the settings, keeps the board up to date in the background, shows the page."""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.middleware import Middleware

from src.board.keeper import Keeper
from src.columns import TAKEN
from src.doctor.checkup import Doctor
from src.doctor.owners import Owners
from src.leaderboard.availability import INSPECTION_SECONDS, Inspector
from src.leaderboard.local_models import local_models
from src.maintaining.maintainers import Maintainers
from src.maintaining.office import Office
from src.page.interpreter import switch_often, without_pauses
from src.page.texts import read_texts
from src.settings import Settings
from src.shared.data.request import Request
from src.shared.doctor.settings import check_settings
from src.shared.environment import QUIET_GRADIO, owners_file, read_settings
from src.shared.errors import ConfigurationError, exit_on_configuration_error
from src.shared.process.logs import begin_logging
from src.shared.process.loop import Loop
from src.shared.process.steady import Leaps
from src.shared.process.stop_signal import StopSignal
from src.shared.serving.compression import Compression
from src.shared.serving.doors import hide_tracebacks
from src.shared.serving.folder_files import file_routes
from src.shared.stores.hub import brief_hub
from src.shared.stores.whose import Role, Whose
from src.shared.wiring import Stores, open_stores
from src.submitting.accounts import Accounts
from src.submitting.desk import Desk
from src.submitting.group_commit import GroupCommit
from src.submitting.receipts import Receipt, submissions
from src.tasks import read_num_fewshot, read_rank_mixed_scores, read_tasks, unknown_fields

if TYPE_CHECKING:  # this takes seconds, so it is imported while the datasets are read
    import gradio as gr
    from fastapi import FastAPI
    from starlette.routing import BaseRoute

EVENTS_AT_ONCE = 200
"""Of all visitors together; three quarters may wait for their commit, and gradio counts those as well."""

INDEXING_SECONDS = 60.0
"""How often to check whether an index should be renewed."""

LEAPS_SECONDS = 10.0
"""How often to check whether the machine's clock has leapt."""


def main() -> None:
    """Serve the page until the process must end."""
    begin_logging()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stop = StopSignal()
    switch_often()

    envs, about = owners_file("src.envs"), owners_file("src.about")
    settings = read_settings(Settings, envs)
    tasks, texts = read_tasks(getattr(about, "Tasks", None), taken=TAKEN), read_texts(about)
    num_fewshot = read_num_fewshot(getattr(about, "NUM_FEWSHOT", None))
    stores = open_stores(settings)
    keeper = Keeper(
        stores.requests,
        stores.results,
        tasks,
        num_fewshot=num_fewshot,
        rank_mixed=read_rank_mixed_scores(getattr(about, "RANK_MIXED_SCORES", True)),
        local_models=lambda: local_models(stores.local_models),
        presences=lambda: inspector.presences,
        hints=unknown_fields(getattr(about, "Tasks", None)),
        whose=Whose(Role.FRONTEND, settings.space_id, stores.space_name, must_write=False),
    )
    inspector = Inspector(stores.results, stores.presence, lambda: keeper.models)
    group = GroupCommit(
        stores.requests, keeper.read_requests, submissions(lambda: keeper.order), show=keeper.show
    )
    desk = make_desk(settings, stores, keeper, group)
    is_owner = Owners(settings.organisation).include
    maintainers = Maintainers(settings.names_of_maintainers, is_owner)
    loops = in_the_background(
        {
            without_pauses(keeper.sync, lambda: keeper.now.version): settings.refresh_rate,
            keeper.keep_indexes: INDEXING_SECONDS,
            inspector.inspect: INSPECTION_SECONDS,
            Leaps().check: LEAPS_SECONDS,
        }
    )

    for name, value in QUIET_GRADIO.items():  # gradio reads them on import
        os.environ.setdefault(name, value)
    from src.page.details.routes import details_routes
    from src.page.health import health_route
    from src.page.page import build_page
    from src.page.plain.routes import plain_routes, plain_site
    from src.page.visitors import Visitors

    visitors = Visitors(Accounts(), settings.hosts)
    _, about_settings = check_settings(Settings, envs, os.environ)
    only_looked_at = open_stores(settings, only_look=True, connect=brief_hub)
    doctor = Doctor(settings, only_looked_at, keeper, about_settings)
    page = build_page(
        keeper,
        desk,
        texts,
        tasks,
        visitors,
        Office(group, stores.requests, stores.results, sync=keeper.sync),
        maintainers,
        num_fewshot=num_fewshot,
        notice=stores.notice,
        space=settings.space_id if settings.is_a_space else None,
        findings=doctor.latest,
        is_owner=is_owner,
    )
    site = plain_site(texts, settings)
    routes = [*plain_routes(keeper, site), *details_routes(keeper, site, num_fewshot=num_fewshot)]
    routes.append(health_route(keeper, timedelta(seconds=settings.refresh_rate)))
    serve(page, settings, stores, routes)
    stop.wait()
    for loop in loops:
        loop.stop(wait=False)
    desk.close()
    page.close()


def make_desk(
    settings: Settings, stores: Stores, keeper: Keeper, group: GroupCommit[Request, Receipt]
) -> Desk:
    """Make the desk, where submissions are handed in. Raises ConfigurationError."""
    return Desk(
        stores.models,
        group,
        terms=settings.terms,
        requests=lambda: keeper.requests_now,
        backend=lambda: keeper.now.board.backend,
        blocked=lambda: keeper.blocked,
    )


def serve(page: gr.Blocks, settings: Settings, stores: Stores, routes: Sequence[BaseRoute]) -> FastAPI:
    """Serve the page, the routes, and datasets in folders. Raises ConfigurationError."""
    from src.page.assets import asset_route
    from src.page.doors import doors
    from src.page.table_style import table_style_routes
    from src.shared.serving.calls.middleware import BOUNDS
    from src.shared.serving.launch import launch
    from src.shared.serving.own_host import stay_on_own_host

    try:
        site = launch(
            page,
            server_name=settings.server_name,
            server_port=settings.gradio_server_port,
            max_threads=EVENTS_AT_ONCE,
            app_kwargs={
                "middleware": [Middleware(Compression), *doors(settings, stores), *BOUNDS],
                # As parts of the app, they are there for the first call that comes.
                "routes": [
                    stay_on_own_host(),
                    *table_style_routes(),
                    *file_routes(stores.requests, stores.results),
                    asset_route(),
                    *routes,
                ],
            },
        )
    except OSError as error:
        raise ConfigurationError(
            f"GRADIO_SERVER_PORT cannot be {settings.gradio_server_port}: {error}"
        ) from error
    hide_tracebacks(site)
    return site


def in_the_background(tasks: Mapping[Callable[[], None], float]) -> Sequence[Loop]:
    """Run each task now, while gradio is imported, and again each time its number of seconds has passed."""
    loops = [Loop(task, timedelta(seconds=seconds)) for task, seconds in tasks.items()]
    for loop in loops:
        loop.start()
    return loops


if __name__ == "__main__":
    with exit_on_configuration_error():
        main()
