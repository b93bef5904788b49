"""Jobs whose model a server runs."""

from dataclasses import replace

from src.running.inference import Inference, Server
from src.running.job import Job
from support.openai_server import RunningServer


def on_a_server(job: Job, server: RunningServer, **changes: object) -> Job:
    """The same job, answered by this server."""
    asked = Server(url=server.url, model=server.model, is_exact=True)
    return replace(job, inference=Inference.SERVER, server=asked, **changes)  # type: ignore[arg-type]
