"""A small Hub for tests: enough of huggingface.co for its own clients, over real HTTP, all in memory.

with running_hub() as hub:
    token = hub.add_user("alice", {"acme": "write"})
    requests = hub.add_dataset("acme/requests", {"README.md": "# Requests"})
    HfApi(endpoint=hub.url, token=token).upload_file(...)
    assert requests.read("new.json") == b"{}"
    hub.faults.strike_next(Fault.LOST_ANSWER, route="commit")
    hub.accounts.plans["acme"] = "team"  # which may create Spaces (`spaces.py`)
    client_id, secret = hub.add_oauth_app()
    hub.log_in_browser("alice")

Inference Endpoints (`endpoints.py`) are servers that really run. Their API is at `{hub.url}/v2`: clients find
it in `huggingface_hub.constants.INFERENCE_ENDPOINTS_ENDPOINT`. Jobs (`jobs.py`)
are processes that really run.
"""

from .calls import Kind
from .endpoints import InferenceEndpoint, State, Trouble
from .faults import Fault
from .jobs import Fate, Job, JobStage
from .repository import Repository
from .server import running_hub
from .spaces import Space, Stage
from .state import Hub

__all__ = [
    "Fate",
    "Fault",
    "Hub",
    "InferenceEndpoint",
    "Job",
    "JobStage",
    "Kind",
    "Repository",
    "Space",
    "Stage",
    "State",
    "Trouble",
    "running_hub",
]
