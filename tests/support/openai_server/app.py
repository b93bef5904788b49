"""The server as a web application: its routes, who may call them, and what fails on demand."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from support.hub.breakage import drop

from . import bodies
from .answers import Answer, Model
from .bodies import ChatWanted, CompletionsWanted, Refused
from .faults import Fault, Faults, json_text, spoiled
from .gate import Gate, open_gate

LARGEST_CHUNK = bytes(2**20)
LATE_SECONDS = 2
Made = Callable[["Served", dict[str, Any]], dict[str, Any]]
"""Makes the answer of a route from what was sent."""


@dataclass(kw_only=True)
class Served:
    """What the server serves, and how."""

    name: str
    model: Model
    gate: Gate = open_gate
    most_stops: int | None = None
    """The most stop texts of a call, as OpenAI's own API has a limit of four."""
    has_prompt_logprobs: bool = True
    """Whether `echo` is understood together with `logprobs`."""
    flat_errors: bool = False
    faults: Faults = field(default_factory=Faults)
    dies_after: int | None = None
    """After so many answered calls of completions or chat, the process ends."""
    answers: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)
    """The calls so far: `route`, `token`, `status` and `body`."""


def create_app(served: Served) -> Starlette:
    """The application that answers for a model."""
    app = Starlette(
        routes=[
            Route("/health", guarded("health", None), methods=["GET"]),
            Route("/v1/models", guarded("models", list_models), methods=["GET"]),
            Route("/v1/completions", guarded("completions", complete), methods=["POST"]),
            Route("/v1/chat/completions", guarded("chat", converse), methods=["POST"]),
            Route("/_test/{command}", control, methods=["POST"]),
        ]
    )
    app.state.served = served
    return app


def list_models(served: Served, body: dict[str, Any]) -> dict[str, Any]:
    return bodies.models(served.name, served.model.max_length)


def complete(served: Served, body: dict[str, Any]) -> dict[str, Any]:
    wanted = CompletionsWanted.model_validate(body)
    check_is_answered(served, wanted)
    if wanted.echo and wanted.logprobs is not None and not served.has_prompt_logprobs:
        raise Refused("echo is not supported together with logprobs")
    prompts, model, max_tokens = wanted.prompts(served.model), served.model, wanted.max_tokens
    max_tokens = 16 if max_tokens is None else max_tokens
    for prompt in prompts:
        bodies.check_fits(prompt, max_tokens, model)
    sampling = wanted.sampling(max_tokens)
    rates = bool(wanted.echo) and wanted.logprobs is not None
    answers: list[Answer] = [
        model.answer(prompt, sampling, rates=rates, likeliest=wanted.logprobs or 0) for prompt in prompts
    ]
    return bodies.completions(wanted, prompts, answers, model)


def converse(served: Served, body: dict[str, Any]) -> dict[str, Any]:
    wanted = ChatWanted.model_validate(body)
    check_is_answered(served, wanted)
    prompt, model = wanted.prompt(served.model), served.model
    max_tokens = wanted.max_completion_tokens or wanted.max_tokens or model.max_length - len(prompt)
    bodies.check_fits(prompt, max_tokens, model)
    answer = model.answer(prompt, wanted.sampling(max_tokens), rates=False, likeliest=0)
    return bodies.chat_completion(wanted, prompt, answer)


def check_is_answered(served: Served, wanted: bodies.Wanted) -> None:
    """Refuse calls of another model, and what this server has not."""
    if wanted.model != served.name:
        raise Refused(f"The model `{wanted.model}` does not exist.", 404, "NotFoundError")
    if wanted.stream:
        raise Refused("stream is not supported")
    if (
        served.most_stops is not None
        and isinstance(wanted.stop, list)
        and len(wanted.stop) > served.most_stops
    ):
        raise Refused(
            f"Invalid 'stop': array too long. Expected an array with maximum length {served.most_stops}."
        )


