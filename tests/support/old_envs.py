"""A Space as an owner of the old template has it: its envs.py sets the old names, and none of ours."""

import shutil
from pathlib import Path

FRONTEND = """
import os
from huggingface_hub import HfApi

TOKEN = os.environ.get("HF_TOKEN")
OWNER = "old-org"
REPO_ID = f"{OWNER}/leaderboard"
QUEUE_REPO = f"{OWNER}/requests"
RESULTS_REPO = f"{OWNER}/results"
CACHE_PATH = os.getenv("HF_HOME", ".")
EVAL_REQUESTS_PATH = os.path.join(CACHE_PATH, "eval-queue")
EVAL_RESULTS_PATH = os.path.join(CACHE_PATH, "eval-results")
API = HfApi(token=TOKEN)
"""

BACKEND = f"""{FRONTEND}
DEVICE = "cpu"
LIMIT = 20
NUM_FEWSHOT = 0
TASKS_HARNESS = ["tiny_addition", "tiny_copy"]
ACCELERATOR = "cpu"
REGION = "us-east-1"
VENDOR = "aws"
TASKS_LIGHTEVAL = "lighteval|anli:r1|0|0"
REFRESH_RATE = 10 * 60
NUM_LINES_VISUALIZE = 300
"""


def with_old_envs(space: Path, folder: Path) -> Path:
    """A copy of a Space in a folder, with the old template's settings in the place of ours."""
    copy = folder / f"old-{space.name}"
    shutil.copytree(space, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "src" / "envs.py").write_text(BACKEND if space.name == "backend" else FRONTEND)
    return copy
