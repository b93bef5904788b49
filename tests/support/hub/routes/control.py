"""What a test does to a Hub in another process: as `POST /_test/{command}`, what it could do directly."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..accounts import may_call_endpoints
from ..calls import Kind
from ..git_objects import Blob
from ..refusals import BadRequest
from ..repository import RepoName, RepoType
from ..spaces import Stage
from ..state import Hub
from .lookup import hub_of, json_of
from .notation import time_text


def add_repository(
    hub: Hub,
    type: RepoType,
    id: str,
    folder: str | None = None,
    files: dict[str, str] | None = None,
    **settings: Any,
) -> str:
    """A new repository with the files of a folder on this machine, or these texts. Returns its commit."""
    contents = Path(folder) if folder else files
    return hub.add(RepoName(type, id), contents, **settings).head.id


def put(hub: Hub, type: RepoType, id: str, files: dict[str, str], delete: Sequence[str] = ()) -> str:
    """Write and delete files in one commit. Returns it."""
    repository = hub.get(RepoName(type, id))
    repository.put(files, delete=delete)
    return repository.head.id


def writes(hub: Hub, type: RepoType, id: str) -> dict[str, int]:
    """How many commits wrote each file that was ever there."""
    repository = hub.get(RepoName(type, id))
    counts: Counter[str] = Counter()
    held: dict[str, str] = {}
    for commit in reversed([*repository.history.before(repository.head)]):
        now = {path: entry.id for path, entry in commit.tree.walk() if isinstance(entry, Blob)}
        counts.update(path for path, blob in now.items() if held.get(path) != blob)
        held = now
    return counts


def let_in(hub: Hub, type: RepoType, id: str, user: str) -> None:
    """Let a user into a gated repository."""
    hub.get(RepoName(type, id)).readers.add(user)


def limit_calls(hub: Hub, **limits: int) -> None:
    """So many calls are allowed in a window: `api=1000, resolve=5000`."""
    hub.budget.limits = {Kind(kind): number for kind, number in limits.items()}


def skip_time(hub: Hub, seconds: float) -> None:
    """From now on the windows in which calls are counted are that much further."""
    clock = hub.budget.clock
    hub.budget.clock = lambda: clock() + seconds


def calls(hub: Hub) -> list[dict[str, Any]]:
    """All calls so far."""
    return [{**asdict(call), "at": time_text(call.at)} for call in hub.calls.log]


def list_endpoints(hub: Hub) -> list[dict[str, Any]]:
    """All Inference Endpoints that ever were, the oldest first: times, states, seconds billed, dollars."""
    return [
        {
            "namespace": each.namespace,
            "name": each.name,
            "state": each.state,
            "history": [(state, time_text(at)) for state, at in each.history],
            "created": time_text(each.created),
            "deleted": each.deleted and time_text(each.deleted),
            "url": each.url,
            "pid": each.server and each.server.pid,
            "creator": each.creator,
            "compute": each.compute and each.compute.id,
            "seconds": each.billed.total_seconds(),
            "dollars": each.dollars,
            "body": each.body,
        }
        for each in hub.endpoints.all
    ]


def add_endpoint(hub: Hub, namespace: str, name: str, hours: float = 0, **settings: Any) -> None:
    """An Inference Endpoint that somebody made in another way, so long ago."""
    hub.endpoints.add(namespace, name, age=timedelta(hours=hours), **settings)


def set_endpoints(hub: Hub, **settings: Any) -> None:
    """Set `can_pay`, `quotas` or `pretends`."""
    for setting, value in settings.items():
        setattr(hub.endpoints, setting, value)


def tell_next_endpoint(hub: Hub, order: str, **arguments: Any) -> None:
    """Give an order to each server of an endpoint that starts from now on."""
    hub.endpoints.tell_next(order, **arguments)


def tell_endpoint(hub: Hub, namespace: str, name: str, order: str, **arguments: Any) -> Any:
    """Give an order to the server of an endpoint that runs."""
    return hub.endpoints.tell(namespace, name, order, **arguments)


def may_call(hub: Hub, namespace: str, token: str) -> int:
    """What a call of an endpoint of a namespace is answered: 200, 401 or 403."""
    return may_call_endpoints(hub.accounts.tokens.get(token), namespace)


def add_space(hub: Hub, id: str, files: dict[str, str] | None = None, **settings: Any) -> None:
    """A new Space, whatever its owner pays for."""
    hub.add_space(id, files, **settings)


def set_plan(hub: Hub, name: str, plan: str) -> None:
    """Let a user (`pro`) or an organisation (`team`) pay for a plan."""
    hub.accounts.plans[name] = plan


def set_spaces(hub: Hub, fates: dict[str, str] | None = None, **settings: Any) -> None:
    """Set `looks`, `held` and `can_pay`, and where the builds of Spaces end."""
    for setting, value in settings.items():
        setattr(hub.spaces, setting, value)
    if fates is not None:
        hub.spaces.fates = {id.lower(): Stage(stage) for id, stage in fates.items()}


def look_at_space(hub: Hub, id: str) -> dict[str, Any]:
    """All there is to know of a Space, its secrets too, and its files in base64."""
    repository, space = hub.get(RepoName("space", id)), hub.space(id)
    return {
        "stage": space.stage,
        "stages": space.stages,
        "sdk": space.sdk,
        "hardware": space.hardware,
        "sleep_time": space.sleep_time,
        "secrets": {name: each.value for name, each in space.secrets.items()},
        "variables": {name: each.value for name, each in space.variables.items()},
        "files": {path: b64encode(data).decode() for path, data in repository.files().items()},
    }


def start_space(hub: Hub, id: str, host: str) -> None:
    """Say that a Space runs there."""
    hub.space(id).started(host)


def end_space(hub: Hub, id: str, stage: str, message: str | None = None) -> None:
    """Put a Space into a stage."""
    hub.space(id).ended(Stage(stage), message)


COMMANDS: dict[str, Callable[..., Any]] = {
    "add_user": Hub.add_user,
    "add_token": Hub.add_token,
    "add_app_token": Hub.add_app_token,
    "add_oauth_app": Hub.add_oauth_app,
    "log_in_browser": Hub.log_in_browser,
    "revoke": lambda hub, token: hub.accounts.revoke(token),
    "add_repository": add_repository,
    "add_space": add_space,
    "set_plan": set_plan,
    "set_spaces": set_spaces,
    "space": look_at_space,
    "start_space": start_space,
    "end_space": end_space,
    "put": put,
    "writes": writes,
    "let_in": let_in,
    "rename": Hub.rename,
    "strike_next": lambda hub, **options: hub.faults.strike_next(**options),
    "strike_share": lambda hub, **options: hub.faults.strike_share(**options),
    "stop_faults": lambda hub: hub.faults.stop(),
    "limit_calls": limit_calls,
    "skip_time": skip_time,
    "endpoints": list_endpoints,
    "add_endpoint": add_endpoint,
    "set_endpoints": set_endpoints,
    "trouble_next_endpoint": lambda hub, **options: hub.endpoints.trouble_next(**options),
    "tell_next_endpoint": tell_next_endpoint,
    "tell_endpoint": tell_endpoint,
    "release_endpoint": lambda hub, **named: hub.endpoints.release(**named),
    "stop_troubles_of_endpoints": lambda hub: hub.endpoints.stop_troubles(),
    "may_call_endpoints": may_call,
    "calls": calls,
    "reset_calls": lambda hub: hub.calls.reset(),
}


async def control(request: Request) -> Response:
    """Carry out a command with the arguments of a JSON object."""
    command = COMMANDS.get(request.path_params["command"])
    if command is None:
        raise BadRequest(f"No such command. There are: {', '.join(COMMANDS)}")
    return JSONResponse(command(hub_of(request), **await json_of(request)))


ROUTE = Route("/_test/{command}", control, methods=["POST"])
"""No call of the Hub's: it is not counted and never fails on demand."""
