"""Runs with every setting, and the commands that the page shows for them: they compute the same, exactly."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from local_leaderboard import ROOT, running
from support.leaderboard import BACKEND_PYTHON, QUICK, datasets_in_a_folder
from visitor import Visitor

MODEL = "demo/chatty"
OTHER = "demo/other"
TASKS = ("tiny_addition", "tiny_agreement", "tiny_copy")
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


SUITE = {
    "LIMIT": "20",
    "BATCH_SIZE": "8",
    "GEN_KWARGS": "temperature=0.7,do_sample=true",
    "SYSTEM_INSTRUCTION": "-Be 'short'\nand right!",
    "FEWSHOT_AS_MULTITURN": "False",
    "CHAT_TEMPLATE_NAME": "short",
    "ENABLE_THINKING": "False",
    "THINK_END_TOKEN": "</think>",
    "MAX_LENGTH": "200",
    "SEEDS": "1,2,3,None",
    "METADATA": '{"lengths": [1, 2]}',
    "MODEL_ARGS": "add_bos_token=false",
    "BOOTSTRAP_ITERS": "1000",
}
"""Every setting of the suite, as an owner sets it."""


@pytest.mark.slow
def test_what_our_worker_computes_with_every_setting_the_pages_command_computes_again(
    models: Path, tmp_path: Path
) -> None:
    chatty(models, tmp_path)
    shutil.copytree(models / TRAINED, tmp_path / "models" / OTHER)
    with running(tmp_path, HF_HUB_OFFLINE="1", **QUICK, **SUITE) as spaces:
        visitor = Visitor(spaces["frontend"].url)
        visitor.submit(MODEL, precision="float32", use_chat_template="true")
        visitor.wait_for([MODEL], seconds=300)
        [answer] = visitor.reproduce(MODEL)
    [file] = (tmp_path / "results" / MODEL).glob("results_*.json")
    report = json.loads(file.read_text())
    assert [note for note in answer["notes"] if "standard errors" in note]
    _, command = answer["commands"]
    kept = f"--log_samples --output_path {tmp_path / 'again'}"
    again = run(["bash", "-c", f"{command} {kept}"], tmp_path, tmp_path / "again")
    assert {task: scores(again, task) for task in TASKS} == {task: scores(report, task) for task in TASKS}
    assert {name: again[name] for name in TOLD[1:]} == {name: report[name] for name in TOLD[1:]}

    with running(tmp_path, HF_HUB_OFFLINE="1", LIMIT="20", **QUICK) as spaces:
        visitor = Visitor(spaces["frontend"].url)
        visitor.submit(OTHER, precision="float32")
        visitor.wait_for([OTHER], seconds=300)
        with urllib.request.urlopen(f"{spaces['frontend'].url}/model/{MODEL}") as page:
            html = page.read().decode()
    for mark in (
        "With gen_kwargs do_sample=true, temperature=0.7; most others without.",
        "With max_length 200; most others without.",
        "With metadata lengths=[1, 2]; most others without.",
        "With seed 1,2,3,none; most others without.",
        "With think_end_token &lt;/think&gt;; most others without.",
        "With add_bos_token false; most others without.",
    ):
        assert mark in html


def scores(report: dict[str, Any], task: str) -> dict[str, Any]:
    """What a report says of a task in numbers."""
    return {key: value for key, value in report["results"][task].items() if key not in ("alias", "name")}
