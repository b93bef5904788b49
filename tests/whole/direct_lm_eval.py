"""What lm_eval computes when called directly: `direct_lm_eval.py MODEL TASK …` in backend/ prints JSON."""

import json
import sys

import lm_eval
from lm_eval.tasks import TaskManager


def main(model: str, *tasks: str) -> None:
    report = lm_eval.simple_evaluate(
        model="hf",
        model_args={"pretrained": model, "dtype": "float32"},
        tasks=list(tasks),
        task_manager=TaskManager(include_path="tasks", include_defaults=False),
        batch_size=8,
        device="cpu",
    )
    assert report
    print(json.dumps({task: report["results"][task] for task in tasks}, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
