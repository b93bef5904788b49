"""Jobs whose model a server runs."""

from dataclasses import replace
from typing import Any

from src.running.inference import Inference, Server
from src.running.job import Job
from support.openai_server import RunningServer


def on_a_server(job: Job, server: RunningServer | Server, **changes: Any) -> Job:
    """The same job, answered by this server. Small models leave some answers empty by themselves."""
    if isinstance(server, RunningServer):
        server = Server(url=server.url, model=server.model, is_exact=True)
    return replace(job, **{"inference": Inference.SERVER, "server": server, "most_empty": 1.0} | changes)
