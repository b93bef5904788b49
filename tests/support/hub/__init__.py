"""A small Hub for tests: enough of huggingface.co for its own clients, over real HTTP, all in memory.

with running_hub() as hub:
    token = hub.add_user("alice", {"acme": "write"})
    requests = hub.add_dataset("acme/requests", {"README.md": "# Requests"})
    HfApi(endpoint=hub.url, token=token).upload_file(...)
    assert requests.read("new.json") == b"{}"
    hub.faults.strike_next(Fault.LOST_ANSWER, route="commit")
    client_id, secret = hub.add_oauth_app()
    hub.log_in_browser("alice")
"""

from .calls import Kind
from .faults import Fault
from .repository import Repository
from .server import running_hub
from .state import Hub

__all__ = ["Fault", "Hub", "Kind", "Repository", "running_hub"]
