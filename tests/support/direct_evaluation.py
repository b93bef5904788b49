"""What lm_eval computes when it is called directly: `python direct_evaluation.py MODEL TASKS_DIR TASK …`."""

import json
import sys

from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager


def main(model: str, tasks_dir: str, *tasks: str) -> None:
    report = simple_evaluate(
        model="hf",
        model_args={"pretrained": model, "dtype": "float32"},
        tasks=list(tasks),
        task_manager=TaskManager(include_path=tasks_dir, include_defaults=False),
        device="cpu",
        batch_size=4,
    )
    print(json.dumps(report["results"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
