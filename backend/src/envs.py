"""The settings of the backend. Edit the defaults here, or set a variable of the same name in the Space's
settings.
"""

from src.shared.environment import env

# Where the data lies

LEADERBOARD_DATA_DIR = env(
    "LEADERBOARD_DATA_DIR"
)  # local folders requests/, results/, models/ below it instead of the Hub
OWNER = env("OWNER", env("SPACE_AUTHOR_NAME", ""))  # the organisation or user that owns the two datasets
SPACE_ID = env("SPACE_ID")  # set by the Hub on a Space

# What is evaluated, in lm_eval's terms

# Names of tasks and groups; name|few-shot gives one its own number of examples: "arc_challenge|25, mmlu|5".
TASKS_HARNESS = env("TASKS_HARNESS", "tiny_addition, tiny_agreement, tiny_copy")
TASKS_DIR = env(
    "TASKS_DIR", "tasks"
)  # a folder of your own task files; lm_eval's own tasks are known by name
NUM_FEWSHOT = env(
    "NUM_FEWSHOT", None, kind=int
)  # for all tasks without a number of their own; None keeps each task's own default
LIMIT = env(
    "LIMIT", None, kind=float
)  # samples per task, for trying things out; None evaluates all, as a leaderboard should

# How it is evaluated

DEVICE = env("DEVICE", "cpu")  # "cpu", "cuda", "cuda:0", "mps"
BATCH_SIZE = env("BATCH_SIZE", "auto")  # a number, or "auto"
MAX_HOURS = env("MAX_HOURS", 24.0)  # an evaluation that takes longer is stopped
WORKER_ID = env("WORKER_ID", SPACE_ID)  # None: this host's name and the lowest free number

# Where the page is served; on a Space, leave this to the Hub

GRADIO_SERVER_NAME = env("GRADIO_SERVER_NAME", "0.0.0.0" if SPACE_ID else "127.0.0.1")
GRADIO_SERVER_PORT = env("GRADIO_SERVER_PORT", 7861)

# How often

REFRESH_RATE = env("REFRESH_RATE", 60.0)  # seconds between looks at the queue
LEASE_MINUTES = env("LEASE_MINUTES", 60.0)  # a worker that is silent for so long is taken for dead
