"""The commands that the page shows for an adapter load it and its base model, each at its own commit."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local_leaderboard import ROOT
from support.hub_process import RemoteHub
from support.leaderboard import BACKEND_PYTHON, TO_THE_HUB_OF_THE_TESTS, datasets_on_a_hub
from visitor import Visitor

BASE, ADAPTER = "demo/adder-novice", "acme/adapter"
TASKS = ("tiny_addition", "tiny_copy")

MAKE_AN_ADAPTER = """
import sys
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

torch.manual_seed(0)
model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
adapted = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
for name, weights in adapted.named_parameters():
    if "lora_" in name:
        torch.nn.init.normal_(weights, std=0.2)
adapted.save_pretrained(sys.argv[2])
"""


def shell(command: str, folder: Path, **variables: str) -> None:
    """Run a command as somebody who has the backend's packages."""
    path = f"{Path(BACKEND_PYTHON).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **variables}
    subprocess.run(["bash", "-c", command], cwd=folder, env=environment, check=True, capture_output=True)


def report_in(output: Path) -> dict[str, Any]:
    """The report that a command left."""
    [file] = output.rglob("results_*.json")
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def uploaded(hub: RemoteHub, name: str, folder: Path) -> str:
    """The commit of a model that is put on the Hub; its branch moves on at once, to a file that is broken."""
    commit: str = hub.do("add_repository", type="model", id=name, folder=str(folder))
    file = "adapter_config.json" if name == ADAPTER else "config.json"
    hub.do("put", type="model", id=name, files={file: "{}"})
    return commit


@pytest.mark.slow
def test_the_commands_of_an_adapter_compute_its_scores_at_both_commits(models: Path, tmp_path: Path) -> None:
    base, adapter = models / BASE, tmp_path / "adapter"
    subprocess.run([BACKEND_PYTHON, "-c", MAKE_AN_ADAPTER, str(base), str(adapter)], check=True)
    options = "--batch_size 8 --device cpu --limit 20 --include_path tasks"
    arguments = f"--model_args pretrained={base},peft={adapter},dtype=float32 --tasks {','.join(TASKS)}"
    command = f"lm_eval --model hf {arguments} {options} --output_path {tmp_path / 'ran'}"
    shell(command, ROOT / "backend", HF_HUB_OFFLINE="1")
    ran = report_in(tmp_path / "ran")
    with datasets_on_a_hub(tmp_path) as datasets:
        assert datasets.hub
        commits = {BASE: uploaded(datasets.hub, BASE, base)}
        commits[ADAPTER] = uploaded(datasets.hub, ADAPTER, adapter)
        report = {
            "results": ran["results"],
            "config": {"model_name": ADAPTER, "model_sha": commits[ADAPTER], "batch_size": "8", "limit": 20}
            | {"model_dtype": "float32", "device": "cpu"},
            "lm_eval_version": "0.4.13",
            "leaderboard": {"precision": "float32", "weight_type": "Adapter", "tasks": dict.fromkeys(TASKS)}
            | {"base_model": BASE, "base_commit": commits[BASE]},
        }
        datasets.write("results", f"{ADAPTER}/results_2026-01-31T12-00-00.json", json.dumps(report))
        with datasets.frontend() as frontend:
            [answer] = Visitor(frontend.url).reproduce(ADAPTER)
        assert answer["notes"] == []
        _, *commands = answer["commands"]
        (tmp_path / "tasks").symlink_to(ROOT / "backend" / "tasks")
        options = f"--include_path tasks --output_path {tmp_path / 'again'}"
        hub = {"HF_ENDPOINT": datasets.hub.url, "HF_HOME": str(tmp_path / "cache"), **TO_THE_HUB_OF_THE_TESTS}
        shell(" && ".join(commands) + f" {options}", tmp_path, **hub)
    again = report_in(tmp_path / "again")
    assert again["results"] == ran["results"]
    number = "model_num_parameters"  # with those of the adapter
    assert again["config"][number] == ran["config"][number]
