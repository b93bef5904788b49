"""The API of Inference Endpoints (`/v2/…`), which the real Hub has at api.endpoints.huggingface.cloud.

What is known of the real one, and from where:

- routes, bodies, and the fields of answers: huggingface_hub 1.33 (`hf_api.py`, `_inference_endpoints.py`).
- `Endpoint waiting to be scheduled`, `Endpoint is ready`: recorded answers in the tests of huggingface_hub.
- A name "must only contain lowercase alphanumeric characters or '-' and have a length of 32 characters
  maximum": the API's description. Which of them may come first or last is not said there.
- A taken name is 409. So is a quota that is used up, with `Conflict: Quota exceeded`. A machine that is not
  to be had is 400, with `Bad Request: Compute instance not available yet`. lighteval 0.13 looks for these.
- A body that does not fit the schema is 422: notes of others who call the API.
- Calling an endpoint without a token is 401, with one that may not `missing permissions:
  inference.endpoints.infer.write` is 403: the same.
- Endpoints that are initializing or running are billed: the Hub's page on pricing.

Assumed, since nobody has written it down: errors are `{"error": …}`; a namespace that cannot pay is 402; an
impossible name is 400; a repository that does not exist is 400; listing needs the same rights as creating; a
deleted endpoint is gone at once; `quota` counts the endpoints that wait, start or run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..accounts import Token, may_download, may_manage_endpoints, may_see
from ..calls import Kind
from ..endpoint_hardware import COMPUTES, Compute
from ..endpoints import Files, InferenceEndpoint, State
from ..history import MAIN
from ..refusals import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidToken,
    PaymentRequired,
    Refusal,
    Unprocessable,
)
from ..repository import RepoName, Repository
from ..state import Hub
from .endpoint import Endpoint
from .lookup import hub_of, json_of, token_of
from .notation import hub_id, time_text

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
TYPES = ("public", "protected", "authenticated", "private")
REQUIRED = [
    ("name",),
    ("type",),
    ("provider", "vendor"),
    ("provider", "region"),
    ("compute", "accelerator"),
    ("compute", "instanceType"),
    ("compute", "instanceSize"),
    ("compute", "scaling", "minReplica"),
    ("compute", "scaling", "maxReplica"),
    ("model", "repository"),
    ("model", "framework"),
    ("model", "image"),
]


async def list_endpoints(request: Request) -> Response:
    caller = manager_of(request)
    endpoints = hub_of(request).endpoints.of(request.path_params["namespace"])
    return JSONResponse({"items": [answer(each, caller) for each in endpoints]})


async def create_endpoint(request: Request) -> Response:
    caller, body = manager_of(request), await json_of(request)
    hub, namespace = hub_of(request), request.path_params["namespace"]
    check_body(body)
    compute = compute_of(hub, namespace, body)
    endpoint = InferenceEndpoint(namespace, body["name"], body, caller.user.name, compute)
    files, environment = files_of(hub, endpoint, caller), gate_of(hub, endpoint)
    hub.endpoints.create(endpoint)
    response = JSONResponse(answer(endpoint, caller), 202)
    hub.endpoints.start(endpoint, files, environment)
    return response


async def endpoint_info(request: Request) -> Response:
    caller = manager_of(request)
    return JSONResponse(answer(endpoint_of(request), caller))


async def delete_endpoint(request: Request) -> Response:
    manager_of(request)
    hub_of(request).endpoints.delete(request.path_params["namespace"], request.path_params["name"])
    return JSONResponse({})


async def pause_endpoint(request: Request) -> Response:
    return rested(request, State.PAUSED)


async def scale_endpoint_to_zero(request: Request) -> Response:
    return rested(request, State.SCALED_TO_ZERO)


async def resume_endpoint(request: Request) -> Response:
    caller, endpoint, hub = manager_of(request), endpoint_of(request), hub_of(request)
    if endpoint.state not in (State.PAUSED, State.SCALED_TO_ZERO, State.FAILED):
        raise BadRequest("Bad Request: endpoint is already running")
    files, environment = files_of(hub, endpoint, caller), gate_of(hub, endpoint)
    endpoint.enter(State.PENDING)
    response = JSONResponse(answer(endpoint, caller))
    hub.endpoints.start(endpoint, files, environment)
    return response


async def endpoint_hardware(request: Request) -> Response:
    """What can be rented, by vendor and region."""
    manager_of(request)
    endpoints, namespace = hub_of(request).endpoints, request.path_params["namespace"]
    vendors: dict[str, dict[str, list[Any]]] = {}
    for each in COMPUTES:
        quota, used = endpoints.quota(each.instance_type), endpoints.used(namespace, each.instance_type)
        regions = vendors.setdefault(each.vendor, {})
        regions.setdefault(each.region, []).append(each.answer(quota=quota, used=used))
    return JSONResponse({"vendors": [vendor_answer(name, regions) for name, regions in vendors.items()]})


def vendor_answer(name: str, regions: Mapping[str, list[Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "status": "available",
        "regions": [
            {"name": region, "label": region, "status": "available", "computes": computes}
            for region, computes in regions.items()
        ],
    }


def manager_of(request: Request) -> Token:
    """The token, if it may manage the endpoints of the namespace. Raises InvalidToken and Forbidden."""
    token = token_of(request)
    if token is None:
        raise InvalidToken("Unauthorized: missing token")
    if not may_manage_endpoints(token, request.path_params["namespace"]):
        raise Forbidden("Forbidden: missing permissions: inference.endpoints.write")
    return token


def endpoint_of(request: Request) -> InferenceEndpoint:
    """The endpoint that the address names. Raises NotFound."""
    return hub_of(request).endpoints.get(request.path_params["namespace"], request.path_params["name"])


def rested(request: Request, state: State) -> Response:
    caller = manager_of(request)
    endpoints = hub_of(request).endpoints
    endpoint = endpoints.rest(request.path_params["namespace"], request.path_params["name"], state)
    return JSONResponse(answer(endpoint, caller))


def check_body(body: Mapping[str, Any]) -> None:
    """Raises Unprocessable for a body without what an endpoint needs, BadRequest for an impossible name."""
    for path in REQUIRED:
        value: Any = body
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            raise Unprocessable(f"Unprocessable Entity: missing field `{'.'.join(path)}`")
    if body["type"] not in TYPES:
        raise Unprocessable(f"Unprocessable Entity: unknown variant `{body['type']}`")
    if not NAME.fullmatch(str(body["name"])):
        raise BadRequest(
            "Bad Request: name must only contain lowercase alphanumeric characters or '-' and have a "
            "length of 32 characters maximum"
        )


def compute_of(hub: Hub, namespace: str, body: Mapping[str, Any]) -> Compute:
    """The machine that is asked for. Raises BadRequest, PaymentRequired and Conflict if it is refused."""
    found = [each for each in COMPUTES if each.fits(body["provider"], body["compute"])]
    if not found:
        raise BadRequest("Bad Request: Compute instance not found")
    (compute,) = found
    if compute.status in ("not_available", "deprecated"):
        raise BadRequest("Bad Request: Compute instance not available yet")
    endpoints = hub.endpoints
    if not endpoints.can_pay:
        raise PaymentRequired(f"Payment Required: {namespace} has no payment method or no credits")
    quota = endpoints.quota(compute.instance_type)
    if endpoints.used(namespace, compute.instance_type) + compute.accelerators > quota:
        raise Conflict(f"Conflict: Quota exceeded: at most {quota} accelerators of {compute.instance_type}")
    return compute


def files_of(hub: Hub, endpoint: InferenceEndpoint, caller: Token) -> Files:
    """How to read the model's files. Raises BadRequest for a model that the caller does not see."""
    model = endpoint.body["model"]
    repository = hub.find(RepoName("model", str(model["repository"])))
    if repository is None or not may_see(caller, repository):
        raise BadRequest(f"Bad Request: repository {model['repository']} not found")
    revision = revision_of(repository, model)

    def read() -> Mapping[str, bytes]:
        if not may_download(caller, repository):
            raise PermissionError(f"Access to model {repository.name.id} is restricted")
        return repository.files(revision)

    return read


