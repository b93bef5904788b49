"""The backend's settings.

Edit them here, or set variables of the same names in the Space's settings. A variable takes precedence over
this file. `None` means the default, which the comment names. Never write the token here: it is the Space's
secret HF_TOKEN.
"""

# Where the data is

# The organisation or user that owns the two datasets. Default: the Space's owner.
OWNER = None
# The two datasets. Default: OWNER/requests and OWNER/results.
QUEUE_REPO = None
RESULTS_REPO = None
# Commits per hour that each dataset accepts from all writers together. Writing slows down before this limit.
COMMITS_PER_HOUR = 120
# A local folder to use instead of the Hub. It contains requests/, results/ and models/.
LEADERBOARD_DATA_DIR = None

# What is evaluated, in lm_eval's terms

# Names of tasks and groups. name|few-shot sets the number of examples for one: "arc_challenge|25, mmlu|5".
TASKS_HARNESS = "capitals, tiny_copy"
# A folder with your own task files. lm_eval's own tasks need no folder.
TASKS_DIR = "tasks"
# The number of examples for all tasks that have none above. Default: each task's own.
NUM_FEWSHOT = None
# Questions per task, or a fraction of them, for trying things out. Default: all.
LIMIT = None

# How it is evaluated

# "cpu", "cuda", "mps", or several: "cuda:0, cuda:1".
DEVICE = "cpu"
# Evaluations that run at the same time. Default: one per device.
MAX_PARALLEL = None
# A number, or "auto".
BATCH_SIZE = "auto"
# Resamples for the standard error of f1, mcc, perplexity and the like. Fewer are faster but less exact.
BOOTSTRAP_ITERS = 100_000
# Stop an evaluation that takes longer than this.
MAX_HOURS = 2
# Stop an evaluation that makes no progress for this long.
STUCK_MINUTES = 60
# Stop an evaluation that uses more memory. Default: nine tenths of the machine's, shared by all evaluations.
MAX_MEMORY_GB = None
# Leave models with larger weights to other workers. Default: what fits into memory on a CPU, else no limit.
MAX_MODEL_GB = None
# How often to try a model whose evaluation crashes.
MAX_ATTEMPTS = 3
# After an evaluation, remove downloaded models until this much of the disk is free.
FREE_DISK_GB = 20
# True lets tasks such as humaneval run code that models write. Only for a machine that holds nothing else.
CONFIRM_RUN_UNSAFE_CODE = False
# True publishes one question of each task with its answer, for the About tab.
PUBLISH_EXAMPLES = False
# The worker's name. Default: the Space's name, or else the host's name and the lowest free number.
WORKER_ID = None

# How often, and in which order

# Rules of src/shared/data/queue_order.py, most important first: "oldest_first", "fair", "small_first".
QUEUE_ORDER = "oldest_first"

# Seconds between two checks of the queue.
REFRESH_RATE = 60
# A worker that is silent for this long is considered dead, and its requests go back to the queue.
LEASE_MINUTES = 60

# Where the page is served. On a Space, leave these to the Hub.

GRADIO_SERVER_NAME = None
GRADIO_SERVER_PORT = 7861
