"""The scores of our worker are those of lm_eval's own command line, exactly: kinds of tasks × settings.

The models are small but real: one is trained on sums, and all have a chat template.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from src.evaluation.evaluating import evaluate
from support.jobs import make_job
from support.sources import ROOT
from support.sums import make_sums, scores

pytestmark = pytest.mark.usefixtures("random_numbers")


class Way(NamedTuple):
    """One way of evaluating: the settings of a suite, and the same as options of lm_eval."""

    name: str
    settings: Mapping[str, object] = {}
    options: Sequence[str] = ()
    model_args: Mapping[str, object] = {}
    tasks: Sequence[str] = ("pair", "filtered", "perplexity")


CHAT = {"use_chat_template": True}

WAYS = [
    Way("as shipped"),
    Way("few-shot", {"num_fewshot": 2}, ["--num_fewshot", "2"]),
    Way("chat template", {**CHAT, "num_fewshot": 2}, ["--apply_chat_template", "--num_fewshot", "2"]),
    Way(
        "examples in one turn",
        {**CHAT, "num_fewshot": 2, "fewshot_as_multiturn": False},
        ["--apply_chat_template", "--num_fewshot", "2", "--fewshot_as_multiturn", "false"],
        tasks=("choice", "filtered"),
    ),
    Way(
        "system instruction",
        {**CHAT, "system_instruction": "Add, please."},
        ["--apply_chat_template", "--system_instruction", "Add, please."],
        tasks=("choice", "filtered"),
    ),
    Way(
        "named template",
        {**CHAT, "chat_template_name": "short", "model_args": {"chat_template_args": {"mark": "="}}},
        ["--apply_chat_template", "short"],
        {"chat_template_args": {"mark": "=", "chat_template": "short"}},
        tasks=("choice", "filtered"),
    ),
    Way(
        "thinking",
        {**CHAT, "chat_template_name": "short", "enable_thinking": True, "think_end_token": "1"},
        ["--apply_chat_template", "short"],
        {"chat_template_args": {"chat_template": "short"}, "enable_thinking": True, "think_end_token": "1"},
        tasks=("filtered",),
    ),
    Way(
        "sampling with seeds",
        {"gen_kwargs": {"do_sample": True, "temperature": 1.5}, "seeds": (7, 8, 9, 10), "num_fewshot": 1},
        [
            *("--gen_kwargs", "do_sample=true,temperature=1.5"),
            *("--seed", "7,8,9,10", "--num_fewshot", "1"),
        ],
        tasks=("choice", "filtered"),
    ),
    Way(
        "arguments of the model",
        {"max_length": 4, "model_args": {"add_bos_token": True, "softmax_dtype": "float32"}},
        [],
        {"max_length": 4, "add_bos_token": True, "softmax_dtype": "float32"},
        tasks=("choice", "perplexity"),
    ),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tasks, their questions, and two models."""
    return make_sums(tmp_path_factory.mktemp("lm_eval"))


@pytest.fixture(scope="module")
def of_lm_eval(place: Path) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """What lm_eval's command line computes, by way and model."""
    commands = place / "commands.json"
    wanted = [(way, model) for way in WAYS for model in ("trained", "random")]
    commands.write_text(json.dumps([command(way, place / "models" / model, place) for way, model in wanted]))
    script = ROOT / "tests" / "support" / "lm_eval_commands.py"
    subprocess.run([sys.executable, script, commands], cwd=ROOT / "backend", check=True)
    return {(way.name, model): saved(place / "out" / way.name / model) for way, model in wanted}


def command(way: Way, model: Path, place: Path) -> list[str]:
    arguments = {"pretrained": str(model), "dtype": "float32", **way.model_args}
    return [
        *("--model", "hf", "--model_args", json.dumps(arguments), "--device", "cpu", "--batch_size", "8"),
        *("--tasks", ",".join(way.tasks), "--include_path", str(place / "tasks")),
        *("--output_path", str(place / "out" / way.name / model.name)),
        *way.options,
    ]


def saved(folder: Path) -> Mapping[str, Any]:
    [report] = folder.rglob("results_*.json")
    results: Mapping[str, Any] = json.loads(report.read_text())["results"]
    return results


def ours(way: Way, model: Path, place: Path) -> Mapping[str, Any]:
    job = make_job(model, tasks=tuple(way.tasks), tasks_dir=str(place / "tasks"), **way.settings)
    results: Mapping[str, Any] = evaluate(job, lambda progress: None)["results"]
    return results


@pytest.mark.slow
@pytest.mark.parametrize("model", ["trained", "random"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_the_worker_computes_what_lm_evals_command_line_computes(
    way: Way,
    model: str,
    place: Path,
    of_lm_eval: Mapping[tuple[str, str], Mapping[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT / "backend")
    theirs = of_lm_eval[way.name, model]
    assert scores(ours(way, place / "models" / model, place)) == scores(theirs)
    assert {*theirs} >= {*way.tasks}


@pytest.mark.slow
def test_each_way_changes_a_score(of_lm_eval: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    """Else the table would show nothing: a setting that is ignored gives equal scores as well."""
    shipped = scores(of_lm_eval["as shipped", "trained"])
    for way in WAYS[1:]:
        other = scores(of_lm_eval[way.name, "trained"])
        assert any(other[task] != shipped[task] for task in other if task in shipped), way.name
