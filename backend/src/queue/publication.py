"""From an engine's report to the result file that is published."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from src.shared.data.json_file import as_object, without_nan, write_object
from src.shared.data.reports import OURS
from src.shared.data.request import ADAPTER, Lease, Request
from src.shared.times import to_run


def result_file(
    report: Mapping[str, object],
    *,
    path: str,
    request: Request,
    tasks: Mapping[str, int | None],
    now: datetime,
    samples: Mapping[str, object] | None = None,
) -> bytes:
    """Return the file to publish: the report, with the request's model name and facts about the attempt.

    `path` is the request's. `tasks` maps each task to its number of few-shot examples; None means the task's
    own. What the report says about the model is replaced, so that no folder of this machine is published.
    Our section of the report keeps what the evaluation says about its machine and versions. `samples` says
    where those of the run are.
    """
    assert request.lease
    config = dict(as_object(report.get("config")))
    config |= {
        "model_name": request.model,
        "model_sha": request.commit,
        "model_dtype": request.precision,
        "model_args": model_args(as_object(config.get("model_args")), request),
    }
    ours = dict(as_object(report.get(OURS))) | {
        "request": path,
        "run": request.run,
        "attempt": request.attempt,
        "worker": request.lease.worker,
        "precision": request.precision,
        "weight_type": request.weight_type,
        **base_model(request),
        "use_chat_template": request.use_chat_template,
        "started": to_run(request.lease.started),
        "ended": to_run(now),
        "cost": cost_of(request.lease, now),
        "tasks": dict(tasks),
    }
    if samples:
        ours["samples"] = dict(samples)
    published = dict(report) | {"config": config, "model_name": request.model, OURS: ours}
    clean = without_nan(published)
    assert isinstance(clean, dict)
    return write_object(clean)


def cost_of(lease: Lease, now: datetime) -> dict[str, object]:
    """Return what our section says an attempt cost until now; null where it is unknown, never 0."""
    seconds = (now - lease.started).total_seconds()
    return {
        "hardware": lease.hardware,
        "seconds": seconds if seconds >= 0 else None,  # else a clock is wrong
        "price": lease.price,
    }


def model_args(given: Mapping[str, object], request: Request) -> str | dict[str, object]:
    """Return lm_eval's arguments of the model: in its short form, or with the owner's further ones.

    It has one revision for an adapter and its base model.
    """
    is_adapter = request.weight_type == ADAPTER
    loaded = {"pretrained": request.base_model, "peft": request.model} if is_adapter else {}
    named = {"pretrained": request.model, **loaded, "revision": request.commit, "dtype": request.precision}
    further = {name: value for name, value in given.items() if name not in named}
    return {**named, **further} if further else ",".join(f"{name}={value}" for name, value in named.items())


def base_model(request: Request) -> dict[str, str | None]:
    """Return what our section says about the base model of an adapter; nothing for a whole model."""
    if request.weight_type != ADAPTER:
        return {}
    return {"base_model": request.base_model, "base_commit": request.base_commit}
