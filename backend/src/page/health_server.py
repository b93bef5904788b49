"""`/health` of a worker without a page, on a port of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable
from threading import Thread

import uvicorn
from starlette.applications import Starlette

from src.page.health import health_route
from src.queue.reconciler import Reconciler
from src.queue.ticker import Ticker
from src.shared.errors import ConfigurationError

THIS_MACHINE = "127.0.0.1"
AT_ONCE = 20
"""Connections at the same time. More are refused."""

ENDS_WITHIN_SECONDS = 5.0


def serve_health(
    reconciler: Reconciler, ticker: Ticker, port: int, host: str = THIS_MACHINE
) -> Callable[[], None]:
    """Serve `/health` and nothing else, in a thread. Return what ends it. Raises ConfigurationError."""
    site = Starlette(routes=[health_route(reconciler, ticker)])
    config = uvicorn.Config(
        site,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        limit_concurrency=AT_ONCE,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
    )
    listener = _listen(host, port)
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, args=([listener],), name="health", daemon=True)
    thread.start()

    def close() -> None:
        server.should_exit = True
        thread.join(ENDS_WITHIN_SECONDS)
        listener.close()

    return close


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigurationError(
            f"The health of the worker cannot be served on {host}, port {port}: {error}. Name a free port "
            "with --health-port."
        ) from error
    return listener
