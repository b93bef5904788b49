"""Serving a Hub over HTTP, on this machine only."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn

from support.waiting import wait_for

from .app import create_app
from .breakage import BreakableConnection
from .state import Hub

ADDRESS = "127.0.0.1"
BACKLOG = 2048


@contextmanager
def running_hub(hub: Hub | None = None, *, port: int = 0) -> Iterator[Hub]:
    """Serve a Hub, a new one or the one that is given, from a thread until the block ends."""
    hub = hub or Hub()
    listener = listen(hub, port)
    server = make_server(hub)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="hub", daemon=True)
    thread.start()
    wait_for(lambda: server.started, what="the Hub to listen")
    try:
        yield hub
    finally:
        server.should_exit = True
        thread.join()
        hub.endpoints.close()
        hub.jobs.close()


def listen(hub: Hub, port: int) -> socket.socket:
    """A socket that listens, at the port or, for 0, at any free one. The Hub gets its address."""
    listener = listen_at(port)
    hub.url = f"http://{ADDRESS}:{listener.getsockname()[1]}"
    return listener


def listen_at(port: int) -> socket.socket:
    """A socket that listens, at the port or, for 0, at any free one."""
    # With its protocol named, asyncio knows a TCP socket, and sends small answers without a delay of 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((ADDRESS, port))
    listener.listen(BACKLOG)
    return listener


def make_server(hub: Hub) -> uvicorn.Server:
    """uvicorn for a Hub. It keeps idle connections open: one that it closed could break a test at random."""
    return uvicorn.Server(
        uvicorn.Config(
            create_app(hub),
            http=BreakableConnection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=600,
            timeout_graceful_shutdown=1,
        )
    )
