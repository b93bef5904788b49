"""Result files as lm_eval and lighteval leave them in a folder, with defaults; their scores are invented."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

QUESTIONS = {"tiny_addition": 100, "tiny_agreement": 144, "tiny_copy": 100}
KEYS = {"tiny_addition": "acc", "tiny_agreement": "acc", "tiny_copy": "exact_match"}
ENDED = "2026-01-31T12-00-00.000000"

LM_EVAL_ARGUMENTS = "pretrained={model},revision={commit},dtype=float32"


def lm_eval_report(
    model: str,
    commit: str | None,
    *,
    score: float = 0.5,
    tasks: Mapping[str, int] = QUESTIONS,
    **changes: object,
) -> dict[str, Any]:
    """What lm_eval writes with `--output_path`. `changes` are keys of the report."""
    report: dict[str, Any] = {
        "results": {
            task: {"alias": task, f"{key(task)},none": score, f"{key(task)}_stderr,none": 0.01}
            for task in tasks
        },
        "group_subtasks": {task: [] for task in tasks},
        "configs": {task: {"task": task, "metadata": {"version": 1.0}} for task in tasks},
        "versions": dict.fromkeys(tasks, 1.0),
        "n-shot": dict.fromkeys(tasks, 0),
        "higher_is_better": {task: {key(task): True} for task in tasks},
        "n-samples": {task: {"original": number, "effective": number} for task, number in tasks.items()},
        "config": {
            "model": "hf",
            "model_args": LM_EVAL_ARGUMENTS.format(model=model, commit=commit or "main"),
            "model_num_parameters": 200,
            "model_dtype": "torch.float32",
            "model_revision": commit or "main",
            "model_sha": commit or "",
            "batch_size": 8,
            "device": "cpu",
            "limit": None,
            "bootstrap_iters": 100000,
            "gen_kwargs": {},
            "random_seed": 0,
            "numpy_seed": 1234,
            "torch_seed": 1234,
            "fewshot_seed": 1234,
        },
        "git_hash": None,
        "date": 1769860000.5,
        "pretty_env_info": "PyTorch version: 2.13.0\nOS: somebody's\nGPU 0: NVIDIA H200",
        "transformers_version": "5.23.0",
        "lm_eval_version": "0.4.13",
        "model_source": "hf",
        "model_name": model,
        "model_name_sanitized": model.replace("/", "__"),
        "system_instruction": None,
        "chat_template": None,
        "total_evaluation_time_seconds": "12.5",
    }
    return report | changes


def lighteval_report(
    model: str,
    commit: str | None,
    *,
    score: float = 0.5,
    tasks: Mapping[str, int] = QUESTIONS,
    **changes: object,
) -> dict[str, Any]:
    """What lighteval writes with `--output-dir`."""
    report: dict[str, Any] = {
        "config_general": {
            "lighteval_sha": "?",
            "num_fewshot_seeds": 1,
            "max_samples": None,
            "job_id": "0",
            "start_time": 10.0,
            "end_time": 22.5,
            "total_evaluation_time_secondes": "12.5",
            "model_config": {
                "model_name": model,
                "revision": commit or "main",
                "dtype": "float32",
                "batch_size": 8,
                "generation_parameters": {"temperature": 0},
                "override_chat_template": False,
            },
            "model_name": model,
        },
        "results": {
            **{f"{task}|0": {key(task): score, f"{key(task)}_stderr": 0.01} for task in tasks},
            "all": {"acc": score, "acc_stderr": 0.01},
        },
        "versions": {f"{task}|0": 0 for task in tasks},
        "config_tasks": {
            f"{task}|0": {"name": task, "version": 0, "effective_num_docs": number}
            for task, number in tasks.items()
        },
        "summary_tasks": {},
        "summary_general": {},
    }
    return report | changes


def key(task: str) -> str:
    return KEYS.get(task, "acc")


def in_lm_evals_folder(folder: Path, report: Mapping[str, Any], *, ended: str = ENDED) -> Path:
    """Write a report where lm_eval writes it, with a file of samples beside it."""
    place = folder / str(report["model_name_sanitized"])
    place.mkdir(parents=True, exist_ok=True)
    (place / f"samples_tiny_copy_{ended}.jsonl").write_text("{}\n")
    return written(place / f"results_{ended}.json", report)


def in_lightevals_folder(folder: Path, report: Mapping[str, Any], *, ended: str = ENDED) -> Path:
    """Write a report where lighteval writes it."""
    place = folder / "results" / str(report["config_general"]["model_name"])
    place.mkdir(parents=True, exist_ok=True)
    return written(place / f"results_{ended}.json", report)


def written(file: Path, report: Mapping[str, Any]) -> Path:
    file.write_text(json.dumps(report))
    return file