def revision_of(repository: Repository, model: Mapping[str, Any]) -> str:
    """The commit that is to be served. Raises BadRequest for a revision that does not exist."""
    try:
        return repository.history.at(str(model.get("revision") or MAIN)).id
    except Refusal as refusal:
        raise BadRequest(f"Bad Request: {refusal}") from refusal


def gate_of(hub: Hub, endpoint: InferenceEndpoint) -> Mapping[str, str]:
    """Tell the server of an endpoint to ask this Hub who may call it. Everybody may, if it is public."""
    if endpoint.body["type"] == "public":
        return {}
    return {"OPENAI_SERVER_HUB": hub.url, "OPENAI_SERVER_NAMESPACE": endpoint.namespace}


def answer(endpoint: InferenceEndpoint, caller: Token) -> dict[str, Any]:
    """What the Hub tells of an endpoint: not its secrets."""
    body = endpoint.body
    image = next(iter(body["model"]["image"].values()), None) or {}
    model = {"revision": None, "task": None, **body["model"]}
    user = {"id": hub_id("user", endpoint.creator), "name": endpoint.creator}
    running = endpoint.state == State.RUNNING
    status = {
        "createdAt": time_text(endpoint.created),
        "createdBy": user,
        "updatedAt": time_text(endpoint.updated),
        "updatedBy": user,
        "private": None,
        "state": endpoint.state.value,
        "message": endpoint.message,
        "readyReplica": int(running),
        "targetReplica": int(endpoint.state in (State.INITIALIZING, State.RUNNING)),
    }
    if endpoint.url:
        status["url"] = endpoint.url
    return {
        "name": endpoint.name,
        "type": body["type"],
        "accountId": None,
        "provider": body["provider"],
        "compute": {"id": endpoint.compute.id if endpoint.compute else None, **body["compute"]},
        "model": {key: value for key, value in model.items() if key != "secrets"},
        "healthRoute": image.get("healthRoute", "/health"),
        "tags": body.get("tags") or [],
        "cacheHttpResponses": bool(body.get("cacheHttpResponses")),
        "status": status,
    }


ROUTES = [
    Endpoint("GET", "/v2/provider/{namespace}", endpoint_hardware, Kind.ENDPOINTS),
    Endpoint("GET", "/v2/endpoint/{namespace}", list_endpoints, Kind.ENDPOINTS),
    Endpoint("POST", "/v2/endpoint/{namespace}", create_endpoint, Kind.ENDPOINTS),
    Endpoint("GET", "/v2/endpoint/{namespace}/{name}", endpoint_info, Kind.ENDPOINTS),
    Endpoint("DELETE", "/v2/endpoint/{namespace}/{name}", delete_endpoint, Kind.ENDPOINTS),
    Endpoint("POST", "/v2/endpoint/{namespace}/{name}/pause", pause_endpoint, Kind.ENDPOINTS),
    Endpoint("POST", "/v2/endpoint/{namespace}/{name}/resume", resume_endpoint, Kind.ENDPOINTS),
    Endpoint("POST", "/v2/endpoint/{namespace}/{name}/scale-to-zero", scale_endpoint_to_zero, Kind.ENDPOINTS),
]
