"""The backend Space: a worker on APScheduler, and a page that shows what it does."""

from __future__ import annotations

import logging
import os
import signal
import threading

from src.secrets import withdraw_secrets
from src.shared.errors import told_in_one_sentence
from src.worker import make_worker

PORT = 7861


def main() -> None:
    """Start the worker, show the page, and give the leases back at the end."""
    withdraw_secrets()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    worker = make_worker()
    worker.ticker.start(worker.reconciler.tick)

    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # gradio reads it when it is imported
    from src.page.page import build_page

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    page = build_page(worker.reconciler, worker.ticker, notice=worker.notice)
    on_a_space = bool(os.environ.get("SPACE_ID"))
    page.launch(
        server_name=os.environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if on_a_space else "127.0.0.1"),
        server_port=int(os.environ.get("GRADIO_SERVER_PORT") or PORT),
        ssr_mode=False,
        prevent_thread_lock=True,
    )
    ended.wait()
    worker.close()
    page.close()


if __name__ == "__main__":
    with told_in_one_sentence():
        main()
