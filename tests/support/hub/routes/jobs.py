"""The API of Jobs (`/api/jobs/…`).

What is known of the real one, and from where (huggingface_hub 1.33: `hf_api.py`, `_jobs_api.py`, `_http.py`):

- routes, bodies and the fields of answers; the stages; `stage` and `label=key=value` of a list, each given
  several times; lists in pages with a `Link` header; `arguments` is always empty.
- Logs are events `data: {"timestamp": …, "data": …}` with a line `===== Job started …` first, and a comment
  `: keep-alive` every 30 seconds; `tail` is the number of lines. The stream of a job that has ended ends.
- Metrics of a job that has ended are answered with 500.
- Keys and values of labels have at most 100 characters: letters, digits, `-` and `_` (`update_job_labels`); a
  name is the label `name`.
- A 404 below `/api/jobs/` means that there is no such job.
- 30 minutes without a timeout; a positive balance is needed; JOB_ID, ACCELERATOR, CPU_CORES and MEMORY in a
  job: the Hub's pages on Jobs, August 2026.

Assumed, since nobody has written it down: errors are `{"error": …}`; no balance is 402, as the Hub answers
elsewhere; a token needs the permission `job.write` to start, cancel and list jobs, and without it gets 403;
an unknown flavour, an impossible label or a body without command or image is 400; while no machine is free a
job stays in SCHEDULING; a job that is cancelled or whose time is over is killed without a warning; a timeout
ends in ERROR with a message; `secrets` are answered as names only; hardware is shown to everybody; the newest
jobs are listed first; the values of ACCELERATOR and MEMORY.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from ..accounts import Token, may_manage_jobs
from ..job_flavours import JobFlavour
from ..jobs import Job, JobStage
from ..refusals import BadRequest, Forbidden, PaymentRequired, Refusal
from ..state import Hub
from .endpoint import Endpoint
from .lookup import caller_of, hub_of, json_of
from .notation import hub_id, time_text
from .pages import page

LABEL = re.compile(r"[A-Za-z0-9_-]{1,100}")
NAME = re.compile(r"[A-Za-z0-9._-]{0,100}")
LOOKS_AGAIN_SECONDS = 0.05


class NoMetrics(Refusal):
    """The metrics of a job that does not run."""

    status = 500


async def job_hardware(request: Request) -> Response:
    return JSONResponse([each.answer() for each in hub_of(request).jobs.flavours])


async def list_jobs(request: Request) -> Response:
    manager_of(request)
    jobs = hub_of(request).jobs
    stages = request.query_params.getlist("stage")
    wanted = dict(each.partition("=")[::2] for each in request.query_params.getlist("label"))
    found = [
        each
        for each in jobs.of(request.path_params["namespace"])[jobs.unlisted :]
        if (not stages or each.stage in stages) and wanted.items() <= each.labels.items()
    ]
    items, headers = page(request, found, jobs.page)
    return JSONResponse([answer(each) for each in items], headers=headers)


async def run_job(request: Request) -> Response:
    caller, body = manager_of(request), await json_of(request)
    hub, namespace = hub_of(request), request.path_params["namespace"]
    flavour = flavour_of(hub, body)
    check_body(body)
    if not hub.jobs.can_pay:
        raise PaymentRequired(f"Pre-paid credit balance of {namespace} is insufficient - add more credits")
    job = hub.jobs.create(namespace, caller.user.name, body, flavour)
    response = JSONResponse(answer(job))
    hub.jobs.start(job)
    return response


async def job_info(request: Request) -> Response:
    manager_of(request)
    return JSONResponse(answer(job_of(request)))


async def cancel_job(request: Request) -> Response:
    manager_of(request)
    job = hub_of(request).jobs.cancel(request.path_params["namespace"], request.path_params["job"])
    return JSONResponse(answer(job))


async def set_job_labels(request: Request) -> Response:
    manager_of(request)
    job, labels = job_of(request), (await json_of(request)).get("labels") or {}
    check_labels(labels)
    job.body = {**job.body, "labels": labels}
    return JSONResponse(answer(job))


async def job_logs(request: Request) -> Response:
    manager_of(request)
    job, tail = job_of(request), request.query_params.get("tail")
    events = log_events(request, job, None if tail is None else int(tail))
    return StreamingResponse(events, media_type="text/event-stream")


async def job_metrics(request: Request) -> Response:
    """One reading, and the stream stays open while the job runs."""
    manager_of(request)
    job = job_of(request)
    if job.stage is not JobStage.RUNNING:
        raise NoMetrics("Internal Server Error")
    return StreamingResponse(metric_events(request, job), media_type="text/event-stream")


async def log_events(request: Request, job: Job, tail: int | None) -> AsyncIterator[str]:
    """The lines so far, then each new one, until the job ends or nobody listens any more."""
    start = job.started or job.created
    yield event(
        {"timestamp": time_text(start), "data": f"===== Job started at {start:%Y-%m-%d %H:%M:%S} ====="}
    )
    told = 0 if tail is None else max(0, len(job.log) - tail)
    while True:
        is_over = job.is_over and (job.process is None or job.process.poll() is not None)
        for at, line in job.log[told:]:
            yield event({"timestamp": time_text(at), "data": line})
            told += 1
        if is_over or await request.is_disconnected():
            return
        await anyio.sleep(LOOKS_AGAIN_SECONDS)


async def metric_events(request: Request, job: Job) -> AsyncIterator[str]:
    yield "event: metric\n" + event(
        {
            "cpu_usage_pct": 0,
            "cpu_millicores": job.flavour.cpus * 1000,
            "memory_used_bytes": 0,
            "memory_total_bytes": job.flavour.memory * 1_000_000_000,
            "rx_bps": 0,
            "tx_bps": 0,
            "gpus": {},
            "replica": "a1b2c",
        }
    )
    while not job.is_over and not await request.is_disconnected():
        await anyio.sleep(LOOKS_AGAIN_SECONDS)


def event(value: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"


def manager_of(request: Request) -> Token:
    """The token, if it may manage the jobs of the namespace. Raises Unauthorized and Forbidden."""
    token = caller_of(request)
    if not may_manage_jobs(token, request.path_params["namespace"]):
        raise Forbidden("Forbidden: missing permissions: job.write")
    return token


def job_of(request: Request) -> Job:
    """The job that the address names. Raises NotFound."""
    return hub_of(request).jobs.get(request.path_params["namespace"], request.path_params["job"])


def flavour_of(hub: Hub, body: Mapping[str, Any]) -> JobFlavour:
    """The machine that is asked for. Raises BadRequest."""
    found = hub.jobs.flavour(str(body.get("flavor") or "cpu-basic"))
    if found is None:
        raise BadRequest(f'"flavor" must be one of [{", ".join(each.name for each in hub.jobs.flavours)}]')
    return found


def check_body(body: Mapping[str, Any]) -> None:
    """Raises BadRequest for a body that is no job."""
    if not body.get("command") or not isinstance(body["command"], list):
        raise BadRequest('"command" is required')
    if not (body.get("dockerImage") or body.get("spaceId")):
        raise BadRequest('"value" must contain at least one of [dockerImage, spaceId]')
    check_labels(body.get("labels") or {})


def check_labels(labels: Mapping[str, Any]) -> None:
    """Raises BadRequest for a label that the Hub would not keep."""
    for key, value in labels.items():
        wanted = NAME if key == "name" else LABEL
        if not LABEL.fullmatch(key) or not wanted.fullmatch(str(value)):
            raise BadRequest(f'"labels.{key}" fails to match the required pattern: /^[a-zA-Z0-9._-]*$/')


def answer(job: Job) -> dict[str, Any]:
    """What the Hub tells of a job: of its secrets the names."""
    body = job.body
    user = {"id": hub_id("user", job.creator), "name": job.creator, "type": "user"}
    kind = "user" if job.namespace == job.creator else "org"
    waited = job.started - job.created if job.started else None
    return {
        "id": job.id,
        "createdAt": time_text(job.created),
        "startedAt": job.started and time_text(job.started),
        "finishedAt": job.finished and time_text(job.finished),
        "dockerImage": body.get("dockerImage"),
        "spaceId": body.get("spaceId"),
        "command": body.get("command"),
        "arguments": body.get("arguments") or [],
        "environment": body.get("environment") or {},
        "secrets": sorted(body.get("secrets") or {}),
        "flavor": job.flavour.name,
        "labels": job.labels or None,
        "status": {"stage": job.stage.value, "message": job.message},
        "durations": {
            "schedulingSecs": None if waited is None else int(waited.total_seconds()),
            "runningSecs": int(job.billed.total_seconds()) if job.started else None,
        },
        "owner": {"id": hub_id(kind, job.namespace), "name": job.namespace, "type": kind},
        "initiator": user,
        "type": "job",
    }


ROUTES = [
    Endpoint("GET", "/api/jobs/hardware", job_hardware),
    Endpoint("GET", "/api/jobs/{namespace}", list_jobs),
    Endpoint("POST", "/api/jobs/{namespace}", run_job),
    Endpoint("GET", "/api/jobs/{namespace}/{job}", job_info),
    Endpoint("POST", "/api/jobs/{namespace}/{job}/cancel", cancel_job),
    Endpoint("PUT", "/api/jobs/{namespace}/{job}/labels", set_job_labels),
    Endpoint("GET", "/api/jobs/{namespace}/{job}/logs", job_logs),
    Endpoint("GET", "/api/jobs/{namespace}/{job}/metrics", job_metrics),
]
