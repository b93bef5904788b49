"""One small task of each kind: choice, normalised choice, corpus metrics, generation, perplexity, subsets."""

from pathlib import Path
from typing import Any

import numpy as np
from lighteval.metrics.metrics import Metrics
from lighteval.metrics.metrics_sample import ExactMatches, LoglikelihoodAcc
from lighteval.metrics.normalizations import LogProbCharNorm, helm_normalizer
from lighteval.metrics.utils.metric_utils import SampleLevelMetric
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import Doc, SamplingMethod

HERE = str(Path(__file__).parent)


def choice(row: dict[str, Any], task: str) -> Doc:
    return Doc(task_name=task, query=row["question"], choices=row["choices"], gold_index=row["answer"])


def writing(row: dict[str, Any], task: str) -> Doc:
    return Doc(task_name=task, query=row["question"], choices=[row["answer"]], gold_index=0)


def text(row: dict[str, Any], task: str) -> Doc:
    return Doc(task_name=task, query="", choices=[f"{row['question']} {row['answer']}"], gold_index=0)


ACC_NORM = SampleLevelMetric(
    metric_name="acc_norm",
    higher_is_better=True,
    category=SamplingMethod.LOGPROBS,
    sample_level_fn=LoglikelihoodAcc(logprob_normalization=LogProbCharNorm()),
    corpus_level_fn=np.mean,
)
NORMALISED = SampleLevelMetric(
    metric_name="normalised_match",
    higher_is_better=True,
    category=SamplingMethod.GENERATIVE,
    sample_level_fn=ExactMatches(
        normalize_gold=helm_normalizer, normalize_pred=helm_normalizer, type_exact_match="prefix"
    ),
    corpus_level_fn=np.mean,
)

SPLITS = {"hf_avail_splits": ["train", "test"], "evaluation_splits": ["test"]}


def _choice(name: str, *metrics: Any, **settings: Any) -> LightevalTaskConfig:
    return LightevalTaskConfig(
        name=name,
        prompt_function=choice,
        hf_repo=HERE,
        hf_subset="sums",
        metrics=[*metrics],
        **{**SPLITS, **settings},
    )


TASKS_TABLE = [
    _choice("kind_choice", Metrics.loglikelihood_acc, ACC_NORM),
    _choice("kind_corpus", Metrics.mcc),
    _choice("kind_sampled", Metrics.loglikelihood_acc, few_shots_select="random_sampling_from_train"),
    _choice("kind_two_splits", Metrics.loglikelihood_acc, evaluation_splits=["train", "test"]),
    _choice("kind_parts:easy", Metrics.loglikelihood_acc, hf_filter=lambda row: row["answer"] < 2),
    _choice("kind_parts:hard", Metrics.loglikelihood_acc, hf_filter=lambda row: row["answer"] >= 2),
    LightevalTaskConfig(
        name="kind_writing",
        prompt_function=writing,
        hf_repo=HERE,
        hf_subset="words",
        metrics=[Metrics.exact_match, NORMALISED, Metrics.f1_score],
        generation_size=12,
        stop_sequence=["\n", "."],
        **SPLITS,
    ),
    LightevalTaskConfig(
        name="kind_answer_perplexity",
        prompt_function=writing,
        hf_repo=HERE,
        hf_subset="words",
        metrics=[Metrics.target_perplexity],
        **SPLITS,
    ),
    LightevalTaskConfig(
        name="kind_perplexity",
        prompt_function=text,
        hf_repo=HERE,
        hf_subset="words",
        metrics=[Metrics.word_perplexity, Metrics.bits_per_byte],
        **SPLITS,
    ),
]