def guarded(route: str, make: Made | None) -> Callable[[Request], Awaitable[Response]]:
    """A route that notes each call, asks for a token, and fails on demand."""

    async def endpoint(request: Request) -> Response:
        served: Served = request.app.state.served
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        call: dict[str, Any] = {"route": route, "token": token, "status": None, "body": None}
        served.log.append(call)
        allowed = await run_in_threadpool(served.gate, token)
        if allowed != 200:
            call["status"] = allowed
            return refusal(allowed)
        fault = served.faults.choose(route)
        if fault == Fault.SLOW:
            await asyncio.sleep(LATE_SECONDS)
        response = failing(fault) or await answered(request, served, call, make, fault)
        call["status"] = response.status_code
        return response

    return endpoint


async def answered(
    request: Request, served: Served, call: dict[str, Any], make: Made | None, fault: Fault | None
) -> Response:
    """What the route is for."""
    if make is None:
        return Response()
    try:
        call["body"] = body = await request.json() if await request.body() else {}
        answer = await run_in_threadpool(make, served, body)
    except Refused as refused:
        return JSONResponse(refused.body(flat=served.flat_errors), refused.status)
    except (ValidationError, ValueError) as error:
        return JSONResponse(Refused(str(error)).body(flat=served.flat_errors), 400)
    if "choices" in answer:
        count(served)
    content = json_text(spoiled(answer, fault))
    if fault == Fault.INVALID_JSON:
        content = content[: len(content) // 2]
    return Response(content, media_type="application/json")


def count(served: Served) -> None:
    """Count an answer of the model. One too many ends the process, before it is given."""
    if served.dies_after is not None and served.answers >= served.dies_after:
        os._exit(1)
    served.answers += 1


def refusal(status: int) -> Response:
    """Like the proxy before an Inference Endpoint."""
    missing = "missing permissions: inference.endpoints.infer.write"
    return JSONResponse({"error": "Unauthorized" if status == 401 else missing}, status)


def failing(fault: Fault | None) -> Response | None:
    """The answer to a call that fails as a whole."""
    match fault:
        case Fault.UNAVAILABLE:
            return JSONResponse({"error": "Service Unavailable"}, 503)
        case Fault.SERVER_ERROR:
            return JSONResponse({"error": {"message": "Internal server error", "code": 500}}, 500)
        case Fault.RATE_LIMITED:
            return JSONResponse({"error": "Too Many Requests"}, 429, {"Retry-After": "1"})
        case Fault.MOVED:
            return Response(status_code=302, headers={"Location": "http://127.0.0.1:9/elsewhere"})
        case Fault.HUGE:
            return StreamingResponse((LARGEST_CHUNK for _ in range(256)), media_type="application/json")
        case Fault.DRIP:
            return StreamingResponse(drops(), media_type="application/json")
        case Fault.HANG:
            return Hanging()
        case Fault.DROP:
            return Dropping()
    return None


async def drops() -> Any:
    """A byte now and then, for ever."""
    while True:
        yield b" "
        await asyncio.sleep(0.1)


class Hanging(Response):
    """No answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


class Dropping(Response):
    """A connection that breaks."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await drop(scope, receive, send)


def die_after(served: Served, answers: int) -> None:
    """Answer so many more calls of completions or chat. At the next one, the process ends."""
    served.dies_after = served.answers + answers


def change(served: Served, **settings: Any) -> None:
    """Set `name`, `most_stops`, `has_prompt_logprobs` or `flat_errors`."""
    for setting, value in settings.items():
        setattr(served, setting, value)


COMMANDS: dict[str, Callable[..., Any]] = {
    "faults": lambda served, **order: served.faults.order(**order),
    "clear": lambda served: served.faults.clear(),
    "die_after": die_after,
    "change": change,
    "seen": lambda served: served.log,
}


async def control(request: Request) -> Response:
    """Carry out a command with the arguments of a JSON object. Not counted, and it never fails on demand."""
    command = COMMANDS.get(request.path_params["command"])
    if command is None:
        return JSONResponse({"error": f"No such command. There are: {', '.join(COMMANDS)}"}, 404)
    arguments = await request.json() if await request.body() else {}
    return JSONResponse(command(request.app.state.served, **arguments))
