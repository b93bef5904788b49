"""The three example tasks for lighteval: the same questions as in the YAML files, which are for lm_eval.

Name them in TASKS_LIGHTEVAL: "tiny_addition|0, tiny_agreement|0, tiny_copy|0".
"""

from pathlib import Path
from typing import Any

import numpy as np
from lighteval.metrics.metrics import Metrics
from lighteval.metrics.metrics_sample import ExactMatches
from lighteval.metrics.utils.metric_utils import SampleLevelMetric
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import Doc, SamplingMethod

HERE = str(Path(__file__).parent)
"""The README there names each file of questions (`configs`)."""

SUMS = [f"{number}." for number in range(19)]

EXACT_MATCH = SampleLevelMetric(
    metric_name="exact_match",
    higher_is_better=True,
    category=SamplingMethod.GENERATIVE,
    sample_level_fn=ExactMatches(),
    corpus_level_fn=np.mean,
)
"""lighteval's own has the name `em`. This name fits the same column as lm_eval's score."""


def addition(row: dict[str, Any], task: str) -> Doc:
    """Ask for the sum of two digits, one of 19."""
    return Doc(task_name=task, query=row["question"], choices=SUMS, gold_index=row["answer"])


def agreement(row: dict[str, Any], task: str) -> Doc:
    """Ask for the verb that agrees with the subject, one of two."""
    choices = [f" {verb}" for verb in row["choices"]]
    return Doc(task_name=task, query=row["sentence"], choices=choices, gold_index=row["answer"])


def copying(row: dict[str, Any], task: str) -> Doc:
    """Ask for a word again, written freely."""
    return Doc(task_name=task, query=f"Repeat: {row['word']}\n", choices=[row["word"]], gold_index=0)


def _task(name: str, **settings: Any) -> LightevalTaskConfig:
    splits = {"hf_avail_splits": ["test"], "evaluation_splits": ["test"]}
    return LightevalTaskConfig(name=name, hf_repo=HERE, hf_subset=name, version=1, **splits, **settings)


TASKS_TABLE = [
    _task("tiny_addition", prompt_function=addition, metrics=[Metrics.loglikelihood_acc]),
    _task("tiny_agreement", prompt_function=agreement, metrics=[Metrics.loglikelihood_acc]),
    _task(
        "tiny_copy",
        prompt_function=copying,
        metrics=[EXACT_MATCH],
        generation_size=16,
        stop_sequence=["\n"],
    ),
]
