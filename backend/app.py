"""The backend Space: a worker in the background, and a page that shows what it does."""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import logging
import os
from functools import partial
from typing import TYPE_CHECKING

from starlette.middleware import Middleware

from src.doctor.checkup import for_strangers
from src.settings import Settings
from src.shared.environment import QUIET_GRADIO, as_written, owners_file, read_settings
from src.shared.errors import ConfigurationError, exit_on_configuration_error
from src.shared.process.logs import begin_logging
from src.shared.process.stop_signal import StopSignal
from src.shared.serving.compression import Compression
from src.shared.serving.doors import hide_tracebacks
from src.shared.serving.folder_files import file_routes
from src.withdrawn_secrets import withdraw_secrets
from src.worker import Worker, make_worker

if TYPE_CHECKING:  # importing gradio takes seconds, so the worker starts first
    import gradio as gr
    from fastapi import FastAPI


def main() -> None:
    """Start the worker, serve the page, and return the leases at the end."""
    secrets = withdraw_secrets()
    begin_logging()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    owners = owners_file("src.envs"), {**os.environ, **secrets}
    settings = read_settings(Settings, *owners)
    worker = make_worker(settings, given=as_written(Settings, *owners))
    stop = StopSignal()
    worker.ticker.start(worker.tick)

    for name, value in QUIET_GRADIO.items():  # gradio reads them when it is imported
        os.environ.setdefault(name, value)
    from src.page.page import build_page

    page = build_page(
        worker.reconciler,
        worker.ticker,
        worker.announcer,
        worker.stores,
        worker.hosting,
        partial(for_strangers, worker.reconciler, worker.stores),
        worker.dispatcher,
    )
    try:
        serve(page, settings, worker)
    except ConfigurationError:
        worker.close()
        raise
    stop.wait()
    worker.close()
    page.close()


def serve(page: gr.Blocks, settings: Settings, worker: Worker) -> FastAPI:
    """Serve the page, the worker's health, and the logs if the results are in a local folder.

    Raises ConfigurationError.
    """
    from src.page.doors import doors
    from src.page.health import health_route
    from src.shared.serving.calls.middleware import BOUNDS
    from src.shared.serving.launch import launch
    from src.shared.serving.own_host import stay_on_own_host

    try:
        site = launch(
            page,
            server_name=settings.server_name,
            server_port=settings.gradio_server_port,
            show_api=False,  # there is none
            app_kwargs={
                "middleware": [Middleware(Compression), *doors(settings, worker.stores), *BOUNDS],
                # As parts of the app, they are there for the first call that comes.
                "routes": [
                    stay_on_own_host(),
                    *file_routes(worker.stores.results),
                    health_route(worker.reconciler, worker.ticker),
                ],
            },
        )
    except OSError as error:
        raise ConfigurationError(
            f"The page cannot be served on port {settings.gradio_server_port}: {error} "
            "Set GRADIO_SERVER_PORT to a free port."
        ) from error
    hide_tracebacks(site)
    return site


if __name__ == "__main__":
    with exit_on_configuration_error():
        main()
