"""The backend Space: a worker on APScheduler, and a page that shows what it does."""

from __future__ import annotations

import logging
import os
import signal
import threading

from src.secrets import withdraw_secrets
from src.shared.errors import ConfigurationError, told_in_one_sentence
from src.worker import make_worker


def main() -> None:
    """Start the worker, show the page, and give the leases back at the end."""
    withdraw_secrets()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from src import envs  # envs reads the environment: a mistake there ends in one sentence

    worker = make_worker()
    worker.ticker.start(worker.tick)

    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # gradio reads it when it is imported
    from src.page.page import build_page

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    page = build_page(worker.reconciler, worker.ticker, worker.announcer, notice=worker.notice)
    try:
        page.launch(
            server_name=envs.GRADIO_SERVER_NAME,
            server_port=envs.GRADIO_SERVER_PORT,
            ssr_mode=False,
            prevent_thread_lock=True,
        )
    except OSError as error:
        worker.close()
        raise ConfigurationError(
            f"The page cannot be served on port {envs.GRADIO_SERVER_PORT}: {error} "
            "Set GRADIO_SERVER_PORT to a free port."
        ) from error
    ended.wait()
    worker.close()
    page.close()


if __name__ == "__main__":
    with told_in_one_sentence():
        main()
