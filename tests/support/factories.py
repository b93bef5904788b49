"""Requests, result files and model folders with defaults, so that a test names only what matters."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from src.shared.data.backend_description import BackendDescription, Metric, TaskDescription
from src.shared.data.request import Request, Status

MODEL = "acme/tiny"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CARD_TEXT = "# A model\n\n" + "It was made for a test, and says enough of itself to be worth reading. " * 4
RUN = "2026-01-31T12-00-00.000000"


def make_request(**changes: Any) -> Request:
    """A request as the frontend submits it."""
    request = Request(
        model=MODEL,
        precision="float32",
        status=Status.PENDING,
        submitted_time="2026-01-31T12:00:00Z",
        model_type="🟢 : pretrained",
        params=0.1,
        license="mit",
        commit=COMMIT,
    )
    return replace(request, **changes)


def old_request_file(**changes: object) -> bytes:
    """A request file as the old template's frontend writes it."""
    request = {
        "model": "demo-leaderboard/gpt2-demo",
        "base_model": "",
        "revision": "main",
        "private": False,
        "precision": "bfloat16",
        "weight_type": "Original",
        "status": "FINISHED",
        "submitted_time": "2023-11-21T18:10:08Z",
        "model_type": "🟢 : pretrained",
        "likes": 0,
        "params": 0.1,
        "license": "custom",
    }
    return json.dumps(request | changes).encode()


def make_result_file(
    *,
    model: str = MODEL,
    commit: str | None = COMMIT,
    precision: str = "float32",
    weight_type: str = "Original",
    scores: Mapping[str, Mapping[str, object]] | None = None,
    run: str = RUN,
    cost: Mapping[str, object] | None = None,
    **changes: object,
) -> bytes:
    """A result file as our worker publishes lm_eval's report; `changes` are top-level keys of it.

    Without a `cost` it is one of an earlier version.
    """
    scores = {"tiny_addition": {"acc,none": 0.5}} if scores is None else scores
    report = {
        "results": {
            task: {"alias": task, **metrics, **{key.replace(",", "_stderr,"): 0.01 for key in metrics}}
            for task, metrics in scores.items()
        },
        "versions": dict.fromkeys(scores, 1.0),
        "n-shot": dict.fromkeys(scores, 0),
        "higher_is_better": {
            task: {key.split(",")[0]: True for key in metrics} for task, metrics in scores.items()
        },
        "config": {
            "model": "hf",
            "limit": None,
            "model_name": model,
            "model_sha": commit,
            "model_dtype": precision,
        },
        "date": 1769860800.0,
        "lm_eval_version": "0.4.13",
        "leaderboard": {
            "request": f"{model}_eval_request_False_{precision}_{weight_type}_{(commit or '')[:8]}.json",
            "run": run,
            "attempt": 1,
            "worker": "here-0",
            "precision": precision,
            "weight_type": weight_type,
            "started": run,
            "ended": run,
            **({"cost": dict(cost)} if cost else {}),
        },
    }
    return json.dumps(report | changes).encode()


def old_result_file(**scores: object) -> bytes:
    """A result file in the old template's smallest form; `scores` are the metrics by benchmark."""
    config = {
        "model_dtype": "torch.float16",
        "model_name": "demo-leaderboard/gpt2-demo",
        "model_sha": "ac3299b0",
    }
    return json.dumps({"config": config, "results": scores or {"anli_r1": {"acc": 0.3}}}).encode()


def make_task(name: str, **changes: Any) -> TaskDescription:
    """What the backend says of one of its own tasks."""
    metric = Metric(key="exact_match,none" if name == "tiny_copy" else "acc,none", higher_is_better=True)
    task = TaskDescription(name=name, metrics=(metric,), num_fewshot=0, file=f"tasks/{name}.yaml")
    return replace(task, **changes)


def make_backend(**changes: Any) -> BackendDescription:
    """What the backend of the three small tasks says it runs."""
    tasks = tuple(make_task(name) for name in ("tiny_addition", "tiny_agreement", "tiny_copy"))
    versions = {"lm_eval": "0.4.13", "transformers": "5.23.0"}
    return replace(BackendDescription(tasks=tasks, versions=versions), **changes)


def make_model_folder(
    models: Path,
    name: str = MODEL,
    *,
    card: str = "license: mit",
    tensors: Mapping[str, object] | None = None,
    adapts: str | None = None,
) -> Path:
    """A model in a folder of models: a config, a card, and weights of which only the header is true.

    One that `adapts` another is an adapter.
    """
    folder = models / name
    folder.mkdir(parents=True)
    if adapts is None:
        (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    else:
        (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": adapts}))
    (folder / "README.md").write_text(f"---\n{card}\n---\n{CARD_TEXT}")
    tensors = (
        {"weight": {"dtype": "F32", "shape": [10, 20], "data_offsets": [0, 800]}}
        if tensors is None
        else tensors
    )
    header = json.dumps(tensors).encode()
    (folder / f"{'model' if adapts is None else 'adapter_model'}.safetensors").write_bytes(
        len(header).to_bytes(8, "little") + header
    )
    return folder
