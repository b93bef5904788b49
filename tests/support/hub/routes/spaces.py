"""Spaces: their secrets, variables, hardware, stages and logs; and the pages of those that nobody started."""

from __future__ import annotations

import json
import mimetypes
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..calls import Kind
from ..git_objects import Blob
from ..refusals import BadRequest, EntryNotFound, NotFound, PaymentRequired
from ..repository import Repository
from ..spaces import FREE, HARDWARE, Setting, Space, Stage, entry
from .administration import NO_CREDITS
from .endpoint import Endpoint
from .lookup import hub_of, json_of, repository_of, writable_repository_of
from .notation import time_text


def space_of(repository: Repository) -> Space:
    """What makes the repository a Space. Raises NotFound for another one."""
    if repository.space is None:
        raise NotFound("Sorry, we can't find the page you are looking for.")
    return repository.space


def dynamic_space_of(request: Request) -> Space:
    """The Space, for who may change it, if it is one that runs. Raises BadRequest."""
    space = space_of(writable_repository_of(request))
    if space.sdk == "static":
        raise BadRequest("Static Spaces cannot be paused, restarted or moved to other hardware")
    return space


def described(settings: dict[str, Setting], *, values: bool) -> dict[str, Any]:
    """Secrets or variables, as the Hub lists them. The values of secrets are never told."""
    return {
        key: {
            "key": key,
            **({"value": each.value} if values else {}),
            **({"description": each.description} if each.description else {}),
            "updatedAt": time_text(each.updated),
        }
        for key, each in settings.items()
    }


async def secrets(request: Request) -> Response:
    space = space_of(writable_repository_of(request))
    return JSONResponse(described(space.secrets, values=False))


async def add_secret(request: Request) -> Response:
    space = space_of(writable_repository_of(request))
    key, secret = entry(await json_of(request))
    if key in space.variables:
        raise BadRequest(f"Name {key} is already used by a variable")
    space.secrets[key] = secret
    space.restarted()
    return JSONResponse(described(space.secrets, values=False))


async def delete_secret(request: Request) -> Response:
    space = space_of(writable_repository_of(request))
    if space.secrets.pop(str((await json_of(request)).get("key")), None) is not None:
        space.restarted()
    return JSONResponse(described(space.secrets, values=False))


async def variables(request: Request) -> Response:
    space = space_of(writable_repository_of(request))
    return JSONResponse(described(space.variables, values=True))


async def add_variable(request: Request) -> Response:
    space = space_of(writable_repository_of(request))
    key, variable = entry(await json_of(request))
    if key in space.secrets:
        raise BadRequest(f"Name {key} is already used by a secret")
    space.variables[key] = variable
    space.restarted()
    return JSONResponse(described(space.variables, values=True))


async def delete_variable(request: Request) -> Response:
    space = space_of(writable_repository_of(request))
    if space.variables.pop(str((await json_of(request)).get("key")), None) is not None:
        space.restarted()
    return JSONResponse(described(space.variables, values=True))


async def runtime(request: Request) -> Response:
    return JSONResponse(space_of(repository_of(request)).runtime())


async def hardware(request: Request) -> Response:
    space, body = dynamic_space_of(request), await json_of(request)
    if body.get("flavor") in HARDWARE and body["flavor"] not in FREE and not hub_of(request).spaces.can_pay:
        raise PaymentRequired(NO_CREDITS)
    space.set_hardware(body.get("flavor"), body.get("sleepTimeSeconds"))
    return JSONResponse(space.runtime(look=False))


async def sleep_time(request: Request) -> Response:
    space = dynamic_space_of(request)
    space.set_sleep_time((await json_of(request)).get("seconds"))
    return JSONResponse(space.runtime(look=False))


async def pause(request: Request) -> Response:
    space = dynamic_space_of(request)
    space.ended(Stage.PAUSED)
    return JSONResponse(space.runtime(look=False))


async def restart(request: Request) -> Response:
    space = dynamic_space_of(request)
    space.resumed(writable_repository_of(request))
    return JSONResponse(space.runtime(look=False))


async def logs(request: Request) -> Response:
    """The lines of a log as events. The Hub shows them only to those who may change the Space."""
    space = space_of(writable_repository_of(request))
    lines = space.logs.get(request.path_params["log"])
    if lines is None:
        raise NotFound("Sorry, we can't find the page you are looking for.")
    events = [{"data": line, "timestamp": "2026-01-31T12:00:00.000Z"} for line in lines]
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return Response(text, media_type="text/event-stream")


async def all_hardware(request: Request) -> Response:
    """What there is to rent."""
    answer = [
        {
            "name": name,
            "prettyName": name.replace("-", " ").title(),
            "cpu": "2 vCPU",
            "ram": "16 GB",
            "ephemeralStorage": "50 GB",
            "accelerator": None,
            "unitCostMicroUSD": round(dollars * 1e6),
            "unitCostUSD": dollars,
            "unitLabel": "minute",
        }
        for name, dollars in HARDWARE.items()
    ]
    return JSONResponse(answer)


async def page(request: Request) -> Response:
    """A static Space's file, or what a Space says that runs only in name."""
    repository = repository_of(request)
    space, path = space_of(repository), request.path_params.get("path", "").strip("/")
    if space.stage != Stage.RUNNING:
        return Response("Your space is in error, check its status on hf.co", 503)
    if space.sdk != "static":
        return JSONResponse({"space": space.name.id, "problem": ""})
    blob = repository.head.tree.find(path or "index.html")
    if not isinstance(blob, Blob):
        raise EntryNotFound("Entry not found")
    type = mimetypes.guess_type(path or "index.html")[0] or "application/octet-stream"
    return Response(repository.content(blob), media_type=type)


ROUTES = [
    Endpoint("GET", "/api/spaces/hardware", all_hardware),
    Endpoint("GET", "/api/{repo:api}/secrets", secrets),
    Endpoint("POST", "/api/{repo:api}/secrets", add_secret),
    Endpoint("DELETE", "/api/{repo:api}/secrets", delete_secret),
    Endpoint("GET", "/api/{repo:api}/variables", variables),
    Endpoint("POST", "/api/{repo:api}/variables", add_variable),
    Endpoint("DELETE", "/api/{repo:api}/variables", delete_variable),
    Endpoint("GET", "/api/{repo:api}/runtime", runtime),
    Endpoint("POST", "/api/{repo:api}/hardware", hardware),
    Endpoint("POST", "/api/{repo:api}/sleeptime", sleep_time),
    Endpoint("POST", "/api/{repo:api}/pause", pause),
    Endpoint("POST", "/api/{repo:api}/restart", restart),
    Endpoint("GET", "/api/{repo:api}/logs/{log}", logs),
    Endpoint("GET", "/_{repo:api}", page, Kind.PAGE),
    Endpoint("GET", "/_{repo:api}/{path:file}", page, Kind.PAGE),
]
