"""A run with every setting, and the command that the page shows for it: both compute the same, exactly."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local_leaderboard import ROOT
from support.leaderboard import BACKEND_PYTHON, datasets_in_a_folder
from visitor import Visitor

MODEL = "demo/chatty"
TRAINED = "demo/adder-novice"
"""The model whose weights it has; the fixture `models` trains it."""
TEMPLATE = "{% for turn in messages %}[{{ turn['role'] }}] {{ turn['content'] }}\n{% endfor %}"
SETTINGS = {"chat_template_name": "short", "metadata": {"lengths": [1, 2]}}
"""What lm_eval's own report does not say, so that our worker does."""

OPTIONS = [
    "--model_args",
    json.dumps(
        {
            "max_length": 200,
            "enable_thinking": False,
            "think_end_token": "</think>",
            "add_bos_token": False,
            "chat_template_args": {"chat_template": "short"},
        }
    ),
    *("--tasks", "tiny_copy,tiny_addition"),
    *("--apply_chat_template", "short", "--fewshot_as_multiturn", "false"),
    "--system_instruction=-Be 'short' $(touch owned)\nand right!",
    *("--gen_kwargs", json.dumps({"temperature": 0.7, "do_sample": True, "until": ["\n", "é"]})),
    *("--metadata", json.dumps(SETTINGS["metadata"])),
    *(
        "--seed",
        "1,2,3,None",
        "--batch_size",
        "8",
        "--device",
        "cpu",
        "--limit",
        "20",
        "--include_path",
        "tasks",
    ),
]
TOLD = ("results", "task_hashes", "system_instruction", "chat_template", "fewshot_as_multiturn", "n-shot")
"""The sections of a report that have to be the same."""


def chatty(models: Path, folder: Path) -> None:
    """Put a model with two chat templates into a folder of models."""
    model = folder / "models" / MODEL
    shutil.copytree(models / TRAINED, model)
    settings = json.loads((model / "tokenizer_config.json").read_text())
    others = {"default": TEMPLATE, "short": "{% if enable_thinking %}Think.{% endif %}" + TEMPLATE}
    settings["chat_template"] = [{"name": name, "template": text} for name, text in others.items()]
    (model / "tokenizer_config.json").write_text(json.dumps(settings))


def run(command: list[str], folder: Path, output: Path) -> dict[str, Any]:
    """The report of a command of lm_eval that is run in the backend's folder."""
    path = f"{Path(BACKEND_PYTHON).parent}:{os.environ['PATH']}"
    offline = {"HF_HUB_OFFLINE": "1", "LEADERBOARD_DATA_DIR": str(folder), "PATH": path}
    subprocess.run(command, cwd=ROOT / "backend", env=os.environ | offline, check=True, capture_output=True)
    [file] = output.rglob("results_*.json")
    report: dict[str, Any] = json.loads(file.read_text())
    return report


@pytest.mark.slow
def test_the_command_of_a_run_with_every_setting_computes_the_same(models: Path, tmp_path: Path) -> None:
    chatty(models, tmp_path)
    named = f"pretrained={tmp_path}/models/{MODEL},dtype=float32"
    kept = ["--log_samples", "--output_path"]
    ran = ["lm_eval", "--model", "hf", "--model_args", named, *OPTIONS, *kept, str(tmp_path / "ran")]
    report = run(ran, tmp_path, tmp_path / "ran")
    report["config"] |= {"model_name": MODEL, "model_sha": None, "model_dtype": "float32"}
    ours = {
        "precision": "float32",
        "weight_type": "Original",
        "use_chat_template": True,
        "tasks": {"tiny_copy": None, "tiny_addition": None},
        "settings": SETTINGS,
    }
    with datasets_in_a_folder(tmp_path) as datasets:
        path = f"{MODEL}/results_2026-01-31T12-00-00.json"
        datasets.write("results", path, json.dumps({**report, "model_name": MODEL, "leaderboard": ours}))
        description = {
            "tasks": [{"name": task, "file": f"tasks/{task}.yaml"} for task in ("tiny_copy", "tiny_addition")]
        }
        datasets.write("results", ".leaderboard/backend.yaml", json.dumps(description))
        with datasets.frontend() as frontend:
            [answer] = Visitor(frontend.url).reproduce(MODEL)
    _, command = answer["commands"]
    again = run(
        ["bash", "-c", f"{command} {' '.join(kept)} {tmp_path / 'again'}"], tmp_path, tmp_path / "again"
    )
    assert {name: again[name] for name in TOLD} == {name: report[name] for name in TOLD}
    assert again["config"]["model_args"].items() >= json.loads(OPTIONS[1]).items()
    same = ("gen_kwargs", "random_seed", "numpy_seed", "torch_seed", "fewshot_seed", "limit", "batch_size")
    assert {name: again["config"][name] for name in same} == {name: report["config"][name] for name in same}
    assert not (ROOT / "backend" / "owned").exists()
